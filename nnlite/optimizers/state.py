"""What an optimizer remembers: its count, its learning rate and its slots, and how they are saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from nnlite import config
from nnlite.core import dtypes, serialization, tracking
from nnlite.core.variable import Variable
from nnlite.optimizers.schedules import LearningRateSchedule


class State(serialization.Configurable):
    """The variables of an optimizer, in the order in which they were made, which is that of files."""

    name: str
    gradient_accumulation_steps: int | None
    _iterations: Variable
    _variables: list[Variable]
    _starts: list[tuple[Variable, Any]]  # what was made since, and by which initializer
    _trained: list[Variable]
    _index: dict[int, int]
    _rate: Any

    # ---- learning rate and count ----

    @property
    def iterations(self) -> Variable:
        """Number of updates so far; with gradient accumulation, of whole rounds."""
        if not self.gradient_accumulation_steps:
            return self._iterations
        return Variable(
            np.array(self._updates(), np.int32), trainable=False, name="iteration", path=self._iterations.path
        )

    def _updates(self) -> int:
        return int(self._iterations.value) // (self.gradient_accumulation_steps or 1)

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or the current value of a schedule or function. It can be set.

        Raises ``TypeError`` where a number is set in the place of a schedule or a function.
        """
        if isinstance(self._rate, Variable):
            return self._rate
        rate = self._rate(int(self._iterations.value)) if isinstance(self._rate, LearningRateSchedule) else self._rate()
        return _float_type()(rate)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        own = type(self).__name__
        if callable(value):
            value = _checked_rate(own, value)
            self._variables = [v for v in self._variables if v is not self._rate]
            self._rate = value
            return
        if not isinstance(self._rate, Variable):
            what = "schedule" if isinstance(self._rate, LearningRateSchedule) else "function"
            raise TypeError(
                f"{own}: its learning rate comes from a {what} and cannot be set to {value!r}. Make the optimizer with "
                f"a float if the rate is to be changed while training."
            )
        if isinstance(value, (str, bytes)) or np.ndim(value) != 0:
            raise TypeError(f"{own}: learning_rate must be a single number, got {value!r}.")
        self._rate.assign(float(value))

    def _made_counter(self) -> Variable:
        counter = Variable(np.array(0, np.int32), trainable=False, name="iteration", path=f"{self.name}/iteration")
        self._variables.append(counter)
        return counter

    def _made_rate(self, rate: Any) -> Any:
        rate = _checked_rate(type(self).__name__, rate)
        if _is_number(rate):
            path = f"{self.name}/learning_rate"
            rate = Variable(_float_type()(rate), trainable=False, name="learning_rate", path=path)
            self._variables.append(rate)
        return rate

    # ---- variables ----

    @property
    def variables(self) -> list[Variable]:
        """All state, in the order of files: iteration, learning rate, averages, accumulators, slots."""
        return list(self._variables)

    def add_variable(
        self, shape: Any = (), initializer: Any = "zeros", dtype: Any = None, name: str | None = None
    ) -> Variable:
        """Make a variable that is saved with the optimizer.

        Args:
            shape: its shape.
            initializer: a name, an initializer, or a function of (shape, dtype).
            dtype: ``floatx`` where None.
            name: last part of its path.

        >>> from nnlite.optimizers import SGD
        >>> SGD(name="mine").add_variable((2,), name="speed").path
        'mine/speed'
        """
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        kind = dtypes.compute_dtype(dtypes.policy_name(dtype))
        name = name or "variable"
        zeros = isinstance(initializer, str) and initializer == "zeros"
        make = np.zeros if zeros else serialization.get("initializers", initializer)
        value = make(shape, dtype=kind.name)
        path = f"{self.name}/{name}"
        variable = Variable(value, trainable=False, name=name, path=path, dtype=kind, copy=not zeros)
        self._variables.append(variable)
        self._starts.append((variable, make))
        return variable

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Make a variable of the shape and dtype of another, named after it."""
        name = f"{reference_variable.path.replace('/', '_')}_{name or 'var'}"
        return self.add_variable(reference_variable.shape, initializer, reference_variable.dtype, name)

    def add_optimizer_variables(
        self, trainable_variables: Iterable[Variable], name: str | Sequence[str], initializer: Any = "zeros"
    ) -> Any:
        """Make a slot for every variable; for several names several, side by side for each variable.

        Returns:
            The list of slots, or for several names a tuple of lists.
        """
        names = [name] if isinstance(name, str) else list(name)
        makers = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        if len(makers) != len(names):
            raise ValueError(f"{self.name}: got {len(makers)} initializers for {len(names)} names of slots.")
        rows = [
            [self.add_variable_from_reference(v, n, make) for n, make in zip(names, makers, strict=True)]
            for v in trainable_variables
        ]
        columns = tuple([row[k] for row in rows] for k in range(len(names)))
        return columns[0] if isinstance(name, str) else columns

    def assign(self, variable: Variable, value: Any) -> None:
        """Write ``value`` into a variable."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Add ``value`` to a variable."""
        variable.assign(variable.value + np.asarray(value))

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtract ``value`` from a variable."""
        variable.assign(variable.value - np.asarray(value))

    # ---- files ----

    def _heads(self) -> list[Variable]:
        """The variables that are there before the optimizer is built."""
        return [self._iterations, self._rate] if isinstance(self._rate, Variable) else [self._iterations]

    def reset_slots(self) -> None:
        """Fill all variables but the count and the learning rate as :meth:`build` does."""
        for variable, make in self._starts:
            variable.assign(make(variable.shape, dtype=variable.dtype))

    def kept_by_keras_2(self) -> list[Variable]:
        """The variables that files of Keras 2 hold: all but the learning rate."""
        return [v for v in self._variables if v is not self._rate]

    def complete(self) -> None:
        """Give those that files of Keras 2 do not hold the values that follow from the others."""

    def fits_unbuilt(self, count: int) -> bool:
        """Whether a file's ``count`` arrays are what is saved before the optimizer is built (Keras 2: no rate)."""
        return 0 < count <= len(self._heads())

    def load_unbuilt(self, store: Mapping[str, Any]) -> None:
        """Read the state of an optimizer that had not made its first step when it was saved: it had no slots yet.

        Raises ``ValueError`` if a shape differs; then nothing has been written.
        """
        tracking.load_into(f"{type(self).__name__} {self.name!r}", self._heads()[: len(store)], store)
        self.reset_slots()

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Write all state into ``store`` under "0", "1", ..."""
        for index, variable in enumerate(self.variables):
            store[str(index)] = variable.value

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Read all state from ``store``, or as much of it as files of Keras 2 hold.

        Raises ``ValueError`` if the number of arrays or a shape differs; then nothing has been written.
        """
        own, kept = self.variables, self.kept_by_keras_2()
        partly = len(own) != len(store) == len(kept)
        tracking.load_into(f"{type(self).__name__} {self.name!r}", kept if partly else own, store)
        if partly:
            self.complete()

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Write arrays into :attr:`variables`, in their order.

        Raises ``ValueError`` if the number of arrays or a shape differs; then nothing has been written.
        """
        store = {str(i): np.asarray(w) for i, w in enumerate(weights)}
        tracking.load_into(f"{type(self).__name__} {self.name!r}", self.variables, store)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_index", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._index = {id(v): i for i, v in enumerate(self._trained)}


def filling(value: float) -> Any:
    """Return an initializer that fills an array with ``value``.

    >>> filling(0.1)(2, dtype="float64").tolist()
    [0.1, 0.1]
    """
    return partial(np.full, fill_value=value) if value else "zeros"


def _float_type() -> Any:
    return np.float64 if config.floatx() == "float64" else np.float32


def _is_number(rate: Any) -> bool:
    return isinstance(rate, (float, np.floating))


def _checked_rate(own: str, rate: Any) -> Any:
    """Return a float, a schedule or a function; a config becomes what it describes."""
    if isinstance(rate, dict):
        rate = serialization.deserialize(rate, "schedules")
    if isinstance(rate, type):
        raise ValueError(f"{own}: learning_rate is the class {rate.__name__}, expected an object of it.")
    if _is_number(rate) or callable(rate):
        return rate
    hint = f" Write {float(rate)}." if type(rate) is int else ""
    raise ValueError(
        f"{own}: learning_rate must be a float, a schedule or a function without arguments, got {rate!r}.{hint}"
    )
