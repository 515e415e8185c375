"""Layer: the contract that everything with a forward and a backward keeps."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnlite import config
from nnlite.core import dtypes, lazy, loading, naming, penalties, registry, serialization, structure, wrapping
from nnlite.core.errors import unknown_arguments
from nnlite.core.input_spec import check_inputs
from nnlite.core.owner import Owner
from nnlite.core.symbol import Node, Symbol

_SHAPE_ARGUMENTS = ("input_shape", "batch_shape", "batch_input_shape", "input_dim", "batch_size")


class Layer(Owner, serialization.Configurable):
    """Base class of all layers.

    A layer is a pair of functions and the variables they use::

        y, cache = layer.forward(x, training=False)
        dx = layer.backward(dy, cache)

    ``forward`` returns whatever ``backward`` will need; the layer object itself keeps nothing of a call, so it may be
    used several times in one model and from several threads. ``backward`` adds to ``variable.grad`` and returns the
    gradient of the input.

    Args:
        name: a name for paths, files and messages; made from the class's where None.
        dtype: name of the float type to compute in, or a policy; ``nnlite.config.dtype_policy()`` where None. Half
            precision is kept in the config and computed in float32.
        trainable: whether the variables take gradients.
        activity_regularizer: penalty on the output, divided by the batch size and added to the loss.
        input_shape: shape of one sample, for the first layer of a Sequential (also ``input_dim``, ``batch_shape``).

    Raises:
        TypeError: for unknown keyword arguments, and for a subclass that defines ``call`` but no ``forward``.

    >>> import numpy as np
    >>> class Scale(Layer):
    ...     def build(self, input_shape):
    ...         self.alpha = self.add_weight(shape=(), initializer="ones", name="alpha")
    ...     def forward(self, x, training=False):
    ...         return x * self.alpha.value, x
    ...     def backward(self, dy, x):
    ...         self.alpha.accumulate(np.sum(dy * x))
    ...         return dy * self.alpha.value
    >>> layer = Scale()
    >>> y, cache = layer.forward(np.ones((2, 3), "float32"))
    >>> layer.backward(y, cache).shape, float(layer.alpha.grad)
    ((2, 3), 6.0)
    """

    # Whether compute_mask hands an incoming mask on; whether input of any dtype, or of integers, stays as it is, and
    # whether what comes out of integers are integers, too.
    supports_masking = False
    keeps_dtype = False
    keeps_integers = False
    passes_integers = False
    # Whether what it makes of a row in training depends on the rows beside it, as statistics of the batch do.
    takes_statistics = False
    input_spec: Any = None  # an InputSpec, or a list of one for each input
    # The arrays that a call takes, where there may be several: ``layer(q, v, key=k)`` is ``layer([q, v, k])``.
    named_inputs: ClassVar[tuple[str, ...]] = ()
    # Read off the signatures of forward and backward.
    _takes_mask: ClassVar[bool] = False
    _takes_input_grad: ClassVar[bool] = False
    _options: ClassVar[tuple[str, ...]] = ()
    _shape_options: ClassVar[tuple[str, ...]] = ()
    # Whether a call on symbols inside said something of ``training``; whether compute_mask may make a mask of none.
    heeds_training = False
    makes_mask = False
    # A method that says whether the layer takes another one along in training: see nnlite.models.along.
    takes_along: Any = None
    # Whether it is a function of nnlite.ops in a model, which counts as no layer there; whether it has no derivative.
    is_operation = False
    passes_no_gradient = False

    _arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls)
        self._arguments = (args, kwargs)
        self._built = False
        return self

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattribute__(name)  # once more, for its own message: a property may have raised it
        except AttributeError as error:
            early = "_policy" not in self.__dict__ and not name.startswith("__")
            hint = " Does its __init__ call super().__init__(**kwargs) before anything else?" if early else ""
            raise lazy.explained(self, name, error, hint) from None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        wrapping.wrap_methods(cls)

    def __init__(
        self,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        activity_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        shape_arguments = {key: kwargs.pop(key) for key in _SHAPE_ARGUMENTS if key in kwargs}
        if kwargs:
            known = [n for n in self.argument_names() if n != "kwargs"]
            raise TypeError(unknown_arguments(type(self).__name__, kwargs, [*known, "input_shape"]))
        if name is not None and not isinstance(name, str):
            raise TypeError(f"{type(self).__name__}: name must be a string, got {name!r}.")
        self.name = name or naming.auto_name(type(self).__name__)
        self._policies = dtypes.policies_by_path(dtype)
        self._policy = dtypes.layer_policy(dtype if self._policies is None else self._policies.default_policy)
        self._compute = dtypes.compute_dtype(self._policy)
        self._trainable = bool(trainable)
        self.activity_regularizer = serialization.get("regularizers", activity_regularizer)
        self.given_batch_shape = structure.batch_shape(**shape_arguments)
        self._nodes: list[Node] = []
        self._build_shape: Any = None
        self._path: str | None = None

    def __getstate__(self) -> dict[str, Any]:
        """What a copy and a pickle keep: all but the calls on symbols, which reach through whole models."""
        return {**self.__dict__, "_nodes": []}

    # ---- what a subclass defines ----

    def build(self, input_shape: Any) -> None:
        """Create the variables, for inputs of ``input_shape`` (the batch axis is None)."""

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Any]:
        """Return the output and the cache that ``backward`` needs."""
        raise NotImplementedError(
            f"{type(self).__name__} has no forward: define forward(self, x, training=False) -> (y, cache)."
        )

    def backward(self, dy: Any, cache: Any) -> Any:
        """Accumulate the gradients of the variables and return that of the input."""
        raise NotImplementedError(
            f"{self.label} has no backward, so it cannot be trained through: define "
            f"backward(self, dy, cache) -> dx, which also calls variable.accumulate(gradient) for each variable."
        )

    def infer(self, x: Any, *args: Any, **options: Any) -> Any:
        """Return the output alone, keeping nothing for a backward pass."""
        return self.forward(x, *args, **options)[0]

    def inference(self, shape: Any, following: list[Any]) -> tuple[Any, int] | None:
        """Return what computes ``infer(x)`` for x of one shape, and how many of the layers that follow it takes along;
        None if it is no faster. See :mod:`nnlite.models.inference`."""

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output, None for the batch; found by running on zeros unless a subclass knows."""
        if not self.built:
            self.build(input_shape)
        shapes = []
        for open_size in (8, 9):  # what differs between the two runs is open
            x = structure.stand_in(self, input_shape, open_size)
            shapes.append(structure.map_arrays(self.infer(x), np.shape))
        return structure.merge_shapes(*shapes)

    def declared_shape(self, input_shape: Any, options: dict[str, Any]) -> Any:
        """Return ``compute_output_shape`` of a call with options, of which it gets those that it has arguments for."""
        return self.compute_output_shape(
            input_shape, **{name: options[name] for name in self._shape_options if name in options}
        )

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the mask of the output: the input's, where the layer supports masking."""
        return mask if self.supports_masking else None

    def forward_with_mask(self, x: Any, training: bool, mask: Any, options: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Return the output, the cache and the output's mask, for an input with ``mask``."""
        y, cache = self.forward(x, training, **options)
        return y, cache, self.compute_mask(x, mask)

    def infer_with_mask(self, x: Any, mask: Any, options: dict[str, Any]) -> tuple[Any, Any]:
        """Return the output and its mask, for an input with ``mask``, keeping nothing for a backward pass."""
        return self.infer(x, **options), self.compute_mask(x, mask)

    def infer_as_told(self, x: Any, training: bool | None, mask: Any, options: dict[str, Any]) -> tuple[Any, Any]:
        """Return the output and its mask, as in training if ``training``; for None as the calls inside were told."""
        if training:
            y, _, mask = self.forward_with_mask(x, True, mask, options)
            return y, mask
        return self.infer_with_mask(x, mask, options)

    # ---- calling ----

    def __call__(self, *inputs: Any, training: bool | None = None, mask: Any = None, **options: Any) -> Any:
        """Compute the output of arrays, or a new symbol of symbols. Several positional inputs are packed in a list."""
        written = (inputs, dict(options) if training is None else {**options, "training": training})
        if self.named_inputs:
            inputs = wrapping.take_named_inputs(self, inputs, options)
        x = inputs[0] if len(inputs) == 1 else list(inputs)
        if not inputs:
            raise TypeError(f"{self.label} was called without an input.")
        wrapping.check_options(self, options)
        if mask is not None and self._takes_mask:
            options["mask"] = written[1]["mask"] = mask
        if structure.first_symbol(x) is not None:
            return self._call_symbols(x, options, *written)
        if training:
            return self.forward(x, training=True, **options)[0]
        if training is None and self.heeds_training:
            return self.infer_as_told(wrapping.prepare(self, x), None, mask, options)[0]
        return self.infer(x, **options)

    def _call_symbols(self, x: Any, options: dict[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        for one in structure.flatten(x):
            if one is not None and not isinstance(one, (Symbol, np.ndarray)):
                raise TypeError(
                    f"{self.label} was called with a symbol and a {type(one).__name__} together; what is always the "
                    f"same in a model is given as an array, np.array(...)."
                )
        x = structure.map_arrays(x, lambda one: one if isinstance(one, Symbol) else self._cast(one))
        shape = structure.map_arrays(x, structure.open_shape)
        if not self.built:
            self.build(shape)
        if isinstance(self.input_spec, (list, tuple)) or (self.input_spec is not None and isinstance(x, Symbol)):
            check_inputs(self, shape)
        declared = self.declared_shape(shape, options)
        dtype = x.dtype if self.keeps_dtype and isinstance(x, Symbol) else self._dtype_of_output(x)
        return self.add_node(x, options, structure.map_shapes(declared, lambda s: Symbol(s, dtype)), args, kwargs)

    def _dtype_of_output(self, x: Any) -> str:
        """The dtype that the layer declares for what it makes of symbols."""
        return (
            self.passes_integers and dtypes.of_whole_numbers(s.dtype for s in structure.flatten(x))
        ) or self._compute.name

    def _may_end_gradients(self) -> bool:
        """Whether backward may return None: what went in may be whole numbers, or has no derivative."""
        return self.keeps_integers or self.passes_integers or self.passes_no_gradient

    def add_node(self, x: Any, options: dict[str, Any], outputs: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note a call on symbols, with the symbols it makes; return these."""
        node = Node(self, x, options, outputs, args, kwargs or {})
        for index, symbol in enumerate(structure.flatten(outputs)):
            loading.passing(symbol.shape, symbol.dtype, self.label)
            symbol.node, symbol.index = node, index
        self._nodes.append(node)
        return outputs

    @property
    def input(self) -> Any:
        """The symbol that the layer was first called on, or a list of symbols.

        Raises ``AttributeError`` if it has not been called on symbols.
        """
        return self._first_node("input").x

    @property
    def output(self) -> Any:
        """The symbol that the layer's first call on symbols made, or a list of symbols; a new model may end there.

        Raises ``AttributeError`` if it has not been called on symbols.
        """
        return self._first_node("output").outputs

    def _first_node(self, what: str) -> Node:
        if not self._nodes:
            raise AttributeError(
                f"{self.label} has no {what}: it has not been called on symbols, nor built as a part of a model whose "
                f"input is declared.",
                name=what,
                obj=self,
            )
        return self._nodes[0]

    def cast_inputs(self, x: Any) -> Any:
        """Return array-likes as arrays of the layer's dtype; integers stay where the layer takes indices."""
        return self._cast(x) if type(x) is np.ndarray else structure.map_arrays(x, self._cast)

    def _cast(self, x: ArrayLike) -> NDArray[Any]:
        array = np.asarray(x)
        stays = self.keeps_dtype or ((self.keeps_integers or self.passes_integers) and array.dtype.kind in "iub")
        if stays or array.dtype == self._compute or (array.dtype.kind in "OUST" and self.takes_texts):
            return array
        if array.dtype.kind not in "fiub":
            raise TypeError(
                f"{self.label} computes with numbers, got an array of dtype {array.dtype}. "
                f"Convert it first, for example with x.astype('float32')."
            )
        return array.astype(self._compute)

    def add_loss(self, value: Any) -> None:
        """Add a term to the loss of the batch being computed; its gradient is for ``backward`` to include."""
        penalties.add(value)

    # ---- description ----

    @property
    def built(self) -> bool:
        """Whether the variables exist."""
        return self._built

    @built.setter
    def built(self, value: bool) -> None:
        self._built = bool(value)

    @property
    def path(self) -> str | None:
        """Name behind those of the models around it, ``sequential/dense``; None while not built."""
        return self._path

    @property
    def _class_name(self) -> str:
        """Name of the class, as tables and files show it."""
        return str(type(self).__dict__.get("saved_as", type(self).__name__))

    @property
    def label(self) -> str:
        """Class and name, for messages: ``Dense 'dense_1'``."""
        return f"{type(self).__name__} {self.__dict__.get('name', '?')!r}"

    @property
    def dtype(self) -> str:
        """Name of the float type that variables have."""
        return self.variable_dtype

    @property
    def dtype_policy(self) -> Any:
        """The policy that was asked for. It can be set, on a built layer to one that is computed in the same type.

        Raises ``ValueError`` if the variables have another type.
        """
        return config.DTypePolicy(self._policy) if self._policies is None else self._policies

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        policies = dtypes.policies_by_path(value)
        chosen = value if policies is None else policies.policy_for(self._path)
        name = dtypes.layer_policy(chosen)
        compute = dtypes.compute_dtype(name)
        if self._built and compute != self._compute and self.weights:
            raise ValueError(
                f"{self.label} was built with variables of {self._compute} and cannot go over to policy {name!r}, "
                f"which is computed in {compute}: make a new layer with dtype={name!r}."
            )
        self._policies, self._policy, self._compute = policies, name, compute

    @property
    def compute_dtype(self) -> str:
        """Name of the float type that is computed in: float32 for half precision, whatever the policy asks for."""
        return str(self._compute.name)

    @property
    def variable_dtype(self) -> str:
        """Name of the float type that variables have."""
        return str(self._compute.name)

    def get_config(self) -> dict[str, Any]:
        """Return name, trainable, dtype and the constructor's arguments as plain data."""
        policy = serialization.policy_of(self)
        found: dict[str, Any] = {"name": self.name, "trainable": self._trainable, "dtype": policy}
        if self.activity_regularizer is not None:
            found["activity_regularizer"] = serialization.serialize(self.activity_regularizer)
        if registry.kind_of(type(self)):  # built-in layers keep each argument, canonical, in the attribute of its name
            arguments = {n: getattr(self, n) for n in self.argument_names() if hasattr(self, n)}
        else:  # a user's layer may keep anything under that name; what it was made with is certain
            arguments = wrapping.recorded_arguments(self)
        for name, value in arguments.items():
            if name not in found and name not in _SHAPE_ARGUMENTS and name != "activity_regularizer":
                found[name] = serialization.serialize(value)
        return found

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer from what ``get_config`` returned; objects inside are made first."""
        ready = {
            key: serialization.deserialize(value)
            if isinstance(value, dict) and key != "dtype" and serialization.is_object(value)
            else value
            for key, value in config.items()
        }
        return super().from_config(ready)

    def get_build_config(self) -> dict[str, Any] | None:
        """Return what ``build_from_config`` needs to create the same variables."""
        return {"input_shape": self._build_shape} if self._build_shape is not None else None

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build for the input shape that ``get_build_config`` returned."""
        shape = config.get("input_shape")
        if shape is not None:
            self.build(structure.shape_from_json(shape))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


wrapping.wrap_base(Layer)
