"""PyTorch: eager in both memory formats and both forms of a transformer's block, and compiled."""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import Any

import numpy as np

from benchmarks import torch_parts
from benchmarks.contenders.base import Contender, Step
from benchmarks.keras_nets import Weights
from benchmarks.nets import EPOCHS, is_epochs, make_data


class Torch(Contender):
    """PyTorch in eager mode: its default memory format, its own module for a transformer's block."""

    other = False

    def __init__(self, threads: int) -> None:
        import torch

        torch.set_num_threads(threads)
        self.torch, self.version = torch, torch.__version__

    def model(self, net: str, exact: bool = False) -> Any:
        """The net; see torch_parts.build."""
        self.torch.manual_seed(0)
        model = torch_parts.build(self.torch, net, self.other, exact)
        return model.to(memory_format=self.torch.channels_last) if self.other else model

    def tensor(self, x: np.ndarray) -> Any:
        """Inputs in the memory format that suits."""
        tensor = self.torch.from_numpy(x)
        if tensor.ndim < 4:
            return tensor
        form = self.torch.channels_last if self.other else self.torch.contiguous_format
        return tensor.permute(0, 3, 1, 2).contiguous(memory_format=form)

    def _step_of(self, model: Any, optimizer: Any) -> Any:
        loss_of = self.torch.nn.CrossEntropyLoss()
        model.train()

        def step(x: Any, y: Any) -> Any:
            optimizer.zero_grad(set_to_none=True)
            loss = loss_of(model(x), y)
            loss.backward()
            optimizer.step()
            return loss.detach()

        return step

    def train(self, net: str, batch: int) -> Step:
        torch, model = self.torch, self.compiled(self.model(net))
        step = self._step_of(model, torch.optim.Adam(model.parameters(), 1e-3, eps=1e-7))
        if not is_epochs(net):
            data, labels = make_data(net, batch)
            x, y = self.tensor(data), torch.from_numpy(labels)
            return lambda: float(step(x, y))
        rows = EPOCHS["digits"][0]
        data, labels = make_data(net, rows)
        x, y = self.tensor(data), torch.from_numpy(labels)

        def epoch() -> float:
            order = torch.randperm(rows)
            losses = [step(x[part], y[part]) for part in order.split(batch)]
            return float(torch.stack(losses).mean())

        return epoch

    def predict(self, net: str, batch: int, way: str, folder: str) -> Step:
        x = self.tensor(make_data(net, batch)[0])
        function = self._inference(self.compiled(self.model(net)))
        return lambda: function(x)

    def _inference(self, model: Any) -> Any:
        model.eval()

        def outputs(x: Any) -> np.ndarray:
            with self.torch.inference_mode():
                return model(x).numpy()

        return outputs

    def _loaded(self, net: str, weights: Weights) -> Any:
        model = self.model(net, exact=True)
        torch_parts.set_weights(self.torch, model, weights)
        return model

    def losses(self, net: str, weights: Weights, x: np.ndarray, y: np.ndarray, steps: int) -> list[float]:
        model = self._loaded(net, weights)
        step = self._step_of(model, self.torch.optim.SGD(model.parameters(), 0.01))
        return [float(step(self.tensor(x), self.torch.from_numpy(y))) for _ in range(steps)]

    def outputs(self, net: str, weights: Weights, x: np.ndarray, folder: str) -> np.ndarray:
        return np.asarray(self._inference(self._loaded(net, weights))(self.tensor(x)))

    def save(self, net: str, weights: Weights, folder: str) -> None:
        self.torch.save(self._loaded(net, weights).state_dict(), f"{folder}/{net}.pt")

    def load(self, net: str, folder: str) -> Any:
        model = self.model(net, exact=True)
        model.load_state_dict(self.torch.load(f"{folder}/{net}.pt", weights_only=True))
        function = self._inference(model)
        return lambda x: function(self.tensor(x))

    def compiled(self, model: Any) -> Any:
        """The model as it is timed."""
        return model

    def export(self, net: str, weights: Weights, folder: str) -> None:
        """Write the net for onnxruntime, for batches of any size."""
        import onnx  # noqa: F401  (the exporter needs it, and says so late)

        model = torch_parts.build(self.torch, net, by_hand=True, exact=True).eval()
        torch_parts.set_weights(self.torch, model, weights)
        x = self.tensor(make_data(net, 1)[0]).contiguous()
        axes = {"x": {0: "rows"}, "y": {0: "rows"}}
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")  # that this exporter is an older one: it needs no further package
            self.torch.onnx.export(
                model,
                (x,),
                f"{folder}/{net}.onnx",
                dynamo=False,
                opset_version=17,
                input_names=["x"],
                output_names=["y"],
                dynamic_axes=axes,
            )


class OtherTorch(Torch):
    """PyTorch's other way: images and convolutions in its channels_last memory format, blocks written by hand."""

    nets = ("cnn", "vgg", "resnet", "mobile", "transformer")  # the others are the same
    other = True


class CompiledTorch(Torch):
    """PyTorch's compiler, where it has the C++ compiler that it needs."""

    def __init__(self, threads: int) -> None:
        super().__init__(threads)
        try:
            self.torch.compile(lambda x: x.sin() + 1)(self.torch.ones(4))
        except Exception as error:
            raise ImportError(f"torch.compile does not work here: {str(error).splitlines()[0]}") from error

    def compiled(self, model: Any) -> Any:
        return self.torch.compile(model)
