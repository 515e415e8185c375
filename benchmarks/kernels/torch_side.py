"""PyTorch's operation of each case, with images in one of its two memory formats."""

from __future__ import annotations

from typing import Any

import torch

from benchmarks.kernels.cases import LOSSES, OPTIMIZERS, Case
from benchmarks.kernels.nnlite_side import Pass, inputs, labels

nn = torch.nn


def _padded(case: Case) -> int:
    """Zeros on all sides, which for stride 2 is as much work as Keras's padding."""
    return case.arguments["kernel_size"] // 2 if case.arguments["padding"] == "same" else 0


def _conv(case: Case) -> Any:
    given, channels = case.arguments, case.shape[-1]
    return nn.Conv2d(channels, given["filters"], given["kernel_size"], given["strides"], padding=_padded(case))


def _depthwise(case: Case) -> Any:
    channels = case.shape[-1]
    return nn.Conv2d(channels, channels, 3, case.arguments["strides"], padding=_padded(case), groups=channels)


class _Last(torch.nn.Module):
    """The last output of a recurrent module."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any) -> Any:
        return self.inner(x)[0][:, -1]


class _Attention(torch.nn.Module):
    """Attention of a sequence to itself."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.inner(x, x, x, need_weights=False)[0]


class _Mean(torch.nn.Module):
    """The mean over pixels."""

    def forward(self, x: Any) -> Any:
        return x.mean((2, 3))


MODULES: dict[str, Any] = {
    "conv": _conv,
    "depthwise": _depthwise,
    "dense": lambda case: nn.Linear(case.shape[0], case.arguments["units"]),
    "max_pool": lambda case: nn.MaxPool2d(2),
    "average_pool": lambda case: nn.AvgPool2d(2),
    "global_pool": lambda case: _Mean(),
    "batch_norm": lambda case: nn.BatchNorm2d(case.shape[-1], eps=1e-3, momentum=0.01),
    "layer_norm": lambda case: nn.LayerNorm(case.shape[-1]),
    "relu": lambda case: nn.ReLU(),
    "gelu": lambda case: nn.GELU(),
    "lstm": lambda case: _Last(nn.LSTM(case.shape[-1], case.arguments["units"], batch_first=True)),
    "gru": lambda case: _Last(nn.GRU(case.shape[-1], case.arguments["units"], batch_first=True)),
    "attention": lambda case: _Attention(case.shape[-1], case.arguments["num_heads"]),
}
OPTIMIZER_CLASSES: dict[str, Any] = {
    "sgd": lambda w: torch.optim.SGD(w, 0.01, momentum=0.9),
    "rmsprop": lambda w: torch.optim.RMSprop(w, 0.001, alpha=0.9),
    "adam": lambda w: torch.optim.Adam(w, 0.001),
}


def passes(case: Case, channels_last: bool) -> Pass:
    """Return the forward and the backward pass, which takes what forward returned."""
    x = torch.from_numpy(inputs(case))
    if case.kind in OPTIMIZERS:
        weight = nn.Parameter(torch.ones(case.shape))
        weight.grad = x[0]
        optimizer = OPTIMIZER_CLASSES[case.kind]([weight])
        return lambda: None, lambda _: optimizer.step()
    if case.kind in LOSSES:
        loss, y = nn.CrossEntropyLoss(), torch.from_numpy(labels(case))
        x.requires_grad_(True)
        return lambda: loss(x, y), lambda result: torch.autograd.grad(result, x)
    module = MODULES[case.kind](case)
    if x.ndim == 4:
        form = torch.channels_last if channels_last else torch.contiguous_format
        x, module = x.permute(0, 3, 1, 2).contiguous(memory_format=form), module.to(memory_format=form)
    x.requires_grad_(case.input_grad)
    wanted = [*([x] if case.input_grad else []), *module.parameters()]
    dy = torch.randn_like(module(x))
    return lambda: module(x), lambda y: torch.autograd.grad(y, wanted, dy)
