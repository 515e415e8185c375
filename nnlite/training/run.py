"""Run: where a fit stands, and how another process goes on from there."""

from __future__ import annotations

import random as python_random
from typing import Any

import numpy as np

from nnlite import random
from nnlite.training.data import Batches


class Run:
    """A fit under way: its data, its epoch and the steps done in it.

    ``fit`` hands it to every callback with a ``set_run`` method, before training begins. :meth:`state` is all that the
    next steps depend on besides the weights and the optimizer (which are saved as files); :meth:`resume` makes a new
    fit of the same script go on from there.

    Args:
        model: the model that is trained.
        train: its data.
        held_out: the validation data, or None.
        callbacks: the list of callbacks.
        epoch: number of the first epoch.
    """

    def __init__(self, model: Any, train: Batches, held_out: Batches | None, callbacks: Any, epoch: int) -> None:
        self.model, self.train, self.held_out, self.callbacks = model, train, held_out, callbacks
        self.epoch, self.step = epoch, 0
        self.resumed = False
        # The compiled loss that has looked through all targets that there are; None if none has.
        self.checked: Any = None
        self._states: list[Any] = []

    def state(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Return where training is: plain values, and arrays that they refer to as ``{"array": number}``."""
        arrays: list[np.ndarray] = []
        values = {
            "epoch": self.epoch,
            "step": self.step,
            "train": self.train.position(),
            "validation": None if self.held_out is None else self.held_out.position(),
            "random": _random_state(self.model),
            "states": [_store(layer.states, arrays) for layer in _stateful(self.model)],
            "metrics": [[_store(v.value, arrays) for v in metric.variables] for metric in self.model.metrics],
            "callbacks": [[type(c).__name__, _store(callback_state(c), arrays)] for c in self.callbacks.callbacks],
        }
        return _store(values, arrays), arrays

    def resume(self, values: dict[str, Any], arrays: list[np.ndarray]) -> None:
        """Go on from what :meth:`state` returned in another process, the weights having been loaded.

        Raises ``ValueError`` if the data is not the same.
        """
        values = _restored(values, arrays)
        batch = self.train.peek()
        self.train.seek(values["train"])
        if self.held_out is not None and values["validation"] is not None:
            self.held_out.seek(values["validation"])
        self.epoch, self.step = values["epoch"], values["step"]
        if self.step:
            self._restore_metrics(values["metrics"], batch)
        self._states, self.resumed = values["callbacks"], True
        _set_random_state(self.model, values["random"])
        for layer, states in zip(_stateful(self.model), values["states"], strict=True):
            if states is not None:
                layer.states = states

    def began(self) -> None:
        """Give the callbacks what they had remembered; called once all have begun."""
        left = list(self._states)
        for callback in self.callbacks.callbacks:
            found = next((s for s in left if s[0] == type(callback).__name__), None)
            if found is not None:
                left.remove(found)
                for name, value in found[1].items():
                    setattr(callback, name, value)

    def _restore_metrics(self, values: list[list[Any]], batch: Any) -> None:
        """Write the running means. Some metrics make their variables at their first batch: they are shown one."""
        model = self.model
        if batch is not None and sum(map(len, values)) > sum(len(m.variables) for m in model.metrics):
            model.test_on_batch(*batch)
        for metric, saved in zip(model.metrics, values, strict=False):
            for variable, value in zip(metric.variables, saved, strict=False):
                variable.assign(value)


def callback_state(callback: Any) -> dict[str, Any]:
    """Return the attributes that a callback names in ``remembers``: what it must know to go on in another process."""
    return {name: getattr(callback, name) for name in getattr(callback, "remembers", ())}


def _stateful(model: Any) -> list[Any]:
    """The layers inside that hand states on from batch to batch, in a fixed order."""
    found = [model] if getattr(model, "stateful", False) and hasattr(model, "states") else []
    return found + [one for layer in model.layers_inside for one in _stateful(layer)]


def generators(model: Any) -> list[np.random.Generator]:
    """Return the random streams of a model's layers, in a fixed order."""
    found = []
    for name in sorted(vars(model)):
        value = vars(model)[name]
        if isinstance(value, random.SeedGenerator):
            value = value.generator
        if isinstance(value, np.random.Generator):
            found.append(value)
    return found + [stream for layer in model.layers_inside for stream in generators(layer)]


def _random_state(model: Any) -> dict[str, Any]:
    kind, keys, position, has_gauss, gauss = np.random.get_state()
    return {
        "layers": [stream.bit_generator.state for stream in generators(model)],
        "process": random.get_state(),
        "python": python_random.getstate(),
        "numpy": [str(kind), np.asarray(keys), int(position), int(has_gauss), float(gauss)],
    }


def _set_random_state(model: Any, state: dict[str, Any]) -> None:
    streams = generators(model)
    if len(streams) != len(state["layers"]):
        raise ValueError(f"The model had {len(state['layers'])} random streams then, it has {len(streams)} now.")
    for stream, saved in zip(streams, state["layers"], strict=True):
        stream.bit_generator.state = saved
    random.set_state(state["process"])
    version, numbers, gauss = state["python"]
    python_random.setstate((version, tuple(numbers), gauss))
    np.random.set_state(tuple(state["numpy"]))


def _store(value: Any, arrays: list[np.ndarray]) -> Any:
    """Plain values as they are, arrays put aside."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        arrays.append(value.copy())
        return {"array": len(arrays) - 1}
    if isinstance(value, dict):
        return {str(key): _store(one, arrays) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_store(one, arrays) for one in value]
    return value


def _restored(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"array"}:
            return arrays[value["array"]]
        return {key: _restored(one, arrays) for key, one in value.items()}
    return [_restored(one, arrays) for one in value] if isinstance(value, list) else value
