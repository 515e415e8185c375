"""Names and what they stand for.

A name in a script ("relu", "adam") or in a file is looked up here and nowhere else; no name can ask for a module to be
imported. The families, which are imported when the first name of their kind is looked up, register their own classes
and functions; users register theirs with :func:`register_keras_serializable`, or pass them in a
:class:`custom_object_scope`.
"""

from __future__ import annotations

import importlib
import inspect
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from nnlite.core.errors import nearest

T = TypeVar("T")

# The kinds of things that have names, and the module that files name them under.
MODULES = {
    "layers": "keras.layers",
    "ops": "keras.src.ops",
    "models": "keras",
    "activations": "keras.activations",
    "initializers": "keras.initializers",
    "regularizers": "keras.regularizers",
    "constraints": "keras.constraints",
    "losses": "keras.losses",
    "metrics": "keras.metrics",
    "schedules": "keras.optimizers.schedules",
    "optimizers": "keras.optimizers",
    "policies": "keras",
    "policy_maps": "keras.dtype_policies",
}

_builtin: dict[str, dict[str, Any]] = {kind: {} for kind in MODULES}
_kind_of: dict[Any, str] = {}
_custom: dict[str, Any] = {}
_custom_names: dict[Any, str] = {}
_scopes = threading.local()
# The package of each kind that has not been imported yet.
_packages = {
    **{kind: f"nnlite.{kind}" for kind in MODULES if kind not in ("schedules", "policies", "policy_maps")},
    "schedules": "nnlite.optimizers.schedules",
    "policies": "nnlite.core.dtypes",
    "policy_maps": "nnlite.dtype_policies",
}
# What imports the modules of a kind: the one that has a name, or all of them for None.
_loaders: dict[str, Callable[[str | None], None]] = {}


def register(kind: str, *names: str) -> Callable[[T], T]:
    """Return a decorator that makes a built-in known under its own name and further ``names``."""

    def add(obj: T) -> T:
        for name in (getattr(obj, "__name__", ""), *names):
            if name:
                _builtin[kind][name] = obj
        _kind_of[obj] = kind
        return obj

    return add


def kind_of(obj: Any) -> str | None:
    """Return the kind under which the class or function ``obj`` was registered as built in, else None."""
    try:
        return _kind_of.get(obj)
    except TypeError:  # not hashable: nothing that could have been registered
        return None


def load_with(kind: str, loader: Callable[[str | None], None]) -> None:
    """Say what imports the modules that register names of a kind; it is called when such a name is looked up.

    Args:
        kind: the kind.
        loader: takes a name and imports the module that seems to have it, or None and imports all of them.
    """
    _loaders[kind] = loader


def load(kind: str, name: str | None = None) -> None:
    """Import what seems to define a name of a kind, or all of the kind."""
    if kind in _packages:
        importlib.import_module(_packages[kind])
        _packages.pop(kind, None)  # another thread may have come before
    if kind in _loaders:
        (_loaders[kind] if name is not None else _loaders.pop(kind))(name)


def known_names(kind: str) -> list[str]:
    """Return all built-in names of a kind, sorted."""
    load(kind)
    return sorted(_builtin[kind])


def spelled(kind: str, name: str) -> str | None:
    """Return a built-in name as it is spelled, given in any case, or None if there is none.

    >>> spelled("optimizers", "ADAM")
    'Adam'
    """
    for wanted in (name, None):
        load(kind, wanted)
        for known in _builtin[kind]:
            if known.lower() == name.lower():
                return known
    return None


def find(kind: str | None, name: str) -> Any | None:
    """Return what ``name`` stands for, custom objects first, or None."""
    for objects in (*reversed(_scopes.__dict__.get("stack", [])), _custom):
        if name in objects:
            return objects[name]
    kinds = _builtin if kind is None else (kind,)
    for wanted in (name, None):  # first what seems to have it
        for one in kinds:
            if name not in _builtin[one]:
                load(one, wanted)
            if name in _builtin[one]:
                return _builtin[one][name]
    return None


def resolve(kind: str, name: str) -> Any:
    """Return the class or function called ``name``.

    Raises ``ValueError`` with the nearest known name if there is none.
    """
    found = find(kind, name)
    if found is None:
        what = kind[:-1] if kind != "losses" else "loss"
        raise ValueError(
            f"Unknown {what} {name!r}.{nearest(name, _builtin[kind])} A class or function of your own is passed as it "
            f"is or, for files and configs, as custom_objects={{{name!r}: ...}}, or registered with "
            f"nnlite.saving.register_keras_serializable. Known names: {', '.join(known_names(kind))}."
        )
    return found


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """Return a decorator that lets configs and files name a class or function of the user's.

    Args:
        package: first half of the registered name ``"package>name"``.
        name: second half; the class's own name where None.

    Raises:
        ValueError: if a class has no ``get_config`` method, which saving needs.

    >>> @register_keras_serializable("my_package")
    ... def cubed(x):
    ...     return x**3
    >>> get_registered_name(cubed)
    'my_package>cubed'
    """

    def add(obj: T) -> T:
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError(f"Cannot register {obj.__name__}: a class needs a get_config() method to be saved.")
        registered = f"{package}>{name or getattr(obj, '__name__', '')}"
        _custom[registered] = obj
        _custom_names[obj] = registered
        return obj

    return add


def get_registered_name(obj: Any) -> str:
    """Return the name that files carry for a class or function: "package>name" if registered, else its own."""
    return str(_custom_names.get(obj, getattr(obj, "__name__", "")))


def is_custom(obj: Any) -> bool:
    """Return whether a user registered ``obj``."""
    return obj in _custom_names


def get_registered_object(name: str, custom_objects: dict[str, Any] | None = None) -> Any | None:
    """Return the custom class or function registered as ``name`` or given in ``custom_objects``, else None."""
    if custom_objects and name in custom_objects:
        return custom_objects[name]
    for objects in (*reversed(_scopes.__dict__.get("stack", [])), _custom):
        if name in objects:
            return objects[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """Return the live dict of custom objects; entries added to it are known everywhere."""
    return _custom


class custom_object_scope:  # noqa: N801 (Keras's name)
    """Make names known inside a ``with`` block, in this thread.

    >>> with custom_object_scope({"cube": lambda x: x**3}):
    ...     resolve("activations", "cube")(2)
    8
    """

    def __init__(self, custom_objects: dict[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})

    def __enter__(self) -> custom_object_scope:
        _scopes.__dict__.setdefault("stack", []).append(self.custom_objects)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _scopes.stack.pop()
