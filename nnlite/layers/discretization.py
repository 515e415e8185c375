"""Numbers to the bins that they lie in."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.core.layer import Layer
from nnlite.layers import categories, checks


@registry.register("layers")
class Discretization(Layer):
    """Numbers to the bins that they lie in.

    ``y = number of boundaries b with b <= x``: B boundaries make B + 1 bins, from 0 for what is below the first. NaN is
    in the last. The modes other than "int" go on as :class:`CategoryEncoding` does, with B + 1 categories.

    The result is a step function: ``backward`` gives zeros for floats, and None for whole numbers.

    Args:
        bin_boundaries: the boundaries, in rising order.
        num_bins: must be None, except in configs of layers that Keras has adapted, which have the boundaries too: here
            none are learned from data (``numpy.quantile`` finds some).
        epsilon: of no effect; kept for files.
        output_mode: "int", "one_hot", "multi_hot" or "count".
        sparse: must be False: results are NumPy arrays.

    Shapes: y (..., n) for x (..., n) with "int".

    Raises:
        ValueError: for boundaries that are missing or not in order.

    >>> import numpy as np
    >>> Discretization([0.0, 1.0])(np.array([[-1.5, 0.0, 0.5, 3.0]])).tolist()
    [[0, 1, 1, 2]]
    """

    passes_no_gradient = True

    def __init__(
        self,
        bin_boundaries: Any = None,
        num_bins: int | None = None,
        epsilon: float = 0.01,
        output_mode: str = "int",
        sparse: bool = False,
        dtype: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(dtype=dtype, name=name, **kwargs)
        if bin_boundaries is None:
            raise ValueError(
                f"{self.label}: bin_boundaries must be given; they are not learned from data here. "
                f"numpy.quantile(data, numpy.linspace(0, 1, bins + 1)[1:-1]) finds boundaries of bins of one size."
            )
        edges = np.asarray(bin_boundaries, np.float64)
        if edges.ndim != 1 or not (np.diff(edges) >= 0).all():
            raise ValueError(f"{self.label}: bin_boundaries must be numbers in rising order, got {bin_boundaries!r}.")
        self.bin_boundaries = edges.tolist()
        self.num_bins, self.epsilon = num_bins, epsilon
        self.output_mode = checks.choice(self, "output_mode", output_mode, ("int", *categories.MODES))
        if sparse:
            raise ValueError(f"{self.label}: sparse=True is not available: results are NumPy arrays.")

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        edges = np.asarray(self.bin_boundaries, x.dtype if x.dtype.kind == "f" else np.float64)
        bins = np.digitize(x, edges).astype("int32")
        if self.output_mode == "int":
            return bins, x
        return categories.encode(bins, self.output_mode, len(edges) + 1, self._compute), x

    def backward(self, dy: Any, x: Any) -> Any:
        return None if x.dtype.kind in "iub" else np.zeros_like(x)

    def _cast(self, x: Any) -> Any:
        """Numbers as they come: the layer's dtype is that of the result, in files of Keras 2 a whole number."""
        array = np.asarray(x)
        return array if array.dtype.kind in "fiub" else super()._cast(x)

    def _dtype_of_output(self, x: Any) -> str:
        return "int32" if self.output_mode == "int" else super()._dtype_of_output(x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.output_mode == "int":
            return tuple(input_shape)
        return categories.encoded_shape(input_shape, self.output_mode, len(self.bin_boundaries) + 1)
