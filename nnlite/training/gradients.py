"""Gradients on request, outside of training."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nnlite.core import penalties, structure
from nnlite.kernels import parallel


class Gradients(NamedTuple):
    """What :meth:`Differentiable.gradients` returns.

    Attributes:
        loss: the loss, with the regularizers' values; with ``dy`` the sum of ``dy * output`` and of activity penalties.
        variables: the gradient of every variable that learns, by the variable's path.
        x: the gradient of the input: an array, a list or dict of arrays as the input was; None for whole numbers.
    """

    loss: float
    variables: dict[str, np.ndarray]
    x: Any


class Differentiable:
    """What lets a model be asked for gradients without training it."""

    def gradients(
        self: Any, x: Any, y: Any = None, sample_weight: Any = None, *, dy: Any = None, training: bool = False
    ) -> Gradients:
        """Return the gradients of the compiled loss, or of any weighted sum of the outputs, by variables and input.

        The variables and the gradients beside them stay as they are. The gradient by the input shows what in ``x``
        matters (saliency, Simonyan et al., 2013); with ``dy`` one row of a Jacobian at a time is had.

        Args:
            x: one batch of inputs.
            y: targets, for the gradient of the loss that the model was compiled with.
            sample_weight: weights of the rows in that loss.
            dy: in the place of y: the gradient by the output to start from, of the output's shape; a list or dict for
                several outputs.
            training: whether to run as in a training step: with dropout, and with BatchNormalization using (and
                moving) its statistics.

        Raises:
            ValueError: if neither or both of y and dy are given, y is given and the model is not compiled, or shapes
                do not fit.

        >>> import numpy as np, nnlite
        >>> model = nnlite.Sequential([nnlite.Input((2,)), nnlite.layers.Dense(1, name="out")], name="net")
        >>> model.set_weights([np.array([[2.0], [3.0]]), np.array([0.0])])
        >>> model.compile(loss="mse")
        >>> found = model.gradients(np.array([[1.0, 1.0]]), np.array([[4.0]]))
        >>> found.loss, found.variables["net/out/kernel"].ravel().tolist(), found.x.tolist()
        (1.0, [2.0, 2.0], [[4.0, 6.0]])
        >>> model.gradients(np.array([[1.0, 1.0]]), dy=np.array([[1.0]])).x.tolist()
        [[2.0, 3.0]]
        """
        if (y is None) == (dy is None):
            raise ValueError(
                f"{self.label}: gradients takes either targets y, for the compiled loss, or dy, the gradient by the "
                f"output to start from."
            )
        x = self.cast_inputs(x)
        if not self.built:
            self.build(structure.map_arrays(x, lambda a: (None, *np.shape(a)[1:])))
        learning = self.trainable_weights
        kept = [variable.put_aside_grad() for variable in learning]
        try:
            with parallel.blas_pinned():
                value, dx = (
                    self._loss_of(x, y, sample_weight, training) if dy is None else self._sum_of(x, dy, training)
                )
            found: dict[str, np.ndarray] = {}
            for variable in learning:
                path, count = variable.path, 1
                while path in found:
                    path, count = f"{variable.path}_{count}", count + 1
                found[path] = np.array(variable.grad)
        finally:
            for variable, grad in zip(learning, kept, strict=True):
                variable.put_back_grad(grad)
        return Gradients(value, found, dx)

    def _loss_of(self: Any, x: Any, y: Any, sample_weight: Any, training: bool) -> tuple[float, Any]:
        loss = self._need_compiled("gradients").loss
        with penalties.collected() as extra:
            y_pred, cache = self.forward(x, training=training)
        loss.check(y, structure.map_arrays(y_pred, np.shape), sample_weight)
        value, loss_cache = loss.forward(y, y_pred, sample_weight, self.output_mask(cache))
        dx = self.backward(loss.backward(loss_cache), cache)
        for variable in self.trainable_weights:
            if variable.regularizer is not None:
                value += float(variable.regularizer(variable.value))
                variable.accumulate(variable.regularizer.gradient(variable.value))
        return float(value + sum(map(float, extra))), dx

    def _sum_of(self: Any, x: Any, dy: Any, training: bool) -> tuple[float, Any]:
        with penalties.collected() as extra:
            y_pred, cache = self.forward(x, training=training)
        if isinstance(y_pred, dict) and isinstance(dy, dict) and y_pred.keys() == dy.keys():
            dy = {name: dy[name] for name in y_pred}
        outputs, given = structure.flatten(y_pred), structure.flatten(dy)
        if [np.shape(a) for a in given] != [a.shape for a in outputs]:
            raise ValueError(
                f"{self.label}: dy got shape {', '.join(str(np.shape(a)) for a in given)}, expected the output's, "
                f"{', '.join(str(a.shape) for a in outputs)}."
            )
        ready = [np.asarray(a, b.dtype) for a, b in zip(given, outputs, strict=True)]
        value = sum(float(np.sum(a * b)) for a, b in zip(ready, outputs, strict=True)) + sum(map(float, extra))
        return value, self.backward(ready[0] if isinstance(y_pred, np.ndarray) else ready, cache)
