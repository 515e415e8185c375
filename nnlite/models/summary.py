"""The table that ``model.summary()`` prints."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from nnlite.core import structure
from nnlite.core.layer import Layer
from nnlite.core.variable import Variable

# Names, shapes and connections to the left, counts to the right, "Y" and "N" in the middle.
_ALIGN = {"Param #": str.rjust, "Trainable": str.center}


def summary_text(
    model: Any,
    line_length: int | None = None,
    positions: list[float] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: tuple[str, str] | None = None,
) -> str:
    """Return the table of a model's layers, with its counts below, as :meth:`nnlite.Sequential.summary` prints it."""
    graph = getattr(model, "_graph", None)
    connected = graph is not None and not graph.is_chain
    widest = (108 if connected else 88) + 12 * show_trainable
    width = max(30, _width(widest)) if line_length is None else int(line_length)
    header = ["Layer (type)", "Output Shape", "Param #", *(["Connected to"] if connected else [])]
    ends = list(positions or ((0.3, 0.56, 0.74, 1.0) if connected else (0.45, 0.80, 1.0)))
    if show_trainable:
        header.append("Trainable")
        ends = [*(0.9 * end for end in ends), 1.0]
    edges = [0, *(int(end * width) for end in ends)]
    if any(right - left < 4 for left, right in pairwise(edges)):
        places = ", ".join(f"{end:g}" for end in ends)
        raise ValueError(
            f"summary: a width of {width} with columns that end at {places} of it has one of fewer than 4 characters: "
            f"give a greater line_length or other positions."
        )
    rows = [[row[name] for name in header] for row in _rows(model, layer_range, expand_nested)]
    return "\n".join([f'Model: "{model.name}"', *_table(header, rows, ends, width), *_counts(model)])


def _width(most: int) -> int:
    """Four columns less than the terminal has (80 where there is none), so that the table never wraps."""
    import shutil

    return min(most, shutil.get_terminal_size().columns - 4)


def _in_range(layers: list[Layer], layer_range: tuple[str, str] | None) -> slice:
    if layer_range is None:
        return slice(None)
    names = [layer.name for layer in layers]
    found = [[i for i, name in enumerate(names) if re.match(pattern, name)] for pattern in layer_range]
    if len(found) != 2 or not all(found):
        raise ValueError(f"summary: layer_range takes the names of two layers of the model; it has {', '.join(names)}.")
    first, last = found if found[0][0] <= found[1][-1] else found[::-1]
    return slice(first[0], last[-1] + 1)


def _rows(model: Any, layer_range: Any, expand_nested: bool, level: int = 0) -> list[dict[str, str]]:
    rows = []
    graph = getattr(model, "_graph", None)
    layers = model.layers if graph is None else graph.layers
    chosen, indent = _in_range(layers, layer_range), "   " * level + "└ " if level else ""
    for layer, shape in zip(layers[chosen], _output_shapes(model, layers)[chosen], strict=True):
        rows.append(
            {
                "Layer (type)": f"{indent}{layer.name} ({layer._class_name})",
                "Output Shape": shape,
                "Param #": f"{layer.count_params():,}" if layer.built else "0 (unbuilt)",
                "Connected to": "-" if level else _connections(graph, layer),
                "Trainable": "-" if layer.built and not layer.weights else "Y" if layer.trainable else "N",
            }
        )
        if expand_nested and hasattr(layer, "layers"):
            rows += _rows(layer, None, True, level + 1)
    return rows


def _connections(graph: Any, layer: Any) -> str:
    """What goes into a layer of a graph, as ``layer[call][output]``."""
    if graph is None:
        return "-"
    places = [graph.place(slot) for index in graph.calls(layer) for slot in graph.steps[index].needs]
    return ", ".join(f"{name}[{call}][{output}]" for name, call, output in places) or "-"


def _output_shapes(model: Any, layers: list[Layer]) -> list[str]:
    """The output shape of each layer, "?" where it is not known."""
    graph = getattr(model, "_graph", None)
    if graph is not None:
        last = [graph.steps[graph.calls(layer)[-1]] for layer in layers]
        return [_shapes([graph.shapes[slot] for slot in step.targets]) for step in last]
    if not model.built or not hasattr(model, "_input_shape"):
        return ["?"] * len(layers)
    shape, shapes = model.input_shape, []
    for layer in layers:
        shape = layer.compute_output_shape(shape)
        shapes.append(_shapes([shape] if structure.is_shape(shape) else shape))
    return shapes


def _shapes(shapes: list[Any]) -> str:
    """Shapes as Keras writes them: one of a single axis without Python's comma."""
    words = [f"({', '.join(map(str, shape))})" if structure.is_shape(shape) else str(shape) for shape in shapes]
    return words[0] if len(words) == 1 else f"[{', '.join(words)}]"


def _table(header: list[str], rows: list[list[str]], ends: list[float], width: int) -> list[str]:
    widths, titles = _column_widths(ends, width), list(header)

    def rule(left: str, line: str, cross: str, right: str) -> str:
        return left + cross.join(line * w for w in widths) + right

    def lines(cells: list[str], bar: str) -> list[str]:
        wrapped = [_wrap(cell, max(1, w - 2)) for cell, w in zip(cells, widths, strict=True)]
        height = max(len(cell) for cell in wrapped)
        text = []
        for i in range(height):
            parts = [
                _ALIGN.get(name, str.ljust)(cell[i] if i < len(cell) else "", w - 2)
                for name, cell, w in zip(titles, wrapped, widths, strict=True)
            ]
            text.append(bar + bar.join(f" {part} "[:w] for part, w in zip(parts, widths, strict=True)) + bar)
        return text

    room = max(1, widths[-1] - 2)
    if header[-1] == "Trainable" and room < len("Trainable"):  # a narrow column, whose title need not be read in full
        header = [*header[:-1], f"{header[-1][: room - 1]}…"]
    out = [rule("┏", "━", "┳", "┓"), *lines(header, "┃"), rule("┡", "━", "╇", "┩")]
    for index, row in enumerate(rows):
        if index:
            out.append(rule("├", "─", "┼", "┤"))
        out += lines(row, "│")
    return [*out, rule("└", "─", "┴", "┘")]


def _column_widths(ends: list[float], width: int) -> list[int]:
    """Share the width between the columns; what the bars and margins need is taken from each in turn, evenly."""
    edges = [0, *(int(end * width) for end in ends)]
    widths = [right - left + 2 for left, right in pairwise(edges)]
    over = sum(widths) - (width - len(ends) - 1)
    for index in range(len(widths)):
        share = min(widths[index] - 1, round(over / (len(widths) - index)))
        widths[index] -= share
        over -= share
    return widths


def _wrap(text: str, width: int) -> list[str]:
    """Cut text into lines of at most ``width``, at spaces where there are any."""
    lines = []
    while len(text) > width:
        cut = text.rfind(" ", 1, width + 1)
        cut = cut if cut > 0 else width
        lines.append(text[:cut].rstrip())
        text = text[cut:].lstrip()
    return [*lines, text]


def _counts(model: Any) -> list[str]:
    trainable = _sizes(model.trainable_weights)
    frozen = _sizes(model.non_trainable_weights)
    optimizer = getattr(model, "optimizer", None)
    extra = _sizes(optimizer.variables) if optimizer is not None and getattr(optimizer, "built", False) else None
    parts = [trainable, frozen, *([extra] if extra else [])]
    total = (sum(p[0] for p in parts), sum(p[1] for p in parts))
    labels = [("Total", total), ("Trainable", trainable), ("Non-trainable", frozen)]
    if extra:
        labels.append(("Optimizer", extra))
    return [f" {label} params: {count:,} ({_memory(size)})" for label, (count, size) in labels]


def _sizes(variables: list[Variable]) -> tuple[int, int]:
    return sum(v.size for v in variables), sum(v.value.nbytes for v in variables)


def _memory(size: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if size < 1024 or unit == "GB":
            break
        size /= 1024
    return f"{size:.2f} {unit}"
