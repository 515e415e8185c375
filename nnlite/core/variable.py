"""Variable: an array that a model owns, with its gradient beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite import config
from nnlite.core import changes, naming


class Variable:
    """A named array and its gradient.

    ``value`` keeps its identity for the variable's whole life: everything writes into it, nothing replaces it, so
    optimizers, tied layers and savers can hold on to it. ``grad`` is zero until a backward pass accumulates into it.

    Args:
        value: the initial array; Python's numbers become floatx or int32.
        trainable: whether it takes gradients.
        name: last part of ``path``.
        path: full name, such as ``"sequential/dense/kernel"``; made from the open name scopes where None.
        regularizer: penalty added to the loss, with its gradient, or None.
        constraint: projection applied after each update, or None.
        copy: whether the array is copied; False for one that nobody else holds.

    >>> w = Variable(np.ones((2, 3)), name="kernel")
    >>> w.accumulate(np.full((2, 3), 0.5)); w.accumulate(np.full((2, 3), 0.25))
    >>> float(w.grad[0, 0])
    0.75
    """

    __slots__ = (
        "__weakref__",
        "_grad",
        "_grad_is_zero",
        "_regularizer",
        "_rows",
        "_trainable",
        "constraint",
        "created_trainable",
        "name",
        "path",
        "value",
    )

    def __init__(
        self,
        value: ArrayLike,
        trainable: bool = True,
        name: str = "variable",
        path: str | None = None,
        regularizer: Any = None,
        constraint: Any = None,
        dtype: Any = None,
        copy: bool = True,
    ) -> None:
        if dtype is None and isinstance(value, (int, float, list, tuple)):  # numbers without a dtype
            real = "float64" if config.floatx() == "float64" else "float32"
            dtype = {"f": real, "i": "int32"}.get(np.asarray(value).dtype.kind)
        self.value: NDArray[Any] = (np.array if copy else np.asarray)(value, dtype=dtype, order="C")
        self._grad: NDArray[Any] | None = None
        self._grad_is_zero = True
        # The only rows of the gradient's memory that are not zero, where that is known.
        self._rows: NDArray[Any] | None = None
        self._trainable = bool(trainable)
        self.created_trainable = self._trainable
        self.name = name
        self.path = naming.scoped(name) if path is None else path
        self.regularizer = regularizer
        self.constraint = constraint

    @property
    def trainable(self) -> bool:
        """Whether gradients are taken; a frozen variable has no ``grad``."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        changes.note()
        if not value:
            self._grad, self._grad_is_zero, self._rows = None, True, None

    @property
    def regularizer(self) -> Any:
        """The penalty added to the loss, or None."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Any) -> None:
        self._regularizer = value
        changes.note()

    @property
    def grad(self) -> NDArray[Any] | None:
        """The gradient accumulated since the last :meth:`zero_grad`, live; None when frozen."""
        if not self._trainable:
            return None
        gradient = self.grad_to_read()
        self._rows = None  # whoever sees it may write anywhere
        return gradient

    def grad_to_read(self) -> NDArray[Any]:
        """Return the gradient of a variable that is not frozen, for somebody who only reads it."""
        if self._grad_is_zero:
            self._clear()
            self._grad_is_zero = False
        assert self._grad is not None
        return self._grad

    def _clear(self) -> None:
        """Make the gradient's memory zero: only the rows that are not, where those are known."""
        if self._grad is None:
            self._grad = np.zeros_like(self.value)
        elif self._rows is not None:
            self._grad[self._rows] = 0
        else:
            self._grad.fill(0)
        self._rows = self._no_rows()

    @staticmethod
    def _no_rows() -> NDArray[Any]:
        return np.empty(0, np.int64)

    def accumulate_rows(self, indices: NDArray[Any], rows: NDArray[Any]) -> None:
        """Add ``rows[i]`` to row ``indices[i]`` of the gradient, for all i; an index may occur many times.

        Where these are few beside the variable's rows, the cost grows with their number: as long as a variable's
        gradients come so, only the rows that were touched are set back to zero. Does nothing on a frozen variable.

        Args:
            indices: whole numbers from 0 to below the number of rows, (K,).
            rows: (K, ...) with the shape of the variable's rows.

        >>> v = Variable(np.zeros((4, 1)))
        >>> v.accumulate_rows(np.array([2, 0, 2]), np.array([[1.0], [2.0], [3.0]])); v.grad[:, 0].tolist()
        [2.0, 0.0, 4.0, 0.0]
        """
        from nnlite.kernels.rows import sum_rows, sums_of_all  # only training needs them

        if not self._trainable or not len(indices):
            return
        whole = sums_of_all(indices, rows, len(self.value))
        if whole is not None:
            self.accumulate(whole)
            return
        if self._grad_is_zero:
            self._clear()
            self._grad_is_zero = False
        assert self._grad is not None
        touched, sums = sum_rows(indices, rows)
        if self._rows is not None and not len(self._rows):  # nothing to add them to
            self._grad[touched], self._rows = sums, touched
            return
        self._grad[touched] += sums
        if self._rows is not None:
            self._rows = np.union1d(self._rows, touched)

    def accumulate(self, g: Any) -> None:
        """Add ``g`` to the gradient; does nothing on a frozen variable.

        Raises ``ValueError`` if the shape of ``g`` is not the variable's.
        """
        if not self._trainable:
            return
        if np.shape(g) != self.value.shape:
            raise ValueError(
                f"Gradient of variable {self.path!r}: got shape {np.shape(g)}, expected {self.value.shape}, "
                f"that of the variable. Check for a missing transpose or sum in backward."
            )
        self._rows = None
        if g is self._grad:  # written in place: see memory_for_grad
            pass
        elif self._grad is None:
            self._grad = np.array(g, dtype=self.value.dtype, order="C")
        elif self._grad_is_zero:  # the first of a step need not add to zeros
            np.copyto(self._grad, g, casting="same_kind")
        else:
            self._grad += g
        self._grad_is_zero = False

    def memory_for_grad(self) -> NDArray[Any] | None:
        """Return memory that a kernel may write the whole gradient into, to save :meth:`accumulate` a copy of it.

        None while a gradient is there already, which the next one has to be added to. What was written counts once it
        is passed to :meth:`accumulate`.
        """
        if not self._trainable or not self._grad_is_zero:
            return None
        if self._grad is None:
            self._grad = np.empty_like(self.value)
        self._rows = None
        return self._grad

    def zero_grad(self) -> None:
        """Set the gradient to zero."""
        self._grad_is_zero = True

    def put_aside_grad(self) -> Any:
        """Begin anew with a gradient of zero, and return what :meth:`put_back_grad` takes to undo that."""
        kept = (self._grad, self._grad_is_zero, self._rows)
        self._grad, self._grad_is_zero, self._rows = None, True, None
        return kept

    def put_back_grad(self, kept: Any) -> None:
        """Have the gradient again that was put aside."""
        self._grad, self._grad_is_zero, self._rows = kept

    def assign(self, value: ArrayLike) -> Variable:
        """Write ``value``, of the same shape, into the variable.

        Raises ``ValueError`` if the shape differs, ``TypeError`` if it holds no real numbers; the variable then is as
        it was.
        """
        array = np.asarray(value)
        if array.dtype.kind in "OSUcmM":
            raise TypeError(f"Variable {self.path!r} takes real numbers, got an array of dtype {array.dtype}.")
        if array.shape != self.value.shape:
            raise ValueError(f"Variable {self.path!r} has shape {self.value.shape}, cannot assign shape {array.shape}.")
        np.copyto(self.value, array, casting="unsafe")
        return self

    def assign_add(self, value: ArrayLike) -> Variable:
        """Add ``value`` to the variable, in place."""
        return self.assign(self.value + np.asarray(value))

    def assign_sub(self, value: ArrayLike) -> Variable:
        """Subtract ``value`` from the variable, in place."""
        return self.assign(self.value - np.asarray(value))

    def numpy(self) -> NDArray[Any]:
        """Return a copy of the value."""
        copy: NDArray[Any] = self.value.copy()
        return copy

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.value.shape

    @property
    def dtype(self) -> str:
        """Name of the value's dtype, such as ``"float32"``."""
        return str(self.value.dtype.name)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.value.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.value.size

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.value, dtype=dtype, copy=True if copy is None else copy)

    def __float__(self) -> float:
        return float(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __len__(self) -> int:
        return len(self.value)

    def __getitem__(self, index: Any) -> Any:
        return self.value[index]

    # Arithmetic and comparisons give arrays, as they do with any other operand that is an array. Equality alone is that
    # of the object, so that variables can be looked up.

    def __add__(self, other: Any) -> Any:
        return self.value + other

    def __radd__(self, other: Any) -> Any:
        return other + self.value

    def __sub__(self, other: Any) -> Any:
        return self.value - other

    def __rsub__(self, other: Any) -> Any:
        return other - self.value

    def __mul__(self, other: Any) -> Any:
        return self.value * other

    def __rmul__(self, other: Any) -> Any:
        return other * self.value

    def __truediv__(self, other: Any) -> Any:
        return self.value / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.value

    def __floordiv__(self, other: Any) -> Any:
        return self.value // _value(other)

    def __rfloordiv__(self, other: Any) -> Any:
        return other // self.value

    def __mod__(self, other: Any) -> Any:
        return self.value % _value(other)

    def __rmod__(self, other: Any) -> Any:
        return other % self.value

    def __pow__(self, other: Any) -> Any:
        return self.value ** _value(other)

    def __rpow__(self, other: Any) -> Any:
        return other**self.value

    def __matmul__(self, other: Any) -> Any:
        return self.value @ _value(other)

    def __rmatmul__(self, other: Any) -> Any:
        return other @ self.value

    def __lt__(self, other: Any) -> Any:
        return self.value < _value(other)

    def __le__(self, other: Any) -> Any:
        return self.value <= _value(other)

    def __gt__(self, other: Any) -> Any:
        return self.value > _value(other)

    def __ge__(self, other: Any) -> Any:
        return self.value >= _value(other)

    def __and__(self, other: Any) -> Any:
        return self.value & _value(other)

    def __or__(self, other: Any) -> Any:
        return self.value | _value(other)

    def __xor__(self, other: Any) -> Any:
        return self.value ^ _value(other)

    def __neg__(self) -> Any:
        return -self.value

    def __pos__(self) -> Any:
        return +self.value

    def __abs__(self) -> Any:
        return abs(self.value)

    def __invert__(self) -> Any:
        return ~self.value

    def __round__(self, digits: int = 0) -> Any:
        return self.value.round(digits)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={self.value}>"

    def __getstate__(self) -> dict[str, Any]:
        state = {slot: getattr(self, slot) for slot in self.__slots__ if slot != "__weakref__"}
        if self._grad_is_zero:
            state["_grad"] = None
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        for slot, value in state.items():
            setattr(self, slot, value)


def _value(operand: Any) -> Any:
    return operand.value if isinstance(operand, Variable) else operand
