"""Every form that nnlite writes comes back bit for bit, with what training needs; none is left half written."""

import json
import os
import zipfile

import h5py
import numpy as np
import pytest

import nnlite as keras
from nnlite import layers


def net():
    x = layers.Input((6,), name="x")
    inner = keras.Sequential([layers.Input((5,)), layers.Dense(4, activation="tanh"), layers.BatchNormalization()])
    h = inner(layers.Dense(5, name="a/b.c\\d")(x))
    return keras.Model(x, layers.Dense(2)(layers.Concatenate()([h, layers.Dense(3, use_bias=False)(h)])), name="net")


def trained():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(10, 6)).astype("float32"), rng.normal(size=(10, 2)).astype("float32")
    model = net()
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    model.fit(x, y, batch_size=5, shuffle=False, verbose=0)
    return model, x, y


def goes_on(model, x, y):
    return model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0).history


def same(model, other):
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("name", "options"), [("m.keras", {}), ("m.h5", {}), ("m.hdf5", {}), ("folder", {"zipped": False})]
)
def test_whole_models(tmp_path, name, options):
    model, x, y = trained()
    for _ in range(2):  # the second replaces the first
        model.save(tmp_path / name, **options)
    again = keras.models.load_model(tmp_path / name)
    same(model, again)
    assert again.get_layer("a/b.c\\d").units == 5
    assert goes_on(again, x, y) == goes_on(model, x, y)
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("name", ["m.keras", "m.h5"])
def test_accuracy_is_still_chosen_by_shapes_after_loading(tmp_path, name):
    x, y = np.ones((6, 3)), np.arange(6) % 2
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["acc"])
    measured = model.evaluate(x, y, verbose=0, return_dict=True)
    model.save(tmp_path / name)
    again = keras.models.load_model(tmp_path / name)
    assert again.evaluate(x, y, verbose=0, return_dict=True) == measured


def test_metrics_of_h5_files_keep_the_names_they_were_given_by_for_keras(tmp_path):
    model = keras.Sequential([layers.Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae", "cosine_similarity", "acc"])
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        written = json.loads(file.attrs["training_config"])
    assert written["loss"]["class_name"] == "MeanSquaredError"
    *classes, accuracy = written["metrics"]
    assert [(one["class_name"], one["config"]["name"]) for one in classes] == [
        ("MeanAbsoluteError", "mae"),
        ("CosineSimilarity", "cosine_similarity"),
    ]
    assert accuracy == "acc"


@pytest.mark.parametrize("name", ["w.weights.h5", "w.weights.json", "w.h5", "w.npz"])
def test_weights(tmp_path, name):
    model, x, y = trained()
    model.save_weights(tmp_path / name)
    other = net()
    other.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    other.load_weights(tmp_path / name)
    same(model, other)
    if "weights" in name:  # with the state of the optimizer
        assert goes_on(other, x, y) == goes_on(model, x, y)


def test_shards(tmp_path):
    model, x, y = trained()
    with pytest.warns(UserWarning, match="Keras does from 3.15 on: the variables of optimizer in several files"):
        model.save_weights(tmp_path / "w.weights.json", max_shard_size=200 / 2**30)
    content = json.loads((tmp_path / "w.weights.json").read_text())
    places = content["weight_map"].values()
    files = sorted({name for names in places for name in ([names] if isinstance(names, str) else names)})
    assert len(files) > 3 and sorted(os.listdir(tmp_path)) == sorted([*files, "w.weights.json"])
    assert [group for group, names in content["weight_map"].items() if isinstance(names, list)] == ["/optimizer/vars"]
    for name in files:
        with h5py.File(tmp_path / name) as file:
            sizes = []
            file.visititems(lambda _, one, sizes=sizes: sizes.append(getattr(one, "nbytes", 0)))
            assert sum(sizes) <= 200
    other = net()
    other.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    other.load_weights(tmp_path / "w.weights.json")
    same(model, other)
    assert goes_on(other, x, y) == goes_on(model, x, y)
    with pytest.raises(ValueError, match="more than one file of max_shard_size"):
        model.save_weights(tmp_path / "w.weights.json", max_shard_size=50 / 2**30)
    os.remove(tmp_path / files[1])
    with pytest.raises(ValueError, match=f"{files[1]}', which is not there"):
        other.load_weights(tmp_path / "w.weights.json")


@pytest.mark.parametrize("name", ["../other.weights.h5", "/etc/hostname", "w.json", 3])
def test_a_map_of_weights_leads_nowhere_else(tmp_path, name):
    model, _, _ = trained()
    model.save_weights(tmp_path / "w.weights.json")
    content = json.loads((tmp_path / "w.weights.json").read_text())
    content["weight_map"]["/layers/dense/vars"] = [name]
    (tmp_path / "w.weights.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"w.weights.json: the map (names|must list)"):
        model.load_weights(tmp_path / "w.weights.json")
    os.symlink(tmp_path / "w_00000.weights.h5", tmp_path / "w_00009.weights.h5")
    content["weight_map"]["/layers/dense/vars"] = ["w_00009.weights.h5"]
    (tmp_path / "w.weights.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="is a link"):
        model.load_weights(tmp_path / "w.weights.json")


def test_arrays_for_numpy(tmp_path):
    model, _, _ = trained()
    model.save_weights(tmp_path / "w.npz")
    with np.load(tmp_path / "w.npz") as found:
        assert list(found) == [v.path for v in model.weights]
        np.testing.assert_array_equal(found[model.weights[0].path], model.weights[0].value)
        arrays = {f"{number}": found[name] for number, name in enumerate(found)}
    other = net()
    np.savez_compressed(tmp_path / "numbered.npz", **arrays)
    other.load_weights(tmp_path / "numbered.npz")  # in order, where the names are others
    same(model, other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.popitem(), r"the file has none|has \(4, 3\)"),
        (lambda a: a.update(more=np.zeros(2)), "the file also has 'more'"),
        (lambda a: a.update({next(iter(a)): np.zeros((9, 9))}), r"expected .* \(6, 5\); the file has \(9, 9\)"),
        (lambda a: a.update({next(iter(a)): np.zeros((6, 5), "i4")}), "the file has .* of int32"),
        (lambda a: a.update({next(iter(a)): np.array([[None]])}), "only numbers are read"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, change, message):
    model, _, _ = trained()
    model.save_weights(tmp_path / "w.npz")
    with np.load(tmp_path / "w.npz") as found:
        arrays = {name: found[name] for name in found}
    change(arrays)
    np.savez(tmp_path / "w.npz", **arrays)
    before = model.get_weights()
    with pytest.raises(ValueError, match=rf"(?s)w.npz.*{message}"):
        model.load_weights(tmp_path / "w.npz")
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_array_that_claims_to_be_huge_is_not_made(tmp_path):
    model = keras.Sequential([layers.Input((2,)), layers.Dense(2)])
    header = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 2), }".ljust(
        117
    )
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        for variable in model.weights:
            archive.writestr(f"{variable.path}.npy", header + b"\n")
    with pytest.raises(ValueError, match=r"the file has \(99999999999, 2\)"):
        model.load_weights(tmp_path / "w.npz")


def test_long_lists_of_names_are_cut(tmp_path):
    parts = [layers.Dense(1, name=f"{'x' * 500}{number}") for number in range(200)]
    model = keras.Sequential([layers.Input((1,)), *parts])
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert "layer_names1" in file["model_weights"].attrs
    same(model, keras.models.load_model(tmp_path / "m.h5"))


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    model, _, _ = trained()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(FileExistsError, match="no folder of a model"):
        model.save(tmp_path / "mine", zipped=False)
    assert os.listdir(tmp_path / "mine") == ["thesis.txt"]


def test_endings(tmp_path):
    model, _, _ = trained()
    for ending, options in ((".pkl", {}), (".h5", {"zipped": True})):
        with pytest.raises(ValueError, match="must end in"):
            model.save(tmp_path / f"m{ending}", **options)
    with pytest.raises(ValueError, match="must end in"):
        model.save_weights(tmp_path / "w.weights.h5", max_shard_size=1)
