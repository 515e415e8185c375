"""What scripts ask symbols and models of symbols."""

from __future__ import annotations

from typing import Any, NoReturn

from nnlite.core import structure
from nnlite.core.symbol import Symbol


def is_keras_tensor(x: Any) -> bool:
    """Return whether x is a symbol: what ``Input`` and calling layers on symbols make.

    >>> is_keras_tensor(Symbol((None, 3))), is_keras_tensor(1.0)
    (True, False)
    """
    return isinstance(x, Symbol)


def get_source_inputs(tensor: Any) -> list[Symbol]:
    """Return the symbols of ``Input`` that a symbol is computed from, in the order in which a walk from it meets them.

    >>> from nnlite import layers
    >>> a, b = layers.Input((2,), name="a"), layers.Input((2,), name="b")
    >>> [one.name for one in get_source_inputs(layers.Dense(3)(a) + layers.Dense(3)(b))]
    ['a', 'b']

    Raises ``TypeError`` for what is no symbol.
    """
    if not isinstance(tensor, Symbol):
        raise TypeError(f"get_source_inputs: expected a symbol, got {tensor!r}.")
    found: dict[int, Symbol] = {}
    seen: set[int] = set()
    pending = [tensor]
    while pending:
        symbol = pending.pop()
        if id(symbol) in seen:
            continue
        seen.add(id(symbol))
        if symbol.node is None or symbol.node.x is None:
            found[id(symbol)] = symbol
            continue
        leaves = [*structure.flatten(symbol.node.x), *structure.flatten(symbol.node.options)]
        pending += [leaf for leaf in reversed(leaves) if isinstance(leaf, Symbol)]
    return list(found.values())


def plot_model(model: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise ``ImportError``, as Keras does where pydot or Graphviz is missing: nnlite draws no pictures."""
    raise ImportError(
        "plot_model: nnlite draws no pictures of models; model.summary() prints the layers and what goes into each."
    )


def model_to_dot(model: Any, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise ``ImportError``, as :func:`plot_model` does."""
    plot_model(model)
