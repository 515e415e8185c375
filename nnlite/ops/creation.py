"""New arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite import config
from nnlite.ops.base import function
from nnlite.ops.inference import result_dtype, same_shape


def _type(dtype: Any) -> Any:
    name = config.floatx() if dtype is None else dtype
    return np.dtype("float32" if name == "bfloat16" else name)


def zeros(shape: Any, dtype: Any = None) -> Any:
    """Return an array of zeros, in ``floatx`` unless another dtype is given.

    >>> zeros((2, 3)).dtype
    dtype('float32')
    """
    return np.zeros(shape, _type(dtype))


def ones(shape: Any, dtype: Any = None) -> Any:
    """Return an array of ones, in ``floatx`` unless another dtype is given.

    >>> ones(2).tolist()
    [1.0, 1.0]
    """
    return np.ones(shape, _type(dtype))


def empty(shape: Any, dtype: Any = None) -> Any:
    """Return an array whose elements are whatever they are; of zeros, here.

    >>> empty((2, 3)).shape
    (2, 3)
    """
    return zeros(shape, dtype)


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Return an array with one value everywhere, in ``floatx`` unless another dtype is given.

    >>> full(2, 7).tolist()
    [7.0, 7.0]
    """
    return np.full(shape, fill_value, _type(dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:  # noqa: N803 (Keras's names)
    """Return a matrix of N rows and M columns (N for None) with ones on its k-th diagonal, zeros elsewhere.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return np.eye(N, M, k, _type(dtype))


def identity(n: int, dtype: Any = None) -> Any:
    """Return a square matrix with ones on its diagonal.

    >>> identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return np.eye(n, dtype=_type(dtype))


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:  # noqa: N803 (Keras's names)
    """Return a matrix with ones on and below its k-th diagonal, zeros above.

    >>> tri(2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    return np.tri(N, M, k, _type(dtype))


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """Return numbers from ``start`` (0 if it is given alone) to below ``stop``: int32, or ``floatx`` if one is a float.

    >>> arange(3).tolist(), arange(1, 2, 0.5).dtype
    ([0, 1, 2], dtype('float32'))
    """
    given = [one for one in (start, stop, step) if one is not None]
    dtype = result_dtype(*given) if dtype is None else dtype
    start, stop = (0, start) if stop is None else (start, stop)
    return np.arange(start, stop, 1 if step is None else step, dtype=dtype)


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """Return ``num`` numbers at equal distances from ``start`` to ``stop``, and that distance too if ``retstep``.

    >>> linspace(0, 1, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    dtype = _type(dtype)
    found: Any = np.linspace(start, stop, num, endpoint, retstep, axis=axis)  # type: ignore[call-overload]
    return (found[0].astype(dtype), found[1]) if retstep else found.astype(dtype)


def array(x: Any, dtype: Any = None) -> Any:
    """Return x as an array; floats that are none yet in ``floatx``, whole numbers in int32.

    >>> array([1, 2]).dtype
    dtype('int32')
    """
    from nnlite.ops.conversion import convert_to_tensor

    return np.array(convert_to_tensor(x, dtype))


@function("ZerosLike")
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Return zeros in the shape of x, and in its dtype unless another is given.

    >>> zeros_like(np.array([1, 2])).tolist()
    [0, 0]
    """
    return np.zeros(x.shape, dtype or x.dtype)


@function("OnesLike")
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Return ones in the shape of x, and in its dtype unless another is given.

    >>> ones_like(np.array([1, 2])).tolist()
    [1, 1]
    """
    return np.ones(x.shape, dtype or x.dtype)


@function("FullLike", operands=2)
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Return one value everywhere in the shape of x, and in its dtype unless another is given.

    >>> full_like(np.array([1, 2]), 7).tolist()
    [7, 7]
    """
    return np.full(x.shape, fill_value, dtype or x.dtype)


for _one in (zeros_like, ones_like, full_like):
    _one.output_shape(same_shape)

    @_one.output_dtype
    def _(x: Any, *value: Any, dtype: Any) -> Any:
        return str(np.dtype(dtype or x.dtype).name)
