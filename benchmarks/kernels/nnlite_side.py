"""nnlite's layers, loss and optimizers, and what they must compute."""

from __future__ import annotations

import dataclasses
import importlib.util
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

import nnlite
from benchmarks.kernels.cases import LOSSES, OPTIMIZERS, Case
from nnlite import layers
from nnlite.kernels import parallel

# Largest error against float64, as a part of the largest number of the array.
BOUND = 2e-4
Pass = tuple[Callable[[], Any], Callable[[Any], Any]]  # what runs first, and what is done with its result

LAYERS: dict[str, Any] = {
    "conv": layers.Conv2D,
    "depthwise": layers.DepthwiseConv2D,
    "dense": layers.Dense,
    "max_pool": layers.MaxPooling2D,
    "average_pool": layers.AveragePooling2D,
    "global_pool": layers.GlobalAveragePooling2D,
    "batch_norm": layers.BatchNormalization,
    "layer_norm": layers.LayerNormalization,
    "relu": layers.ReLU,
    "gelu": lambda **options: layers.Activation("gelu", **options),
    "lstm": layers.LSTM,
    "gru": layers.GRU,
    "attention": layers.MultiHeadAttention,
}
_MAKERS: dict[str, Any] = {
    "sgd": lambda: nnlite.optimizers.SGD(0.01, momentum=0.9),
    "rmsprop": lambda: nnlite.optimizers.RMSprop(0.001),
    "adam": lambda: nnlite.optimizers.Adam(0.001),
}


def inputs(case: Case, batch: int | None = None) -> np.ndarray:
    """Random float32 inputs."""
    return np.random.default_rng(0).normal(size=(batch or case.batch, *case.shape)).astype(np.float32)


def labels(case: Case) -> np.ndarray:
    """Class numbers for a loss."""
    return np.random.default_rng(1).integers(0, case.shape[0], case.batch)


def layer_of(case: Case, dtype: str = "float32") -> Any:
    """The layer, built, with the same weights in each dtype."""
    nnlite.utils.set_random_seed(0)
    layer = LAYERS[case.kind](**case.arguments, dtype=dtype)
    shape = (None, *case.shape)
    layer.build([shape, shape] if case.kind == "attention" else shape)
    return layer


def passes(case: Case) -> Pass:
    """Return the forward and the backward pass, which takes what forward returned."""
    nnlite.config.set_winograd(case.winograd)
    if case.kind in OPTIMIZERS:
        optimizer, variable = _optimizer(case)
        return lambda: None, lambda _: optimizer.apply([np.asarray(variable.grad)], [variable])
    x = inputs(case)
    if case.kind in LOSSES:
        loss, y = nnlite.losses.SparseCategoricalCrossentropy(from_logits=True), labels(case)
        return lambda: loss.forward(y, x), lambda result: loss.backward(result[1])
    layer = layer_of(case)
    given: Any = [x, x] if case.kind == "attention" else x
    dy = _output_gradient(layer.forward(given, True)[0])
    options = {} if case.input_grad or not layer._takes_input_grad else {"input_grad": False}

    def backward(result: Any) -> Any:
        for variable in layer.trainable_weights:
            variable.zero_grad()
        return layer.backward(dy, result[1], **options)

    return lambda: layer.forward(given, True), backward


def _output_gradient(y: np.ndarray) -> np.ndarray:
    return np.random.default_rng(2).normal(size=y.shape).astype(y.dtype)


def _optimizer(case: Case) -> tuple[Any, Any]:
    optimizer = _MAKERS[case.kind]()
    variable = nnlite.Variable(np.ones(case.shape, np.float32), name="w")
    variable.accumulate(inputs(case)[0])
    optimizer.build([variable])
    return optimizer, variable


# ---- checks ----


def check(case: Case) -> float:
    """Return the largest error against float64; raises ``AssertionError`` if it is above ``BOUND``."""
    nnlite.config.set_winograd(case.winograd)
    if case.kind in OPTIMIZERS:
        pairs = _updates(case)
    elif case.kind in LOSSES:
        pairs = _loss_and_gradient(case)
    else:
        with parallel.blas_pinned():
            found, expected = (_results(case, dtype, inputs(case)) for dtype in ("float32", "float64"))
            pairs = list(zip(found, expected, strict=True))
            pairs += _against_oracles(case)
    sizes = [float(np.max(np.abs(right))) for _, right in pairs]
    floor = 1e-3 * max(sizes)  # a gradient that cancels to nothing, as that of attention's key bias, is all rounding
    error = max(
        float(np.max(np.abs(one - right))) / max(size, floor) for (one, right), size in zip(pairs, sizes, strict=True)
    )
    assert error <= BOUND, f"{case.name}: differs from float64 by {error:.1e} of the largest number"
    return error


def _results(case: Case, dtype: str, x: np.ndarray) -> list[np.ndarray]:
    """Output, gradient of the input and those of the variables."""
    layer, x = layer_of(case, dtype), x.astype(dtype)
    y, cache = layer.forward([x, x] if case.kind == "attention" else x, True)
    dy = _output_gradient(y.astype(np.float32)).astype(dtype)
    y = np.array(y)
    dx = layer.backward(dy, cache)
    several = dx if isinstance(dx, (list, tuple)) else [dx]
    return [y, *several, *(np.array(v.grad) for v in layer.trainable_weights)]


def _against_oracles(case: Case) -> list[tuple[np.ndarray, np.ndarray]]:
    """The layer in float64 and loops over every window, for one sample; where channels are alone, of four."""
    if case.kind not in ("conv", "depthwise", "max_pool", "average_pool"):
        return []
    if case.kind != "conv":
        case = dataclasses.replace(case, shape=(*case.shape[:2], 4))
    oracles = _oracles()
    x = inputs(case, 1).astype(np.float64)
    found = _results(case, "float64", x)
    dy = _output_gradient(found[0].astype(np.float32)).astype(np.float64)
    padding = case.arguments.get("padding", "valid")
    if case.kind in ("conv", "depthwise"):
        kernel, bias = layer_of(case, "float64").get_weights()
        strides, channels = case.arguments["strides"], case.shape[-1]
        if case.kind == "depthwise":
            kernel = kernel.transpose(0, 1, 3, 2)
        settings = (strides, padding, 1, channels if case.kind == "depthwise" else 1)
        dx, dw, db = oracles.conv_gradients(dy, x, kernel, *settings)
        expected = [oracles.conv(x, kernel, bias, *settings), dx, dw.reshape(found[2].shape), db]
    else:
        name = "max_pool" if case.kind == "max_pool" else "avg_pool"
        pool = (case.arguments["pool_size"],) * 2
        expected = [getattr(oracles, name)(x, pool, pool, padding)]
        expected.append(getattr(oracles, f"{name}_gradient")(dy, x, pool, pool, padding))
    return list(zip(found, expected, strict=True))


def _oracles() -> Any:
    """The plain twins of the kernels that the tests use."""
    path = pathlib.Path(__file__).parents[2] / "tests" / "kernels" / "oracles.py"
    spec = importlib.util.spec_from_file_location("oracles", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _loss_and_gradient(case: Case) -> list[tuple[np.ndarray, np.ndarray]]:
    forward, backward = passes(case)
    result = forward()
    x, y = inputs(case).astype(np.float64), labels(case)
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    value = -np.log(p[np.arange(len(y)), y]).mean()
    gradient = (p - np.eye(case.shape[0])[y]) / len(y)
    return [(np.array(result[0]), np.array(value)), (backward(result), gradient)]


def _updates(case: Case) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights after three updates."""
    optimizer, variable = _optimizer(case)
    g, w = inputs(case)[0].astype(np.float64), np.ones(case.shape)
    m, v = np.zeros(case.shape), np.zeros(case.shape)
    for t in (1, 2, 3):
        optimizer.apply([np.asarray(variable.grad)], [variable])
        if case.kind == "sgd":
            m = 0.9 * m - 0.01 * g
            w = w + m
        elif case.kind == "rmsprop":
            v = 0.9 * v + 0.1 * g**2
            w = w - 0.001 * g / np.sqrt(v + 1e-7)
        else:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
            w = w - 0.001 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * m / (np.sqrt(v) + 1e-7)
    return [(variable.value, w)]
