"""Contrast and brightness of images, cut to a range of values, and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def contrast_forward(x: Array, factor: Array, axes: tuple[int, int], low: float, high: float) -> Array:
    """Return y = min(max(v, low), high) with v = (x - m) factor + m, m the mean of each channel of each image.

    Args:
        x: images, float.
        factor: broadcast against x, the same for all of a channel.
        axes: of x's rows and columns.
        low, high: the range of values.

    >>> contrast_forward(np.array([[0.0, 2.0]]), np.array([[2.0]]), (0, 1), -0.5, 9.0).tolist()
    [[-0.5, 3.0]]
    """
    y: Array = np.clip(_stretched(x, factor, axes), low, high)
    return y


def contrast_backward(dy: Array, x: Array, factor: Array, axes: tuple[int, int], low: float, high: float) -> Array:
    """Return dx = factor g + (1 - factor) mean(g), where g is dy inside the range and 0 outside (half of it at an end).

    >>> dy, x = np.array([[1.0, 1.0]]), np.array([[0.0, 2.0]])
    >>> contrast_backward(dy, x, np.array([[2.0]]), (0, 1), -0.5, 9.0).tolist()
    [[-0.5, 1.5]]
    """
    g = dy * _gate(_stretched(x, factor, axes), low, high)
    dx: Array = factor * g
    dx += (1 - factor) * _means(g, axes)
    return dx


def _stretched(x: Array, factor: Array, axes: tuple[int, int]) -> Array:
    mean = _means(x, axes)
    v: Array = x - mean
    v *= factor
    v += mean
    return v


def _means(x: Array, axes: tuple[int, int]) -> Array:
    """The mean over two axes, repeated along the second so that it is added in long loops, not channel by channel."""
    mean = x.mean(axis=axes[0], keepdims=True)
    return np.repeat(mean.mean(axis=axes[1], keepdims=True), x.shape[axes[1]], axis=axes[1])


def brightness_forward(x: Array, delta: Array, low: float, high: float) -> Array:
    """Return y = min(max(x + delta, low), high).

    >>> brightness_forward(np.array([0.0, 2.0]), np.array([0.5]), 1.0, 9.0).tolist()
    [1.0, 2.5]
    """
    y: Array = np.clip(x + delta, low, high)
    return y


def brightness_backward(dy: Array, x: Array, delta: Array, low: float, high: float) -> Array:
    """Return dx = dy inside the range and 0 outside, half of it at an end.

    >>> brightness_backward(np.ones(3), np.array([0.0, 0.5, 2.0]), np.array([0.5]), 1.0, 9.0).tolist()
    [0.0, 0.5, 1.0]
    """
    dx: Array = dy * _gate(x + delta, low, high)
    return dx


def _gate(v: Array, low: float, high: float) -> Array:
    """The derivative of the cut: 1 inside, 0 outside, 1/2 at an end."""
    gate: Array = np.add(v > low, v >= low, dtype=v.dtype)
    gate *= np.add(v < high, v <= high, dtype=v.dtype)
    gate *= 0.25
    return gate
