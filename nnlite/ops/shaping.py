"""Axes and sizes: the same elements in another shape or order."""

from __future__ import annotations

from typing import Any

import numpy as np

from nnlite.ops.base import function
from nnlite.ops.inference import along_axis, axis_numbers, broadcast_shape, product, view_shape
from nnlite.ops.operands import sum_to


@function("Reshape")
def reshape(x: Any, newshape: Any) -> Any:
    """Return x in another shape of as many elements; one size may be -1, "what is left".

    >>> reshape(np.arange(6), (2, -1)).shape
    (2, 3)
    """
    sizes = _sizes(newshape)
    if -1 in sizes and x.size == 0:  # where NumPy cannot tell
        sizes = tuple(0 if one is None else one for one in _reshaped(x.shape, sizes))
    return np.reshape(x, sizes)


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(-1 if one is None else int(one) for one in (shape if isinstance(shape, (list, tuple)) else (shape,)))


@reshape.output_shape
def _reshaped(shape: Any, newshape: Any) -> Any:
    sizes = _sizes(newshape)
    if sizes.count(-1) > 1:
        raise ValueError(f"reshape: newshape={newshape!r} may have -1 or None once.")
    known = product([one for one in sizes if one != -1])
    if None in shape or -1 not in sizes:
        total = product(shape)
        if total is not None and total != known:
            raise ValueError(f"reshape: {tuple(shape)} has {total} elements, newshape={newshape!r} {known}.")
        left = None
    else:
        total = product(shape)
        if not known or total is None or total % known:
            raise ValueError(f"reshape: the {total} elements of {tuple(shape)} do not fit newshape={newshape!r}.")
        left = total // known
    return tuple(left if one == -1 else one for one in sizes)


@reshape.settings
def _(newshape: Any) -> Any:
    return {"newshape": _sizes(newshape)}


@function("Ravel")
def ravel(x: Any) -> Any:
    """Return x with one axis.

    >>> ravel(np.ones((2, 3))).shape
    (6,)
    """
    return np.ravel(x)


@ravel.output_shape
def _(shape: Any) -> Any:
    return (product(shape),)


@function("Squeeze")
def squeeze(x: Any, axis: Any = None) -> Any:
    """Return x without axes of size 1: one axis, several, or None for all there are.

    >>> squeeze(np.ones((2, 1, 3)), axis=1).shape
    (2, 3)
    """
    return np.squeeze(x, axis=None if axis is None else axis_numbers(axis, x.ndim))


@squeeze.output_shape
def _(shape: Any, axis: Any) -> Any:
    if axis is None:
        return tuple(size for size in shape if size != 1)
    gone = axis_numbers(axis, len(shape))
    if any(shape[number] != 1 for number in gone):
        raise ValueError(f"squeeze: axis={axis!r} must have size 1, got shape {tuple(shape)}.")
    return tuple(size for number, size in enumerate(shape) if number not in gone)


@function("ExpandDims")
def expand_dims(x: Any, axis: Any) -> Any:
    """Return x with a new axis of size 1, or several, at the places ``axis`` of the result.

    >>> expand_dims(np.ones((2, 3)), -1).shape
    (2, 3, 1)
    """
    return np.expand_dims(x, tuple(axis) if isinstance(axis, list) else axis)


for _one in (reshape, ravel, squeeze, expand_dims):

    @_one.gradient
    def _(dy: Any, y: Any, x: Any, *rest: Any, **parameters: Any) -> Any:
        return np.reshape(dy, x.shape)


expand_dims.output_shape(view_shape(expand_dims.compute))


@function("Transpose")
def transpose(x: Any, axes: Any = None) -> Any:
    """Return x with its axes in another order, from the last to the first for None.

    >>> transpose(np.ones((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    return np.transpose(x, axes)


@transpose.gradient
def _(dy: Any, y: Any, x: Any, axes: Any) -> Any:
    return np.transpose(dy, None if axes is None else np.argsort(axis_numbers(list(axes), x.ndim)))


transpose.output_shape(view_shape(transpose.compute))


@function("Moveaxis")
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Return x with some axes at other places, the rest in their order.

    >>> moveaxis(np.ones((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    return np.moveaxis(x, source, destination)


@moveaxis.gradient
def _(dy: Any, y: Any, x: Any, source: Any, destination: Any) -> Any:
    return np.moveaxis(dy, destination, source)


moveaxis.output_shape(view_shape(moveaxis.compute))


@function("Swapaxes")
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Return x with two axes in each other's place.

    >>> swapaxes(np.ones((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    return np.swapaxes(x, axis1, axis2)


@swapaxes.gradient
def _(dy: Any, y: Any, x: Any, axis1: int, axis2: int) -> Any:
    return np.swapaxes(dy, axis1, axis2)


swapaxes.output_shape(view_shape(swapaxes.compute))


@function("BroadcastTo")
def broadcast_to(x: Any, shape: Any) -> Any:
    """Return x spread to a shape; backward sums dy over the copies.

    >>> broadcast_to(np.array([1.0, 2.0]), (3, 2)).shape
    (3, 2)
    """
    return np.broadcast_to(x, tuple(shape))


@broadcast_to.gradient
def _(dy: Any, y: Any, x: Any, shape: Any) -> Any:
    return sum_to(dy, x)


@broadcast_to.output_shape
def _(old: Any, shape: Any) -> Any:
    found = broadcast_shape(old, tuple(shape))
    if len(found) != len(shape) or any(m not in (n, None) for m, n in zip(found, shape, strict=True)):
        raise ValueError(f"broadcast_to: an array of shape {tuple(old)} cannot be spread to {tuple(shape)}.")
    return tuple(shape)


@function("Flip")
def flip(x: Any, axis: Any = None) -> Any:
    """Return x in reverse along an axis, several, or None for all.

    >>> flip(np.array([1, 2, 3])).tolist()
    [3, 2, 1]
    """
    return np.flip(x, axis_numbers(axis, x.ndim))


@flip.gradient
def _(dy: Any, y: Any, x: Any, axis: Any) -> Any:
    return np.flip(dy, axis_numbers(axis, x.ndim))


@function("Roll")
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Return x with its elements moved along an axis, those that leave at the end coming in at the start.

    >>> roll(np.array([1, 2, 3]), 1).tolist()
    [3, 1, 2]
    """
    return np.roll(x, _listed(shift), _listed(axis))


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


@roll.gradient
def _(dy: Any, y: Any, x: Any, shift: Any, axis: Any) -> Any:
    back = tuple(-one for one in shift) if isinstance(shift, (list, tuple)) else -shift
    return np.roll(dy, back, _listed(axis))


for _one in (flip, roll):
    _one.output_shape(along_axis)


@function("Rot90", operands=("array",))
def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Return an array turned by 90 degrees k times, from the first axis of ``axes`` towards the second.

    >>> rot90(np.array([[1, 2], [3, 4]])).tolist()
    [[2, 4], [1, 3]]
    """
    return np.rot90(array, k, tuple(axes))


@rot90.gradient
def _(dy: Any, y: Any, array: Any, k: int, axes: Any) -> Any:
    return np.rot90(dy, -k, tuple(axes))


rot90.output_shape(view_shape(rot90.compute))


def _checked(rank: int, data_format: str) -> None:
    if rank != 4 or data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            f"takes images (4 axes) and data_format 'channels_last' or 'channels_first', got {rank} axes and "
            f"{data_format!r}."
        )


def _images(x: Any, data_format: str) -> Any:
    _checked(x.ndim, data_format)
    return x if data_format == "channels_last" else np.moveaxis(x, 1, -1)


@function("DepthToSpace", module="nn")
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Return images ``block_size`` times as high and wide, each block of pixels made of channels.

    >>> depth_to_space(np.ones((1, 2, 2, 12)), 2).shape
    (1, 4, 4, 3)
    """
    images = _images(x, data_format)
    n, h, w, c = images.shape
    if c % block_size**2:
        raise ValueError(f"depth_to_space: {c} channels do not make blocks of {block_size}x{block_size} pixels.")
    parts = images.reshape(n, h, w, block_size, block_size, c // block_size**2).transpose(0, 1, 3, 2, 4, 5)
    y = parts.reshape(n, h * block_size, w * block_size, c // block_size**2)
    return y if data_format == "channels_last" else np.moveaxis(y, -1, 1)


@function("SpaceToDepth", module="nn")
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Return images of which each block of pixels has become channels, ``block_size`` times less high and wide.

    >>> space_to_depth(np.ones((1, 4, 4, 3)), 2).shape
    (1, 2, 2, 12)
    """
    images = _images(x, data_format)
    n, h, w, c = images.shape
    if h % block_size or w % block_size:
        raise ValueError(f"space_to_depth: {h}x{w} pixels are not whole blocks of {block_size}x{block_size}.")
    parts = images.reshape(n, h // block_size, block_size, w // block_size, block_size, c).transpose(0, 1, 3, 2, 4, 5)
    y = parts.reshape(n, h // block_size, w // block_size, c * block_size**2)
    return y if data_format == "channels_last" else np.moveaxis(y, -1, 1)


@depth_to_space.gradient
def _(dy: Any, y: Any, x: Any, block_size: int, data_format: str) -> Any:
    return space_to_depth.compute(dy, block_size, data_format)


@space_to_depth.gradient
def _(dy: Any, y: Any, x: Any, block_size: int, data_format: str) -> Any:
    return depth_to_space.compute(dy, block_size, data_format)


def _scaled_shape(shape: Any, block_size: int, data_format: str, up: bool) -> Any:
    def size(n: Any, grows: bool, by: int) -> Any:
        return None if n is None else n * by if grows else n // by

    _checked(len(shape), data_format)
    n, *rest = shape
    spatial = rest[:-1] if data_format == "channels_last" else rest[1:]
    channels = size(rest[-1] if data_format == "channels_last" else rest[0], not up, block_size**2)
    sizes = [size(one, up, block_size) for one in spatial]
    return (n, *sizes, channels) if data_format == "channels_last" else (n, channels, *sizes)


@depth_to_space.output_shape
def _(shape: Any, block_size: int, data_format: str) -> Any:
    return _scaled_shape(shape, block_size, data_format, up=True)


@space_to_depth.output_shape
def _(shape: Any, block_size: int, data_format: str) -> Any:
    return _scaled_shape(shape, block_size, data_format, up=False)
