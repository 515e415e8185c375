"""Einstein's sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.ops.base import function
from nnlite.ops.operands import is_array


def einsum(subscripts: str, *operands: Any) -> Any:
    """Return the sums of products that ``subscripts`` names: axes by letters, one summed that is not behind ``->``.

    The gradient of each operand is a sum of the same kind, of dy and the other operands.

    Args:
        subscripts: such as "bij,bjk->bik"; "..." stands for further axes, which broadcast.
        operands: arrays or symbols, one for each term.

    Raises:
        ValueError: if letters, axes and sizes do not fit.

    >>> einsum("ij,j->i", np.ones((2, 3)), np.ones(3)).tolist()
    [3.0, 3.0]
    """
    return _einsum(*operands, subscripts=subscripts)


@function("Einsum", unify="same")
def _einsum(*operands: Any, subscripts: str) -> Any:
    terms, result = _terms(subscripts, [np.ndim(one) for one in operands])
    return np.einsum(f"{','.join(terms)}->{result}", *operands, optimize=len(operands) > 1)


@_einsum.gradient
def _(dy: Any, y: Any, *operands: Any, subscripts: str) -> Any:
    terms, result = _terms(subscripts, [np.ndim(one) for one in operands])
    return tuple(
        _gradient(dy, operands, terms, result, number) if is_array(one) else None for number, one in enumerate(operands)
    )


def _gradient(dy: Any, operands: Any, terms: list[str], result: str, number: int) -> Any:
    x, term = operands[number], terms[number]
    letters = "".join(dict.fromkeys(term))  # each once: a letter that stands twice is a diagonal
    others = [(one, terms[i]) for i, one in enumerate(operands) if i != number]
    known = result + "".join(its for _, its in others)
    own = "".join(letter for letter in letters if letter in known)
    sizes: dict[str, int] = {}
    for one, its in ((x, term), *others, (dy, result)):
        for letter, size in zip(its, one.shape, strict=True):
            sizes[letter] = max(size, sizes.get(letter, size)) if size != 0 else 0
    expression = ",".join([result, *(its for _, its in others)])
    made = np.einsum(f"{expression}->{own}", dy, *(one for one, _ in others), optimize=bool(others))
    # A letter that only x has was summed alone: its gradient is the same all along.
    made = made.reshape([made.shape[own.index(letter)] if letter in own else 1 for letter in letters])
    dims = dict(zip(term, x.shape, strict=True))
    summed = tuple(i for i, one in enumerate(letters) if dims[one] == 1 and made.shape[i] > 1)  # it was broadcast
    made = np.broadcast_to(made.sum(axis=summed, keepdims=True), [dims[letter] for letter in letters])
    if letters == term:
        return made
    dx = np.zeros(x.shape, dy.dtype)
    np.einsum(f"{term}->{letters}", dx)[...] = made
    return dx


def _terms(subscripts: str, ranks: list[int]) -> tuple[list[str], str]:
    """Return the letters of each operand and of the result, all written out."""
    text = subscripts.replace(" ", "")
    left, arrow, result = text.partition("->")
    terms = left.split(",")
    if len(terms) != len(ranks):
        raise ValueError(f"einsum: {subscripts!r} names {len(terms)} operands, got {len(ranks)}.")
    spare = [one for one in "ZYXWVUTSRQPONMLKJIHGFEDCBAzyxwvutsrqponmlkjihgfedcba" if one not in text]
    more = 0
    for term, rank in zip(terms, ranks, strict=True):
        own = len(term.replace("...", ""))
        if rank != own and ("..." not in term or rank < own):
            raise ValueError(f"einsum: {term!r} of {subscripts!r} names {own} axes, its operand has {rank}.")
        more = max(more, rank - own)
    dots = "".join(spare[:more])[::-1]
    full = []
    for term, rank in zip(terms, ranks, strict=True):
        count = rank - len(term.replace("...", ""))
        full.append(term.replace("...", dots[len(dots) - count :] if count else ""))
    if not arrow:
        once = sorted(one for one in set(left) - set(",.") if left.count(one) == 1)
        result = ("..." if "..." in left else "") + "".join(once)
    return full, result.replace("...", dots)


@_einsum.output_shape
def _(*shapes: Any, subscripts: str) -> Any:
    terms, result = _terms(subscripts, [len(shape) for shape in shapes])
    sizes: dict[str, Any] = {}
    for term, shape in zip(terms, shapes, strict=True):
        for letter, size in zip(term, shape, strict=True):
            there = sizes.get(letter, 1)
            if None not in (there, size) and 1 not in (there, size) and there != size:
                raise ValueError(f"einsum: {subscripts!r} gives {letter!r} the sizes {there} and {size}.")
            sizes[letter] = size if there == 1 or (there is None and size != 1) else there
    for letter in result:
        if letter not in sizes:
            raise ValueError(f"einsum: {letter!r} behind -> in {subscripts!r} is in no operand.")
    return tuple(sizes[letter] for letter in result)
