"""Words for error messages."""

from __future__ import annotations

from collections.abc import Iterable


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
