"""The same nets in nnlite and in PyTorch: each gives a training step and a prediction to call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import blocks
from benchmarks.nets import NETS, make_data

Step = Callable[[], Any]


class Nnlite:
    """nnlite through its public, ordinary calls."""

    def __init__(self, threads: int) -> None:
        import nnlite

        nnlite.config.set_num_threads(threads)
        self.keras, self.version = nnlite, nnlite.__version__

    def model(self, net: str) -> Any:
        keras, layers = self.keras, self.keras.layers
        keras.utils.set_random_seed(0)
        shape, steps = NETS[net]
        model = keras.Sequential([layers.Input(shape)])
        for kind, *arguments in steps:
            if kind == "dense":
                model.add(layers.Dense(arguments[0], activation="relu" if arguments[1] else None))
            elif kind == "conv" and arguments[1]:
                model.add(layers.Conv2D(arguments[0], 3, padding="same"))
                model.add(layers.BatchNormalization())
                model.add(layers.ReLU())
            elif kind == "conv":
                model.add(layers.Conv2D(arguments[0], 3, activation="relu"))
            elif kind == "separate":
                for layer in (layers.DepthwiseConv2D(3, padding="same"), layers.Conv2D(arguments[0], 1)):
                    model.add(layer)
                    model.add(layers.BatchNormalization())
                    model.add(layers.ReLU())
            elif kind == "lstm":
                model.add(layers.LSTM(arguments[0]))
            elif kind == "block":
                model.add(blocks.nnlite_block(keras, shape[-1], *arguments))
            elif kind == "mean":
                model.add(layers.GlobalAveragePooling1D() if len(shape) == 2 else layers.GlobalAveragePooling2D())
            else:
                model.add(layers.MaxPooling2D() if kind == "pool" else layers.Flatten())
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(1e-3), loss)
        return model

    def train(self, net: str, batch: int) -> Step:
        model, (x, y) = self.model(net), make_data(net, batch)
        return lambda: model.train_on_batch(x, y)

    def predict(self, net: str, batch: int) -> Step:
        model, (x, _) = self.model(net), make_data(net, batch)
        return lambda: model.predict(x, batch_size=batch, verbose=0)


class Torch:
    """PyTorch in eager mode: its default memory format, its own module for a transformer's block."""

    other = False

    def __init__(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self.torch, self.version = torch, torch.__version__

    def model(self, net: str) -> Any:
        nn = self.torch.nn
        self.torch.manual_seed(0)
        shape, steps = NETS[net]
        channels, size = shape[-1], list(shape[:-1])
        parts: list[Any] = []
        for kind, *arguments in steps:
            if kind == "dense":
                parts.append(nn.Linear(channels, arguments[0]))
                parts += [nn.ReLU()] if arguments[1] else []
                channels = arguments[0]
            elif kind == "conv":
                parts.append(nn.Conv2d(channels, arguments[0], 3, padding=1 if arguments[1] else 0))
                parts += [nn.BatchNorm2d(arguments[0], eps=1e-3, momentum=0.01)] if arguments[1] else []
                parts.append(nn.ReLU())
                channels, size = arguments[0], [s if arguments[1] else s - 2 for s in size]
            elif kind == "separate":
                for count, kernel, groups in ((channels, 3, channels), (arguments[0], 1, 1)):
                    parts.append(nn.Conv2d(channels, count, kernel, padding=kernel // 2, groups=groups))
                    parts += [nn.BatchNorm2d(count, eps=1e-3, momentum=0.01), nn.ReLU()]
                channels = arguments[0]
            elif kind == "lstm":
                parts.append(blocks.torch_lstm(self.torch, channels, arguments[0]))
                channels = arguments[0]
            elif kind == "block":
                make = blocks.torch_block_by_hand if self.other else blocks.torch_block
                parts.append(make(self.torch, channels, *arguments))
            elif kind == "mean":
                parts.append(blocks.torch_mean(self.torch, (1,) if len(shape) == 2 else (2, 3)))
            elif kind == "pool":
                parts.append(nn.MaxPool2d(2))
                size = [s // 2 for s in size]
            else:
                parts.append(nn.Flatten())
                channels = channels * int(np.prod(size))
        return nn.Sequential(*parts)

    def prepared(self, net: str, batch: int) -> tuple[Any, Any, Any]:
        x, y = make_data(net, batch)
        model = self.model(net)
        tensor = self.torch.from_numpy(x)
        if tensor.ndim == 4:
            tensor = tensor.permute(0, 3, 1, 2).contiguous()
            if self.other:
                model = model.to(memory_format=self.torch.channels_last)
                tensor = tensor.contiguous(memory_format=self.torch.channels_last)
        return model, tensor, self.torch.from_numpy(y)

    def train(self, net: str, batch: int) -> Step:
        model, x, y = self.prepared(net, batch)
        optimizer = self.torch.optim.Adam(model.parameters(), 1e-3, eps=1e-7)
        loss_of = self.torch.nn.CrossEntropyLoss()
        model.train()

        def step() -> float:
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(model(x), y)
            loss.backward()
            optimizer.step()
            return float(loss.detach())

        return step

    def predict(self, net: str, batch: int) -> Step:
        model, x, _ = self.prepared(net, batch)
        model.eval()

        def step() -> Any:
            with self.torch.inference_mode():
                return model(x).numpy()

        return step


class OtherTorch(Torch):
    """PyTorch's other way: images and convolutions in its channels_last memory format, blocks written by hand."""

    other = True


CONTENDERS: dict[str, type] = {"nnlite": Nnlite, "torch": Torch, "torch-other": OtherTorch}
