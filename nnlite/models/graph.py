"""Graph: layers that take what others made, computed in an order that is found once."""

from __future__ import annotations

from typing import Any

from nnlite.core import changes, loading, structure
from nnlite.core.input_spec import check_inputs
from nnlite.core.symbol import Symbol
from nnlite.kernels.merging import plus
from nnlite.models import inference
from nnlite.models.along import DONE, Pairs
from nnlite.models.plan import (
    Slot,
    Step,
    entries_of,
    filled,
    filled_beside,
    in_order,
    mapped,
    masks_of,
    note_masks,
    put_outputs,
    shaped,
    slotted,
    steps_of,
    takes_alone,
)


class Graph:
    """The steps from some symbols to others.

    ``run`` and ``infer`` go through them in order, and drop each array at its last use; ``backward`` goes through them
    from the last to the first, and sums the gradients of what went into several.

    Args:
        inputs: symbols of which data will be given.
        outputs: symbols to compute.
        label: name of the model, for messages.

    Attributes:
        steps: the calls, in the order in which Keras numbers layers: by the length of the longest way to an output,
            then in the order in which a walk from the outputs meets them.
        layers: what is called, each once, in that order.

    Raises ``ValueError`` if an output needs an ``Input`` that is not among the inputs.
    """

    def __init__(self, inputs: list[Symbol], outputs: list[Symbol], label: str) -> None:
        self.label = label
        entries = entries_of(inputs)
        ordered, self.layers = in_order(inputs, outputs, entries, label)
        slots: dict[int, Slot] = {}
        made: list[Symbol] = []
        targets = []  # the slots of each call's outputs, in their form
        for node in ordered:
            numbers = {}
            for symbol in structure.flatten(node.outputs):
                numbers[id(symbol)] = Slot(len(made))
                made.append(symbol)
                if entries.get(id(symbol), node) is node:  # else it is given, and computed again beside others
                    slots[id(symbol)] = numbers[id(symbol)]
            targets.append(slotted(node.outputs, numbers))
        self.size = len(made)
        self.dtypes, self.shapes = [symbol.dtype for symbol in made], [symbol.shape for symbol in made]
        self.output_names = [symbol.node.layer.name for symbol in outputs if symbol.node is not None]
        self.entries = [entries[id(symbol)].layer for symbol in inputs]
        self.inputs = tuple(slots[id(symbol)] for symbol in inputs)
        self.outputs = tuple(slots[id(symbol)] for symbol in outputs)
        self.steps = steps_of(ordered, slots, targets, set(self.outputs))
        self.heeds_training = any(step.training is not None or step.layer.heeds_training for step in self.steps)
        self._number()
        self.written = [slotted((node.args, node.kwargs), slots) for node in ordered]
        self._learning: tuple[Any, Any] = (None, None)
        self._last_shapes: tuple[Any, Any] = (None, None)

    def _number(self) -> None:
        """Number the calls of each layer, as files and summaries name them, and note which step follows which alone."""
        self._calls: dict[int, list[int]] = {}
        self._places: dict[int, tuple[str, int, int]] = {}
        for index, step in enumerate(self.steps):
            calls = self._calls.setdefault(id(step.layer), [])
            for output, slot in enumerate(step.targets):
                self._places[slot] = (step.layer.name, len(calls), output)
            calls.append(index)
        self.followers, self._pairs = self._lone_followers(), Pairs()

    def _lone_followers(self) -> list[int | None]:
        """For each step that makes one array the one that alone takes it, and nothing else; neither has options."""
        users: dict[int, list[int]] = {slot: [] for slot in range(self.size)}
        for index, step in enumerate(self.steps):
            for slot in step.needs:
                users[slot].append(index)
        found: list[int | None] = []
        for step in self.steps:
            alone = isinstance(step.outputs, Slot) and not step.options and not step.constants and step.x is not None
            after = users[step.targets[0]] if alone and step.outputs not in self.outputs else []
            follows = len(set(after)) == 1 and takes_alone(self.steps[after[0]], step.targets[0])
            found.append(after[0] if follows else None)
        return found

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._number()  # the layers are others

    # ---- computing ----

    def run(
        self, inputs: list[Any], training: bool | None, masks: list[Any], caches: list[Any] | None
    ) -> tuple[list[Any], list[Any]]:
        """Return the outputs and their masks; append what each step's backward needs to ``caches``, None for none.

        Without ``caches``, ``training`` of None is what each call on symbols said, False where it said nothing.
        """
        heeds = training is None and self.heeds_training
        values: list[Any] = [None] * self.size
        known: dict[int, Any] = {}  # masks by slot
        for slot, x, mask in zip(self.inputs, inputs, masks, strict=True):
            values[slot] = x
            if mask is not None:
                known[slot] = mask
        done: set[int] = set()  # along with steps before them
        for index, step in enumerate(self.steps):
            layer, after = step.layer, self.followers[index]
            if index in done:
                caches.append(DONE)  # type: ignore[union-attr]
                continue
            if step.x is None:  # an input, which is there
                x, options, mask = values[step.targets[0]], {}, known.get(step.targets[0])
            elif step.plain:
                x, options = values[step.x], step.options
                mask = known.get(step.x) if known else None
            else:
                x, options = filled(step.x, values), filled(step.options, values)
                if step.constants:
                    x = filled_beside(step.x, values, len(values[step.sources[0]]))
                mask = masks_of(step.x, known) if known else None
            if mask is not None and layer._takes_mask:
                options = {"mask": mask, **options}
            outputs = step.outputs
            if after is not None and training and caches is not None and mask is None and self._takes(index, after):
                y, cache = layer.forward_along(x, self.steps[after].layer)
                outputs = self.steps[after].outputs
                done.add(after)
            elif heeds and (step.training is not None or layer.heeds_training):
                y, mask = layer.infer_as_told(x, step.training, mask, options)
                note_masks(step.outputs, mask, known)
            elif mask is None and not layer.makes_mask:
                if caches is None:
                    y = layer.infer(x, **options)
                else:
                    y, cache = layer.forward(x, bool(training), **options)
            else:
                if caches is None:
                    y, mask = layer.infer_with_mask(x, mask, options)
                else:
                    y, cache, mask = layer.forward_with_mask(x, bool(training), mask, options)
                note_masks(step.outputs, mask, known)
            if caches is not None:
                caches.append(cache)
                del cache
            if isinstance(outputs, Slot):
                values[outputs] = y
            else:
                put_outputs(step, y, values)
            for number in step.last:
                values[number] = None
            del x, y, options
        return [values[slot] for slot in self.outputs], [known.get(slot) for slot in self.outputs]

    def _takes(self, index: int, after: int) -> bool:
        return self._pairs.takes(index, self.steps[index].layer, self.steps[after].layer)

    def plan(self, shapes: list[Any], dtypes: list[Any]) -> Any:
        """Return a function that infers for inputs of given shapes and dtypes, or None; see
        :mod:`nnlite.models.inference`."""
        return inference.graph(self, shapes, dtypes)

    def backward(self, dys: list[Any], caches: list[Any], input_grad: bool) -> list[Any]:
        """Accumulate the gradients of all variables; return those of the inputs, each None unless ``input_grad``."""
        gradients = _Sums()
        for slot, dy in zip(self.outputs, dys, strict=True):
            gradients.add(slot, dy)
        wanted, learns, passes = self._wanted(input_grad)
        for index in range(len(self.steps) - 1, -1, -1):
            step, cache = self.steps[index], caches.pop()
            if step.x is None:
                target = step.targets[0]
                if wanted[target] and target in gradients:
                    gradients.put(target, step.layer.backward(gradients.take(target), cache))
                continue
            dy = gradients.take(step.outputs) if isinstance(step.outputs, Slot) else gradients.take_all(step.outputs)
            if dy is None:
                continue
            if cache is DONE:
                gradients.put(step.sources[0], dy)
                continue
            goes_on = passes[index]
            if not goes_on and not learns[index]:
                continue
            layer = step.layer
            if not goes_on and layer._takes_input_grad:
                layer.backward(dy, cache, input_grad=False)
                continue
            dx = layer.backward(dy, cache)
            del cache, dy
            if goes_on:
                self._add(gradients, step, dx, wanted)
        return [gradients.take(slot) if input_grad else None for slot in self.inputs]

    def _add(self, gradients: _Sums, step: Step, dx: Any, wanted: list[bool]) -> None:
        """Add what a step's backward returned to the gradients of what went into it."""
        if isinstance(step.x, Slot):
            if dx is None and not step.layer._may_end_gradients():
                raise TypeError(f"{step.layer.label}: backward returned None, expected dx, the gradient of its input.")
            gradients.add(step.x, dx)
            return
        leaves = structure.flatten(dx) if isinstance(dx, (list, tuple, dict)) else [dx]
        inputs = step.sources if len(leaves) == len(step.sources) else structure.flatten(step.x)  # with constants
        if len(leaves) != len(inputs):
            raise TypeError(
                f"{step.layer.label}: backward returned {len(leaves)} gradients for {len(inputs)} inputs; return a "
                f"list with one each, None for none."
            )
        for slot, gradient in zip(inputs, leaves, strict=True):
            if isinstance(slot, Slot) and wanted[slot]:
                gradients.add(slot, gradient)

    def _wanted(self, input_grad: bool) -> tuple[list[bool], list[bool], list[bool]]:
        """For each slot whether anybody wants its gradient, and for each step whether its layer learns and whether a
        gradient of what went into it is wanted."""
        key = (changes.count(), input_grad)
        if self._learning[0] != key:
            learns = [any(v.trainable for v in step.layer.weights) for step in self.steps]
            wanted = [False] * self.size
            for step, learning in zip(self.steps, learns, strict=True):
                going = input_grad if step.x is None else learning or any(wanted[slot] for slot in step.sources)
                for slot in step.targets:
                    wanted[slot] = going and "float" in self.dtypes[slot]
            passes = [any(wanted[slot] for slot in step.sources) for step in self.steps]
            self._learning = key, (wanted, learns, passes)
        found: tuple[list[bool], list[bool], list[bool]] = self._learning[1]
        return found

    # ---- shapes ----

    def output_shapes(self, input_shapes: list[Any]) -> list[Any]:
        """Return the shapes of the outputs for inputs of given shapes."""
        if loading.current() is None:
            return self._found_shapes(input_shapes)
        if self._last_shapes[0] != input_shapes:  # models in models ask for the same over and over
            self._last_shapes = list(input_shapes), self._found_shapes(input_shapes)
        return list(self._last_shapes[1])

    def _found_shapes(self, input_shapes: list[Any]) -> list[Any]:
        shapes: list[Any] = [None] * self.size
        for slot, shape in zip(self.inputs, input_shapes, strict=True):
            shapes[slot] = shape
        loading.count(len(self.steps))
        for step in self.steps:
            if step.x is None:
                shape = step.layer.compute_output_shape(shapes[step.targets[0]])
            else:
                given = shaped(step.x, shapes)
                if step.layer.input_spec is not None and isinstance(step.x, Slot):
                    check_inputs(step.layer, given)
                shape = step.layer.declared_shape(given, step.options)
            for target, one in zip(step.targets, structure.shapes(shape), strict=True):
                loading.passing(one, self.dtypes[target], step.layer.label)
                shapes[target] = one
        return [shapes[slot] for slot in self.outputs]

    # ---- description ----

    def calls(self, layer: Any) -> list[int]:
        """Return which steps call a layer."""
        return self._calls.get(id(layer), [])

    def place(self, slot: int) -> tuple[str, int, int]:
        """Return what makes an array: the name of the layer, which of its calls it is, and which of the outputs."""
        return self._places[slot]

    @property
    def is_chain(self) -> bool:
        """Whether each step takes just what the one before it made, and no layer is called twice."""
        ones = all(len(step.sources) <= 1 for step in self.steps) and len(self.steps) == len(self.layers)
        made = [slot for step in self.steps for slot in step.targets[:1]]
        return ones and all(step.sources == (slot,) for step, slot in zip(self.steps[1:], made, strict=False))

    def connect(self) -> tuple[list[Symbol], list[Symbol]]:
        """Note the calls on the layers anew, which a copied or unpickled graph's have not kept; return the symbols of
        the inputs and the outputs."""
        symbols = [Symbol(shape, dtype) for shape, dtype in zip(self.shapes, self.dtypes, strict=True)]
        for step, (args, kwargs) in zip(self.steps, self.written, strict=True):
            made = filled(step.outputs, symbols)
            if step.x is None:
                made.name = step.layer.name
            arguments = filled(args, symbols), filled(kwargs, symbols)
            step.layer.add_node(filled(step.x, symbols), filled(step.options, symbols), made, *arguments)
        return [symbols[slot] for slot in self.inputs], [symbols[slot] for slot in self.outputs]


class _Sums:
    """Gradients by slot; what arrives a second time is added, into arrays made here alone."""

    def __init__(self) -> None:
        self._sums: dict[int, Any] = {}
        self._own: set[int] = set()

    def add(self, slot: int, gradient: Any) -> None:
        if gradient is None:
            return
        there = self._sums.get(slot)
        if there is None:
            self._sums[slot] = gradient
        elif slot in self._own:
            plus(there, gradient, out=there)
        else:
            self._sums[slot] = plus(there, gradient)
            self._own.add(slot)

    def put(self, slot: int, gradient: Any) -> None:
        self._sums[slot] = gradient

    def take(self, slot: int) -> Any:
        self._own.discard(slot)
        return self._sums.pop(slot, None)

    def take_all(self, slots: Any) -> Any:
        """The gradients in the form of ``slots``, or None if there is none at all."""
        if not any(slot in self for slot in structure.flatten(slots)):
            return None
        return mapped(slots, self.take)

    def __contains__(self, slot: object) -> bool:
        return slot in self._sums
