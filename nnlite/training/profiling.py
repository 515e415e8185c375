"""Where the time of a training step goes: by layer, forward and backward."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from nnlite import random
from nnlite.core import structure, watching
from nnlite.kernels import parallel
from nnlite.layers.input import InputLayer


class ProfileRow(NamedTuple):
    """A layer's part of a step, or that of the loss, of the optimizer, or of all the rest.

    Attributes:
        name: the layer's name; "loss", "optimizer" or "other".
        class_name: of the layer, the loss or the optimizer.
        depth: 0, or the number of layers around it, in whose times it is contained.
        calls: how often its forward was called in a step.
        forward_ms, backward_ms: median milliseconds a step, inner layers included; None where there is no such pass.
        ms: both together.
        share: of the step's time.
    """

    name: str
    class_name: str
    depth: int
    calls: int
    forward_ms: float | None
    backward_ms: float | None
    ms: float
    share: float


class Profile:
    """What :meth:`nnlite.Model.profile` returns; ``print`` shows it as a table.

    Attributes:
        rows: :class:`ProfileRow` for each layer in the order of their calls, those inside a layer after it; then the
            loss and the optimizer, where there are targets, and what was spent between all these. The rows of depth 0
            add up to the total.
        total_ms: median milliseconds of a step.
        unwatched_ms: the same of a step in which no layer's time was taken: what taking them costs is the difference,
            and what is saved where several layers are computed as one.
        model, batch, runs: the model's name, rows of a batch, and number of steps.
    """

    def __init__(
        self, rows: list[ProfileRow], total_ms: float, unwatched_ms: float, model: str, batch: int, runs: int
    ) -> None:
        self.rows, self.total_ms, self.unwatched_ms = rows, total_ms, unwatched_ms
        self.model, self.batch, self.runs = model, batch, runs

    def __str__(self) -> str:
        cells: list[tuple[str, ...]] = [("layer", "class", "calls", "forward ms", "backward ms", "share")]
        for row in self.rows:
            times = [_shown(row.forward_ms), _shown(row.backward_ms)]
            if row.forward_ms is None and row.backward_ms is None:
                times = ["", _shown(row.ms)]
            calls = str(row.calls) if row.calls else ""
            cells.append(("  " * row.depth + row.name, row.class_name, calls, *times, f"{row.share:.1%}"))
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [f'Profile of "{self.model}": medians of {self.runs} steps, batch of {self.batch}']
        for row_cells in cells:
            aligned = [
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row_cells, widths, strict=True))
            ]
            lines.append("  ".join(aligned).rstrip())
        lines.append(f"step: {self.total_ms:.3f} ms; {self.unwatched_ms:.3f} ms when layers are not timed")
        return "\n".join(lines)

    __repr__ = __str__


def _shown(ms: float | None) -> str:
    return "" if ms is None else f"{ms:.3f}"


class _Part:
    """A layer in its place inside others: times of each step, and what it calls."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.parts: dict[int, _Part] = {}
        self.calls = 0
        self.forward: list[float] = []
        self.backward: list[float] = []

    def part(self, layer: Any) -> _Part:
        return self.parts.setdefault(id(layer), _Part(layer))

    def begin_step(self) -> None:
        self.calls = 0
        self.forward.append(0.0)
        self.backward.append(0.0)
        for part in self.parts.values():
            part.begin_step()

    def all_parts(self, depth: int = 0) -> Iterator[tuple[int, _Part]]:
        for part in self.parts.values():
            if not isinstance(part.layer, InputLayer):
                yield depth, part
                yield from part.all_parts(depth + 1)


class _Clock:
    """Takes the times of all layers of a step, and of whatever else it is put around."""

    def __init__(self) -> None:
        self.top = _Part(None)
        self._open: list[tuple[_Part, float]] = []
        self.others: dict[str, list[float]] = {}

    def begin_step(self) -> None:
        self.top.begin_step()
        self._open = [(self.top, 0.0)]
        for times in self.others.values():
            times.append(0.0)

    def begin(self, what: str, layer: Any) -> None:
        part = self._open[-1][0].part(layer)
        if not part.forward:  # met for the first time in this step
            part.begin_step()
        self._open.append((part, time.perf_counter()))

    def end(self, what: str, layer: Any, taken: Any, given: Any) -> None:
        now = time.perf_counter()
        part, began = self._open.pop()
        (part.forward if what == "forward" else part.backward)[-1] += now - began
        part.calls += what == "forward"

    def put_around(self, owner: Any, method: str, name: str) -> None:
        """Have the calls of a method of one object timed under ``name``."""
        inner: Callable[..., Any] = getattr(owner, method)
        self.others[name] = []

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*args, **kwargs)
            finally:
                if self.others[name]:
                    self.others[name][-1] += time.perf_counter() - began

        setattr(owner, method, timed)


class Profiled:
    """What lets a model be asked where the time of a training step goes."""

    def profile(self: Any, x: Any, y: Any = None, *, runs: int = 5) -> Profile:
        """Return what a training step spends in each layer, forward and backward, in the loss and in the optimizer.

        A copy of the model is trained: weights, statistics, the optimizer, gradients and random streams stay as they
        are.

        Args:
            x: one batch of inputs.
            y: targets, for whole training steps (:meth:`train_on_batch`) of a compiled model; where None, forward and
                backward alone are run, from a gradient of ones.
            runs: number of steps that are timed, of which the medians are taken; one more is run before them.

        Raises:
            ValueError: if y is given and the model is not compiled, runs is less than 1, or shapes do not fit.

        >>> import numpy as np, nnlite
        >>> model = nnlite.Sequential([nnlite.Input((64,)), nnlite.layers.Dense(32, name="hidden")])
        >>> model.compile("adam", "mse")
        >>> found = model.profile(np.zeros((128, 64)), np.zeros((128, 32)))
        >>> [row.name for row in found.rows]
        ['hidden', 'loss', 'optimizer', 'other']
        >>> 0 < found.rows[0].forward_ms < found.total_ms
        True
        """
        if isinstance(runs, bool) or not isinstance(runs, (int, np.integer)) or runs < 1:
            raise ValueError(f"runs: got {runs!r}, expected a whole number of at least 1.")
        if y is not None:
            self._need_compiled("profile")
        x = self.cast_inputs(x)
        if not self.built:
            self.build(structure.map_arrays(x, lambda a: (None, *np.shape(a)[1:])))
        stream = random.get_state()
        try:
            return _of_copy(copy.deepcopy(self), x, y, int(runs))
        finally:
            random.set_state(stream)


def _of_copy(model: Any, x: Any, y: Any, runs: int) -> Profile:
    clock = _Clock()
    step = _pass_of(model, x) if y is None else lambda: model.train_on_batch(x, y)
    step()  # builds the optimizer, and whatever is made once for a shape
    if y is not None:
        clock.put_around(model._compiled.loss, "forward", "loss forward")
        clock.put_around(model._compiled.loss, "backward", "loss backward")
        clock.put_around(model.optimizer, "apply", "apply")
    totals, unwatched = [], []
    for _ in range(runs):
        began = time.perf_counter()
        step()
        unwatched.append(time.perf_counter() - began)
        clock.begin_step()
        with watching.watched(clock.end, before=clock.begin):
            began = time.perf_counter()
            step()
            totals.append(time.perf_counter() - began)
    batch = len(structure.flatten(x)[0])
    return Profile(_rows(model, clock, totals), _median(totals), _median(unwatched), model.name, batch, runs)


def _pass_of(model: Any, x: Any) -> Callable[[], None]:
    """A forward and a backward pass without a loss: from a gradient of ones."""

    def step() -> None:
        with parallel.blas_pinned():
            for variable in model.trainable_weights:
                variable.zero_grad()
            y_pred, cache = model.forward(x, training=True)
            model.backward(structure.map_arrays(y_pred, np.ones_like), cache, **model._no_input_grad())

    return step


def _median(seconds: list[float]) -> float:
    """In milliseconds."""
    return float(np.median(seconds)) * 1e3


def _rows(model: Any, clock: _Clock, totals: list[float]) -> list[ProfileRow]:
    total = _median(totals)

    def row(
        name: str,
        class_name: str,
        forward: float | None,
        backward: float | None,
        ms: float,
        depth: int = 0,
        calls: int = 1,
    ) -> ProfileRow:
        return ProfileRow(name, class_name, depth, calls, forward, backward, ms, ms / total)

    rows = []
    for whole in clock.top.parts.values():  # the model itself
        for depth, part in whole.all_parts():
            forward, backward = _median(part.forward), _median(part.backward)
            sums = (forward, backward, forward + backward)
            rows.append(row(part.layer.name, part.layer._class_name, *sums, depth, part.calls))
    if clock.others:
        forward, backward, update = (_median(clock.others[name]) for name in ("loss forward", "loss backward", "apply"))
        loss = model.loss if isinstance(model.loss, str) else type(model.loss).__name__
        rows.append(row("loss", loss, forward, backward, forward + backward))
        rows.append(row("optimizer", type(model.optimizer).__name__, None, None, update))
    rest = total - sum(one.ms for one in rows if one.depth == 0)
    rows.append(row("other", "", None, None, max(rest, 0.0), calls=0))
    return rows
