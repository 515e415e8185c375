"""Words for error messages."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def nearest(name: object, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the known name closest to ``name``, or "" if none is close.

    >>> nearest("adm", ["sgd", "adam"])
    " Did you mean 'adam'?"
    """
    import difflib

    given, lower = str(name).lower(), {word.lower(): word for word in known}
    close = difflib.get_close_matches(given, lower, n=1, cutoff=0.5)
    if not close and given:  # "lr" for learning_rate, "he" for HeNormal
        close = [word for word in lower if given == "".join(part[:1] for part in word.split("_"))]
        close = close or [word for word in lower if word.startswith(given)]
    return f" Did you mean {lower[close[0]]!r}?" if close else ""


def unknown_arguments(owner: str, unexpected: Iterable[str], known: Iterable[str]) -> str:
    """Return the sentence about keyword arguments that ``owner`` does not take."""
    known = list(known)
    names = sorted(unexpected)
    hints = "".join(nearest(name, known) for name in names[:1])
    listed = ", ".join(map(repr, names))
    return f"{owner} got unexpected keyword argument(s) {listed}.{hints} It takes: {', '.join(known)}."


@functools.lru_cache(maxsize=1024)
def constructor_arguments(cls: Any) -> tuple[tuple[str, ...], bool]:
    """Return the names that a class's constructor takes, following ``**kwargs`` to the base classes, and whether it
    has such ``**kwargs``."""
    names: list[str] = []
    has_kwargs: list[bool] = []
    for base in cls.__mro__:
        init = base.__dict__.get("__init__")
        if init is None or base is object:
            continue
        parameters = inspect.signature(init).parameters.values()
        names += [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        has_kwargs.append(any(p.kind is p.VAR_KEYWORD for p in parameters))
        if not has_kwargs[-1]:
            break
    return tuple(name for name in dict.fromkeys(names) if name != "self"), has_kwargs[:1] == [True]


class KnownArguments:
    """A base of classes whose constructors answer an unknown keyword argument with the nearest one they know."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        names, has_kwargs = constructor_arguments(cls) if kwargs else ((), True)  # type: ignore[arg-type]
        if not has_kwargs and not kwargs.keys() <= set(names):
            raise TypeError(unknown_arguments(cls.__name__, kwargs.keys() - set(names), names))
        return super().__new__(cls)


def known_arguments(function: F) -> F:
    """Make a function answer an unknown keyword argument with the nearest one it knows.

    >>> @known_arguments
    ... def evaluate(x, verbose=0): ...
    >>> evaluate(1, verbos=1)
    Traceback (most recent call last):
    TypeError: evaluate got unexpected keyword argument(s) 'verbos'. Did you mean 'verbose'? It takes: x, verbose.
    """
    parameters = inspect.signature(function).parameters.values()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self"]
    known = frozenset(names)

    @functools.wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if kwargs and not kwargs.keys() <= known:
            raise TypeError(unknown_arguments(function.__name__, kwargs.keys() - known, names))
        return function(*args, **kwargs)

    return cast(F, checked)
