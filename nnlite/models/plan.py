"""The plan of a graph: which layers are called in which order, and what each call takes and makes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from nnlite.core import structure
from nnlite.core.symbol import Node, Symbol
from nnlite.layers.input import InputLayer


class Slot(int):
    """The number of an array of the graph, in the places where a step's call has that array."""


class Step(NamedTuple):
    """One call of a layer.

    Attributes:
        layer: what is called.
        x: what forward gets, with slots in the places of arrays: one slot, or a nested list; None for an input layer.
        options: what else forward gets, with slots in the places of arrays; those take no gradient.
        outputs: the slots of what it makes: one, or a list or dict.
        sources, targets: the slots of ``x`` and of ``outputs`` in a row.
        needs: the slots of ``x`` and of ``options``.
        last: the slots that no later step uses.
        plain: whether x and outputs are one slot each and options hold none, as in most steps.
        constants: whether x holds arrays, too; one of a single row stands for as many as the others have.
        training: what the call on symbols said of it, which counts where the model is called and says nothing itself.
    """

    layer: Any
    x: Any
    options: dict[str, Any]
    outputs: Any
    sources: tuple[int, ...]
    targets: tuple[int, ...]
    needs: tuple[int, ...]
    last: tuple[int, ...]
    plain: bool
    constants: bool
    training: bool | None


def entries_of(inputs: list[Symbol]) -> dict[int, Node]:
    """The calls that make the inputs: those of their input layers, and of new ones for symbols inside a model."""
    entries = {}
    for symbol in inputs:
        node = symbol.node
        if node is None or node.x is not None:
            layer = InputLayer(batch_shape=symbol.shape, dtype=symbol.dtype)
            node = Node(layer, None, {}, symbol)
        entries[id(symbol)] = node
    return entries


def _parents(node: Node) -> list[Symbol]:
    """The symbols that a call needs."""
    leaves = [*structure.flatten(node.x), *structure.flatten(node.options)]  # arrays are constants
    return [leaf for leaf in leaves if isinstance(leaf, Symbol)]


def in_order(
    inputs: list[Symbol], outputs: list[Symbol], entries: dict[int, Node], label: str
) -> tuple[list[Node], list[Any]]:
    """The calls in the order of Keras, and the layers in theirs."""

    def maker(symbol: Symbol) -> Node:
        node = entries.get(id(symbol), symbol.node)
        if node is None or (node.x is None and id(symbol) not in entries):
            raise ValueError(
                f"{label}: an output needs {symbol!r}, which is not among the inputs "
                f"{[one.name for one in inputs]}: add it there."
            )
        return node

    met: dict[int, int] = {}  # when the walk from the outputs first met a layer
    finished: dict[int, Node] = {}  # in the order in which all that a call needs was done
    for output in outputs:
        pending = [(maker(output), False)]
        while pending:
            node, is_done = pending.pop()
            if is_done:
                finished.setdefault(id(node), node)
                continue
            if id(node) in finished:
                continue
            met.setdefault(id(node.layer), len(met))
            pending.append((node, True))
            pending += [(maker(parent), False) for parent in reversed(_parents(node))]
    # The longest way from each call to an output; a layer's place is that of its call farthest up.
    depths: dict[int, int] = {}
    layer_depths: dict[int, int] = {}
    for node in reversed(finished.values()):
        depth = max(depths.get(id(node), 0), layer_depths.get(id(node.layer), 0))
        depths[id(node)] = layer_depths[id(node.layer)] = depth
        for parent in _parents(node):
            above = maker(parent)
            depths[id(above)] = max(depth + 1, depths.get(id(above), 0))
    for node in entries.values():  # inputs that no output needs
        if id(node) not in finished:
            finished[id(node)] = node
            depths[id(node)] = layer_depths[id(node.layer)] = 0
            met[id(node.layer)] = -1
    nodes = sorted(finished.values(), key=lambda node: (-depths[id(node)], met[id(node.layer)]))
    layers = list({id(node.layer): node.layer for node in nodes}.values())
    layers.sort(key=lambda layer: (-layer_depths[id(layer)], met[id(layer)]))
    return nodes, layers


def steps_of(nodes: list[Node], slots: dict[int, Slot], outputs_of: list[Any], kept: set[Slot]) -> list[Step]:
    """Return the steps of calls in order; ``outputs_of`` are the slots of what each makes."""
    last_use: dict[int, int] = {}
    rows: list[tuple[Any, ...]] = []
    for index, (node, outputs) in enumerate(zip(nodes, outputs_of, strict=True)):
        x, options = slotted(node.x, slots), slotted(node.options, slots)
        sources = tuple(structure.flatten(x)) if x is not None else ()
        needs = tuple(leaf for leaf in (*sources, *structure.flatten(options)) if isinstance(leaf, Slot))
        targets = tuple(structure.flatten(outputs))
        for slot in (*needs, *targets):
            last_use[slot] = index
        plain = isinstance(x, Slot) and len(needs) == 1 and isinstance(outputs, Slot)
        sources = tuple(slot for slot in sources if isinstance(slot, Slot))
        constants = any(isinstance(leaf, np.ndarray) for leaf in structure.flatten(x))
        told = node.kwargs.get("training")
        rows.append((node.layer, x, options, outputs, sources, targets, needs, plain, constants, told))
    ends: dict[int, list[int]] = {}
    for slot, index in last_use.items():
        if slot not in kept:
            ends.setdefault(index, []).append(slot)
    return [Step(*row[:-3], tuple(ends.get(index, ())), *row[-3:]) for index, row in enumerate(rows)]  # type: ignore[call-arg]


def takes_alone(step: Step, slot: int) -> bool:
    """Whether a step makes one array of one array, however often that goes in, without options or constants."""
    return not step.options and not step.constants and isinstance(step.outputs, Slot) and set(step.sources) == {slot}


# ---- slots in nested lists ----


def mapped(value: Any, function: Callable[[Slot], Any]) -> Any:
    """Apply ``function`` to the slots in nested lists, tuples and dicts."""
    if isinstance(value, Slot):
        return function(value)
    if isinstance(value, dict):
        return {key: mapped(inner, function) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(mapped(inner, function) for inner in value)
    return value


def filled(value: Any, values: list[Any]) -> Any:
    """Put values in the places of slots."""
    return mapped(value, values.__getitem__)


def shaped(x: Any, shapes: list[Any]) -> Any:
    """The shapes of a step's inputs in their form, those of constants among them."""
    if isinstance(x, dict):
        return {key: shaped(inner, shapes) for key, inner in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(shaped(inner, shapes) for inner in x)
    return shapes[x] if isinstance(x, Slot) else structure.open_shape(x)


def filled_beside(x: Any, values: list[Any], rows: int) -> Any:
    """Put values in the places of slots, and repeat constants of a single row."""
    if isinstance(x, dict):
        return {key: filled_beside(inner, values, rows) for key, inner in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(filled_beside(inner, values, rows) for inner in x)
    if isinstance(x, Slot):
        return values[x]
    return np.broadcast_to(x, (rows, *x.shape[1:])) if np.ndim(x) and len(x) == 1 else x


def slotted(value: Any, slots: dict[int, Slot]) -> Any:
    """Put slots in the places of symbols."""
    if isinstance(value, Symbol):
        return slots[id(value)]
    if isinstance(value, dict):
        return {key: slotted(inner, slots) for key, inner in value.items()}
    if type(value) in (list, tuple):
        return type(value)(slotted(inner, slots) for inner in value)
    return value


def masks_of(x: Any, known: dict[int, Any]) -> Any:
    """The masks of a step's inputs in their form, or None if none has one."""

    def mask_of(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: mask_of(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(map(mask_of, value))
        return known.get(value) if isinstance(value, Slot) else None

    masks = mask_of(x)
    return masks if any(mask is not None for mask in structure.flatten(masks)) else None


def note_masks(outputs: Any, mask: Any, known: dict[int, Any]) -> None:
    """Keep the mask of a step's outputs, or each one's, by their slots."""
    if mask is None:
        return
    if isinstance(outputs, Slot):
        known[outputs] = mask
        return
    slots = structure.flatten(outputs)
    masks = structure.flatten(mask) if isinstance(mask, (list, tuple, dict)) else [mask] * len(slots)
    for slot, one in zip(slots, masks, strict=False):
        if one is not None:
            known[slot] = one


def put_outputs(step: Step, y: Any, values: list[Any]) -> None:
    """Keep what a step made by its slots; raise ``ValueError`` if it is not as many arrays as declared."""
    leaves = structure.flatten(y)
    if len(leaves) != len(step.targets):
        raise ValueError(f"{step.layer.label} made {len(leaves)} outputs, expected {len(step.targets)}.")
    for slot, value in zip(step.targets, leaves, strict=True):
        values[slot] = value
