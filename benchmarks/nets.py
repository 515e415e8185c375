"""The nets that are timed, as data: each contender builds them in its own words.

A net is a sample's shape and a list of steps:

    ("dense", units, relu)           with a ReLU or nothing
    ("conv", filters, norm)          3x3 and ReLU; with norm padded "same", normalized over the batch before the ReLU
    ("residual", filters, stride)    two 3x3 convolutions with normalization, beside them nothing, or a 1x1 convolution
                                     with normalization where the shape changes; ReLU after the first and after the sum
    ("separate", filters, stride)    MobileNet's: a 3x3 convolution of each channel alone, a 1x1 convolution, both with
                                     normalization and ReLU
    ("block", heads, hidden)         a transformer's, see keras_nets.py
    ("lstm", units)                  of which the last output goes on
    ("pool",), ("flatten",), ("mean",)    2x2 maxima; one row; the mean over steps or pixels

"net*2" is a net twice as wide: all filters and units but those of the last layer, and a transformer's samples, too.
"""

from __future__ import annotations

from typing import Any

import numpy as np

BATCH = 128
Steps = list[tuple[Any, ...]]

_VGG: Steps = [step for f in (32, 64, 128) for step in (("conv", f, True), ("conv", f, True), ("pool",))]
_RESNET: Steps = [("residual", f, 2 if f > 16 and first else 1) for f in (16, 32, 64) for first in (True, False)]
_MOBILE: Steps = [("separate", f, s) for f, s in ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1))]

NETS: dict[str, tuple[tuple[int, ...], Steps]] = {
    "mlp": ((784,), [("dense", 512, True), ("dense", 512, True), ("dense", 10, False)]),
    "cnn": (
        (28, 28, 1),
        [("conv", 32, False), ("pool",), ("conv", 64, False), ("pool",), ("flatten",), ("dense", 10, False)],
    ),
    "vgg": ((32, 32, 3), [*_VGG, ("flatten",), ("dense", 128, True), ("dense", 10, False)]),
    "resnet": ((32, 32, 3), [("conv", 16, True), *_RESNET, ("mean",), ("dense", 10, False)]),
    "mobile": ((32, 32, 3), [("conv", 32, True), *_MOBILE, ("mean",), ("dense", 10, False)]),
    "lstm": ((40, 32), [("lstm", 128), ("dense", 10, False)]),
    "transformer": ((32, 64), [("block", 4, 256), ("block", 4, 256), ("mean",), ("dense", 10, False)]),
    # scikit-learn's MLPClassifier at its defaults, without the penalty: here a "step" is an epoch.
    "digits": ((64,), [("dense", 100, True), ("dense", 10, False)]),
}

# Nets whose training is timed by epochs: how many rows there are, and how many a step takes.
EPOCHS = {"digits": (1797, 200)}


def spec(net: str) -> tuple[tuple[int, ...], Steps]:
    """Return the shape and the steps of a net, or of one that is some times as wide.

    >>> spec("digits*2")
    ((64,), [('dense', 200, True), ('dense', 10, False)])
    """
    name, _, times = net.partition("*")
    shape, steps = NETS[name]
    if not times:
        return shape, steps
    factor = float(times)
    wide: Steps = []
    for kind, *arguments in steps[:-1]:
        if kind == "block":
            wide.append((kind, arguments[0], int(arguments[1] * factor)))
        else:
            wide.append((kind, int(arguments[0] * factor), *arguments[1:]) if arguments else (kind,))
    if steps[0][0] == "block":
        shape = (*shape[:-1], int(shape[-1] * factor))
    return shape, [*wide, steps[-1]]


def is_epochs(net: str) -> bool:
    """Whether a "step" of training is an epoch."""
    return net.partition("*")[0] in EPOCHS


def training_batch(net: str) -> int:
    """Return the rows of a step."""
    return EPOCHS[net.partition("*")[0]][1] if is_epochs(net) else BATCH


def make_data(net: str, batch: int = BATCH, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs (channels last, float32) and labels; a net timed by epochs gets classes that can be learned."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(batch, *spec(net)[0])).astype(np.float32), rng.integers(0, 10, batch)
    if is_epochs(net):
        x += np.random.default_rng(1).normal(size=(10, *x.shape[1:])).astype(np.float32)[y]
    return x, y


def flops(net: str, batch: int = BATCH) -> tuple[float, float]:
    """Floating point operations of the products in a forward pass and in a training step, or epoch.

    A step does each product three times (output, kernel gradient, input gradient), those with the sample itself only
    twice.
    """
    shape, steps = spec(net)
    forward = saved = 0.0
    for number, (kind, *arguments) in enumerate(steps):
        if number == 0 and kind == "lstm":
            saved = 2.0 * shape[0] * 4 * arguments[0] * shape[1]
        work, shape = _work_of(kind, arguments, shape)
        if number == 0 and kind in ("dense", "conv"):
            saved = work
        forward += work
    rows = EPOCHS[net.partition("*")[0]][0] if is_epochs(net) else batch
    return forward * batch, (3 * forward - saved) * rows


def _work_of(kind: str, arguments: list[Any], shape: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
    """Operations of a step for one sample, and the shape of what it makes."""
    if kind == "pool":
        return 0.0, (shape[0] // 2, shape[1] // 2, shape[2])
    if kind == "flatten":
        return 0.0, (int(np.prod(shape)),)
    if kind == "mean":
        return 0.0, shape[-1:]
    if kind == "dense":
        return 2.0 * shape[0] * arguments[0], (arguments[0],)
    if kind == "lstm":
        return 2.0 * shape[0] * 4 * arguments[0] * (shape[1] + arguments[0]), (arguments[0],)
    if kind == "block":
        length, width = shape
        return 2.0 * length * width * (4 * width + 2 * length + 2 * arguments[1]), shape
    h, w, channels = shape
    filters = arguments[0]
    if kind == "conv":
        cut = 0 if arguments[1] else 2
        return 2.0 * (h - cut) * (w - cut) * 9 * channels * filters, (h - cut, w - cut, filters)
    stride = arguments[1]
    h, w = -(-h // stride), -(-w // stride)
    if kind == "separate":
        return 2.0 * h * w * channels * (9 + filters), (h, w, filters)
    beside = channels * filters if stride > 1 or channels != filters else 0
    return 2.0 * h * w * (9 * channels * filters + 9 * filters * filters + beside), (h, w, filters)
