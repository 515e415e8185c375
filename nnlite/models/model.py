"""Model: layers put together in any way, and what all models can do."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

from nnlite.core import changes, loading, registry, structure
from nnlite.core.errors import nearest
from nnlite.core.layer import Layer
from nnlite.core.symbol import Symbol
from nnlite.models import ends, forms, graph_config, inference
from nnlite.models.described import Described
from nnlite.models.ends import Ends
from nnlite.models.graph import Graph
from nnlite.training.trainer import Trainer


class Caches(NamedTuple):
    """What a model's ``forward`` returns for backward: the caches of its calls in order, and the mask of the output."""

    calls: list[Any]
    mask: Any


@registry.register("models")
class Model(Ends, Trainer, Described, Layer):
    """Layers put together: from symbols to symbols, or in a class of one's own.

    A model of symbols computes what was called on them, each call once; where an array goes into several layers, their
    gradients are summed::

        a, b = Input((4,)), Input((3,))
        h = layers.Dense(8, activation="relu")(a)
        model = Model(inputs=[a, b], outputs=layers.Dense(1)(layers.Concatenate()([h, b]) * 2))

    A subclass holds layers in attributes and chains them itself, as any layer does::

        class Net(Model):
            def __init__(self):
                super().__init__()
                self.hidden, self.out = layers.Dense(8, activation="relu"), layers.Dense(1)

            def forward(self, x, training=False):
                h, hidden_cache = self.hidden.forward(x, training)
                y, out_cache = self.out.forward(h, training)
                return y, (hidden_cache, out_cache)

            def backward(self, dy, cache):
                return self.hidden.backward(self.out.backward(dy, cache[1]), cache[0])

    Args:
        inputs: symbols that data will be given for: one, or a list or dict. A symbol from inside another model begins
            the new one there.
        outputs: symbols to compute: one, or a list or dict. The model computes them in the same form (a list of one as
            one array).
        name: name of the model.
        trainable: whether the variables take gradients.

    Raises:
        TypeError: if only one of inputs and outputs is given.
        ValueError: if inputs or outputs are no symbols, an output needs an input that is not given, or two layers have
            the same name.

    >>> import numpy as np
    >>> from nnlite import layers
    >>> a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    >>> model = Model([a, b], layers.Dense(2, kernel_initializer="ones")(a + b))
    >>> model([np.ones((1, 4)), np.ones((1, 4))])
    array([[8., 8.]], dtype=float32)
    """

    keeps_dtype = True

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return super().__new__(Functional if cls is Model else cls, *args, **kwargs)

    def __init__(
        self, inputs: Any = None, outputs: Any = None, name: str | None = None, trainable: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self._layers: list[Layer] = []
        if inputs is not None or outputs is not None:
            self._set_graph(inputs, outputs)
        if not trainable:
            self.trainable = False

    def _set_graph(self, inputs: Any, outputs: Any) -> None:
        for what, given in (("inputs", inputs), ("outputs", outputs)):
            strange = [one for one in forms.leaves(given) if not isinstance(one, Symbol)]
            if strange or not forms.leaves(given):
                raise (TypeError if given is None else ValueError)(
                    f"{self.label}: {what} must be symbols, made by Input or by calling layers on symbols; got "
                    f"{strange[0] if strange else given!r}."
                )
        graph = Graph(forms.leaves(inputs), forms.leaves(outputs), self.label)
        names: dict[str, Any] = {}
        for layer in graph.layers:
            if names.setdefault(layer.name, layer) is not layer:
                raise ValueError(
                    f"{self.label}: two layers are named {layer.name!r}; names in a model must differ. Give one of "
                    f"them another name=."
                )
        self._arguments = ((), {})  # symbols, which the graph knows
        self._graph = graph
        self._set_ends(inputs, outputs)
        self._layers = [layer for layer in graph.layers if not layer.is_operation]
        self._path, self._built = self.name, True
        changes.note()

    # ---- structure ----

    @property
    def layers(self) -> list[Layer]:
        """The layers: of a model of symbols in the graph's order, its inputs among them; else those in attributes."""
        if self._graph is not None:
            return list(self._layers)
        return [one for one in self.layers_inside if isinstance(one, Layer)]

    @property
    def operations(self) -> list[Layer]:
        """All that a model of symbols calls, the functions of ``nnlite.ops`` among its layers."""
        if self._graph is None:
            raise AttributeError(f"{self.label} has no operations: it was not made of symbols.", name="operations")
        return list(self._graph.layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its index.

        Raises ``ValueError`` if there is none, or not exactly one of the two is given.
        """
        layers = self.layers
        if (name is None) == (index is None):
            raise ValueError(f"{self.label}: get_layer takes either a name or an index.")
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"{self.label} has {len(layers)} layers; there is no index {index}.")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        names = [layer.name for layer in layers]
        raise ValueError(f"{self.label} has no layer {name!r}.{nearest(name, names)} It has: {', '.join(names)}.")

    # ---- computing ----

    function_of_batch = inference.whole

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Compute the outputs of arrays, a dict's in the order it was given, or new symbols of symbols."""
        if len(inputs) == 1 and not options and (function := self.function_of_batch(inputs[0])) is not None:
            return function(inputs[0])
        return ends.in_order_of(self._keys[1], super().__call__(*inputs, **options))

    def add_loss(self, value: Any) -> None:
        """Add a term to the loss of the batch that a subclass's ``forward`` computes.

        Raises ``NotImplementedError`` for a model of symbols, where a layer of one's own does it in its ``forward``.
        """
        if self._graph is not None:
            raise NotImplementedError(
                f"{self.label} is made of symbols: call add_loss in the forward of a layer, whose backward adds the "
                f"gradient."
            )
        super().add_loss(value)

    def build(self, input_shape: Any = None) -> None:
        """Create the variables of a subclass's layers, by computing zeros of a shape (the batch first), or empty texts.

        Where some of several inputs may be texts, the first data create them.
        """
        known = input_shape is not None and (structure.is_shape(input_shape) or not self.takes_texts)
        if self._graph is None and known and type(self).forward is not Model.forward:
            self._built = True  # while it computes
            try:
                type(self).infer(self, structure.stand_in(self, input_shape, 2))
            finally:
                self._built = False

    def _graph_for(self, method: str) -> Graph:
        if self._graph is None:
            raise NotImplementedError(
                f"{type(self).__name__} has no {method}: a subclass of Model defines forward(self, x, training=False) "
                f"-> (y, cache) and backward(self, dy, cache) -> dx, or hands symbols to super().__init__(inputs, "
                f"outputs)."
            )
        return self._graph

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Any]:
        """Return the output and the cache for :meth:`backward`: those of all calls."""
        calls: list[Any] = []
        outputs, masks = self._graph_for("forward").run(self._flat(x), training, self._flat_masks(mask), calls)
        return self._in_form(outputs), Caches(calls, self._mask_of(masks))

    def backward(self, dy: Any, cache: Any, input_grad: bool = True) -> Any:
        """Accumulate the gradients of all variables and return those of the inputs, or None without ``input_grad``.

        Gradients add up until :meth:`zero_grad`. A cache serves once: each call's part is freed when it has been used.
        Where nothing below can learn, no gradient is computed.

        Args:
            dy: the gradient by the output; for several a list or dict, in which None means no gradient.
            cache: what :meth:`forward` returned.

        Raises ``ValueError`` for a cache that has been used, and if the number of gradients is not that of the outputs.
        """
        graph = self._graph_for("backward")
        if not isinstance(cache, Caches):
            raise TypeError(f"{self.label}: backward(dy, cache) takes the cache of forward, got {kind(cache)}.")
        if len(cache.calls) != len(graph.steps):
            raise ValueError(
                f"{self.label}: this cache has been used, or is another model's: backward frees it call by call. "
                f"Call forward again."
            )
        gradients = graph.backward(self._flat_gradients(dy, len(graph.outputs)), cache.calls, input_grad)
        return forms.fill(forms.unpacked(self._input_form), gradients) if input_grad else None

    def infer(self, x: Any, mask: Any = None) -> Any:
        """Return the output, dropping each inner result at its last use."""
        if self._graph is None:
            return super().infer(x, **({} if mask is None else {"mask": mask}))
        return self.infer_with_mask(x, mask, {})[0]

    def forward_with_mask(self, x: Any, training: bool, mask: Any, options: dict[str, Any]) -> tuple[Any, Any, Any]:
        if self._graph is None:
            return super().forward_with_mask(x, training, mask, options)
        y, cache = self.forward(x, training, mask)
        return y, cache, self.output_mask(cache)

    def infer_with_mask(self, x: Any, mask: Any, options: dict[str, Any]) -> tuple[Any, Any]:
        if self._graph is None:
            return super().infer_with_mask(x, mask, options)
        inputs = self._flat(x)
        function = None if mask is not None else self._function_of(inputs)
        if function is not None:
            return function(*inputs), None
        outputs, masks = self._graph.run(inputs, False, self._flat_masks(mask), None)
        return self._in_form(outputs), self._mask_of(masks)

    def _function_of(self, inputs: list[Any]) -> Any:
        """The function of such inputs by a plan, or None; see :func:`nnlite.models.inference.planned`."""
        graph, form = self._graph_for("plan"), forms.unpacked(self._output_form)
        function = inference.planned(self, inputs, graph.plan, graph.entries)
        return None if function is None else lambda *arrays: forms.fill(form, function(list(arrays)))

    @property
    def heeds_training(self) -> bool:  # type: ignore[override]
        """Whether a call on symbols inside said something of ``training``."""
        return self._graph is not None and self._graph.heeds_training

    def infer_as_told(self, x: Any, training: bool | None, mask: Any, options: dict[str, Any]) -> tuple[Any, Any]:
        if self._graph is None or training is not None:
            return super().infer_as_told(x, training, mask, options)
        outputs, masks = self._graph.run(self._flat(x), None, self._flat_masks(mask), None)
        return self._in_form(outputs), self._mask_of(masks)

    @property
    def makes_mask(self) -> bool:  # type: ignore[override]
        """Whether a layer inside makes a mask."""
        return any(layer.makes_mask for layer in self.layers)

    def output_mask(self, cache: Any) -> Any:
        """Return the mask of the output of the forward that gave ``cache``."""
        return cache.mask if isinstance(cache, Caches) else None

    @property
    def takes_texts(self) -> bool:
        first = self._layers[:1] if self._graph is None else self._graph.entries
        return any(one.takes_texts for one in first) if first else super().takes_texts

    def cast_inputs(self, x: Any) -> Any:
        """Return the inputs as arrays of the dtypes that the model's inputs have."""
        if self._graph is None:
            return super().cast_inputs(x)
        pairs = zip(self._graph.entries, self._flat(x), strict=True)
        return forms.fill(forms.unpacked(self._input_form), [layer.cast_inputs(one) for layer, one in pairs])

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._graph is None:
            return super().compute_output_shape(input_shape)
        given = [input_shape[name] for name in self.input_names] if isinstance(input_shape, dict) else input_shape
        return self._in_form(self._graph.output_shapes(structure.shapes(given)))

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the mask of the output, found by computing it."""
        return self.infer_with_mask(x, mask, {})[1]

    # ---- description and files ----

    @classmethod
    def takes_symbols(cls) -> bool:
        """Whether the class is made of inputs and outputs, so that they describe its models."""
        parameters = inspect.signature(cls.__init__).parameters
        kinds = {parameter.kind for parameter in parameters.values()}
        hands_on = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD} <= kinds
        return hands_on or {"inputs", "outputs"} <= parameters.keys()

    def get_config(self) -> dict[str, Any]:
        if self._graph is None or not self.takes_symbols():
            return super().get_config()
        config = {"name": self.name, "trainable": self._trainable}
        config |= graph_config.to_config(self._graph, self._input_form, self._output_form)
        for end, keys in zip(("input_layers", "output_layers"), self._keys, strict=True):
            config[end] = ends.in_order_of(keys, config[end])
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None, max_bytes: int | None = None
    ) -> Any:
        """Make a model from what ``get_config`` returned, in nnlite or any Keras since 1.0, with new weights, which
        may take ``max_bytes``; 1 GB where None."""
        from nnlite.saving import eras

        with registry.custom_object_scope(custom_objects):
            config = eras.inner("Functional", config)
            if cls is not Functional and not {"layers", "input_layers", "output_layers"} <= config.keys():
                return super().from_config(config)
            with loading.model_from_config(max_bytes, "the config"):
                inputs, outputs = graph_config.from_config(config)
            model = cls(inputs, outputs, name=config.get("name"))
            if not config.get("trainable", True):
                model.trainable = False
            return model

    def get_build_config(self) -> dict[str, Any] | None:
        return {"input_shape": None} if self._graph is not None else super().get_build_config()

    def __getstate__(self) -> dict[str, Any]:
        """What a copy and a pickle keep: not the symbols, which hold on to all that was ever made of them."""
        return {**super().__getstate__(), "_symbols": None, "_chain": (), "_plans": None, "_learning": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._graph is not None:
            self._connected("inputs")


@registry.register("models", "functional")
class Functional(Model):
    """The model of symbols that ``Model(inputs, outputs)`` returns."""

    rows_alone = property(inference.rows_alone)
    # Where files of Keras 3 have it.
    _module = "keras.src.models.functional"
    _registered_name = "Functional"


def kind(value: Any) -> str:
    """Words for what somebody gave: "None", "a list"."""
    return "None" if value is None else f"a {type(value).__name__}"


def mask_option(layer: Any, mask: Any) -> dict[str, Any]:
    """The options with which a layer's forward gets a mask, if there is one and the layer takes it."""
    return {"mask": mask} if mask is not None and layer._takes_mask else {}


def first_that_learns(model: Model, layers: list[Any]) -> int:
    """The index of the first of a model's layers with trainable variables, looked up when something has changed."""
    found: tuple[int, int] | None = model.__dict__.get("_learning")
    if found is None or found[0] != changes.count():
        first = next((i for i, layer in enumerate(layers) if layer.trainable_weights), len(layers))
        found = model.__dict__["_learning"] = changes.count(), first
    return found[1]
