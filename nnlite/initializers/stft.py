"""Kernels of the short-time Fourier transform."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry, serialization
from nnlite.core.errors import nearest
from nnlite.initializers.base import Array, Initializer, checked_dtype, checked_shape

_SIDES = ("real", "imag")
_SCALINGS = ("density", "spectrum")


@registry.register("initializers", "stft", "STFTInitializer")
class STFT(Initializer):
    """Cosines or sines under a window: a convolution with them is one side of a short-time Fourier transform.

    For a shape of (T, 1, F) the element (t, 0, f) is ``cos(-pi t f / (F - 1)) w[t] / s``, or the sine: F frequencies
    from 0 to half the sampling rate.

    Args:
        side: "real" for cosines, "imag" for sines.
        window: a name that ``scipy.signal.get_window`` knows, an array of T numbers, or None for none.
        scaling: s is the root of the sum of w^2 ("density"), the sum of abs(w) ("spectrum"), or 1 (None).
        periodic: whether a window that is named is cut from a period, or symmetric.

    Raises:
        ValueError: for other values, a window of another length, and a shape of other than three axes.

    >>> STFT("real", None, None)((4, 1, 3)).round(3)[:, 0, 1].tolist()
    [1.0, -0.0, -1.0, 0.0]
    """

    def __init__(
        self, side: str = "real", window: Any = "hann", scaling: str | None = "density", periodic: bool = False
    ) -> None:
        if side not in _SIDES:
            raise ValueError(f"STFT: side must be 'real' or 'imag', got {side!r}.{nearest(side, _SIDES)}")
        if scaling is not None and scaling not in _SCALINGS:
            raise ValueError(
                f"STFT: scaling must be 'density', 'spectrum' or None, got {scaling!r}.{nearest(scaling, _SCALINGS)}"
            )
        if isinstance(window, str):
            _named_window(window, 1, False)
        self.side, self.window, self.scaling, self.periodic = side, window, scaling, bool(periodic)

    def __call__(self, shape: Any, dtype: Any = None) -> Array:
        shape, kind = checked_shape(self, shape), checked_dtype(dtype)
        if len(shape) != 3 or shape[2] < 2:
            raise ValueError(f"STFT: expected a shape of (length, 1, frequencies of 2 or more), got {shape}.")
        length, _, frequencies = shape
        time = np.arange(length, dtype=kind).reshape(-1, 1, 1)
        # In the dtype itself, as Keras does: long windows lose digits that a longer type would keep.
        angles = time * -2 * (np.arange(frequencies, dtype=kind) / kind.type((frequencies - 1) * 2)) * kind.type(np.pi)
        kernel = np.cos(angles) if self.side == "real" else np.sin(angles)
        if self.window is None:
            return np.array(np.broadcast_to(kernel, shape))
        named = isinstance(self.window, str)
        given = _named_window(self.window, length, self.periodic) if named else self.window
        window = np.asarray(given, kind)
        if window.shape != (length,):
            raise ValueError(
                f"STFT: a window of shape {window.shape} does not fit a kernel of shape {shape}; expected ({length},)."
            )
        total = {"density": np.sqrt(np.square(window).sum()), "spectrum": np.abs(window).sum()}
        scale = total.get(self.scaling or "", kind.type(1))
        return np.array(np.broadcast_to(kernel * window.reshape(-1, 1, 1) / scale, shape))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data, in Keras's order."""
        window = serialization.serialize(self.window)
        return {"side": self.side, "window": window, "periodic": self.periodic, "scaling": self.scaling}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        window = config.get("window", "hann")
        ready = serialization.deserialize(window) if isinstance(window, dict) else window
        return super().from_config(config | {"window": ready})


def _named_window(name: str, length: int, periodic: bool) -> Any:
    """Return a window by SciPy's name for it.

    Raises ``ValueError`` for an unknown name.
    """
    from scipy.signal import get_window

    try:
        return get_window(name, length, periodic)
    except ValueError as error:
        raise ValueError(f"STFT: window {name!r}: {error} See scipy.signal.get_window.") from None
