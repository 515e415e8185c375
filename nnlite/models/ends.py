"""What a model of symbols takes and gives: its inputs and outputs, and data in their form."""

from __future__ import annotations

from typing import Any, NamedTuple

from nnlite.core import structure
from nnlite.core.symbol import Symbol
from nnlite.models import forms
from nnlite.models.graph import Graph


class Symbols(NamedTuple):
    """The symbols of a model's inputs and outputs, in the forms they were given."""

    inputs: Any
    outputs: Any


class Ends:
    """The inputs and outputs of a model of symbols. A mixin of ``Model``."""

    label: Any
    _graph: Graph | None = None
    _input_form: Any = None
    _output_form: Any = None
    _keys: tuple[Any, Any] = (None, None)
    _symbols: Symbols | None = None

    def _set_ends(self, inputs: Any, outputs: Any) -> None:
        self._symbols = Symbols(inputs, outputs)
        self._input_form, self._output_form = forms.number(inputs), forms.number(outputs)
        self._keys = _keys(inputs), _keys(outputs)

    # ---- symbols, names and shapes ----

    @property
    def input(self) -> Any:
        """The symbols of the inputs, in the form they were given."""
        return self._connected("input").inputs

    @property
    def output(self) -> Any:
        """The symbols of the outputs, in the form they were given."""
        return self._connected("output").outputs

    @property
    def inputs(self) -> list[Symbol]:
        """The symbols of the inputs."""
        return forms.leaves(self._connected("inputs").inputs)

    @property
    def outputs(self) -> list[Symbol]:
        """The symbols of the outputs."""
        return forms.leaves(self._connected("outputs").outputs)

    def _connected(self, what: str) -> Symbols:
        if self._graph is None:
            raise AttributeError(f"{self.label} has no {what}: it was not made of symbols.", name=what, obj=self)
        if self._symbols is None:  # a copy
            inputs, outputs = self._graph.connect()
            self._symbols = Symbols(forms.fill(self._input_form, inputs), forms.fill(self._output_form, outputs))
        return self._symbols

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs: a dict's keys, else those of the input layers, in the order of ``inputs``."""
        if self._graph is None:
            return []
        form, layers = self._input_form, self._graph.entries
        return sorted(form) if isinstance(form, dict) and len(form) == len(layers) else [one.name for one in layers]

    @property
    def output_names(self) -> list[str] | None:
        """The names of the layers that make the outputs, in the order of ``outputs``; None for other models."""
        return None if self._graph is None else self._graph.output_names

    @property
    def logged_names(self) -> list[str] | None:
        """The names under which losses and metrics of the outputs are logged; a dict of outputs has its own."""
        return None if isinstance(self._output_form, dict) else self.output_names

    @property
    def input_shape(self) -> Any:
        """Shape of the input, the batch first, or a list of those of ``inputs``; ``AttributeError`` if not known."""
        return self._shapes("input_shape", "inputs")

    @property
    def output_shape(self) -> Any:
        """Shape of the output, the batch first, or a list of those of ``outputs``; ``AttributeError`` if not known."""
        return self._shapes("output_shape", "outputs")

    def _shapes(self, what: str, which: str) -> Any:
        if self._graph is None:
            raise AttributeError(f"{self.label} has no {what}: it was not made of symbols.", name=what, obj=self)
        return forms.unpacked([self._graph.shapes[slot] for slot in getattr(self._graph, which)])

    # ---- data ----

    def _mask_of(self, masks: list[Any]) -> Any:
        if all(mask is None for mask in masks):
            return None
        return masks[0] if len(masks) == 1 else masks

    def _flat_masks(self, mask: Any) -> list[Any]:
        if mask is None:
            return [None] * len(self.input_names)
        masks = [mask.get(name) for name in self.input_names] if isinstance(mask, dict) else mask
        return list(masks) if isinstance(masks, (list, tuple)) else [masks]

    def _flat(self, x: Any) -> list[Any]:
        """The inputs in a row; those of a dict by its keys, or by the names of the input layers."""
        names, form = self.input_names, self._input_form
        if isinstance(x, dict):
            found = forms.gather(form, x) if isinstance(form, dict) else None
            if found is not None:
                return found
            if self._graph is not None and all(layer.name in x for layer in self._graph.entries):
                return [x[layer.name] for layer in self._graph.entries]
            missing = [name for name in names if name not in x]
            if missing:
                raise ValueError(
                    f"{self.label}: no data for the input {missing[0]!r}; it has the inputs {', '.join(names)}, got "
                    f"{', '.join(map(repr, x))}."
                )
            raise ValueError(f"{self.label}: the inputs {', '.join(names)} are nested in another form than these data.")
        flat = structure.flatten(x) if isinstance(x, (list, tuple)) and structure.holds_arrays(x) else [x]
        if len(flat) != len(names):
            raise ValueError(
                f"{self.label} has {len(names)} inputs ({', '.join(names)}), got {len(flat)}: give a list with one "
                f"array each, or a dict by name."
            )
        if self._keys[0] is not None and len(flat) > 1:
            raise ValueError(
                f"{self.label} was made of a dict of inputs ({', '.join(self._keys[0])}) in another order than the "
                f"alphabet's, so that a list does not tell which is which: give a dict."
            )
        return flat

    def _flat_gradients(self, dy: Any, count: int) -> list[Any]:
        if isinstance(dy, dict) and isinstance(self._output_form, dict):
            dy = [dy.get(key) for key in sorted(self._output_form)]
        given = structure.flatten(dy)
        if len(given) != count:
            raise ValueError(f"{self.label}: got {len(given)} gradients for {count} outputs.")
        return given

    def _in_form(self, outputs: list[Any]) -> Any:
        return forms.fill(forms.unpacked(self._output_form), outputs)


def _keys(ends: Any) -> list[str] | None:
    """The keys of a dict of symbols in their order, where that is another than the alphabet's; else None."""
    return list(ends) if isinstance(ends, dict) and list(ends) != sorted(ends) else None


def in_order_of(keys: list[str] | None, ends: Any) -> Any:
    """Return a dict of ends by ``keys``, where these are not None."""
    return ends if keys is None else {key: ends[key] for key in keys}
