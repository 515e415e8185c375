"""InputSpec: what a layer expects of its input, and the message when something else comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nnlite.core.structure import is_shape


class InputSpec:
    """Rank and sizes that an input must have; checked by the base class before ``forward``.

    A layer's ``input_spec`` is one of these, or a list of one for each input.

    Args:
        dtype: name of a dtype, for readers; inputs are cast to the layer's own.
        shape: the shape, batch included, None for open sizes; in the place of ``ndim``.
        ndim: exact number of axes, the batch included.
        max_ndim: greatest number of axes.
        min_ndim: least number of axes.
        axes: sizes that certain axes must have, such as ``{-1: 3}`` for three channels.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing, or one too many.
        name, optional: for readers.

    >>> InputSpec(ndim=4, axes={-1: 3})
    InputSpec(ndim=4, axes={-1: 3})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Sequence[int | None] | None = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: Mapping[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        if dtype is not None and not isinstance(dtype, str):
            dtype = getattr(dtype, "name", None) or getattr(dtype, "__name__", dtype)
        if not isinstance(dtype, (str, type(None))):
            raise TypeError(f"InputSpec: dtype must be the name of one, got {dtype!r}; shape and ndim come after it.")
        if shape is not None and not is_shape(shape):
            raise TypeError(f"InputSpec: shape must be made of whole numbers and None, got {shape!r}.")
        self._passed: Any = None  # the last shape that was as expected
        self.dtype, self.name, self.optional = dtype, name, bool(optional)
        self.shape = None if shape is None else tuple(shape)
        self.ndim = ndim if shape is None else len(shape)
        self.min_ndim, self.max_ndim = min_ndim, max_ndim
        self.allow_last_axis_squeeze = bool(allow_last_axis_squeeze)
        try:
            self.axes = {int(axis): size for axis, size in (axes or {}).items() if size is not None}
        except (AttributeError, TypeError, ValueError):
            raise TypeError(f"InputSpec: axes must be a dict of axes and their sizes, got {axes!r}.") from None
        most = self.ndim if self.ndim is not None else max_ndim
        if most is not None and max(self.axes, default=0) >= most:
            raise ValueError(f"InputSpec: axes {self.axes} name an axis that inputs of {most} axes do not have.")

    def check(self, layer: Any, shape: Sequence[int | None]) -> None:
        """Raise ``ValueError``, naming the layer, unless ``shape`` is as expected."""
        if shape == self._passed:
            return
        given = tuple(shape)
        if self.allow_last_axis_squeeze and self.shape:
            if len(shape) == len(self.shape) + 1 and shape[-1] == 1:
                shape = shape[:-1]
            elif len(shape) == len(self.shape) - 1 and self.shape[-1] == 1:
                shape = (*shape, 1)
        rank = len(shape)
        wanted = None
        if self.ndim is not None and rank != self.ndim:
            wanted = f"{self.ndim} axes"
        elif self.min_ndim is not None and rank < self.min_ndim:
            wanted = f"at least {self.min_ndim} axes"
        elif self.max_ndim is not None and rank > self.max_ndim:
            wanted = f"at most {self.max_ndim} axes"
        if wanted:
            raise ValueError(
                f"{layer.label} expects an input with {wanted}, the batch first; got shape {given}, which has "
                f"{len(given)}."
            )
        for axis, size in self.axes.items():
            if -rank <= axis < rank and shape[axis] is not None and shape[axis] != size:
                raise ValueError(
                    f"{layer.label} expects size {size} along axis {axis} of its input, "
                    f"as it was built; got shape {given}."
                )
        if self.shape and any(None not in pair and pair[0] != pair[1] for pair in zip(self.shape, shape, strict=False)):
            raise ValueError(f"{layer.label} expects an input of shape {self.shape}, got {given}.")
        self._passed = given

    def __repr__(self) -> str:
        given = {
            "dtype": self.dtype,
            "shape": self.shape,
            "ndim": self.ndim,
            "min_ndim": self.min_ndim,
            "max_ndim": self.max_ndim,
            "axes": self.axes or None,
        }
        return f"InputSpec({', '.join(f'{k}={v}' for k, v in given.items() if v is not None)})"


def check_inputs(layer: Any, shapes: Any) -> None:
    """Raise ``ValueError``, naming the layer, unless one shape, or a list of them, is as its ``input_spec`` tells."""
    spec = layer.input_spec
    if not isinstance(spec, (list, tuple)):
        spec.check(layer, shapes)
        return
    shapes = [shapes] if is_shape(shapes) else list(shapes)
    if len(shapes) != len(spec):
        raise ValueError(f"{layer.label} expects {len(spec)} inputs, got {len(shapes)}.")
    for one, shape in zip(spec, shapes, strict=True):
        if one is not None and shape is not None:
            one.check(layer, shape)
