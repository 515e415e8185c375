"""InputSpec: what a layer expects of its input, and the message when something else comes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class InputSpec:
    """Rank and sizes that an input must have; checked by the base class before ``forward``.

    Args:
        ndim: exact number of axes, the batch included.
        min_ndim: least number of axes.
        max_ndim: greatest number of axes.
        axes: sizes that certain axes must have, such as ``{-1: 3}`` for three channels.

    >>> InputSpec(ndim=4, axes={-1: 3})
    InputSpec(ndim=4, axes={-1: 3})
    """

    def __init__(
        self,
        ndim: int | None = None,
        min_ndim: int | None = None,
        max_ndim: int | None = None,
        axes: Mapping[int, int] | None = None,
    ) -> None:
        self.ndim, self.min_ndim, self.max_ndim = ndim, min_ndim, max_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items() if size is not None}

    def check(self, layer: Any, shape: Sequence[int | None]) -> None:
        """Raise ``ValueError``, naming the layer, unless ``shape`` is as expected."""
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
                f"{layer.label} expects an input with {wanted}, the batch first; "
                f"got shape {tuple(shape)}, which has {rank}."
            )
        for axis, size in self.axes.items():
            if -rank <= axis < rank and shape[axis] is not None and shape[axis] != size:
                raise ValueError(
                    f"{layer.label} expects size {size} along axis {axis} of its input, "
                    f"as it was built; got shape {tuple(shape)}."
                )

    def __repr__(self) -> str:
        given = {"ndim": self.ndim, "min_ndim": self.min_ndim, "max_ndim": self.max_ndim, "axes": self.axes or None}
        return f"InputSpec({', '.join(f'{k}={v}' for k, v in given.items() if v is not None)})"
