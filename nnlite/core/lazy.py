"""Packages whose modules are imported when a name of theirs is first used, so that importing nnlite stays quick.

Such a package lists its names twice: in imports under ``TYPE_CHECKING``, for readers and their tools, and in a table
for :func:`attach`; a test holds the two together.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
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
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=here)
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


def _folded(name: str) -> str:
    """A name in whatever case and style: "mean_squared_error" is "MeanSquaredError"."""
    return name.replace("_", "").lower()
