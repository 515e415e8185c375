"""Masks of attention layers: checked, combined, and brought to the axes of the scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnlite.core.layer import Layer


def as_booleans(mask: Any) -> Any:
    """Return a mask as an array of booleans."""
    array = np.asarray(mask)
    return array if array.dtype == bool else array.astype(bool)


def listed(layer: Layer, mask: Any, names: Sequence[str]) -> list[Any]:
    """Return the masks that ``mask`` lists, None for those that are missing; raises if it is no such list."""
    if mask is None:
        return [None] * len(names)
    if not isinstance(mask, (list, tuple)) or not 2 <= len(mask) <= len(names):
        got = f"a list of {len(mask)}" if isinstance(mask, (list, tuple)) else f"a {type(mask).__name__}"
        raise ValueError(f"{layer.label}: mask must be a list [{', '.join(names)}], None for none; got {got}.")
    return [*mask, *[None] * (len(names) - len(mask))]


def of_steps(layer: Layer, name: str, mask: Any, x: Any, axes: tuple[int, ...]) -> Any:
    """Return a mask of the steps of x (B, ..., D) as (B', steps), where B' counts samples and axes not attended over.

    Args:
        mask: of the shape of x without its last axis, or (B, ...) with the attended axes alone.
        axes: the axes attended over.
    """
    mask = as_booleans(mask)
    free = [axis for axis in range(1, x.ndim - 1) if axis not in axes]
    sizes = [x.shape[axis] for axis in axes]
    whole = (len(x), *(x.shape[axis] for axis in free), *sizes)
    if mask.shape == x.shape[:-1]:
        mask = mask.transpose(0, *free, *axes)
    elif mask.shape == (len(x), *sizes):
        mask = np.broadcast_to(mask.reshape(len(x), *[1] * len(free), *sizes), whole)
    else:
        other = f" or {(len(x), *sizes)}" if free else ""
        raise ValueError(
            f"{layer.label}: {name} must have shape {x.shape[:-1]}{other}, one entry for each step of its input; "
            f"got {mask.shape}."
        )
    return mask.reshape(math.prod(whole[: 1 + len(free)]), math.prod(sizes))


def of_scores(layer: Layer, mask: Any, scores: tuple[int, ...], attended: int) -> Any:
    """Return an attention mask as (B' or 1, N or 1, T or 1, S or 1).

    Args:
        mask: broadcasts to the scores once axes of size 1 are put before its queries, as many as it lacks.
        scores: shape (B, ..., N, queries ..., keys ...) of the scores.
        attended: number of axes attended over.
    """
    mask = as_booleans(mask)
    last = 2 * attended
    missing = len(scores) - mask.ndim
    lead = mask.ndim - last
    full = mask.shape
    if missing >= 0 and lead >= 0:
        full = (*mask.shape[:lead], *[1] * missing, *mask.shape[lead:])
    if len(full) != len(scores) or any(m not in (1, n) for m, n in zip(full, scores, strict=True)):
        steps = scores[-last:]
        raise ValueError(
            f"{layer.label}: attention_mask must broadcast to (batch, queries, keys) = {(scores[0], *steps)} or, with "
            f"an axis of heads, to {scores}; got shape {mask.shape}."
        )
    mask = mask.reshape(full)
    if len(scores) == 4:
        return mask
    heads = len(scores) - last - 1
    wide = (*scores[:heads], full[heads], *scores[-last:])
    t, s = math.prod(scores[-last:-attended]), math.prod(scores[-attended:])
    return np.broadcast_to(mask, wide).reshape(math.prod(scores[:heads]), full[heads], t, s)


def causal(t: int, s: int) -> Any:
    """Return the mask (T, S) by which query i may look at keys 0 to i.

    >>> causal(2, 3).astype(int).tolist()
    [[1, 0, 0], [1, 1, 0]]
    """
    return np.tri(t, s, dtype=bool)


def window(t: int, s: int, size: int) -> Any:
    """Return the mask (T, S) by which query i may look at the keys less than ``size`` steps from i.

    >>> window(2, 4, 2).astype(int).tolist()
    [[1, 1, 0, 0], [1, 1, 1, 0]]
    """
    return np.abs(np.arange(t)[:, None] - np.arange(s)) < size


def both(a: Any, b: Any) -> Any:
    """Return ``a & b``; None allows everything."""
    return b if a is None else a if b is None else a & b
