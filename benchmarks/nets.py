"""The nets that are timed, as data: each contender builds them in its own words."""

from __future__ import annotations

import numpy as np

BATCH = 128

# Sample shape and layers: ("dense", units, relu), ("conv", filters, norm), ("pool",), ("flatten",). Convolutions are
# 3x3 with ReLU; with norm they are padded "same" and batch normalization stands before the ReLU. ("separate", filters)
# is MobileNet's: a 3x3 convolution of each channel alone and a 1x1 convolution, both with normalization and ReLU.
# ("block", heads, hidden) is a transformer's, see blocks.py; ("lstm", units) gives its last output; ("mean",) is over
# steps or pixels.
NETS: dict[str, tuple[tuple[int, ...], list[tuple]]] = {
    "mlp": ((784,), [("dense", 512, True), ("dense", 512, True), ("dense", 10, False)]),
    "cnn": (
        (28, 28, 1),
        [("conv", 32, False), ("pool",), ("conv", 64, False), ("pool",), ("flatten",), ("dense", 10, False)],
    ),
    "vgg": (
        (32, 32, 3),
        [
            *[step for f in (32, 64, 128) for step in (("conv", f, True), ("conv", f, True), ("pool",))],
            ("flatten",),
            ("dense", 128, True),
            ("dense", 10, False),
        ],
    ),
    "mobile": ((32, 32, 64), [("separate", 64), ("mean",), ("dense", 10, False)]),
    "lstm": ((40, 32), [("lstm", 128), ("dense", 10, False)]),
    "transformer": ((32, 64), [("block", 4, 256), ("block", 4, 256), ("mean",), ("dense", 10, False)]),
}


def make_data(net: str, batch: int = BATCH, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random inputs (channels last, float32) and labels."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(batch, *NETS[net][0])).astype(np.float32), rng.integers(0, 10, batch)


def flops(net: str, batch: int = BATCH) -> tuple[float, float]:
    """Floating point operations of the products in a forward pass and in a training step.

    A step does each product three times (output, kernel gradient, input gradient), the first layer's only twice.
    """
    shape, steps = NETS[net]
    forward = step_total = 0.0
    first = True
    for kind, *arguments in steps:
        if kind == "pool":
            shape = (shape[0] // 2, shape[1] // 2, shape[2])
            continue
        if kind == "flatten":
            shape = (int(np.prod(shape)),)
            continue
        if kind == "mean":
            shape = shape[-1:]
            continue
        if kind == "conv":
            filters, same = arguments
            h, w = (shape[0], shape[1]) if same else (shape[0] - 2, shape[1] - 2)
            work = 2.0 * batch * h * w * 9 * shape[2] * filters
            shape = (h, w, filters)
        elif kind == "separate":
            work = 2.0 * batch * shape[0] * shape[1] * shape[2] * (9 + arguments[0])
            shape = (*shape[:2], arguments[0])
        elif kind == "lstm":
            work = 2.0 * batch * shape[0] * 4 * arguments[0] * (shape[1] + arguments[0])
            shape = (arguments[0],)
        elif kind == "block":
            length, width = shape
            work = 2.0 * batch * length * width * (4 * width + 2 * length + 2 * arguments[1])
        else:
            work = 2.0 * batch * shape[0] * arguments[0]
            shape = (arguments[0],)
        forward += work
        step_total += work * (2 if first else 3)
        first = False
    return forward, step_total
