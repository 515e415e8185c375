"""CompiledLoss: the losses of all outputs, their weights and their sum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from nnlite import losses
from nnlite.core.structure import map_arrays
from nnlite.training.outputs import are_single, is_several, leaves, like, names_of, per_output

BY_SHAPE = ("crossentropy", "ce")


class Term(NamedTuple):
    """The loss of one output: which output, its name in logs, the loss and its weight in the sum."""

    output: int
    name: str
    loss: Any
    weight: float


def resolve(identifier: Any) -> Any:
    """Return the :class:`~nnlite.losses.Loss` meant by a name, config, function, class or object; None stays None.

    ``"crossentropy"`` stays a string until the shapes are known.

    Raises:
        ValueError: for an unknown name, and for a loss that gives a value a sample instead of one number.
        TypeError: for what is no loss, such as a function without a gradient.
    """
    if identifier is None or (isinstance(identifier, str) and identifier.lower() in BY_SHAPE):
        return identifier
    loss = losses.get(identifier)
    if not isinstance(loss, losses.Loss):
        loss = losses.LossFunctionWrapper(loss, name=identifier if isinstance(identifier, str) else loss.__name__)
    if getattr(loss, "reduction", "sum_over_batch_size") in (None, "none"):
        raise ValueError(
            f"loss: {loss.name!r} has reduction={loss.reduction!r}, which gives one value a sample; training needs one "
            f"number. Use 'sum_over_batch_size', 'mean_with_sample_weight' or 'sum'."
        )
    return loss


def by_shape(y_true: Any, y_pred_shape: tuple[int | None, ...]) -> Any:
    """Return the cross-entropy that the shapes ask for: binary, sparse categorical or categorical."""
    true_shape = np.shape(y_true)
    if y_pred_shape[-1] == 1:
        name = "binary_crossentropy"
    elif len(true_shape) < len(y_pred_shape) or true_shape[-1] == 1:
        name = "sparse_categorical_crossentropy"
    else:
        name = "categorical_crossentropy"
    return losses.LossFunctionWrapper(losses.get(name), name=name)


class CompiledLoss:
    """The sum over the outputs of ``weight * loss(y_true, y_pred)``, as one forward and backward pair.

    Args:
        loss: a loss for all outputs (name, function, object), a list with one an output, or a dict by output name;
            an output with None has no loss.
        loss_weights: a number, a list or a dict in the same way; 1 where None.
        output_names: the model's names for its outputs, where it has any.

    Raises:
        ValueError: for unknown names, and if the lengths of the lists differ.
        TypeError: for weights that are no numbers.
    """

    def __init__(self, loss: Any, loss_weights: Any = None, output_names: Sequence[str] | None = None) -> None:
        self.output_names = output_names
        if is_several(loss) and not _is_config(loss):
            self._losses: Any = like(loss, [resolve(one) for one in leaves(loss)])
            if output_names is not None:
                per_output(self._losses, output_names, "loss", partial=True)
        else:
            self._losses = resolve(loss)
        # Whether no output has a loss, so that only penalties that layers add are minimised.
        self.is_empty = all(one is None for one in leaves(self._losses))
        self._weights = self._checked_weights(loss_weights)
        self.terms: list[Term] = []
        self._names: list[str | None] = []
        self.built = False

    def _checked_weights(self, weights: Any) -> Any:
        for weight in leaves(weights):
            if weight is not None and (isinstance(weight, bool) or not isinstance(weight, (int, float, np.number))):
                hint = "" if isinstance(weight, bool) else " Metrics are passed by name: metrics=[...]."
                raise TypeError(f"loss_weights: got {weight!r}, expected a number, or a list or dict of numbers.{hint}")
        if isinstance(weights, (list, tuple)) and isinstance(self._losses, list) and len(weights) != len(self._losses):
            raise ValueError(f"loss_weights: got {len(weights)} weights for {len(self._losses)} losses.")
        if isinstance(weights, dict) and isinstance(self._losses, dict) and not set(weights) <= set(self._losses):
            unknown = next(name for name in weights if name not in self._losses)
            raise ValueError(f"loss_weights: {unknown!r} has no loss. Losses are given for {list(self._losses)}.")
        return weights

    def build(self, y_true: Any, y_pred_shapes: Any) -> None:
        """Settle which loss belongs to which output, from the first batch's targets and output shapes."""
        y_pred_shapes = _one_or_several(y_pred_shapes)
        shapes, names = leaves(y_pred_shapes), names_of(y_pred_shapes, self.output_names)
        if is_several(self._losses):
            each = per_output(self._losses, names, "loss", partial=True)
        else:
            each = [self._losses] * len(names)
        if self._weights is None:
            weights: list[Any] = [1.0] * len(names)
        elif is_several(self._weights):
            weights = per_output(self._weights, names, "loss_weights", partial=True)
        else:
            weights = [self._weights] * len(names)
        targets = self._targets(y_true, names, [one is not None for one in each])
        terms = []
        for index, (loss, weight) in enumerate(zip(each, weights, strict=True)):
            if loss is None:
                continue
            chosen = by_shape(targets[index], shapes[index]) if isinstance(loss, str) else loss
            terms.append(Term(index, names[index] or chosen.name, chosen, 1.0 if weight is None else float(weight)))
        if isinstance(y_pred_shapes, dict) and isinstance(self._losses, dict):  # logged in the order they were given in
            place = {name: index for index, name in enumerate(self._losses)}
            terms.sort(key=lambda term: place.get(names[term.output], len(place)))
        self.terms, self._names, self.built = _with_distinct_names(terms), names, True

    @staticmethod
    def parts(cache: Any) -> list[float]:
        """Return the values of the single losses, unweighted, from the cache of :meth:`forward`."""
        values: list[float] = cache[1]
        return values

    def log_names(self) -> list[str]:
        """Return the names under which the values of the outputs' losses are logged; none where there is one loss."""
        return [f"{term.name}_loss" for term in self.terms] if len(self.terms) > 1 else []

    def check(self, y_true: Any, y_pred_shapes: Any, sample_weight: Any = None) -> None:
        """Raise what the losses have against a batch, before anything is computed or changed.

        Args:
            y_true, sample_weight: targets and weights, in the form that :meth:`forward` takes.
            y_pred_shapes: the shape of the output that is to come, or a list or dict of shapes.
        """
        settled = self.built
        try:
            if not settled:
                self.build(y_true, y_pred_shapes)
            self._check(y_true, y_pred_shapes, sample_weight)
        except Exception:
            self.built = settled  # what was refused settles nothing
            raise

    def _check(self, y_true: Any, y_pred_shapes: Any, sample_weight: Any) -> None:
        shapes = leaves(_one_or_several(y_pred_shapes))
        if len(self._names) == 1 and y_true is not None and are_single(y_true, sample_weight):
            targets, weights = [y_true], [sample_weight]
        else:
            targets = self._targets(y_true, self._names, self._with_loss())
            weights = each_weight(sample_weight, self._names)
        for output, _, loss, _ in self.terms:
            validate = getattr(loss, "validate", None)
            if validate is not None:
                validate(targets[output], shapes[output])
            if weights[output] is not None:
                check_weight(loss, weights[output], shapes[output])

    def forward(self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None) -> tuple[float, Any]:
        """Return the weighted sum of the losses, and the cache for :meth:`backward`.

        Args:
            y_true, y_pred: an array, or a list or dict of arrays.
            sample_weight: an array for all outputs, or a list or dict of arrays.
            mask: the mask of the output, or a list of masks.
        """
        if not self.built:
            self.build(y_true, map_arrays(y_pred, np.shape))
        outputs = leaves(y_pred)
        if len(outputs) == 1 and are_single(y_true, sample_weight, mask):
            targets, weights, masks = [y_true], [sample_weight], [mask]
        else:
            targets = self._targets(y_true, self._names, self._with_loss())
            weights = each_weight(sample_weight, self._names)
            masks = leaves(mask) if is_several(mask) else [mask] * len(outputs)
        total, values, caches = 0.0, [], []
        for output, _, loss, weight in self.terms:
            value, cache = loss.forward(targets[output], outputs[output], weights[output], masks[output])
            values.append(float(value))
            caches.append(cache)
            total += weight * values[-1]
        return total, (y_pred, values, caches)

    def backward(self, cache: Any) -> Any:
        """Return the gradient by ``y_pred``, in its form; None for outputs without a loss."""
        y_pred, _, caches = cache
        if not caches and not is_several(y_pred):
            return np.zeros_like(y_pred)
        gradients: list[Any] = [None] * len(leaves(y_pred))
        for (output, _, loss, weight), inner in zip(self.terms, caches, strict=True):
            dy = loss.backward(inner)
            gradients[output] = dy if weight == 1.0 else dy * dy.dtype.type(weight)
        return like(y_pred, gradients)

    def _with_loss(self) -> list[bool]:
        wanted = {term.output for term in self.terms}
        return [index in wanted for index in range(len(self._names))]

    def _targets(self, y_true: Any, names: list[str | None], wanted: list[bool]) -> list[Any]:
        """The targets in the order of the outputs; those of outputs without a loss may be left out."""
        if not any(wanted):
            return [None] * len(names)
        if y_true is None:
            raise ValueError(
                "y: got None, but the compiled loss needs targets. Pass them as y, or in the data set's batches."
            )
        given = y_true
        if not is_several(given) and sum(wanted) == 1:
            given = [given]
        if isinstance(given, (list, tuple)) and len(given) == sum(wanted) < len(names):
            entries = iter(given)
            given = [next(entries) if has_loss else None for has_loss in wanted]
        if not isinstance(given, dict) or any(name is not None for name in names):
            targets = per_output(given, names, "y", partial=True)
        else:
            targets = leaves(given)
        for target, name, has_loss in zip(targets, names, wanted, strict=True):
            if has_loss and target is None:
                raise ValueError(f"y: no target for output {name!r}, which has a loss.")
        return targets


def each_weight(sample_weight: Any, names: list[str | None]) -> list[Any]:
    """Return the sample weights of each output: one array serves all."""
    if is_several(sample_weight):
        if len(sample_weight) == 1 < len(names) and not isinstance(sample_weight, dict):
            return [sample_weight[0]] * len(names)
        return per_output(sample_weight, names, "sample_weight", partial=True)
    return [sample_weight] * len(names)


def check_weight(loss: Any, weight: Any, y_pred_shape: tuple[int | None, ...]) -> None:
    """Raise ``ValueError`` if a built-in loss cannot weigh its values, one for each row (and step), with ``weight``."""
    shape = np.shape(weight)
    if (len(shape) == 1 and len(y_pred_shape) == 2) or not hasattr(loss, "values_shape"):
        return
    values = loss.values_shape(y_pred_shape)
    if not values:  # a single value for all
        return
    values = (shape[0] if shape else 1, *values[1:])
    given = shape[:-1] if len(shape) == len(values) + 1 and shape[-1] == 1 else shape
    given = (*given, 1) if len(given) == len(values) - 1 and values[-1] == 1 else given
    aligned = zip(reversed(given), reversed(values), strict=False)
    if len(given) > len(values) or any(v is not None and w not in (1, v) for w, v in aligned):
        expected = tuple("rows" if i == 0 else v for i, v in enumerate(values))
        raise ValueError(
            f"sample_weight: got shape {shape} for a batch, but {loss.name!r} has one value for each of "
            f"({', '.join(map(str, expected))}): give weights of that shape, or of size 1 where they are all alike."
        )


def _one_or_several(shapes: Any) -> Any:
    """One shape, a tuple like the forms several outputs come in, as a list of one."""
    return [shapes] if isinstance(shapes, tuple) else shapes


def _is_config(loss: Any) -> bool:
    return isinstance(loss, dict) and "class_name" in loss


def _with_distinct_names(terms: list[Term]) -> list[Term]:
    """Outputs without names are logged under their loss's; further ones of the same name get _1, _2."""
    seen: dict[str, int] = {}
    distinct = []
    for term in terms:
        count = seen.get(term.name, 0)
        seen[term.name] = count + 1
        distinct.append(term._replace(name=f"{term.name}_{count}") if count else term)
    return distinct
