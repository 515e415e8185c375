"""Seeds, random generators, and arrays of random numbers.

Everything random in nnlite (initial weights, dropout masks, shuffling) draws from a :class:`numpy.random.Generator`
made here, so one :func:`set_seed` fixes a whole program.

The functions that make arrays take a ``seed``: a whole number for the same numbers at every call, a
:class:`SeedGenerator` to go on where it is, or None for the process's stream.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from nnlite import config

Array = np.ndarray[Any, Any]

_lock = threading.Lock()
# Made at first use: numpy.random takes a fifth of NumPy's own import time.
_stream: np.random.SeedSequence | None = None


def set_seed(seed: int) -> None:
    """Restart the stream that all later generators without a seed of their own come from.

    >>> set_seed(7); a = generator().random()
    >>> set_seed(7); a == generator().random()
    True
    """
    global _stream
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed: got {seed!r}, expected a whole number that is not negative.")
    with _lock:
        _stream = np.random.SeedSequence(int(seed))


def get_state() -> dict[str, int] | None:
    """Return where the process's stream is, for :func:`set_state`; None while nothing has been drawn from it.

    >>> set_seed(7); before = get_state(); a = generator().random()
    >>> set_state(before); a == generator().random()
    True
    """
    with _lock:
        if _stream is None:
            return None
        return {"entropy": int(_stream.entropy), "spawned": _stream.n_children_spawned}  # type: ignore[arg-type]


def set_state(state: dict[str, int] | None) -> None:
    """Go on where the process's stream was when :func:`get_state` returned ``state``."""
    global _stream
    with _lock:
        if state is None:
            _stream = None
        else:
            _stream = np.random.SeedSequence(state["entropy"], n_children_spawned=state["spawned"])


def check_seed(seed: Any) -> None:
    """Raise ``ValueError`` if ``seed`` is neither None, a whole number, nor a :class:`SeedGenerator`."""
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if not (seed is None or whole or isinstance(seed, SeedGenerator)):
        raise ValueError(f"seed: got {seed!r}, expected None or a whole number.")


def generator(seed: int | SeedGenerator | None = None) -> np.random.Generator:
    """Return a new random generator: from ``seed``, or from the process's stream where that is None.

    Raises ``ValueError`` if ``seed`` is neither None, a whole number, nor a :class:`SeedGenerator`.
    """
    check_seed(seed)
    if isinstance(seed, SeedGenerator):
        return seed.generator
    global _stream
    if seed is None:
        with _lock:
            if _stream is None:
                _stream = np.random.SeedSequence()
            child = _stream.spawn(1)[0]
        return np.random.Generator(np.random.PCG64(child))
    return np.random.Generator(np.random.PCG64(abs(int(seed))))


class SeedGenerator:
    """A random stream that several layers may share, in the place of their ``seed``.

    >>> shared = SeedGenerator(3)
    >>> generator(shared) is shared.generator
    True
    """

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed
        self.generator = generator(seed)

    def get_config(self) -> dict[str, object]:
        """Return the constructor's argument."""
        return {"seed": self.seed}


def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Return normal numbers.

    Args:
        shape: of the array.
        mean, stddev: their mean and standard deviation, numbers or arrays that fit the shape.
        dtype: a floating one; :func:`nnlite.config.floatx` where None.
        seed: see the head of this module, as in all functions here.

    Raises ``ValueError`` for a dtype of whole numbers or another ``seed``.

    >>> normal((2, 3), seed=1).shape, bool((normal((4,), seed=1) == normal((4,), seed=1)).all())
    ((2, 3), True)
    """
    kind, made = _floating("normal", dtype), generator(seed)
    return np.asarray(made.standard_normal(_sizes(shape)) * stddev + mean).astype(kind)


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Return normal numbers, drawn again where they are further than two standard deviations from the mean.

    >>> bool(abs(truncated_normal((1000,), seed=1)).max() <= 2)
    True
    """
    kind, made = _floating("truncated_normal", dtype), generator(seed)
    values = np.asarray(made.standard_normal(_sizes(shape)))
    flat = values.reshape(-1)
    far = np.flatnonzero(np.abs(flat) > 2)
    while far.size:
        flat[far] = made.standard_normal(far.size)
        far = far[np.abs(flat[far]) > 2]
    return np.asarray(flat.reshape(values.shape) * stddev + mean).astype(kind)


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Array:
    """Return numbers spread evenly from ``minval`` up to, without, ``maxval``.

    >>> bool((uniform((9,), 2, 3, seed=1) >= 2).all())
    True
    """
    kind, made = _floating("uniform", dtype), generator(seed)
    values = np.asarray(made.random(_sizes(shape)) * (np.asarray(maxval) - minval) + minval).astype(kind)
    below = np.nextafter(np.asarray(maxval, kind), np.asarray(minval, kind))  # a number may be rounded up to maxval
    return np.asarray(np.minimum(values, np.maximum(below, np.asarray(minval, kind))))


def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Array:
    """Return whole numbers from ``minval`` up to, without, ``maxval``.

    >>> sorted(set(randint((99,), 0, 3, seed=1).tolist()))
    [0, 1, 2]
    """
    kind = np.dtype(dtype)
    if kind.kind not in "iu":
        raise ValueError(f"randint: dtype got {dtype!r}, expected one of whole numbers. uniform makes real ones.")
    return np.asarray(generator(seed).integers(minval, maxval, _sizes(shape))).astype(kind)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Array:
    """Return classes drawn with probabilities of softmax(logits): ``num_samples`` for each row.

    >>> categorical(np.log([[0.0001, 0.9999]]), 3, seed=1)
    array([[1, 1, 1]], dtype=int32)
    """
    logits = np.asarray(logits, "float64")
    if logits.ndim != 2:
        raise ValueError(f"categorical: logits have shape {logits.shape}, expected (rows, classes).")
    draws = generator(seed).gumbel(size=(len(logits), num_samples, logits.shape[1]))
    return np.asarray((draws + logits[:, None]).argmax(-1)).astype(dtype)


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Array:
    """Return numbers of the gamma distribution with shape ``alpha`` and scale 1.

    >>> gamma((2,), 3.0, seed=1).dtype
    dtype('float32')
    """
    kind = _floating("gamma", dtype)
    return np.asarray(generator(seed).standard_gamma(alpha, _sizes(shape))).astype(kind)


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Array:
    """Return numbers of the beta distribution.

    >>> bool((beta((9,), 1.0, 2.0, seed=1) <= 1).all())
    True
    """
    kind = _floating("beta", dtype)
    return np.asarray(generator(seed).beta(alpha, beta, _sizes(shape))).astype(kind)


def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Array:
    """Return how many of ``counts`` trials succeed, each with the probability given.

    >>> binomial((2,), 5, 1.0)
    array([5., 5.], dtype=float32)
    """
    kind, trials = _floating("binomial", dtype), np.asarray(counts).astype("int64")
    return np.asarray(generator(seed).binomial(trials, probabilities, _sizes(shape))).astype(kind)


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Array:
    """Return an array with its entries along ``axis`` in random order, the same for all places along the others.

    >>> sorted(shuffle([3, 1, 2]).tolist())
    [1, 2, 3]
    """
    return generator(seed).permutation(np.asarray(x), axis=axis)


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Array:
    """Return the inputs with a share of ``rate`` set to 0 and the others divided by ``1 - rate``.

    Args:
        inputs: an array.
        rate: from 0 up to, without, 1.
        noise_shape: of the decisions; they are repeated along axes of size 1. None in it stands for the input's size.
        seed: see the head of this module.

    >>> sorted(set(dropout(np.ones(99), 0.5, seed=1).tolist()))
    [0.0, 2.0]
    """
    x = np.asarray(inputs)
    x = x if x.dtype.kind == "f" else x.astype(config.floatx())
    if not 0 <= rate < 1:
        raise ValueError(f"dropout: rate got {rate!r}, expected a number from 0 up to, without, 1.")
    sizes = x.shape if noise_shape is None else tuple(map(_chosen, noise_shape, x.shape))
    return np.asarray(x * (generator(seed).random(sizes) >= rate).astype(x.dtype) / np.asarray(1 - rate, x.dtype))


def _chosen(given: int | None, own: int) -> int:
    return own if given is None else given


def _sizes(shape: Any) -> tuple[int, ...]:
    return (int(shape),) if np.ndim(shape) == 0 else tuple(int(size) for size in shape)


def _floating(function: str, dtype: Any) -> np.dtype[Any]:
    """Return the dtype asked for, float32 for half precision as everywhere."""
    name = config.floatx() if dtype is None else str(getattr(dtype, "name", dtype))
    kind = np.dtype("float32" if name in ("float16", "bfloat16") else name)
    if kind.kind != "f":
        raise ValueError(f"{function}: dtype got {dtype!r}, expected a floating one. randint makes whole numbers.")
    return kind
