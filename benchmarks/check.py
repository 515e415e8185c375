"""Results before speed: what is timed must be right."""

from __future__ import annotations

import numpy as np

from benchmarks.blocks import in_torch_order, lstm_in_torch_order
from benchmarks.contenders import Nnlite, Torch
from benchmarks.nets import NETS, make_data


def check_losses(threads: int, steps: int = 4, batch: int = 16) -> list[str]:
    """Train each net a few steps in nnlite and, from the same weights, in PyTorch; return a line for each.

    Plain gradient descent, because the two add Adam's epsilon in different places. Raises ``AssertionError`` if the
    losses differ by more than 1 part in 1,000 (float32 products are summed in different orders, and max pooling can
    flip at near ties).
    """
    ours = Nnlite(threads)
    try:
        torch: Torch | None = Torch(threads)
    except ImportError:
        torch = None
    lines = []
    for net in NETS:
        x, y = make_data(net, batch)
        model = ours.model(net)
        model.compile(ours.keras.optimizers.SGD(0.01), model.loss)
        theirs = None if torch is None else _torch_losses(torch, model, net, x, y, steps)
        losses = [float(model.train_on_batch(x, y)) for _ in range(steps)]
        assert np.isfinite(losses).all() and losses[-1] < losses[0], f"{net}: the loss does not fall: {losses}"
        if theirs is None:
            lines.append(f"{net}: losses {_shown(losses)}; torch is not installed, nothing to compare with")
            continue
        np.testing.assert_allclose(losses, theirs, rtol=1e-3, err_msg=f"{net}: losses differ from torch's")
        lines.append(f"{net}: losses {_shown(losses)}, torch {_shown(theirs)}")
    return lines


def _shown(losses: list[float]) -> str:
    return " ".join(f"{loss:.4f}" for loss in losses)


def _torch_losses(contender: Torch, model, net, x, y, steps) -> list[float]:
    """The losses of torch's training from copies of ``model``'s weights."""
    torch = contender.torch
    twin, tensor, labels = contender.prepared(net, len(x))
    ours = [layer for layer in model.layers if layer.weights]
    modules = [module for module in twin if list(module.parameters())]
    steps_of = NETS[net][1]
    flat_shape = None
    for layer, module in zip(ours, modules, strict=True):
        arrays = layer.get_weights()
        if type(layer).__name__ == "Block":
            arrays = in_torch_order(arrays)
        elif type(layer).__name__ == "LSTM":
            arrays = lstm_in_torch_order(arrays)
            module.lstm.bias_hh_l0.requires_grad_(False)
        elif arrays[0].ndim == 4:
            by_channel = type(layer).__name__ == "DepthwiseConv2D"
            arrays[0] = arrays[0].transpose((2, 3, 0, 1) if by_channel else (3, 2, 0, 1))
            flat_shape = layer
        elif arrays[0].ndim == 2:
            if flat_shape is not None and ("flatten",) in steps_of:
                # the first dense layer reads a map in another order
                h, w, c = _map_shape(model)
                arrays[0] = arrays[0].reshape(h, w, c, -1).transpose(2, 0, 1, 3).reshape(h * w * c, -1)
                flat_shape = None
            arrays[0] = arrays[0].T
        with torch.no_grad():
            for parameter, array in zip(module.parameters(), arrays, strict=False):
                parameter.copy_(torch.from_numpy(np.ascontiguousarray(array)))
    optimizer = torch.optim.SGD(twin.parameters(), 0.01)
    losses = []
    twin.train()
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.CrossEntropyLoss()(twin(tensor), labels)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def _map_shape(model) -> tuple[int, int, int]:
    shape = model.input_shape
    for layer in model.layers:
        if type(layer).__name__ == "Flatten":
            return tuple(shape[1:])
        shape = layer.compute_output_shape(shape)
    raise AssertionError("the net has no Flatten")
