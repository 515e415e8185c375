"""Pairs of layers that are trained together, in fewer passes over memory than one after the other.

Layer by layer is the definition, and what is done where somebody watches single layers. Elsewhere a container asks each
layer whether it takes the next one along: a method ``takes_along(layer)`` says so, ``forward_along(x, layer)`` returns
the output of both in training and one cache, with which the first layer's ``backward`` goes back through both. In the
place of the second one's cache, and of its backward, there is :data:`DONE`.
"""

from __future__ import annotations

from typing import Any

from nnlite.core import changes, watching

DONE = "done along with the layer before"


def takes_along(first: Any, second: Any) -> bool:
    """Return whether, in training, the first layer does the second one along, which gets all of its output, and no mask
    with it."""
    takes = first.takes_along
    if takes is None or watching.active or not (is_regular(first) and is_regular(second)):
        return False
    return bool(first._compute == second._compute and takes(second))


class Pairs:
    """What :func:`takes_along` said of the pairs of layers in one container, until something has changed anywhere."""

    def __init__(self) -> None:
        self._known: tuple[int, dict[int, tuple[Any, Any, bool]]] = (-1, {})

    def takes(self, index: int, first: Any, second: Any) -> bool:
        """Return whether the first layer takes the second one along, the pair being at that index of the container."""
        if watching.active:
            return False
        now = changes.count()
        if self._known[0] != now:
            self._known = now, {}
        known = self._known[1]
        pair = known.get(index)
        if pair is not None and pair[0] is first and pair[1] is second:
            return pair[2]
        found = takes_along(first, second)
        if first.built and second.built:
            known[index] = first, second, found
        return found


def is_regular(layer: Any) -> bool:
    """Return whether a layer does what its class says: no method of its own, and an activation that keeps dtype and
    shape, which a plain function need not."""
    activation = getattr(layer, "activation", None)
    return (
        layer.built
        and layer.activity_regularizer is None
        and layer.__dict__.keys().isdisjoint(("forward", "infer", "backward"))
        and (activation is None or hasattr(activation, "keeps"))
    )
