"""Symbol: an array that is not computed yet, such as a model's input."""

from __future__ import annotations

from typing import Any, NamedTuple

from nnlite.core import naming, registry

Shape = tuple[int | None, ...]


class Node(NamedTuple):
    """One call of a layer on symbols: what went in, with which options, and what came out."""

    layer: Any
    x: Any  # what forward will get: a symbol, or a nested list of symbols; None for an input layer
    options: dict[str, Any]  # what else forward will get; it may hold symbols, such as masks
    outputs: Any  # a symbol, or a list or dict of symbols
    args: tuple[Any, ...] = ()  # the call as it was written
    kwargs: dict[str, Any] = {}  # noqa: RUF012 (never written to)


class Symbol:
    """A placeholder with a shape and a dtype, made by ``Input`` or by calling a layer on symbols.

    Python's operators on symbols make new symbols: ``a + b``, ``2 * a``, ``a[:, 1]``; so do the functions of
    ``nnlite.ops``.

    Args:
        shape: the shape, None where a size is open (the batch, variable lengths).
        dtype: name of the dtype.
        name: a name for messages.

    >>> Symbol((None, 28, 28, 1), name="image")
    <Symbol shape=(None, 28, 28, 1), dtype=float32, name=image>
    """

    # Operators of arrays leave it to the symbol's: ``np.ones(3) + symbol`` is a symbol.
    __array_ufunc__ = None

    def __init__(self, shape: Shape, dtype: str = "float32", name: str | None = None) -> None:
        self.shape = tuple(shape)
        self.dtype = dtype
        self.name = name or naming.auto_name("symbol")
        # The layer call that makes this symbol, and which of its outputs this is.
        self.node: Node | None = None
        self.index = 0

    @property
    def ndim(self) -> int:
        """Number of axes, the batch included."""
        return len(self.shape)

    @property
    def rank(self) -> int:
        """The same as ``ndim``."""
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<Symbol shape={self.shape}, dtype={self.dtype}, name={self.name}>"

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise ValueError(
            f"{self!r} has no values: it stands for an array that a model will compute. NumPy functions take arrays; "
            f"those of nnlite.ops take symbols, too."
        )

    def __float__(self) -> float:
        raise ValueError(f"{self!r} has no values yet, so it is no number.")

    __int__ = __float__

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} has no values yet, so it is neither true nor false; use nnlite.ops.where.")

    def __len__(self) -> int:
        if not self.shape or self.shape[0] is None:
            raise TypeError(f"The length of {self!r} is open.")
        return self.shape[0]

    def __iter__(self) -> Any:
        raise NotImplementedError(f"{self!r} cannot be iterated over; use nnlite.ops.unstack, or index it.")

    def __getitem__(self, key: Any) -> Any:
        return _operate("get_item", self, key)

    def __add__(self, other: Any) -> Any:
        return _operate("add", self, other)

    def __radd__(self, other: Any) -> Any:
        return _operate("add", other, self)

    def __sub__(self, other: Any) -> Any:
        return _operate("subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _operate("subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return _operate("multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return _operate("multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return _operate("true_divide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _operate("true_divide", other, self)

    def __floordiv__(self, other: Any) -> Any:
        return _operate("floor_divide", self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return _operate("floor_divide", other, self)

    def __mod__(self, other: Any) -> Any:
        return _operate("mod", self, other)

    def __rmod__(self, other: Any) -> Any:
        return _operate("mod", other, self)

    def __pow__(self, other: Any) -> Any:
        return _operate("power", self, other)

    def __rpow__(self, other: Any) -> Any:
        return _operate("power", other, self)

    def __matmul__(self, other: Any) -> Any:
        return _operate("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return _operate("matmul", other, self)

    def __and__(self, other: Any) -> Any:
        return _operate("logical_and", self, other)

    def __rand__(self, other: Any) -> Any:
        return _operate("logical_and", other, self)

    def __or__(self, other: Any) -> Any:
        return _operate("logical_or", self, other)

    def __ror__(self, other: Any) -> Any:
        return _operate("logical_or", other, self)

    def __xor__(self, other: Any) -> Any:
        return _operate("logical_xor", self, other)

    def __rxor__(self, other: Any) -> Any:
        return _operate("logical_xor", other, self)

    def __ne__(self, other: object) -> Any:
        return _operate("not_equal", self, other)

    __hash__ = object.__hash__

    def __lt__(self, other: Any) -> Any:
        return _operate("less", self, other)

    def __le__(self, other: Any) -> Any:
        return _operate("less_equal", self, other)

    def __gt__(self, other: Any) -> Any:
        return _operate("greater", self, other)

    def __ge__(self, other: Any) -> Any:
        return _operate("greater_equal", self, other)

    def __neg__(self) -> Any:
        return _operate("negative", self)

    def __abs__(self) -> Any:
        return _operate("abs", self)

    def __round__(self, ndigits: int | None = None) -> Any:
        return _operate("round", self, ndigits or 0)

    def __invert__(self) -> Any:
        return _operate("logical_not", self)

    def reshape(self, newshape: Any) -> Any:
        """The symbol that ``nnlite.ops.reshape`` makes."""
        return _operate("reshape", self, newshape)

    def squeeze(self, axis: Any = None) -> Any:
        """The symbol that ``nnlite.ops.squeeze`` makes."""
        return _operate("squeeze", self, axis)


def _operate(name: str, *operands: Any) -> Any:
    """The symbol that a function of ``nnlite.ops`` makes; found by its name, as the functions stand above symbols."""
    return registry.resolve("ops", name)(*operands)
