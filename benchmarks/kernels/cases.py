"""What is timed, as data: a layer of each framework, the shape of a sample, and how much work it is.

A case's layer is made by its name and arguments in ``nnlite_side`` and ``torch_side``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Case:
    """A kernel over a shape.

    Attributes:
        name: what it is, for the table.
        kind: which layer, loss or optimizer.
        shape: of a sample; for an optimizer the number of parameters.
        arguments: of the layer.
        flops: of a sample forward; twice as many backward. 0 where memory is what counts.
        moves: arrays of the sample's size that are read or written forward and backward, where flops is 0.
        batch: rows.
        winograd: whether nnlite may use Winograd's algorithm.
        input_grad: whether the gradient by the input is wanted.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    arguments: dict[str, Any] = field(default_factory=dict)
    flops: float = 0.0
    moves: tuple[float, float] = (0.0, 0.0)
    batch: int = 128
    winograd: bool = True
    input_grad: bool = True

    @property
    def group(self) -> str:
        """First word of the name."""
        return self.name.split()[0]


def _conv(size: int, channels: int, filters: int, kernel: int = 3, stride: int = 1, **options: Any) -> list[Case]:
    """A convolution; where Winograd's algorithm may be used, also without it."""
    padding = options.pop("padding", "same")
    out = -(-size // stride) if padding == "same" else size - kernel + 1
    arguments = {"filters": filters, "kernel_size": kernel, "strides": stride, "padding": padding}
    name = f"conv {kernel}x{kernel} {channels}->{filters} @{size}" + (f" stride {stride}" if stride > 1 else "")
    flops = 2.0 * out * out * kernel * kernel * channels * filters
    case = Case(name, "conv", (size, size, channels), arguments, flops, **options)
    if kernel != 3 or stride != 1 or channels < 16:
        return [case]
    direct = Case(f"{name} direct", "conv", case.shape, arguments, flops, winograd=False, **options)
    return [case, direct]


def _depthwise(size: int, channels: int, stride: int = 1) -> Case:
    out = -(-size // stride)
    arguments = {"kernel_size": 3, "strides": stride, "padding": "same"}
    name = f"depthwise 3x3 {channels} @{size}" + (f" stride {stride}" if stride > 1 else "")
    return Case(name, "depthwise", (size, size, channels), arguments, 2.0 * out * out * 9 * channels)


def _dense(units_in: int, units: int, **options: Any) -> Case:
    return Case(f"dense {units_in}->{units}", "dense", (units_in,), {"units": units}, 2.0 * units_in * units, **options)


_RNN = {"units": 128}

CASES: list[Case] = [
    *_conv(28, 1, 32, padding="valid", input_grad=False),
    *_conv(32, 3, 32, input_grad=False),
    *_conv(32, 16, 16),
    *_conv(32, 32, 32),
    *_conv(16, 32, 64),
    *_conv(16, 64, 64),
    *_conv(8, 64, 128),
    *_conv(8, 128, 128),
    *_conv(32, 16, 32, stride=2),
    *_conv(16, 64, 128, kernel=1),
    *_conv(32, 16, 32, kernel=1, stride=2),
    _depthwise(32, 64),
    _depthwise(16, 128),
    _depthwise(32, 64, stride=2),
    _dense(784, 512, input_grad=False),
    _dense(512, 512),
    _dense(512, 10),
    Case("pooling max 2x2 32 @32", "max_pool", (32, 32, 32), {"pool_size": 2}, moves=(1.25, 2.25)),
    Case("pooling max 2x2 64 @16", "max_pool", (16, 16, 64), {"pool_size": 2}, moves=(1.25, 2.25)),
    Case("pooling average 2x2 32 @32", "average_pool", (32, 32, 32), {"pool_size": 2}, moves=(1.25, 1.25)),
    Case("pooling global 64 @8", "global_pool", (8, 8, 64), moves=(1.0, 1.0)),
    Case("normalization batch 32 @32", "batch_norm", (32, 32, 32), moves=(3.0, 5.0)),
    Case("normalization batch 128 @8", "batch_norm", (8, 8, 128), moves=(3.0, 5.0)),
    Case("normalization layer 64 x 32", "layer_norm", (32, 64), moves=(2.0, 3.0)),
    Case("activation relu 32 @32", "relu", (32, 32, 32), moves=(2.0, 3.0)),
    Case("activation gelu 256 x 32", "gelu", (32, 256), moves=(2.0, 3.0)),
    Case("recurrent LSTM 32->128 x 40", "lstm", (40, 32), _RNN, 2.0 * 40 * 4 * 128 * (32 + 128)),
    Case("recurrent GRU 32->128 x 40", "gru", (40, 32), _RNN, 2.0 * 40 * 3 * 128 * (32 + 128)),
    Case(
        "attention 4 heads 64 x 32",
        "attention",
        (32, 64),
        {"num_heads": 4, "key_dim": 16},
        2.0 * 32 * 64 * (4 * 64 + 2 * 32),
    ),
    Case("loss softmax cross-entropy 10", "cross_entropy", (10,), moves=(1.0, 2.0)),
    Case("loss softmax cross-entropy 1000", "cross_entropy", (1000,), moves=(1.0, 2.0)),
    Case("optimizer SGD with momentum", "sgd", (669_706,), moves=(0.0, 5.0), batch=1),
    Case("optimizer RMSprop", "rmsprop", (669_706,), moves=(0.0, 5.0), batch=1),
    Case("optimizer Adam", "adam", (669_706,), moves=(0.0, 7.0), batch=1),
]
LOSSES, OPTIMIZERS = ("cross_entropy",), ("sgd", "rmsprop", "adam")
