"""Write models of Keras 2 with nested models, frozen layers, odd names, older optimizers and cuDNN's weights.

TF_CPP_MIN_LOG_LEVEL=3 python tests/saving/keras_files/write_keras2.py TAG, with TAG 2.13 or 2.15, and tensorflow-cpu
2.13.1 or 2.15.1. Each was trained for two epochs; keras2-TAG.npz has inputs, targets, outputs, and the losses of two
more epochs.
"""

import json
import pathlib
import shutil
import sys

import h5py
import numpy as np
from keras.src.saving.legacy import hdf5_format
from tensorflow import keras
from tensorflow.keras import layers as L  # noqa: N812

HERE, TAG = pathlib.Path(__file__).parent, sys.argv[1]
rng = np.random.default_rng(1)
old, refs = keras.optimizers.legacy, {}


def normal(*shape):
    return rng.standard_normal(shape).astype("float32")


def inner():
    x = keras.Input((6,))
    h = L.BatchNormalization()(L.Dense(5)(x))
    return keras.Model(x, L.BatchNormalization()(L.Dense(5, activation="relu")(h)), name="inner")


def nested(frozen=False):
    x, one = keras.Input((6,)), inner()
    one.layers[1].trainable = not frozen
    other = keras.Sequential([L.Input((5,)), L.Dense(4), L.BatchNormalization(), L.Dense(4)], name="other")
    return keras.Model(x, L.Dense(2)(other(one(x)))), (6,)


def names():
    x = keras.Input((4,), name="in/put.x")
    h = L.Dense(3, name="b/c")(L.Dense(3, name="a.b")(x))
    return keras.Model(x, L.Dense(2, name="d.e/f")(h)), (4,)


def small():
    layers = [keras.Input((4,)), L.Dense(4, activation="tanh"), L.BatchNormalization(), L.Dense(2)]
    return keras.Sequential(layers), (4,)


def recurrent():
    x = keras.Input((7, 4))
    h = L.Bidirectional(L.GRU(5, return_sequences=True))(L.LSTM(3, return_sequences=True)(x))
    return keras.Model(x, L.Dense(2)(L.Bidirectional(L.LSTM(2))(L.GRU(3, return_sequences=True)(h)))), (7, 4)


def write(name, made, optimizer, endings):
    model, shape = made
    x, y = normal(5, *shape), normal(5, 2)
    model.compile(optimizer, "mse")
    fit = {"batch_size": 2, "epochs": 2, "shuffle": False, "verbose": 0}
    model.fit(x, y, **fit)
    for ending in endings:
        path = HERE / f"{name}-{TAG}{ending}"
        (model.save_weights if "weights" in ending else model.save)(path)
    refs.update({f"{name}.x": x, f"{name}.y": y, f"{name}.output": model.predict(x, verbose=0)})
    if name == "cudnn":
        as_cudnn(model, HERE / f"cudnn-{TAG}.h5")
    refs[f"{name}.losses"] = model.fit(x, y, **fit).history["loss"]


class CuDNNLSTM:
    units = None


class CuDNNGRU:
    units = None


def as_cudnn(model, path):
    """Turn the recurrent weights and configs in a file into those of cuDNN's layers; keep a copy with the configs."""
    with h5py.File(path, "r+") as file:
        for layer in model.layers:
            group = file["model_weights"][layer.name]
            found = list(group.attrs["weight_names"])
            both = [layer.forward_layer, layer.backward_layer] if isinstance(layer, L.Bidirectional) else [layer]
            for number, one in enumerate(both):
                if isinstance(one, (L.LSTM, L.GRU)):
                    target = CuDNNLSTM() if isinstance(one, L.LSTM) else CuDNNGRU()
                    target.units = one.units
                    own = found[3 * number : 3 * number + 3]
                    new = hdf5_format._convert_rnn_weights(target, [group[n][()] for n in own])
                    for n, value in zip(own, new, strict=True):
                        del group[n]
                        group[n] = np.asarray(value, "f4")
    shutil.copy(path, path.with_name(f"cudnn-weights-{TAG}.h5"))
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = json.dumps(cudnn_config(json.loads(file.attrs["model_config"])))


def cudnn_config(value):
    if isinstance(value, list):
        return [cudnn_config(one) for one in value]
    if not isinstance(value, dict):
        return value
    value = {key: cudnn_config(one) for key, one in value.items()}
    if value.get("class_name") in ("LSTM", "GRU"):
        kept = {"name", "trainable", "return_sequences", "return_state", "go_backwards", "stateful", "units"}
        config = {key: one for key, one in value["config"].items() if key in kept}
        value = {**value, "class_name": f"CuDNN{value['class_name']}", "config": config}
        value.pop("module", None)
    return value


if TAG == "2.13":  # which has other paths in its weights
    write("nested", nested(), keras.optimizers.Adam(0.01), [".keras"])
    write("names", names(), keras.optimizers.Adam(0.01), [".keras", ".weights.h5"])
else:
    write("nested", nested(frozen=True), keras.optimizers.Adam(0.01), [".keras", ".h5"])
    write("names", names(), keras.optimizers.Adam(0.01), [".h5"])
    write("amsgrad", small(), old.Adam(0.01, amsgrad=True), [".h5"])
    write("rmsprop", small(), old.RMSprop(0.01, momentum=0.5, centered=True), [".h5"])
    write("adadelta", small(), old.Adadelta(0.1), [".h5"])
    write("ftrl", small(), old.Ftrl(0.01), [".h5"])
    write("cudnn", recurrent(), keras.optimizers.SGD(0.01), [".h5"])
    write("nadam", small(), keras.optimizers.Nadam(0.01), [".keras"])
    write("adafactor", small(), keras.optimizers.Adafactor(0.01), [".h5"])
np.savez(HERE / f"keras2-{TAG}.npz", **refs)
