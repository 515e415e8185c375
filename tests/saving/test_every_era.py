"""Files of Keras 2.0 to 3.15 open, whatever their container, compute what Keras computed, and go on training."""

import json
import pathlib
import shutil
import zipfile

import h5py
import numpy as np
import pytest

import nnlite as keras

FOLDER = pathlib.Path(__file__).parent / "keras_files"
REAL = pathlib.Path(__file__).parent / "real_models"
VERSIONS = ["2.15", "3.3.3", "3.10.0", "3.15.1"]
NETS = ["cnn", "lstm", "residual", "shared", "masked"]


def references(net, version):
    """The inputs, targets, output and further losses of a net."""
    prefix = f"{net}-{version}."
    with np.load(FOLDER / f"refs-{version}.npz") as found:
        ref = {name[len(prefix) :]: found[name] for name in sorted(found) if name.startswith(prefix)}
    inputs = [ref[name] for name in sorted(ref) if name[0] == "x"]
    return inputs if len(inputs) > 1 else inputs[0], ref["y"], ref["output"], ref["next_losses"]


def check(model, net, version):
    """It computes and learns what Keras computed and learned."""
    x, y, output, losses = references(net, version)
    apart = np.abs(model.predict(x, verbose=0) - output).max()
    assert apart <= 1e-5 * np.abs(output).max()
    history = model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0).history
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-5)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_whole_models_go_on_training(net, version, ending):
    check(keras.models.load_model(FOLDER / f"{net}-{version}{ending}"), net, version)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("net", NETS)
def test_weights_with_the_state_of_the_optimizer(net, version):
    model = keras.models.load_model(FOLDER / f"{net}-{version}.keras")
    model.set_weights([np.full_like(w, 0.1) for w in model.get_weights()])
    for variable in model.optimizer.variables:
        variable.assign(np.full_like(variable.value, 0.1))
    if version == "2.15":  # its weights files keep no learning rate
        model.optimizer.learning_rate = 0.01
    model.load_weights(FOLDER / f"{net}-{version}.weights.h5")
    check(model, net, version)


@pytest.mark.parametrize("net", NETS)
def test_names_do_not_matter(net, tmp_path):
    for source, name in ((f"{net}-2.15.h5", "m.keras"), (f"{net}-3.10.0.keras", "m.h5")):
        shutil.copy(FOLDER / source, tmp_path / name)
        check(keras.models.load_model(tmp_path / name), net, source.removeprefix(f"{net}-").rpartition(".")[0])


@pytest.mark.parametrize("version", ["2.15", "3.15.1"])
def test_a_folder_of_the_members(version, tmp_path):
    with zipfile.ZipFile(FOLDER / f"shared-{version}.keras") as archive:
        archive.extractall(tmp_path / "folder")
    check(keras.models.load_model(tmp_path / "folder"), "shared", version)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_any_file_gives_its_weights_to_a_model_in_hand(ending):
    model = keras.models.load_model(FOLDER / "masked-3.10.0.keras", compile=False)
    x, _, output, _ = references("masked", "2.15")
    model.load_weights(FOLDER / f"masked-2.15{ending}")
    np.testing.assert_allclose(model.predict(x, verbose=0), output, rtol=1e-5)


KERAS2 = [
    *("nested-2.13.keras", "names-2.13.keras", "nested-2.15.keras", "nested-2.15.h5", "names-2.15.h5"),
    *("amsgrad-2.15.h5", "rmsprop-2.15.h5", "adadelta-2.15.h5", "ftrl-2.15.h5", "cudnn-2.15.h5"),
    *("cudnn-weights-2.15.h5", "nadam-2.15.keras", "adafactor-2.15.h5"),
]


@pytest.mark.parametrize("name", KERAS2)
def test_nested_models_odd_names_older_optimizers_and_cudnn(name):
    net, version = name.split("-")[0], name.rpartition("-")[2].removesuffix(".keras").removesuffix(".h5")
    with np.load(FOLDER / f"keras2-{version}.npz") as found:
        x, y, output, losses = (found[f"{net}.{what}"] for what in ("x", "y", "output", "losses"))
    model = keras.models.load_model(FOLDER / name)
    assert np.abs(model.predict(x, verbose=0) - output).max() <= 1e-5 * np.abs(output).max()
    history = model.fit(x, y, batch_size=2, epochs=2, shuffle=False, verbose=0).history
    # The Nadam of Keras 2 multiplied its product of weights once a variable, not once a step, and did not keep it.
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-3 if net == "nadam" else 1e-5)
    if name == "names-2.13.keras":
        model.set_weights([w * 0 for w in model.get_weights()])
        model.load_weights(FOLDER / "names-2.13.weights.h5")
        assert np.abs(model.predict(x, verbose=0) - output).max() <= 1e-5 * np.abs(output).max()


def test_the_product_of_nadam_is_made_again():
    optimizer = keras.models.load_model(FOLDER / "nadam-2.15.keras").optimizer
    steps = np.arange(1, int(optimizer.iterations) + 1)
    assert len(steps) == 6
    np.testing.assert_allclose(optimizer.variables[-1].value, np.prod(0.9 * (1 - 0.5 * 0.96**steps)), rtol=1e-5)
    assert all(v.value.any() for v in optimizer.variables)


REAL_MODELS = ["fer_emotion.hdf5", "fiit_lstm1.keras", "fiit_transformer.keras"]


@pytest.mark.parametrize("name", REAL_MODELS)
@pytest.mark.parametrize("compile", [True, False])
def test_real_models(name, compile):
    with np.load(REAL / f"{name.partition('.')[0]}.npz") as found:
        ref = {key: found[key] for key in found}
    model = keras.models.load_model(REAL / name, compile=compile)
    assert model.compiled == compile
    y = model.predict(ref["x0"], verbose=0)
    assert np.abs(y - ref["y0"]).max() <= 1e-5 * np.abs(ref["y0"]).max()


def test_the_state_of_an_optimizer_whose_variables_were_sorted_by_name():
    model = keras.models.load_model(REAL / "fer_emotion.hdf5")
    assert int(model.optimizer.iterations) == 92494
    velocities = [v for v in model.optimizer.variables if v.name.endswith("velocity")]
    with h5py.File(REAL / "fer_emotion.hdf5") as file:  # the first of 2 x 52, those of batch_normalization_10
        first = file["optimizer_weights/Variable_156:0"][()]
    layer = model.get_layer("batch_normalization_10")
    beta = next(s for v, s in zip(model.trainable_weights, velocities, strict=True) if v is layer.beta)
    np.testing.assert_array_equal(beta.value, first)


# ---- weights alone, as Keras 1 and 2 wrote them ----


def weights_only(source, target, rename=lambda name: name):
    """Copy the weights of a whole model in HDF5 into a file of weights alone."""
    with h5py.File(source) as old, h5py.File(target, "w") as new:
        for name in old["model_weights"]:
            old.copy(f"model_weights/{name}", new, rename(name))
        new.attrs["layer_names"] = [rename(n).encode() for n in old["model_weights"].attrs["layer_names"].tolist()]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("net", ["cnn", "masked"])
@pytest.mark.parametrize("by_name", [False, True])
def test_weights_alone_by_order_and_by_name(net, version, by_name, tmp_path):
    def rename(name):
        return name if by_name else f"other_{name}"

    weights_only(FOLDER / f"{net}-{version}.h5", tmp_path / "w.h5", rename)
    model = keras.models.load_model(FOLDER / f"{net}-{version}.keras", compile=False)
    x, _, output, _ = references(net, version)
    model.set_weights([np.full_like(w, 0.1) for w in model.get_weights()])
    model.load_weights(tmp_path / "w.h5", by_name=by_name)
    np.testing.assert_allclose(model.predict(x, verbose=0), output, rtol=1e-5, atol=1e-7)


def test_by_name_leaves_what_is_not_named_and_reports_what_it_skips(tmp_path):
    source = keras.models.load_model(FOLDER / "cnn-2.15.h5", compile=False)
    weights_only(FOLDER / "cnn-2.15.h5", tmp_path / "w.h5")
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            keras.layers.Conv2D(3, 3, name=source.layers[0].name),
            keras.layers.Flatten(),
            keras.layers.Dense(7, name=source.layers[-1].name),
            keras.layers.Dense(2, name="new"),
        ]
    )
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"(?s)w.h5: the weights do not fit.*\(108, 7\).*\(27, 3\)"):
        model.load_weights(tmp_path / "w.h5", by_name=True)
    with pytest.raises(ValueError, match=r"weights of 3 layers \(.*\), the model .* has 3|do not fit"):
        model.load_weights(tmp_path / "w.h5")
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match=r"skipped what does not fit: Dense .*\(108, 7\)"):
        model.load_weights(tmp_path / "w.h5", by_name=True, skip_mismatch=True)
    np.testing.assert_array_equal(model.layers[0].kernel.value, source.layers[0].kernel.value)
    np.testing.assert_array_equal(model.get_weights()[2], before[2])


def test_long_lists_of_names_are_cut_into_several_and_texts_may_be_bytes(tmp_path):
    shutil.copy(FOLDER / "cnn-2.15.h5", tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        group = file["model_weights"]
        names = [name.encode() for name in group.attrs["layer_names"].tolist()]
        del group.attrs["layer_names"]
        group.attrs["layer_names0"], group.attrs["layer_names1"] = names[:2], names[2:]
        for name in ("model_config", "training_config", "keras_version"):
            file.attrs[name] = np.bytes_(file.attrs[name])
    check(keras.models.load_model(tmp_path / "m.h5"), "cnn", "2.15")


def test_numbers_that_hdf5_has_no_type_for(tmp_path):
    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(2, name="d")])
    model.save_weights(tmp_path / "w.weights.h5")
    with h5py.File(tmp_path / "w.weights.h5", "r+") as file:
        group = file["layers/dense/vars"]
        del group["0"]
        halves = (np.array([[1.5, -2], [0.25, 8]], np.float32).view(np.uint32) >> 16).astype(np.uint16)
        group.create_dataset("0", data=halves.view("V2")).attrs["dtype"] = "bfloat16"
    model.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(model.layers[0].kernel.value, [[1.5, -2], [0.25, 8]])


# ---- loading draws nothing ----


def test_variables_are_not_drawn_for_files_that_hold_them(tmp_path, monkeypatch):
    from nnlite.initializers import GlorotUniform

    model = keras.models.load_model(FOLDER / "cnn-3.10.0.keras")
    model.save(tmp_path / "m.keras")

    def drawn(self, shape, dtype=None):
        raise AssertionError("drawn")

    monkeypatch.setattr(GlorotUniform, "__call__", drawn)
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def test_what_a_file_does_not_hold_begins_as_its_initializer_says(tmp_path):
    class Kept(keras.layers.Layer):
        def build(self, input_shape):
            self.a = self.add_weight(shape=(2,), initializer="ones", name="a")
            self.deep = [[self.add_weight(shape=(2,), initializer="ones", name="b")]]

        def forward(self, x, training=False):
            return x * self.a.value, None

        def save_own_variables(self, store):
            pass

        def load_own_variables(self, store):
            pass

    keras.Sequential([keras.layers.Input((2,)), Kept()]).save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras", custom_objects={"Kept": Kept})
    assert again.layers[0].a.value.tolist() == [1, 1] and again.layers[0].deep[0][0].value.tolist() == [1, 1]


def test_compile_false_needs_no_training_part(tmp_path):
    with zipfile.ZipFile(FOLDER / "cnn-3.10.0.keras") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["compile_config"] = {"optimizer": {"class_name": "Nobody's", "config": 3}, "loss": [["?"]]}
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    assert not keras.models.load_model(tmp_path / "m.keras", compile=False).compiled
    with pytest.warns(UserWarning, match="m.keras: the model is not compiled"):
        assert not keras.models.load_model(tmp_path / "m.keras").compiled


def with_words(path, words):
    """Write a model that learned words as Keras does: they stand beside its config."""
    lookup = keras.layers.IntegerLookup(vocabulary=[5, 7], name="look/up")
    model = keras.Sequential([keras.layers.Input((1,), dtype="int64"), lookup])
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][1]["config"] |= {"vocabulary": None, "vocabulary_size": None}
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "assets/layers/integer_lookup/vocabulary.txt": words}.items():
            archive.writestr(name, content)


def test_words_that_stand_beside_the_config(tmp_path):
    with_words(tmp_path / "m.keras", b"-1\n7\n9")
    model = keras.models.load_model(tmp_path / "m.keras")
    assert model.layers[0].get_vocabulary() == [-1, 7, 9]
    assert model(np.array([[9], [5], [7]])).ravel().tolist() == [2, 0, 1]
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        archive.extractall(tmp_path / "folder")
    assert keras.models.load_model(tmp_path / "folder").layers[0].get_vocabulary() == [-1, 7, 9]


@pytest.mark.parametrize("words", [b"-1\n7\n7", b"a\nb", b"\xff"])
def test_words_that_do_not_fit(tmp_path, words):
    with_words(tmp_path / "m.keras", words)
    with pytest.raises(ValueError, match=r"m.keras: assets/layers/integer_lookup/vocabulary.txt cannot be used"):
        keras.models.load_model(tmp_path / "m.keras")
