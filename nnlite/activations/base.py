"""What makes a function an activation: its derivative beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nnlite import config
from nnlite.kernels import memory
from nnlite.kernels.elementwise import over_elements, over_rows

Array = np.ndarray[Any, Any]


def differentiable(
    forward: Callable[..., Any] | None = None,
    backward: Callable[..., Any] | None = None,
    keeps: str = "x",
    elementwise: bool = True,
    nanoseconds: float = 2.0,
    output_shape: Callable[..., Any] | None = None,
) -> Callable[[Any], Any]:
    """Return a decorator that gives an activation function its derivative, so that layers can train through it.

    The function gets the attributes ``forward(x, out=None, **options) -> y``,
    ``backward(dy, kept, out=None, **options) -> dx``, ``keeps``, ``elementwise`` and ``output_shape``.

    Args:
        forward: function of (x, **options) that returns y; the decorated function itself where None.
        backward: function of (dy, kept, **options) that returns dx = dy * derivative, and changes neither argument.
        keeps: what ``kept`` is: "x", "y", or "nothing" (None). With "y" layers may compute y in the place of x.
        elementwise: whether each element of y depends on that element of x alone.
        nanoseconds: what an element takes, roughly; tells from which size on threads are worth while.
        output_shape: function of (shape of x, **options) that returns the shape of y, where that is another; it keeps
            "x" then. A size may be None.

    Where ``forward`` and ``backward`` have a parameter ``out`` they are run in blocks and on several threads.

    Raises:
        ValueError: if ``keeps`` is none of the three.
        TypeError: if ``backward`` is missing, or something is no function.

    >>> @differentiable(backward=lambda dy, x: dy * 2 * x)
    ... def square(x):
    ...     return x**2
    >>> square.backward(np.ones(2), square.forward(np.array([1.0, 3.0]))).tolist()
    [2.0, 18.0]
    """
    if keeps not in ("x", "y", "nothing"):
        raise ValueError(f"differentiable: keeps must be 'x', 'y' or 'nothing', got {keeps!r}.")
    if output_shape is not None and (keeps != "x" or elementwise):
        raise ValueError("differentiable: an activation that changes the shape keeps 'x' and is not elementwise.")
    if not callable(backward) or not (forward is None or callable(forward)):
        raise TypeError(
            "differentiable: expected backward=, a function of (dy, kept), and maybe forward=, a function of x. "
            "Write @differentiable(backward=...) above def."
        )

    def add(function: Any) -> Any:
        name = getattr(function, "__name__", repr(function))
        run_forward = _runner(function if forward is None else forward, name, elementwise, nanoseconds, output_shape)
        run_backward = _runner(backward, f"the backward of {name}", elementwise, nanoseconds)

        def run(x: Array, out: Array | None = None, **options: Any) -> Array:
            return run_forward((x,), out, options)

        def run_back(dy: Array, kept: Array | None = None, out: Array | None = None, **options: Any) -> Array:
            return run_backward((dy,) if keeps == "nothing" else (dy, kept), out, options)

        function.forward, function.backward = run, run_back
        function.keeps, function.elementwise, function.output_shape = keeps, elementwise, output_shape
        return function

    return add


def _runner(
    kernel: Callable[..., Any],
    name: str,
    elementwise: bool,
    nanoseconds: float,
    output_shape: Callable[..., Any] | None = None,
) -> Callable[..., Array]:
    """Return a function of (arrays, out, options) that runs ``kernel`` over arrays of any size and strides."""
    try:
        in_blocks = "out" in inspect.signature(kernel).parameters
    except ValueError:  # some built-in functions have no signature
        in_blocks = False

    def run(arrays: tuple[Array, ...], out: Array | None, options: dict[str, Any]) -> Array:
        first = arrays[0]
        if not (first.dtype.isnative and arrays[-1].dtype.isnative):  # there are two at most
            arrays = tuple(a.astype(a.dtype.newbyteorder("=")) for a in arrays)
            first = arrays[0]
        if in_blocks:
            if out is None:
                out = memory.empty(first.shape, first.dtype)
            if not elementwise:
                return over_rows(kernel, arrays, out, nanoseconds, **options)
            # a NumPy scalar among the options would turn float32 into float64
            if options:
                options = {k: v.item() if isinstance(v, np.generic) else v for k, v in options.items()}
            return over_elements(kernel, arrays, out, nanoseconds, **options)
        result = np.asarray(kernel(*arrays, **options))
        # What comes back has the shape of x, which is the last of (dy, x), unless it is y and that has another.
        wanted = arrays[-1].shape if output_shape is None else tuple(output_shape(first.shape, **options))
        if result.shape != wanted:
            raise ValueError(f"{name} returned shape {result.shape} for an array of shape {first.shape}.")
        if out is None:
            return result.astype(first.dtype, copy=False)
        np.copyto(out, result, casting="same_kind")
        return out

    return run


def call(function: Any, x: ArrayLike, **options: Any) -> Array:
    """Return function(x) for any array-like: float arrays keep their type, all else becomes floatx."""
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{function.__name__}: x must hold real numbers, got dtype {array.dtype}.")
    if array.dtype.kind != "f" or not hasattr(x, "dtype"):
        array = array.astype(config.floatx() if config.floatx() != "bfloat16" else "float32")
    if array.dtype == np.float16:
        return function.forward(array.astype(np.float32), **options).astype(np.float16)
    return function.forward(array, **options)
