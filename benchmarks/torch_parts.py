"""The nets in PyTorch's words; modules have the names of nnlite's layers, by which they get their weights."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

from benchmarks.keras_nets import EPSILON, Weights
from benchmarks.nets import spec


def build(torch: Any, net: str, by_hand: bool, exact: bool) -> Any:
    """Return the net as a module.

    Args:
        torch: the package.
        by_hand: whether a transformer's block is written around ``scaled_dot_product_attention``, in the place of
            PyTorch's own module.
        exact: whether convolutions of stride 2 pad as Keras does, at the right and below alone, which PyTorch needs a
            step of its own for. Without it they pad on all sides: as much work, other numbers.
    """
    nn = torch.nn
    shape, steps = spec(net)
    channels, size = shape[-1], list(shape[:-1])
    parts: OrderedDict[str, Any] = OrderedDict()
    flattened: tuple[int, ...] | None = None
    for number, (kind, *arguments) in enumerate(steps):
        name = f"{kind}{number}"
        if kind == "dense":
            parts[name] = nn.Linear(channels, arguments[0])
            parts[name].map_shape, flattened = flattened, None
            if arguments[1]:
                parts[f"{name}_relu"] = nn.ReLU()
            channels = arguments[0]
        elif kind == "lstm":
            parts[name] = _last_of_lstm(nn, channels, arguments[0])
            channels = arguments[0]
        elif kind == "block":
            make = _block_by_hand if by_hand else _block
            parts[name] = make(torch, channels, *arguments)
        elif kind == "mean":
            parts[name] = _mean(nn, (1,) if len(shape) == 2 else (2, 3))
        elif kind == "pool":
            parts[name] = nn.MaxPool2d(2)
            size = [s // 2 for s in size]
        elif kind == "flatten":
            parts[name] = nn.Flatten()
            flattened = (*size, channels)
            channels = channels * int(np.prod(size))
        elif kind == "residual":
            filters, stride = arguments
            parts[name] = _residual(nn, name, channels, filters, stride, exact)
            channels, size = filters, [-(-s // stride) for s in size]
        elif kind == "separate":
            filters, stride = arguments
            parts[f"{name}_first"] = _conv(nn, f"{name}_each", channels, channels, 3, stride, exact, channels)
            parts[f"{name}_norm1"], parts[f"{name}_relu1"] = _norm(nn, channels), nn.ReLU()
            parts[f"{name}_all"] = nn.Conv2d(channels, filters, 1)
            parts[f"{name}_norm2"], parts[f"{name}_relu2"] = _norm(nn, filters), nn.ReLU()
            channels, size = filters, [-(-s // stride) for s in size]
        else:
            filters, norm = arguments
            parts[name] = nn.Conv2d(channels, filters, 3, padding=1 if norm else 0)
            if norm:
                parts[f"{name}_norm"] = _norm(nn, filters)
            parts[f"{name}_relu"] = nn.ReLU()
            channels, size = filters, [s if norm else s - 2 for s in size]
    return nn.Sequential(parts)


def _norm(nn: Any, channels: int) -> Any:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def _conv(
    nn: Any, name: str, channels: int, filters: int, kernel: int, stride: int, exact: bool, groups: int = 1
) -> Any:
    """A padded convolution under its name."""
    if exact and stride == 2 and kernel == 3:
        steps = [("pad", nn.ZeroPad2d((0, 1, 0, 1))), (name, nn.Conv2d(channels, filters, 3, 2, groups=groups))]
    else:
        steps = [(name, nn.Conv2d(channels, filters, kernel, stride, padding=kernel // 2, groups=groups))]
    return nn.Sequential(OrderedDict(steps))


def _residual(nn: Any, name: str, channels: int, filters: int, stride: int, exact: bool) -> Any:
    class Residual(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.main = nn.Sequential(
                OrderedDict(
                    [
                        ("first", _conv(nn, f"{name}_conv1", channels, filters, 3, stride, exact)),
                        (f"{name}_norm1", _norm(nn, filters)),
                        ("relu", nn.ReLU()),
                        ("second", _conv(nn, f"{name}_conv2", filters, filters, 3, 1, exact)),
                        (f"{name}_norm2", _norm(nn, filters)),
                    ]
                )
            )
            self.beside = nn.Identity()
            if stride > 1 or channels != filters:
                beside = _conv(nn, f"{name}_beside", channels, filters, 1, stride, exact)
                self.beside = nn.Sequential(OrderedDict([("conv", beside), (f"{name}_norm3", _norm(nn, filters))]))
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(self.beside(x) + self.main(x))

    return Residual()


def _block(torch: Any, width: int, heads: int, hidden: int) -> Any:
    """PyTorch's own module."""
    return torch.nn.TransformerEncoderLayer(
        width, heads, hidden, dropout=0.0, activation="gelu", layer_norm_eps=EPSILON, batch_first=True, norm_first=True
    )


def _block_by_hand(torch: Any, width: int, heads: int, hidden: int) -> Any:
    """The block as a module written around ``scaled_dot_product_attention``."""
    nn = torch.nn

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.project, self.merge = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.linear1, self.linear2 = nn.Linear(width, hidden), nn.Linear(hidden, width)
            self.norm1, self.norm2 = nn.LayerNorm(width, EPSILON), nn.LayerNorm(width, EPSILON)

        def forward(self, x: Any) -> Any:
            n, t, _ = x.shape
            q, k, v = self.project(self.norm1(x)).view(n, t, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
            looked_up = nn.functional.scaled_dot_product_attention(q, k, v)
            x = x + self.merge(looked_up.transpose(1, 2).reshape(n, t, width))
            return x + self.linear2(nn.functional.gelu(self.linear1(self.norm2(x))))

    return Block()


def _mean(nn: Any, axes: tuple[int, ...]) -> Any:
    class Mean(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return x.mean(axes)

    return Mean()


def _last_of_lstm(nn: Any, width: int, units: int) -> Any:
    class Last(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(width, units, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.lstm(x)[0][:, -1]

    return Last()


# ---- weights ----


def set_weights(torch: Any, model: Any, weights: Weights) -> None:
    """Copy nnlite's weights into the module; an LSTM's second bias, which is superfluous, stays zero."""
    left = dict(weights)
    for path, module in model.named_modules():
        name = path.rpartition(".")[2]
        if f"{name}_attention" in weights and name.startswith("block"):
            parts = [f"{name}_{part}" for part in ("norm1", "attention", "norm2", "dense1", "dense2")]
            arrays = _block_in_torch_order([array for part in parts for array in left.pop(part)])
            targets = list(module.parameters())
        elif name in weights and name.startswith("lstm"):
            kernel, recurrent, bias = left.pop(name)
            arrays, targets = [kernel.T, recurrent.T, bias, np.zeros_like(bias)], list(module.parameters())
            module.lstm.bias_hh_l0.requires_grad_(False)
        elif name in left:
            arrays = _in_torch_order(module, left.pop(name))
            targets = [*module.parameters(), *(b for b in module.buffers() if b.ndim)]
        else:
            continue
        with torch.no_grad():
            for target, array in zip(targets, arrays, strict=True):
                target.copy_(torch.from_numpy(np.ascontiguousarray(array)))
    assert not left, f"PyTorch's net has no place for the weights of {', '.join(left)}"


def _in_torch_order(module: Any, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The weights of a dense layer, convolution or normalization."""
    kernel, *rest = arrays
    if kernel.ndim == 4:
        by_channel = module.groups > 1
        kernel = kernel.transpose((2, 3, 0, 1) if by_channel else (3, 2, 0, 1))
    elif kernel.ndim == 2:
        if module.map_shape is not None:  # it reads a map whose channels stood last
            kernel = kernel.reshape(*module.map_shape, -1).transpose(2, 0, 1, 3).reshape(kernel.shape)
        kernel = kernel.T
    return [kernel, *rest]


def _block_in_torch_order(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The weights of a block, in the order in which either module lists its parameters."""
    gamma1, beta1, wq, bq, wk, bk, wv, bv, wo, bo, gamma2, beta2, w1, b1, w2, b2 = arrays
    width = len(wq)
    projections = np.concatenate([w.reshape(width, -1).T for w in (wq, wk, wv)])
    biases = np.concatenate([b.reshape(-1) for b in (bq, bk, bv)])
    return [projections, biases, wo.reshape(-1, width).T, bo, w1.T, b1, w2.T, b2, gamma1, beta1, gamma2, beta2]
