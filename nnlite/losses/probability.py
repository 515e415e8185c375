"""Losses of probabilities beyond the cross-entropies: divergence, counts, and cross-entropies that weigh mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import registry
from nnlite.kernels import losses_probability as kernels
from nnlite.losses.base import FunctionLoss, loss_function, values_of
from nnlite.losses.checks import binary, fitting, number, one_hot, sparse


@loss_function(kernels.kl_divergence_forward, kernels.kl_divergence_backward, fitting, "kld", "KLD")
def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """Return the sum over the last axis of y_true * log(y_true / y_pred), both cut to [1e-7, 1].

    >>> round(float(kl_divergence([[0.5, 0.5]], [[0.25, 0.75]])[0]), 4)
    0.1438
    """
    return values_of(kl_divergence, y_true, y_pred)


@loss_function(kernels.poisson_forward, kernels.poisson_backward, fitting)
def poisson(y_true: Any, y_pred: Any) -> Any:
    """Return the mean over the last axis of y_pred - y_true * log(y_pred + 1e-7).

    >>> round(float(poisson([[2.0]], [[1.5]])[0]), 4)
    0.6891
    """
    return values_of(poisson, y_true, y_pred)


@loss_function(kernels.binary_focal_crossentropy_forward, kernels.binary_focal_crossentropy_backward, binary)
def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Return the mean over the axis of binary cross-entropies, each times (1 - probability of the target)^gamma.

    >>> round(float(binary_focal_crossentropy([[1.0]], [[0.5]])[0]), 4)
    0.1733
    """
    options = {"apply_class_balancing": apply_class_balancing, "alpha": alpha, "gamma": gamma}
    options |= {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
    return values_of(binary_focal_crossentropy, y_true, y_pred, **options)


@loss_function(kernels.categorical_focal_crossentropy_forward, kernels.categorical_focal_crossentropy_backward, one_hot)
def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Any:
    """Return -sum of alpha (1 - p)^gamma y log p along the axis, for one-hot targets.

    >>> round(float(categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
    0.0433
    """
    options = {"alpha": alpha, "gamma": gamma, "from_logits": from_logits}
    options |= {"label_smoothing": label_smoothing, "axis": axis}
    return values_of(categorical_focal_crossentropy, y_true, y_pred, **options)


def _labels(name: str, y_true: Any, y_pred_shape: Any, **options: Any) -> None:
    sparse(name, y_true, y_pred_shape)


@loss_function(
    kernels.generalized_cross_entropy_forward, kernels.generalized_cross_entropy_backward, _labels, takes_labels=True
)
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """Return (1 - p^q) / q, with p the probability of the label, for whole-number labels.

    >>> round(float(categorical_generalized_cross_entropy([1], [[0.5, 0.5]], q=0.5)[0]), 4)
    0.5858
    """
    return values_of(categorical_generalized_cross_entropy, y_true, y_pred, q=q)


@registry.register("losses")
class KLDivergence(FunctionLoss):
    """Kullback-Leibler divergence: sum of y_true * log(y_true / y_pred), both cut to [1e-7, 1].

    Gradient: -y_true / y_pred, 0 where y_pred is cut.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> round(KLDivergence()([[0.5, 0.5]], [[0.25, 0.75]]).item(), 4)
    0.1438
    """

    fn = staticmethod(kl_divergence)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str = "kl_divergence", dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class Poisson(FunctionLoss):
    """Mean of y_pred - y_true * log(y_pred + 1e-7), for counts and the rates that are predicted for them.

    Gradient: (1 - y_true / (y_pred + 1e-7)) / n.

    Args:
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> round(Poisson()([[2.0]], [[1.5]]).item(), 4)
    0.6891
    """

    fn = staticmethod(poisson)

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str = "poisson", dtype: Any = None) -> None:
        super().__init__(name, reduction, dtype)


@registry.register("losses")
class BinaryFocalCrossentropy(FunctionLoss):
    """Binary cross-entropy in which what is right already counts less (Lin et al., 2018, "Focal loss for dense object
    detection").

    With p the prediction (the sigmoid of logits), m = y (1 - p) + (1 - y) p and ce = -(y log p + (1 - y) log(1 - p)),
    p cut to [1e-7, 1 - 1e-7] in the logarithms: the mean of m^gamma * ce. Its gradient by p is
    (gamma m^(gamma - 1) (1 - 2 y) ce + m^gamma (p - y) / (p (1 - p))) / n, the second term 0 where p is cut; by the
    logit that times p (1 - p).

    Args:
        apply_class_balancing: whether positives are weighted by alpha, and negatives by 1 - alpha.
        alpha: as above.
        gamma: how much less; 0 gives :class:`BinaryCrossentropy`.
        from_logits: whether y_pred are logits; else probabilities.
        label_smoothing: targets become y * (1 - s) + s / 2.
        axis: the axis that is averaged.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> round(BinaryFocalCrossentropy()([[1.0]], [[0.5]]).item(), 4)
    0.1733
    """

    fn = staticmethod(binary_focal_crossentropy)

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        owner = type(self).__name__
        number(owner, "alpha", alpha, 0, 1)
        number(owner, "gamma", gamma, 0)
        number(owner, "label_smoothing", label_smoothing, 0, 1)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, alpha, gamma

    def options(self) -> dict[str, Any]:
        names = ("apply_class_balancing", "alpha", "gamma", "from_logits", "label_smoothing", "axis")
        return {name: getattr(self, name) for name in names}


@registry.register("losses")
class CategoricalFocalCrossentropy(FunctionLoss):
    """Cross-entropy of one-hot targets in which what is right already counts less (Lin et al., 2018).

    -sum of alpha (1 - p)^gamma y log p, with p divided by its sum (or the softmax of logits) and cut to
    [1e-7, 1 - 1e-7].
    With dp = alpha y (gamma (1 - p)^(gamma - 1) log p - (1 - p)^gamma / p), 0 where cut, the gradient is
    p (dp - sum(dp p)) by logits, (dp - sum(dp p)) / sum by probabilities.

    Args:
        alpha: weight of all classes, or a list with one for each.
        gamma: how much less; 0 gives :class:`CategoricalCrossentropy` times alpha.
        from_logits: whether y_pred are logits; else probabilities.
        label_smoothing: targets become y * (1 - s) + s / classes.
        axis: the axis of the classes.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    >>> round(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]]).item(), 4)
    0.0433
    """

    fn = staticmethod(categorical_focal_crossentropy)

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        owner = type(self).__name__
        for one in np.ravel(alpha).tolist():
            number(owner, "alpha", one)
        number(owner, "gamma", gamma, 0)
        number(owner, "label_smoothing", label_smoothing, 0, 1)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis
        self.alpha, self.gamma = alpha, gamma

    def options(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in ("alpha", "gamma", "from_logits", "label_smoothing", "axis")}


@registry.register("losses")
class CategoricalGeneralizedCrossEntropy(FunctionLoss):
    """(1 - p^q) / q, with p the probability of the label: between cross-entropy (q near 0) and absolute error (q = 1),
    for labels of which some are wrong (Zhang & Sabuncu, 2018).

    Gradient: -p^(q - 1) at the label, 0 elsewhere. Probabilities are taken as they are, neither normalized nor cut.

    Args:
        q: between 0 and 1, neither of which it may be.
        reduction, name, dtype: as for :class:`nnlite.losses.Loss`.

    Shapes: y_true whole numbers (N, ...) or (N, ..., 1), y_pred (N, ..., classes).

    >>> round(CategoricalGeneralizedCrossEntropy()([1], [[0.5, 0.5]]).item(), 4)
    0.5858
    """

    fn = staticmethod(categorical_generalized_cross_entropy)

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, reduction, dtype)
        number(type(self).__name__, "q", q)
        if not 0 < q < 1:
            raise ValueError(f"{type(self).__name__}: q must lie between 0 and 1, got {q!r}.")
        self.q = q

    def options(self) -> dict[str, Any]:
        return {"q": self.q}
