"""Owner: what an object that holds variables, and other owners, can do with them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite.core import changes, dtypes, loading, serialization, tracking
from nnlite.core.variable import Variable


class Owner:
    """Variables held by attributes, and those of the owners held by attributes: made, listed, counted, copied, frozen.

    The base of ``Layer``, which gives it a label and a dtype.
    """

    label: Any
    built: Any
    _compute: np.dtype[Any]
    _trainable: bool

    def __setattr__(self, name: str, value: Any) -> None:
        if type(value) not in tracking.PLAIN or name[0] != "_":  # it may hold variables, or be a setting
            changes.note()
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        changes.note()
        super().__delattr__(name)

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Create a variable; assign it to an attribute to make it part of the layer.

        Args:
            shape: its shape, ``()`` where None.
            initializer: a name, an initializer, or a function of (shape, dtype); Glorot uniform where None.
            dtype: the layer's where None.
            trainable: whether it takes gradients (while the layer is trainable too).
            regularizer, constraint: names or objects, or None.
            name: last part of its path; also the name it has in files that name variables.

        >>> from nnlite.core.layer import Layer
        >>> Layer(name="mine").add_weight(shape=(2, 2), initializer="ones", name="w").path
        'w'
        """
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if any(d is None or d < 0 for d in shape):
            raise ValueError(
                f"{self.label}: cannot create variable {name!r} of shape {shape}: every size must be known."
            )
        if dtype is None and self._compute.kind != "f":
            raise ValueError(
                f"{self.label}: cannot make variable {name!r} of dtype {self._compute}: layers with variables compute "
                f"in floats, expected dtype='float32' or 'float64' (or a dtype for this variable alone)."
            )
        make = serialization.get("initializers", "glorot_uniform" if initializer is None else initializer)
        value_dtype = self._compute if dtype is None else dtypes.compute_dtype(dtypes.policy_name(dtype))
        value = loading.blank(shape, value_dtype, self.label, name or "variable")
        variable = Variable(
            make(shape, dtype=value_dtype.name) if value is None else value,
            dtype=value_dtype,
            trainable=trainable,
            name=name or "variable",
            regularizer=serialization.get("regularizers", regularizer),
            constraint=serialization.get("constraints", constraint),
            copy=value is None,
        )
        if value is not None:
            loading.draw_later(variable, make)
        if not self._trainable:
            variable.trainable = False
        return variable

    @property
    def layers_inside(self) -> list[Any]:
        """The sub-layers held by attributes, in order of assignment."""
        return tracking.find(self, Owner)

    @property
    def takes_texts(self) -> bool:
        """Whether an input may be texts; a layer of one's own that takes them sets it to True."""
        return any(layer.takes_texts for layer in self.layers_inside)

    @property
    def weights(self) -> list[Variable]:
        """All variables: own trainable ones, own others, then those of the sub-layers; each once."""
        held = tracking.find(self, (Variable, Owner))
        found = _in_order([one for one in held if isinstance(one, Variable)])
        for one in held:
            if isinstance(one, Owner):
                found += one.weights
        return list({id(v): v for v in found}.values())

    @property
    def variables(self) -> list[Variable]:
        """The same as ``weights``."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The variables that take gradients: none while the owner itself is frozen, whatever a layer inside says."""
        return [v for v in self.weights if v.trainable] if self._trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The variables that take none: frozen ones and statistics."""
        return [v for v in self.weights if not (v.trainable and self._trainable)]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as ``trainable_weights``."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The same as ``non_trainable_weights``."""
        return self.non_trainable_weights

    @property
    def trainable(self) -> bool:
        """Whether the variables take gradients; setting it reaches all sub-layers."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for variable in tracking.find(self, Variable):
            if variable.created_trainable:
                variable.trainable = self._trainable
        for layer in self.layers_inside:
            layer.trainable = self._trainable

    @property
    def losses(self) -> list[Any]:
        """The values of the regularizers of the trainable variables."""
        return [v.regularizer(v.value) for v in self.trainable_weights if v.regularizer is not None]

    def zero_grad(self) -> None:
        """Forget the gradients of all variables; ``backward`` adds to them. (The steps of ``fit`` do this first.)"""
        for variable in self.weights:
            variable.zero_grad()

    def get_weights(self) -> list[NDArray[Any]]:
        """Return copies of all variables, in the order of ``weights``."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: list[ArrayLike]) -> None:
        """Write arrays into the variables, in the order of ``weights``.

        Raises ``ValueError`` if their number or a shape differs, ``TypeError`` if they hold no real numbers; then
        nothing has been written.
        """
        variables = self.weights
        arrays = [np.asarray(w) for w in weights]
        for index, array in enumerate(arrays):
            if array.dtype.kind in "OSUcmM":
                raise TypeError(f"{self.label}: weights[{index}] has dtype {array.dtype}, expected real numbers.")
        if len(arrays) != len(variables):
            hint = (
                ""
                if self.built
                else " The layer is not built yet: it has no variables before it has seen an input shape."
            )
            raise ValueError(f"{self.label} has {len(variables)} variables, got {len(arrays)} arrays.{hint}")
        wrong = [(v, a) for v, a in zip(variables, arrays, strict=True) if v.shape != a.shape]
        if wrong:
            rows = "; ".join(f"{v.path}: expected {v.shape}, got {a.shape}" for v, a in wrong)
            raise ValueError(f"{self.label}: {len(wrong)} of {len(arrays)} arrays have the wrong shape: {rows}.")
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """Return the number of elements in all variables.

        Raises ``ValueError`` if the layer is not built.
        """
        if not self.built:
            raise ValueError(f"{self.label} is not built, so it has no variables to count yet.")
        return sum(v.size for v in self.weights)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Write this layer's own variables (not its sub-layers') into ``store`` under "0", "1", ..."""
        for index, variable in enumerate(self._own_in_order()):
            store[str(index)] = variable.value

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Read this layer's own variables from ``store``.

        Raises ``ValueError`` if their number or a shape differs; then nothing has been written.
        """
        tracking.load_into(self.label, self._own_in_order(), store)

    def _own_in_order(self) -> list[Variable]:
        return _in_order(tracking.find(self, Variable))


def _in_order(own: list[Variable]) -> list[Variable]:
    return [v for v in own if v.created_trainable] + [v for v in own if not v.created_trainable]
