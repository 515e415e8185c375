"""The nets in Keras's words, which are nnlite's too: the same code builds both.

Layers are named by the number of their step, so that weights go from one contender to another by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.nets import spec

EPSILON = 1e-5  # of layer normalization, as PyTorch has it
Weights = dict[str, list[np.ndarray]]


def build(keras: Any, net: str) -> Any:
    """Return the net as a Sequential where it is a row of layers, else as a Model of symbols."""
    shape, steps = spec(net)
    layers = keras.layers
    branches = any(kind in ("residual", "block") for kind, *_ in steps)
    inputs = x = keras.Input(shape)
    row: list[Any] = [inputs]
    for number, (kind, *arguments) in enumerate(steps):
        name = f"{kind}{number}"
        if kind == "residual":
            x = _residual(layers, x, name, *arguments)
        elif kind == "block":
            x = _block(layers, x, name, *arguments)
        else:
            for layer in _in_a_row(layers, name, kind, arguments, len(shape)):
                if branches:
                    x = layer(x)
                else:
                    row.append(layer)
    return keras.Model(inputs, x) if branches else keras.Sequential(row)


def _in_a_row(layers: Any, name: str, kind: str, arguments: list[Any], axes: int) -> list[Any]:
    if kind == "dense":
        return [layers.Dense(arguments[0], activation="relu" if arguments[1] else None, name=name)]
    if kind == "lstm":
        return [layers.LSTM(arguments[0], name=name)]
    if kind == "mean":
        return [layers.GlobalAveragePooling1D() if axes == 2 else layers.GlobalAveragePooling2D()]
    if kind == "pool":
        return [layers.MaxPooling2D()]
    if kind == "flatten":
        return [layers.Flatten()]
    if kind == "separate":
        filters, stride = arguments
        return [
            layers.DepthwiseConv2D(3, strides=stride, padding="same", name=f"{name}_each"),
            layers.BatchNormalization(name=f"{name}_norm1"),
            layers.ReLU(),
            layers.Conv2D(filters, 1, name=f"{name}_all"),
            layers.BatchNormalization(name=f"{name}_norm2"),
            layers.ReLU(),
        ]
    filters, norm = arguments
    if not norm:
        return [layers.Conv2D(filters, 3, activation="relu", name=name)]
    convolution = layers.Conv2D(filters, 3, padding="same", name=name)
    return [convolution, layers.BatchNormalization(name=f"{name}_norm"), layers.ReLU()]


def _residual(layers: Any, x: Any, name: str, filters: int, stride: int) -> Any:
    y = layers.Conv2D(filters, 3, strides=stride, padding="same", name=f"{name}_conv1")(x)
    y = layers.ReLU()(layers.BatchNormalization(name=f"{name}_norm1")(y))
    y = layers.Conv2D(filters, 3, padding="same", name=f"{name}_conv2")(y)
    y = layers.BatchNormalization(name=f"{name}_norm2")(y)
    if stride > 1 or x.shape[-1] != filters:
        x = layers.Conv2D(filters, 1, strides=stride, name=f"{name}_beside")(x)
        x = layers.BatchNormalization(name=f"{name}_norm3")(x)
    return layers.ReLU()(layers.Add()([x, y]))


def _block(layers: Any, x: Any, name: str, heads: int, hidden: int) -> Any:
    """x + attention(norm(x)), then x + mlp(norm(x)); the activation is the exact GELU, there is no dropout."""
    width = x.shape[-1]
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm1")(x)
    x = layers.Add()([x, layers.MultiHeadAttention(heads, width // heads, name=f"{name}_attention")(y, y)])
    y = layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm2")(x)
    y = layers.Dense(hidden, activation="gelu", name=f"{name}_dense1")(y)
    return layers.Add()([x, layers.Dense(width, name=f"{name}_dense2")(y)])


def set_weights(model: Any, weights: Weights) -> None:
    """Give a model of either framework the weights, by the names of layers."""
    for name, arrays in weights.items():
        model.get_layer(name).set_weights(arrays)


def get_weights(model: Any) -> Weights:
    """Return the weights of all layers that have some, by their names."""
    return {layer.name: [np.array(w) for w in layer.get_weights()] for layer in model.layers if layer.weights}


def save_weights(path: str, weights: Weights) -> None:
    """Write weights to an .npz file."""
    flat = {f"{name}/{i}": a for name, arrays in weights.items() for i, a in enumerate(arrays)}
    np.savez(path, **flat)  # type: ignore[arg-type]


def load_weights(path: str) -> Weights:
    """Return the weights that :func:`save_weights` wrote."""
    weights: Weights = {}
    with np.load(path) as file:
        for key in file.files:
            weights.setdefault(key.rpartition("/")[0], []).append(file[key])
    return weights
