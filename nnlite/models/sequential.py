"""Sequential: layers in a row."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.core import changes, loading, naming, registry, serialization, structure
from nnlite.core.input_spec import check_inputs
from nnlite.core.layer import Layer
from nnlite.core.symbol import Symbol
from nnlite.layers.input import InputLayer
from nnlite.models import inference
from nnlite.models.along import DONE, Pairs
from nnlite.models.ends import Symbols
from nnlite.models.model import Caches, Model, first_that_learns, kind, mask_option


@registry.register("models")
class Sequential(Model):
    """Layers in a row: the output of each is the input of the next.

    Forward is ``y = layer_n(... layer_2(layer_1(x)))``; backward is the chain rule, from the last layer to the first.

    Args:
        layers: layers, the first of which may be an ``Input``; more can be added with :meth:`add`.
        trainable: whether the variables take gradients.
        name: name of the model.

    >>> import numpy as np
    >>> from nnlite import layers
    >>> model = Sequential([layers.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(2)])
    >>> x = np.ones((5, 4), "float32")
    >>> y, cache = model.forward(x)
    >>> dx = model.backward(np.ones_like(y), cache)
    >>> dx.shape, model.layers[0].kernel.grad.shape
    ((5, 4), (4, 3))
    """

    rows_alone = property(inference.rows_alone)
    # The symbols of the input and of what each layer makes of it.
    _chain: tuple[Any, ...] = ()

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None, **kwargs: Any) -> None:
        if not isinstance(trainable, (bool, np.bool_)):
            raise TypeError(
                f"{type(self).__name__}: trainable must be True or False, got {trainable!r}. Layers go into one list: "
                f"Sequential([first, second])."
            )
        super().__init__(name=name, **kwargs)
        self._names: set[str] = set()  # of the layers, so that adding one need not look at all
        self._pairs = Pairs()
        if isinstance(layers, (Layer, Symbol)):
            layers = [layers]
        for layer in layers or []:
            self.add(layer, rebuild=False)
        self._rebuild()
        if not trainable:
            self.trainable = False

    # ---- structure ----

    @property
    def layers(self) -> list[Layer]:
        """The layers in order, without the input layer."""
        return [layer for layer in self._layers if not isinstance(layer, InputLayer)]

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer at the end.

        Raises:
            TypeError: if it is no layer.
            ValueError: if another layer has its name, or it is an input that does not come first.
        """
        if isinstance(layer, Symbol) and layer.node is not None and layer.node.x is None:
            layer = layer.node.layer
        if not isinstance(layer, Layer):
            hint = " Did you forget the parentheses that make a layer of its class?" if isinstance(layer, type) else ""
            raise TypeError(f"{self.label}: only layers can be added, got {layer!r}.{hint}")
        if isinstance(layer, InputLayer) and self._layers:
            raise ValueError(f"{self.label}: an Input must come first; there are {len(self._layers)} layers already.")
        if layer.name in self._names and any(layer.name == o.name and layer is not o for o in self._layers):
            raise ValueError(
                f"{self.label}: there is another layer named {layer.name!r} already; names in a model must differ. "
                f"Give one of them another name=."
            )
        if not self._layers and not isinstance(layer, InputLayer):
            shape, dtype = layer.given_batch_shape, None
            if shape is None and isinstance(layer, Sequential) and layer._layers and layer._has_input:
                shape, dtype = layer._layers[0].batch_shape, layer._layers[0].dtype_of_data  # type: ignore[attr-defined]
            elif isinstance(layer, Model) and layer._graph is not None and len(layer._graph.entries) == 1:
                shape, dtype = layer.input_shape, layer._graph.entries[0].dtype_of_data
            if shape is not None:
                self._layers.append(InputLayer(batch_shape=shape, dtype=dtype))
        self._layers.append(layer)
        self._names.add(layer.name)
        if rebuild:
            try:
                self._rebuild()
            except Exception:
                self._layers.pop()
                self._rebuild()
                raise

    def pop(self, rebuild: bool = True) -> Layer:
        """Remove the last layer and return it.

        Raises ``ValueError`` if there is none.
        """
        if not self.layers:
            raise ValueError(f"{self.label} has no layers to pop.")
        layer = self._layers.pop()
        if rebuild:
            self._rebuild()
        return layer

    @property
    def _has_input(self) -> bool:
        return bool(self._layers) and isinstance(self._layers[0], InputLayer)

    def _rebuild(self) -> None:
        """Build what is new, if the input's shape is known."""
        shape = self._layers[0].batch_shape if self._has_input else self._build_shape  # type: ignore[attr-defined]
        self.built = False
        changes.note()
        if shape is not None and self._layers:
            self.build(shape)

    def build(self, input_shape: Any = None) -> None:
        """Create the variables of all layers for inputs of ``input_shape`` (batch first, None where open)."""
        if not self._layers:
            raise ValueError(f"{self.label} has no layers: add some before it is built or used.")
        if self._has_input:
            first: Any = self._layers[0]
            first.open_sizes, declared = True, first.batch_shape
            if input_shape is not None and not _compatible(declared, input_shape):
                raise ValueError(f"{self.label} was declared with input shape {declared}, got {tuple(input_shape)}.")
            input_shape = declared
        elif input_shape is None:
            raise ValueError(f"{self.label}: give build the shape of the input, such as (None, 784), or add an Input.")
        self._call_layers(input_shape)
        if not self._trainable:
            self.trainable = False

    def _call_layers(self, input_shape: Any) -> None:
        """Call the layers on symbols, which builds them, from the first that has not been called in its place yet."""
        if self._has_input:
            start = self._layers[0].output
        elif self._chain and structure.map_arrays(self._chain[0], lambda symbol: symbol.shape) == input_shape:
            start = self._chain[0]
        elif structure.is_shape(input_shape):
            start = InputLayer(batch_shape=input_shape).output
        else:
            start = structure.map_shapes(input_shape, Symbol)
        if self.layers:
            naming.auto_name("functional")  # Keras makes such a model of the layers, and numbers later ones from there
        chain = [start]
        if self._chain and self._chain[0] is start:
            for layer, symbol in zip(self.layers, self._chain[1:], strict=False):
                if structure.flatten(symbol)[0].node.layer is not layer:
                    break
                chain.append(symbol)
        for layer in self.layers[len(chain) - 1 :]:
            chain.append(layer(chain[-1]))
        self._chain = tuple(chain)
        self._input_shape, self._output_shape = (
            structure.map_arrays(symbol, lambda one: one.shape) for symbol in (start, chain[-1])
        )

    def __getitem__(self, which: int | str | slice) -> Any:
        """Return a layer by index or name, or the part of the model that a slice of indices or names means.

        A part is a Sequential of the same layers, not of copies: its ``forward``, ``backward`` and ``infer`` compute
        these layers alone, with the model's variables.

        >>> import numpy as np
        >>> from nnlite import layers
        >>> model = Sequential([layers.Input((4,)), layers.Dense(3, name="a"), layers.ReLU(), layers.Dense(2)])
        >>> lower, upper = model[:2], model[2:]
        >>> h, lower_cache = lower.forward(np.ones((5, 4), "float32"))
        >>> y, upper_cache = upper.forward(h)
        >>> dh = upper.backward(np.ones_like(y), upper_cache)
        >>> dx = lower.backward(dh, lower_cache)
        >>> dh.shape, dx.shape, model["a"].kernel.grad.shape
        ((5, 3), (5, 4), (4, 3))

        Raises ``ValueError`` for a name that no layer has and for an empty part, ``IndexError`` for an index too large.
        """
        if not isinstance(which, slice):
            return self.get_layer(which) if isinstance(which, str) else self.layers[which]
        ends = [self.layers.index(self.get_layer(e)) if isinstance(e, str) else e for e in (which.start, which.stop)]
        if which.step not in (None, 1):
            raise ValueError(f"{self.label}: a part is a run of layers, got a slice of step {which.step!r}.")
        part = self.layers[slice(*ends)]
        if not part:
            raise ValueError(f"{self.label} has {len(self.layers)} layers; there are none in {ends[0]}:{ends[1]}.")
        first = self._layers[:1] if self._has_input and part[0] is self.layers[0] else []
        return Sequential([*first, *part], name=f"{self.name}_part")

    @property
    def input_shape(self) -> Any:
        """Shape of the input, the batch first; raises ``AttributeError`` if not built."""
        self._must_be_built("input_shape")
        return self._input_shape

    @property
    def output_shape(self) -> Any:
        """Shape of the output, the batch first; raises ``AttributeError`` if not built."""
        self._must_be_built("output_shape")
        return self._output_shape

    @property
    def input_names(self) -> list[str]:
        """The name of the input layer, if there is one."""
        return [layer.name for layer in self._layers[:1] if isinstance(layer, InputLayer)]

    @property
    def output_names(self) -> None:
        """None: the single output needs no name."""
        return None

    def _must_be_built(self, what: str) -> None:
        if not self.built:
            raise AttributeError(f"{self.label} has no {what} yet: add an Input first, call build, or call it on data.")

    @property
    def input(self) -> Any:
        """The symbol that the model was first called on, as of any layer; before that the one of its own input."""
        return self._nodes[0].x if self._nodes else self._connected("input").inputs

    @property
    def output(self) -> Any:
        """The symbol that the model's first call on symbols made; before that the one of its last layer."""
        return self._nodes[0].outputs if self._nodes else self._connected("output").outputs

    def _connected(self, what: str) -> Symbols:
        """The symbols of the input and the output."""
        self._must_be_built(what)
        if not self._chain:  # a copy
            self._call_layers(self._input_shape)
        return Symbols(self._chain[0], self._chain[-1])

    # ---- computing ----

    def forward(self, x: Any, training: bool = False, mask: Any = None) -> tuple[Any, Caches]:
        """Return the output and the cache for :meth:`backward`: those of all layers."""
        caches: list[Any] = []
        for index, layer in enumerate(self._layers):
            if len(caches) > index:
                continue
            after = self._layers[index + 1 : index + 2] if layer.takes_along is not None and training else []
            if after and mask is None and self._pairs.takes(index, layer, after[0]):
                x, cache = layer.forward_along(x, after[0])  # type: ignore[attr-defined]
                caches.append(cache)
                cache = DONE
            elif mask is None and not layer.makes_mask:
                x, cache = layer.forward(x, training)
            else:
                x, cache, mask = layer.forward_with_mask(x, training, mask, mask_option(layer, mask))
            caches.append(cache)
        return x, Caches(caches, mask)

    def backward(self, dy: Any, cache: Caches, input_grad: bool = True) -> Any:
        """Accumulate the gradients of all variables and return that of the input, or None without ``input_grad``.

        Gradients add up until :meth:`zero_grad`. A cache serves once: each layer's part is freed when it has been used.
        A layer below which nothing can learn is not asked for its input's gradient.

        Raises ``ValueError`` for a cache that has been used.
        """
        if not isinstance(cache, Caches):
            raise TypeError(f"{self.label}: backward(dy, cache) takes the cache of forward, got {kind(cache)}.")
        if len(cache.calls) != len(self._layers):
            raise ValueError(
                f"{self.label}: this cache has been used, or is another model's: backward frees it layer by layer. "
                f"Call forward again."
            )
        last = 0 if input_grad else first_that_learns(self, self._layers)
        for index in range(len(self._layers) - 1, last - 1, -1):
            layer, taken = self._layers[index], cache.calls.pop()
            if taken is DONE:
                continue
            skips = not input_grad and index == last and layer._takes_input_grad
            dy = layer.backward(dy, taken, **({"input_grad": False} if skips else {}))
            if dy is None and index > last:
                if layer._may_end_gradients():
                    cache.calls.clear()
                    return None
                raise TypeError(f"{layer.label}: backward returned None, expected dx, the gradient of its input.")
        return dy if input_grad else None

    def infer(self, x: Any, mask: Any = None) -> Any:
        """Return the output, dropping each inner result at its last use."""
        return self.infer_with_mask(x, mask, {})[0]

    def forward_with_mask(self, x: Any, training: bool, mask: Any, options: dict[str, Any]) -> tuple[Any, Any, Any]:
        y, cache = self.forward(x, training, mask)
        return y, cache, cache.mask

    def _function_of(self, inputs: list[Any]) -> Any:
        make = lambda shapes, dtypes: inference.chain(self.layers, *shapes, *dtypes)  # noqa: E731
        return inference.planned(self, inputs, make, self._layers[:1] if self._has_input else ())

    def infer_with_mask(self, x: Any, mask: Any, options: dict[str, Any]) -> tuple[Any, Any]:
        function = None if mask is not None else self._function_of([x])
        if function is not None:
            return function(x), None
        for layer in self._layers:
            if mask is None and not layer.makes_mask:
                x = layer.infer(x)
            else:
                x, mask = layer.infer_with_mask(x, mask, mask_option(layer, mask))
        return x, mask

    @property
    def heeds_training(self) -> bool:  # type: ignore[override]
        """Whether a call on symbols inside said something of ``training``."""
        return True in [layer.heeds_training for layer in self._layers]

    def infer_as_told(self, x: Any, training: bool | None, mask: Any, options: dict[str, Any]) -> tuple[Any, Any]:
        if training is not None:
            return super().infer_as_told(x, training, mask, options)
        for layer in self._layers:
            x, mask = layer.infer_as_told(x, None, mask, mask_option(layer, mask))
        return x, mask

    def cast_inputs(self, x: Any) -> Any:
        """Return the input as an array, of the dtype that the ``Input`` declares: that of a list of one, or that of a
        dict by the name of the ``Input``."""
        if isinstance(x, (list, tuple)) and len(x) == 1 and hasattr(x[0], "shape"):
            x = x[0]
        elif isinstance(x, dict) and self._has_input:
            name = self._layers[0].name
            if name not in x:
                raise ValueError(f"{self.label}: no data for the input {name!r}; got {', '.join(map(repr, x))}.")
            x = x[name]
        return self._layers[0].cast_inputs(x) if self._has_input else super().cast_inputs(x)

    def compute_output_shape(self, input_shape: Any) -> Any:
        for layer in self._layers:
            if layer.input_spec is not None and isinstance(input_shape, tuple):
                check_inputs(layer, input_shape)
            input_shape = layer.compute_output_shape(input_shape)
            for shape in structure.shapes(input_shape):
                loading.passing(shape, self._compute, layer.label)
        return input_shape

    # ---- files ----

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"name": self.name, "trainable": self._trainable}
        config |= {"dtype": serialization.policy_of(self), "layers": list(map(serialization.serialize, self._layers))}
        if self.built:
            config["build_input_shape"] = list(self._input_shape)
        return config

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None, max_bytes: int | None = None
    ) -> Sequential:
        """Make a model from what ``get_config`` returned, in nnlite or any Keras since 1.0, with new weights, which
        may take ``max_bytes``; 1 GB where None."""
        from nnlite.saving import eras

        with registry.custom_object_scope(custom_objects), loading.model_from_config(max_bytes, "the config"):
            config = eras.inner("Sequential", config)
            model = cls(name=config.get("name"))
            model.dtype_policy = config.get("dtype")
            made: dict[Any, tuple[Any, Layer]] = {}
            for layer_config in config["layers"]:
                # Built by the model, in its name scope, rather than one by one.
                alone = {key: value for key, value in layer_config.items() if key != "build_config"}
                inner = alone.get("config")
                name = inner.get("name") if isinstance(inner, dict) else None
                described, layer = made.get(
                    name if isinstance(name, str) else None, (None, None)
                )  # a layer may stand twice
                if layer is None or described != alone:
                    layer = serialization.deserialize(alone, "layers")
                if isinstance(name, str):
                    made[name] = (alone, layer)
                model.add(layer, rebuild=False)
            model._rebuild()
            shape = config.get("build_input_shape")
            if not model.built and shape is not None:
                model.build(shape)
            if not config.get("trainable", True):
                model.trainable = False
            return model

    def get_build_config(self) -> dict[str, Any] | None:
        return {"input_shape": list(self._input_shape)} if self.built else None


def _compatible(declared: Any, given: Any) -> bool:
    if not structure.is_shape(declared) or not structure.is_shape(given) or len(declared) != len(given):
        return bool(declared == given)
    return all(a is None or b is None or a == b for a, b in zip(declared, given, strict=True))
