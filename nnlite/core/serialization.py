"""Objects to configs (plain dicts, lists, strings and numbers) and back."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from nnlite.core import loading, registry
from nnlite.core.errors import KnownArguments, constructor_arguments, unknown_arguments

# The names that arrays have in configs.
ARRAYS = ("__numpy__", "__tensor__")

# What stands before the ">" of registered names of classes that are Keras's.
_OWN_PACKAGES = ("", "keras", "Keras", "keras.src")


class Configurable(KnownArguments):
    """Something that is described by its constructor's arguments.

    ``get_config`` reads the attributes that bear the arguments' names; ``from_config`` calls the constructor.
    """

    @classmethod
    def argument_names(cls) -> list[str]:
        """Return the names the constructor takes, following ``**kwargs`` to the base classes."""
        return list(constructor_arguments(cls)[0])  # type: ignore[arg-type]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data, such that ``from_config`` makes an equal object."""
        return {name: serialize(getattr(self, name)) for name in self.argument_names() if hasattr(self, name)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make an object from what ``get_config`` returned.

        Raises ``TypeError`` if ``config`` holds a name that the constructor does not take.
        """
        try:
            if cls.__init__ is not object.__init__:  # which would bind anything, in milliseconds
                inspect.signature(cls.__init__).bind(None, **config)
        except TypeError as error:
            unknown = set(config) - set(cls.argument_names())
            message = unknown_arguments(cls.__name__, unknown, cls.argument_names()) if unknown else str(error)
            named = f" named {config['name']!r}" if config.get("name") else ""
            raise TypeError(f"Cannot make a {cls.__name__}{named} from its config: {message}") from None
        return cls(**config)


def serialize(obj: Any) -> Any:
    """Return the config of ``obj``: plain values as they are, objects and functions as named dicts.

    Raises ``TypeError`` for what a file cannot hold: lambdas, and objects without ``get_config``.
    """
    if obj is None or isinstance(obj, (bool, int, float, str)):
        return obj
    if isinstance(obj, (np.bool_, np.integer, np.floating)):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, np.dtype):
        return obj.name
    if isinstance(obj, dict):
        return {str(key): serialize(value) for key, value in obj.items()}
    if isinstance(obj, (list, tuple)):
        return [serialize(value) for value in obj]
    if inspect.isclass(obj) and issubclass(obj, np.generic):
        return np.dtype(obj).name
    if hasattr(obj, "get_config") and not inspect.isclass(obj):
        return _serialize_object(obj)
    if callable(obj):
        return _serialize_function(obj)
    raise TypeError(f"Cannot save {obj!r} of type {type(obj).__name__}: it is no plain value and has no get_config().")


def policy_of(layer: Any) -> Any:
    """Return a layer's dtype policy as configs have it: its name, or the config of a map by paths."""
    return layer._policy if layer._policies is None else serialize(layer._policies)


def is_object(config: dict[str, Any]) -> bool:
    """Return whether a dict in a config is the form of an object or array, rather than plain data."""
    return "class_name" in config and ("module" in config or config["class_name"] in ARRAYS)


def _serialize_object(obj: Any) -> dict[str, Any]:
    cls = type(obj)
    kind = registry.kind_of(cls)
    named = kind or getattr(obj, "is_operation", False)
    config = {
        "module": getattr(obj, "_module", None) or (registry.MODULES[kind] if kind else cls.__module__),
        "class_name": getattr(obj, "_class_name", None) or cls.__dict__.get("saved_as", cls.__name__),
        "config": obj.get_config(),
        "registered_name": getattr(obj, "_registered_name", None) if named else registry.get_registered_name(cls),
    }
    build = getattr(obj, "get_build_config", None)
    build_config = build() if build is not None else None
    if build_config:
        config["build_config"] = build_config
    compiled = getattr(obj, "get_compile_config", None)
    compile_config = compiled() if compiled is not None else None
    if compile_config is not None:
        config["compile_config"] = compile_config
    return config


def _serialize_function(function: Any) -> Any:
    name = getattr(function, "__name__", "")
    if registry.kind_of(function):
        return name
    if name == "<lambda>" or not name:
        raise TypeError(
            "A lambda or nameless function cannot be saved: a file holds data, never code. Define it with def and "
            "decorate it with nnlite.saving.register_keras_serializable."
        )
    registered = registry.get_registered_name(function)
    return {"module": "builtins", "class_name": "function", "config": registered, "registered_name": registered}


def deserialize(config: Any, kind: str | None = None, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the object that ``config`` describes.

    Args:
        config: what :func:`serialize` returned, or a name.
        kind: what is expected ("layers", "losses", ...); where None, the config's module tells.
        custom_objects: names the caller vouches for.

    Raises:
        ValueError: if a name is unknown. Nothing is ever imported to find it.
        TypeError: if ``config`` is not of a form that describes an object.
    """
    if custom_objects:
        with registry.custom_object_scope(custom_objects):
            return deserialize(config, kind)
    if loading.current() is None:
        with loading.model_from_config(None, "the config"):
            return deserialize(config, kind)
    if isinstance(config, str) and kind is not None:
        return registry.resolve(kind, config)
    if not isinstance(config, dict) or "class_name" not in config:
        raise TypeError(f"Cannot make an object from {config!r}: expected a dict with 'class_name' and 'config'.")
    class_name, inner = config["class_name"], config.get("config") or {}
    if not isinstance(class_name, str):
        raise TypeError(f"A config's class_name must be a name, got {class_name!r}.")
    if class_name in ARRAYS:
        return array_from(inner)
    if class_name == "function":
        return registry.resolve(kind or _kind_in(config) or "activations", str(config.get("config")))
    try:
        cls = find_class(config, kind)
    except ValueError as error:
        named = inner.get("name") if isinstance(inner, dict) else None
        raise ValueError(f"{named!r}: {error}" if named else str(error)) from None
    if not isinstance(inner, dict):
        raise TypeError(f"The config of {class_name} must be a dict, got {inner!r}.")
    try:
        obj = cls.from_config(dict(inner))
    except TypeError as error:
        if type(error) is not TypeError or not isinstance(inner.get("name"), str) or repr(inner["name"]) in str(error):
            raise
        unknown = set(inner) - set(cls.argument_names()) if hasattr(cls, "argument_names") else set()
        values = ", ".join(f"{key}={inner[key]!r}"[:80] for key in sorted(unknown))
        held = f" The config has {values}." if values else ""
        raise TypeError(f"{class_name} {inner['name']!r}: {error}{held}") from error
    except ValueError as error:
        _say_where(error, class_name, inner.get("name"))
        raise
    build_config = config.get("build_config")
    if build_config and not getattr(obj, "built", True):
        obj.build_from_config(build_config)
    return obj


def array_from(config: Any) -> Any:
    """Return the array of numbers that the inner config of one of ``ARRAYS`` holds.

    Raises ``ValueError`` for what is none: other types take any amount of memory for a value.
    """
    try:
        dtype = np.dtype(str(config["dtype"]))
        if dtype.kind in "fiub" and dtype.subdtype is None:
            return np.asarray(config["value"], dtype)
    except (TypeError, ValueError, LookupError, OverflowError) as error:
        raise ValueError(f"The config has an array that cannot be read: {error!r}.") from None
    raise ValueError(f"The config has an array of dtype {config['dtype']!r}; only numbers are read.")


def deserialize_keras_object(
    config: Any, custom_objects: dict[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """Return what ``config``, made by ``serialize_keras_object``, describes, in lists and dicts, too.

    Args:
        config: what ``serialize_keras_object`` returned.
        custom_objects: names the caller vouches for.
        safe_mode: as in Keras; code in a config is never run, whatever this is.
        kwargs: ``module_objects``, in which names are looked up as well; ``printable_module_name`` means nothing.

    Raises:
        ValueError: if a name is unknown. Nothing is ever imported to find it.
        TypeError: if ``config`` is not of a form that describes an object.

    >>> deserialize_keras_object([1, {"a": None}])
    [1, {'a': None}]
    """
    unknown = kwargs.keys() - {"module_objects", "printable_module_name"}
    if unknown:
        known = ("config", "custom_objects", "safe_mode", "module_objects", "printable_module_name")
        raise TypeError(unknown_arguments("deserialize_keras_object", unknown, known))
    objects = {**(kwargs.get("module_objects") or {}), **(custom_objects or {})}
    if objects:
        with registry.custom_object_scope(objects):
            return deserialize_keras_object(config)
    if isinstance(config, dict) and "class_name" in config:
        return deserialize(config)
    if isinstance(config, dict):
        return {key: deserialize_keras_object(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [deserialize_keras_object(value) for value in config]
    if isinstance(config, str):
        found = registry.get_registered_object(config)
        return config if found is None else found
    return config


def _say_where(error: Exception, class_name: str, name: Any) -> None:
    """Put the object that could not be made before an error's message, the innermost one that has a name."""
    if not name or not error.args or not isinstance(error.args[0], str) or hasattr(error, "place"):
        return
    if repr(name) not in error.args[0]:
        error.args = (f"{class_name} {name!r}: {error.args[0]}", *error.args[1:])
    error.place = name  # type: ignore[attr-defined]


def find_class(config: dict[str, Any], kind: str | None = None) -> Any:
    """Return the class that an object's config names: a custom one first, then the built-in of that kind."""
    for name in (config.get("registered_name"), config["class_name"]):
        custom = registry.get_registered_object(name) if name else None
        if custom is not None:
            return custom
    name = str(config["class_name"]).rsplit(">", 1)[-1]
    wanted = kind or _kind_in(config)
    if wanted is None:
        found = registry.find(None, name)
        found = found if found is not None else registry.resolve("layers", name)
    else:
        # What the same module name stands for, or may stand in its place.
        also = {"layers": "models", "models": "policies", "activations": "layers"}.get(wanted)
        found = registry.find(also, name) if also else None
        found = found if found is not None else registry.resolve(wanted, name)
    package = str(config.get("registered_name") or "").rpartition(">")[0]
    if package not in _OWN_PACKAGES:
        raise ValueError(
            f"Unknown class {config['registered_name']!r}: the file names one of its author's. Pass it as "
            f"custom_objects={{{config['class_name']!r}: ...}}, or register it with "
            f"nnlite.saving.register_keras_serializable({package!r})."
        )
    return found


def _kind_in(config: dict[str, Any]) -> str | None:
    """The kind that a config's module names; schedules are asked for first, since theirs names optimizers too."""
    words = str(config.get("module") or "").split(".")
    for kind in ("schedules", *registry.MODULES):
        if kind in words:
            return kind
    return "models" if words in (["keras"], ["keras", "models"]) else None


def get(kind: str, identifier: Any) -> Any:
    """Return the object meant by ``identifier``, as every family's ``get`` does.

    None gives None; a name gives the function of that name or an instance of the class; a class an instance; a
    config what it describes; anything callable or already made is returned as it is.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        found = registry.resolve(kind, identifier)
    elif isinstance(identifier, dict):
        found = deserialize(identifier, kind)
    else:
        found = identifier
    if inspect.isclass(found):
        found = found()
    if kind == "regularizers" and callable(found) and not hasattr(found, "gradient"):
        raise TypeError(
            f"A regularizer needs the derivative of its penalty too, which cannot be told from the function "
            f"{getattr(found, '__name__', found)!r}: make it a class derived from nnlite.regularizers.Regularizer with "
            f"__call__(self, x) -> number and gradient(self, x) -> array."
        )
    if found is not identifier or callable(found) or registry.kind_of(type(found)) == kind:
        return found
    raise TypeError(f"Cannot tell which of {kind} is meant by {identifier!r}: expected a name, a config or an object.")
