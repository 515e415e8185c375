import io
import json
import os
import stat
import zipfile

import h5py
import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.saving import atomic, eras, tree


def net(units=3, name="net"):
    return keras.Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(4, activation="tanh"),
            layers.Dense(units, activation="softmax"),
        ],
        name=name,
    )


def data(rows=20):
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 6, 6, 1)).astype("float32"), rng.integers(0, 3, rows)


OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adam": lambda: keras.optimizers.Adam(0.01),
    "amsgrad": lambda: keras.optimizers.Adam(0.01, amsgrad=True, clipnorm=1.0),
    "adamw": lambda: keras.optimizers.AdamW(0.01),
    "schedule": lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.01, 3, 0.5)),
    "ema": lambda: keras.optimizers.Adam(0.01, use_ema=True, gradient_accumulation_steps=2),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_goes_on_bit_for_bit(tmp_path, name):
    x, y = data()
    keras.utils.set_random_seed(0)
    model = net()
    model.compile(OPTIMIZERS[name](), "sparse_categorical_crossentropy", metrics=["accuracy"])
    fit = {"batch_size": 8, "epochs": 2, "shuffle": False, "verbose": 0}
    model.fit(x, y, **fit)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))
    expected, actual = model.fit(x, y, **fit).history, again.fit(x, y, **fit).history
    assert expected == actual
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_file_round_trip_with_optimizer(tmp_path):
    x, y = data()
    model, other = net(), net()
    for m in (model, other):
        m.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0, shuffle=False)
    model.save_weights(tmp_path / "w.weights.h5")
    other.load_weights(tmp_path / "w.weights.h5")
    assert model.fit(x, y, verbose=0, shuffle=False).history == other.fit(x, y, verbose=0, shuffle=False).history
    uncompiled = net()
    uncompiled.load_weights(tmp_path / "w.weights.h5")


def test_layout_of_the_weights_file(tmp_path):
    model = net()
    model.compile("sgd", "mse")
    model.save_weights(tmp_path / "w.weights.h5")
    with h5py.File(tmp_path / "w.weights.h5") as file:
        assert set(file) == {"vars", "layers", "optimizer"}
        assert set(file["layers"]) == {"conv2d", "batch_normalization", "flatten", "dense", "dense_1"}
        assert [file[f"layers/batch_normalization/vars/{i}"].shape for i in range(4)] == [(3,)] * 4
        assert file["layers/dense_1/vars"].attrs["name"] == model.layers[-1].name
        assert len(file["layers/flatten/vars"]) == 0


def test_paths_of_nested_and_attribute_layers():
    class Block(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.second = layers.Dense(2)
            self.first = layers.Dense(2)
            self.more = [layers.Dense(1), layers.Dense(1)]

        def forward(self, x, training=False):
            return x, None

    inner = keras.Sequential([layers.Input((2,)), layers.Dense(2), layers.Dense(2)])
    model = keras.Sequential([layers.Input((2,)), inner, Block()])
    paths = [path for path, _ in tree.walk(model)]
    assert paths == [
        "",
        "/layers/sequential",
        "/layers/sequential/layers/dense",
        "/layers/sequential/layers/dense_1",
        "/layers/block",
        "/layers/block/first",
        "/layers/block/more/dense",
        "/layers/block/more/dense_1",
        "/layers/block/second",
    ]


def test_names_are_never_paths(tmp_path):
    model = keras.Sequential([layers.Input((2,)), layers.Dense(2, name="../../etc/a\\b.c")])
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.layers[0].name == "../../etc/a\\b.c" and os.listdir(tmp_path) == ["m.keras"]


def test_a_custom_layer_comes_back_through_custom_objects(tmp_path):
    class Shift(layers.Layer):
        def __init__(self, by=1.0, **kwargs):
            super().__init__(**kwargs)
            self.by = by

        def forward(self, x, training=False):
            return x + self.by, None

    keras.Sequential([layers.Input((2,)), Shift(2.0)]).save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="Unknown layer 'Shift'.*custom_objects"):
        keras.models.load_model(tmp_path / "m.keras")
    model = keras.models.load_model(tmp_path / "m.keras", custom_objects={"Shift": Shift})
    assert model(np.zeros((1, 2))).tolist() == [[2, 2]]


# ---- weights that do not fit ----


def test_another_architecture_changes_nothing_and_is_explained(tmp_path):
    net(units=5).save_weights(tmp_path / "w.weights.h5")
    model = net(units=3)
    before = model.get_weights()
    with pytest.raises(ValueError, match=r"(?s)w.weights.h5.*'net'.*kernel \(4, 3\).*\(4, 5\)"):
        model.load_weights(tmp_path / "w.weights.h5")
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_missing_and_additional_layers_are_named(tmp_path):
    keras.Sequential([layers.Input((2,)), layers.Dense(2)]).save_weights(tmp_path / "w.weights.h5")
    model = keras.Sequential([layers.Input((2,)), layers.Dense(2), layers.Dense(2, name="extra")])
    with pytest.raises(ValueError, match="Dense 'extra': expected"):
        model.load_weights(tmp_path / "w.weights.h5")
    with pytest.warns(UserWarning, match="skipped.*extra"):
        model.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)


def test_an_unbuilt_model_cannot_take_weights(tmp_path):
    net().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match="is not built"):
        keras.Sequential([layers.Dense(2)]).load_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match="is not built"):
        keras.Sequential([layers.Dense(2)]).save(tmp_path / "m.keras")


# ---- files that are not what they should be ----


@pytest.mark.parametrize("load", [keras.models.load_model, lambda p: net().load_weights(p)])
def test_missing_files_and_folders(tmp_path, load):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        load(tmp_path / "nothing.keras")
    with pytest.raises(FileNotFoundError, match="is a folder"):
        load(tmp_path)


@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.9])
@pytest.mark.parametrize("suffix", [".keras", ".weights.h5"])
def test_truncated_files(tmp_path, keep, suffix):
    path = tmp_path / f"m{suffix}"
    net().save(path) if suffix == ".keras" else net().save_weights(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content)) if isinstance(keep, float) else keep])
    model = net()
    before = model.get_weights()
    with pytest.raises(ValueError, match="m\\."):
        keras.models.load_model(path) if suffix == ".keras" else model.load_weights(path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def rewritten(path, **members):
    """The archive at ``path`` with members replaced, or left out where None."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    content.update({name.replace("__", "."): value for name, value in members.items()})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, value in content.items():
            if value is not None:
                archive.writestr(name, value)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"config__json": None}, "there is no member 'config.json'"),
        ({"config__json": b"{"}, "config.json cannot be read"),
        ({"config__json": b"[1]"}, "describes no model"),
        ({"config__json": b"[" * 100_000}, "config.json cannot be read"),
        ({"model.weights__h5": None}, "there is no member 'model.weights.h5'"),
        ({"model.weights__h5": b"no hdf5"}, "no HDF5 file"),
        ({"config__json": b" " * 2**24}, "claims to unpack"),
    ],
)
def test_foreign_members(tmp_path, members, message):
    path = tmp_path / "m.keras"
    net().save(path)
    rewritten(path, **members)
    with pytest.raises(ValueError, match=message):
        keras.models.load_model(path)


def test_deflated_archives_open(tmp_path):
    path = tmp_path / "m.keras"
    model = net()
    model.save(path)
    rewritten(path)
    again = keras.models.load_model(path)
    np.testing.assert_array_equal(again.get_weights()[0], model.get_weights()[0])


def weights_with(change):
    """The bytes of a weights file in which ``change`` did something to the first dense layer's group."""
    buffer = io.BytesIO()
    model = net()
    with h5py.File(buffer, "w") as file:
        from nnlite.saving import hdf5

        hdf5.write_weights(model, file)
        group = file["layers/dense/vars"]
        shape = group["0"].shape
        del group["0"]
        change(file, group, shape)
    return buffer.getvalue()


def soft(file, group, shape):
    group["0"] = h5py.SoftLink("/layers/conv2d/vars/0")


def external(file, group, shape):
    group["0"] = h5py.ExternalLink("other.h5", "/x")


def outside(file, group, shape):
    group.create_dataset("0", shape, "f4", external=[("secret.bin", 0, 4 * int(np.prod(shape)))])


def virtual(file, group, shape):
    layout = h5py.VirtualLayout(shape, "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", shape)
    group.create_virtual_dataset("0", layout)


def strings(file, group, shape):
    group.create_dataset("0", data=np.full(shape, b"a", dtype="S4"))


def objects(file, group, shape):
    group.create_dataset("0", shape, h5py.string_dtype())


def huge(file, group, shape):
    group.create_dataset("0", (2**40,), "f4", chunks=(1024,), compression="gzip")


def a_group(file, group, shape):
    group.create_group("0")


@pytest.mark.parametrize("change", [soft, external, outside, virtual, strings, objects, huge, a_group])
def test_arrays_that_are_no_plain_arrays_are_refused(tmp_path, change):
    path = tmp_path / "w.weights.h5"
    path.write_bytes(weights_with(change))
    model = net()
    before = model.get_weights()
    with pytest.raises(ValueError, match="w.weights.h5"):
        model.load_weights(path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_harmless_twin_opens(tmp_path):
    path = tmp_path / "w.weights.h5"
    values = np.ones((48, 4), "f4")
    path.write_bytes(
        weights_with(lambda file, group, shape: group.create_dataset("0", data=values, compression="gzip"))
    )
    model = net()
    model.load_weights(path)
    np.testing.assert_array_equal(model.layers[3].kernel.value, values)


# ---- writing ----


def test_endings_and_overwriting(tmp_path):
    model = net()
    with pytest.raises(ValueError, match=r"must end in '.keras'"):
        model.save(tmp_path / "m.pickle")
    with pytest.raises(ValueError, match=r"must end in '.weights.h5'"):
        model.save_weights(tmp_path / "m.bin")
    model.save(tmp_path / "m.keras")
    with pytest.raises(FileExistsError):
        model.save(tmp_path / "m.keras", overwrite=False)
    with pytest.raises(FileNotFoundError, match="folder"):
        model.save(tmp_path / "no" / "m.keras")


def test_a_crash_while_writing_leaves_the_old_file_whole(tmp_path, monkeypatch):
    model, path = net(), tmp_path / "m.keras"
    model.save(path)
    before = path.read_bytes()
    from nnlite.saving import hdf5

    def crash(model, file):
        raise KeyboardInterrupt

    monkeypatch.setattr(hdf5, "write_weights", crash)
    with pytest.raises(KeyboardInterrupt):
        model.save(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["m.keras"]

    with pytest.raises(OSError), atomic.atomic_write(path) as file:
        file.write(b"half")
        raise OSError("disk full")
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["m.keras"]


def test_writing_keeps_permissions_and_follows_links(tmp_path):
    path, link = tmp_path / "real.keras", tmp_path / "link.keras"
    model = net()
    model.save(path)
    path.chmod(0o640)
    link.symlink_to(path)
    model.save(link)
    assert link.is_symlink() and stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_config_that_changes_what_is_computed_is_refused():
    config = {"class_name": "BatchNormalization", "config": {"virtual_batch_size": 8, "axis": -1}}
    with pytest.raises(ValueError, match="virtual_batch_size=8 is not supported"):
        eras.normalize(config)
    assert eras.normalize({"class_name": "Dense", "config": {"units": 1, "quantization_config": None}}) == {
        "class_name": "Dense",
        "config": {"units": 1},
    }
    for renorm, kept in ((False, {}), (True, {"renorm": True})):
        config = {"class_name": "BatchNormalization", "config": {"renorm": renorm, "renorm_momentum": 0.99}}
        assert eras.normalize(config)["config"] == kept
    deep = []
    for _ in range(500):
        deep = [deep]
    with pytest.raises(ValueError, match="nested deeper"):
        eras.normalize(deep)


def test_what_is_written_leaves_out_recent_keys(tmp_path):
    path = tmp_path / "m.keras"
    net().save(path)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        config = json.loads(archive.read("config.json"))
    first, conv = config["config"]["layers"][:2]
    assert sorted(first["config"]) == ["batch_shape", "dtype", "name", "sparse"]
    assert conv["config"]["kernel_initializer"]["config"] == {"seed": None}
    assert conv["config"]["dtype"] == "float32"
