"""Whatever the values, names and structure are, each form of file gives back the same bits."""

import os
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

import nnlite as keras
from nnlite import layers

WHOLE = ["m.keras", "m.h5", "folder"]
WEIGHTS = ["w.weights.h5", "w.weights.json", "w.h5", "w.npz"]


def again(model, folder, name, make=None, **options):
    """The model that comes back from a file."""
    path = os.path.join(folder, name)
    if name in WHOLE:
        keras.saving.save_model(model, path, zipped=False if name == "folder" else None)
        return keras.models.load_model(path, **options)
    model.save_weights(path)
    other = keras.models.clone_model(model) if make is None else make()
    other.load_weights(path)
    return other


def bits(model):
    return [(v.path.split("/")[-1], v.dtype, v.value.tobytes()) for v in model.weights]


@settings(max_examples=10, deadline=None)
@given(hnp.arrays("u4", (3, 2)), hnp.arrays("u8", (2, 2)))
def test_any_bits_come_back(tmp_path_factory, single, double):
    """NaN with payloads, infinities, -0.0 and denormal numbers among them."""
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2, use_bias=False), layers.Dense(2, dtype="float64")])
    first, second, _ = model.weights
    first.value[:], second.value[:] = single.view("f4"), double.view("f8")
    for name in WHOLE + WEIGHTS:
        assert bits(again(model, tmp_path_factory.mktemp("m"), name)) == bits(model), name


@pytest.mark.parametrize("name", WHOLE + WEIGHTS)
@pytest.mark.filterwarnings("ignore:dtype policy:UserWarning")
def test_odd_names_types_and_structures(tmp_path, name):
    """Slashes, dots, two classes of one snake case, wrappers, counts that are whole numbers, nothing to learn."""

    class DenseA(layers.Dense):
        pass

    class Dense_A(layers.Dense):  # noqa: N801
        pass

    def make():
        normal = layers.Normalization(name="../ü")
        normal.adapt(np.random.default_rng(0).normal(size=(9, 3)).astype("float32"))
        x = layers.Input((4, 3))
        y = layers.TimeDistributed(DenseA(3, name="a/b"), name="./a.b")(normal(x))
        y = layers.Dropout(0.5, seed=3)(DenseA(3, dtype="float16", name="b/../a")(y))
        y = layers.Identity()(Dense_A(2, name="a\\b", dtype="mixed_bfloat16")(y))
        y = layers.Bidirectional(layers.GRU(2), name="{}")(y)
        return keras.Model(x, keras.Sequential([layers.Input((4,)), layers.Dense(1, name="a/b")], name="a")(y))

    model, objects = make(), {"DenseA": DenseA, "Dense_A": Dense_A}
    other = again(model, tmp_path, name, make, **({"custom_objects": objects} if name in WHOLE else {}))
    assert bits(other) == bits(model)
    value = np.random.default_rng(1).normal(size=(2, 4, 3))
    np.testing.assert_array_equal(other(value), model(value))


@pytest.mark.parametrize("name", WHOLE + WEIGHTS)
def test_models_without_weights(tmp_path, name):
    model = keras.Sequential([layers.Input((2,)), layers.ReLU()])
    assert again(model, tmp_path, name)(np.array([[-1.0, 1.0]])).tolist() == [[0, 1]]


@pytest.mark.parametrize("name", ["w.weights.h5", "w.weights.json", "w.npz"])
def test_subclassed_models_with_lists_and_dicts_of_layers(tmp_path, name):
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.rows = [layers.Dense(3), layers.Dense(3)]
            self.named = {"b": layers.Dense(3), "a": layers.Dense(3)}
            self.scale = self.add_weight((), "ones", name="scale")

        def forward(self, x, training=False):
            for layer in (*self.rows, *self.named.values()):
                x, _ = layer.forward(x, training)
            return self.scale.value * x, None

    def make():
        model = Net()
        model(np.ones((1, 3), "float32"))
        return model

    model = make()
    assert bits(again(model, tmp_path, name, make)) == bits(model)


@pytest.mark.parametrize("name", ["m.keras", "folder", "w.weights.h5", "w.weights.json"])
def test_layers_that_keep_what_is_no_variable(tmp_path, name):
    class Counter(layers.Layer):
        seen = 0

        def forward(self, x, training=False):
            return x, None

        def save_own_variables(self, store):
            store["seen"] = np.array(self.seen)

        def load_own_variables(self, store):
            self.seen = int(store["seen"])

        def get_build_config(self):
            return {"input_shape": [None, 2]}

    model = keras.Sequential([layers.Input((2,)), Counter()])
    model.layers[0].seen = 7
    options = {"custom_objects": {"Counter": Counter}} if name in WHOLE else {}
    assert again(model, tmp_path, name, **options).layers[0].seen == 7


def test_saving_at_once_leaves_one_whole_file(tmp_path):
    model = keras.Sequential([layers.Input((2,)), layers.Dense(50)])
    threads = [threading.Thread(target=model.save, args=(tmp_path / "ü.keras",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.listdir(tmp_path) == ["ü.keras"]
    assert bits(keras.models.load_model(tmp_path / "ü.keras")) == bits(model)


@pytest.mark.parametrize("name", WHOLE + WEIGHTS)
def test_a_full_disk_leaves_the_old_file(tmp_path, name, monkeypatch):
    model = keras.Sequential([layers.Input((2,)), layers.Dense(3)])
    expected = bits(again(model, tmp_path, name))
    files = sorted(os.listdir(tmp_path))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    other = keras.Sequential([layers.Input((2,)), layers.Dense(3)])
    with monkeypatch.context() as patch, pytest.raises(OSError, match="No space"):
        patch.setattr(os, "fsync", full)
        again(other, tmp_path, name)
    assert sorted(os.listdir(tmp_path)) == files
    if name in WHOLE:
        found = keras.models.load_model(tmp_path / name)
    else:
        found = keras.models.clone_model(model)
        found.load_weights(tmp_path / name)
    assert bits(found) == expected
