"""Weights as Keras 1, and Keras on Theano, wrote them: each array in the order of its time."""

import json

import h5py
import numpy as np
import pytest

import nnlite as keras
from nnlite import layers

RNG = np.random.default_rng(3)


def draw(*shape):
    return RNG.normal(size=shape).astype("float32")


def write(path, stored, version="1.2.2", backend=None, config=None):
    """Write arrays by layer; a whole model if there is a config."""
    with h5py.File(path, "w") as file:
        group = file
        if config is not None:
            file.attrs["model_config"] = json.dumps(config).encode()
            group = file.create_group("model_weights")
        for key, value in (("keras_version", version), ("backend", backend)):
            if value is not None:
                file.attrs[key] = value.encode()
        group.attrs["layer_names"] = [name.encode() for name in stored]
        for name, arrays in stored.items():
            layer = group.create_group(name)
            layer.attrs["weight_names"] = [f"{name}_{number}".encode() for number in range(len(arrays))]
            for number, array in enumerate(arrays):
                layer[f"{name}_{number}"] = array
    return path


def read(path, *stack):
    model = keras.Sequential(list(stack))
    model.load_weights(path)
    return model.get_weights()


def same(found, *wanted):
    assert len(found) == len(wanted)
    for a, b in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(a, b)


def recurrent(inputs, units, gates):
    """What a layer has by gate: kernel, recurrent kernel and bias."""
    return [[draw(inputs, units), draw(units, units), draw(units)] for _ in range(gates)]


def test_gates_of_recurrent_layers_stood_apart(tmp_path):
    i, c, f, o = recurrent(3, 4, 4)
    z, r, h = recurrent(8, 4, 3)
    back = recurrent(3, 4, 4)
    dense = [draw(4, 2), draw(2)]
    path = write(
        tmp_path / "w.h5",
        {"b": [*i, *c, *f, *o, *(a for gate in back for a in gate)], "g": [*z, *r, *h], "d": dense},
    )
    found = read(
        path,
        layers.Input((5, 3)),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.GRU(4, reset_after=False),
        layers.Dense(2),
    )
    bi, bc, bf, bo = back
    wanted = [np.concatenate(gates, axis=-1) for gates in zip(i, f, c, o, strict=True)]
    wanted += [np.concatenate(gates, axis=-1) for gates in zip(bi, bf, bc, bo, strict=True)]
    same(found, *wanted, *(np.concatenate(gates, axis=-1) for gates in zip(z, r, h, strict=True)), *dense)


@pytest.mark.parametrize("version", ["1.2.2", None])  # the first ones did not say who they were
def test_kernels_with_the_channels_first(version, tmp_path):
    one, two, three = draw(3, 3, 3, 3), draw(3, 3, 3, 3), draw(2, 2, 2, 2, 2)
    path = write(tmp_path / "w.h5", {"a": [one, draw(3)], "b": [two, draw(3)]}, version)
    stack = [layers.Input((3, 8, 8)), layers.Conv2D(3, 3, data_format="channels_first")]
    found = read(path, *stack, layers.Conv2DTranspose(3, 3, data_format="channels_first"))
    np.testing.assert_array_equal(found[0], one.transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(found[2], two.transpose(2, 3, 0, 1))
    path = write(tmp_path / "v.h5", {"a": [three]}, version)
    conv = layers.Conv3D(2, 2, data_format="channels_first", use_bias=False)
    same(read(path, layers.Input((2, 4, 4, 4)), conv), three.transpose(2, 3, 4, 1, 0))


def test_kernels_with_the_channels_last(tmp_path):
    conv, up, line, older = draw(3, 3, 2, 2), draw(3, 3, 2, 2), draw(3, 1, 2, 2), draw(2, 2, 3, 1)
    images = [layers.Input((8, 8, 2)), layers.Conv2D(2, 3, use_bias=False)]
    path = write(tmp_path / "w.h5", {"a": [conv], "b": [up]})
    same(read(path, *images, layers.Conv2DTranspose(2, 3, use_bias=False)), conv, up.transpose(0, 1, 3, 2))
    lines = [layers.Input((8, 2)), *(layers.Conv1D(2, 3, use_bias=False) for _ in range(2))]
    path = write(tmp_path / "v.h5", {"a": [line], "b": [older]})
    same(read(path, *lines), line[:, 0], older[..., 0].transpose(2, 1, 0))


def test_kernels_of_keras_2_are_as_they_are_today_unless_theano_learned_them(tmp_path):
    kernel, up, dense = draw(3, 3, 3, 3), draw(3, 3, 3, 3), draw(3, 3)
    stack = [layers.Input((3, 8, 8)), layers.Conv2D(3, 3, data_format="channels_first", use_bias=False)]
    stack += [layers.Conv2DTranspose(3, 3, data_format="channels_first", use_bias=False)]
    stack += [layers.GlobalAveragePooling2D("channels_first"), layers.Dense(3, use_bias=False)]
    stored = {"a": [kernel], "b": [up], "c": [dense]}
    same(read(write(tmp_path / "tf.h5", stored, "2.1.2", "tensorflow"), *stack), kernel, up, dense)
    found = read(write(tmp_path / "th.h5", stored, "2.1.2", "theano"), *stack)
    same(found, kernel[::-1, ::-1], up[::-1, ::-1], dense)


def test_weights_that_are_written_here_are_none_of_keras_1(tmp_path):
    model = keras.Sequential([layers.Input((6, 6, 3)), layers.Conv2DTranspose(3, 2)])
    before = model.get_weights()
    model.save_weights(tmp_path / "w.h5")
    model.set_weights([w * 0 for w in before])
    model.load_weights(tmp_path / "w.h5")
    same(model.get_weights(), *before)


def test_a_whole_model_of_keras_1_computes_what_its_arrays_say(tmp_path):
    i, c, f, o = recurrent(4, 6, 4)
    dense = [draw(6, 3), draw(3)]
    lstm = {"name": "l", "output_dim": 6, "batch_input_shape": [None, 5, 4], "activation": "tanh"}
    parts = [
        {"class_name": "LSTM", "config": {**lstm, "inner_activation": "hard_sigmoid", "consume_less": "cpu"}},
        {"class_name": "TimeDistributedDense", "config": {"name": "d", "output_dim": 3, "activation": "linear"}},
    ]
    parts[0]["config"]["return_sequences"] = True
    config = {"class_name": "Sequential", "config": parts}
    model = keras.models.load_model(write(tmp_path / "m.h5", {"l": [*i, *c, *f, *o], "d": dense}, config=config))
    x = draw(2, 5, 4)
    h, cell, steps = np.zeros((2, 6)), np.zeros((2, 6)), []

    def gate(t, parts):
        return x[:, t] @ parts[0] + h @ parts[1] + parts[2]

    for t in range(5):
        open_, forget, out = (np.clip(0.2 * gate(t, parts) + 0.5, 0, 1) for parts in (i, f, o))
        cell = forget * cell + open_ * np.tanh(gate(t, c))
        h = out * np.tanh(cell)
        steps.append(h @ dense[0] + dense[1])
    np.testing.assert_allclose(model.predict(x, verbose=0), np.stack(steps, 1), rtol=1e-4, atol=1e-5)


def test_arrays_that_fit_in_no_way_are_told(tmp_path):
    i, c, f, o = recurrent(3, 4, 4)
    path = write(tmp_path / "w.h5", {"l": [*i, *c, *f, *o[:2]]})
    with pytest.raises(ValueError, match=r"LSTM .*expected .*kernel \(3, 16\).*the file has for 'l': \(3, 4\)"):
        read(path, layers.Input((5, 3)), layers.LSTM(4))
