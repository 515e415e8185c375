"""Packages whose modules are imported when a name of theirs is first used, so that importing nnlite stays quick.

Such a package lists its names twice: in imports under ``TYPE_CHECKING``, for readers and their tools, and in a table
for :func:`attach`; a test holds the two together.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from nnlite.core import registry


def attach(
    package: str, modules: dict[str, str], kind: str | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Args:
        package: its name, ``__name__`` there.
        modules: its modules, each with the names it gives the package, separated by blanks; "Pool=Pooling" gives what
            the module calls Pooling the name Pool.
        kind: the kind of the registry under which the modules register what they define.

    >>> find, _, names = attach("nnlite.core", {"naming": "auto_name to_snake_case"})
    >>> find("to_snake_case")("LayerNorm"), names
    ('layer_norm', ['auto_name', 'to_snake_case'])
    """
    pairs = [(*word.partition("=")[::2], module) for module, words in modules.items() for word in words.split()]
    place_of = {name: (module, inner or name) for name, inner, module in pairs}
    folded: dict[str, set[str]] = {}
    for name, _, module in pairs:
        folded.setdefault(_folded(name), set()).add(module)

    def find(name: str) -> Any:
        here = sys.modules[package]
        if name not in place_of:
            missing(package)(name)
        module, inner = place_of[name]
        value = getattr(importlib.import_module(f"{package}.{module}"), inner)
        setattr(here, name, value)  # the next time it is found without asking
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *place_of})

    def load(name: str | None) -> None:
        for module in sorted(modules if name is None else folded.get(_folded(name), ())):
            importlib.import_module(f"{package}.{module}")

    if kind is not None:
        registry.load_with(kind, load)
    return find, names, sorted(place_of)


def missing(module: str) -> Callable[[str], Any]:
    """Return a ``__getattr__`` for a module that lists its names itself: its errors say what to use instead.

    >>> missing("nnlite.core.lazy")("no_such_thing")
    Traceback (most recent call last):
    AttributeError: module 'nnlite.core.lazy' has no attribute 'no_such_thing'
    """

    def find(name: str) -> Any:
        if _asked_inside():  # an import of a submodule asks for an attribute first
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        from nnlite.core import absent

        raise absent.error(module, name)

    return find


def explained(thing: Any, name: str, error: AttributeError, hint: str = "") -> AttributeError:
    """Return the error about an attribute that an object lacks, with a hint, or what its user may take instead."""
    lacks = f"has no attribute {name!r}" in str(error)  # a property may have said something else
    if lacks and not hint and not _asked_inside(type(thing).__getattr__.__module__):
        from nnlite.core import absent

        hint = absent.of_object(thing, name)
    return AttributeError(f"{error}.{hint}", name=name, obj=thing) if hint else error


def _asked_inside(*own: str) -> bool:
    """Whether code of nnlite, not its user's, asks for a name; ``own`` are modules that pass the question on."""
    frame: FrameType | None = sys._getframe(1)
    own += (__name__, "nnlite", "importlib._bootstrap", "_frozen_importlib")
    while frame is not None and frame.f_globals.get("__name__") in own:
        frame = frame.f_back
    return frame is not None and str(frame.f_globals.get("__name__")).startswith("nnlite.")


def _folded(name: str) -> str:
    """A name in whatever case and style: "mean_squared_error" is "MeanSquaredError"."""
    return name.replace("_", "").lower()
