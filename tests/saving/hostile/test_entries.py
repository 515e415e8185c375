"""Configs that try to do harm are refused wherever they come in, not in files alone."""

import io
import json
import resource
import sys
import tracemalloc
import zipfile

import h5py
import pytest

import nnlite as keras
from nnlite.saving import forms, guarded, headers
from nnlite.saving.hdf5 import open_h5

from .code_files import code
from .files import function, layer, members, small_model, with_layers, write_archive

LAMBDA = {"class_name": "__lambda__", "config": {"code": code(), "defaults": None, "closure": None}}
ELEMENT = {"class_name": "__numpy__", "config": {"value": [0.0], "dtype": "V1000000000"}}
VAST = layer("Constant", "keras.initializers", value=ELEMENT)
TOO_WIDE = {**layer("Dense", units=10**9), "build_config": {"input_shape": [None, 4]}}
HARMFUL = {
    "marshalled code": (layer("Lambda", function=LAMBDA), "held as code|holds its function as code"),
    "marshalled code of Keras 2": (layer("Lambda", function=[code(), None, None]), "holds its function as code"),
    "a function of the system": (layer("Dense", units=2, activation=function("os", "system")), "system"),
    "a built-in function": (layer("Dense", units=2, kernel_regularizer=function("builtins", "exec")), "exec"),
    "a download": (layer("Dense", units=2, bias_initializer=function("keras.utils", "get_file")), "get_file"),
    "a name with dots": (layer("Dense", units=2, activation="os.system"), "os.system"),
    "the switch of the guards": (
        layer("TimeDistributed", layer=layer("Dense", units=2, activation="enable_unsafe_deserialization")),
        "enable_unsafe_deserialization",
    ),
    "a model of another file": (layer("TFSMLayer", filepath="/tmp/saved_model"), "TFSMLayer"),
    "a module of PyTorch": (layer("TorchModuleWrapper", module="AAAA"), "TorchModuleWrapper"),
    "functions of JAX": (layer("JaxLayer", call_fn=LAMBDA), "JaxLayer"),
    "words of another file": (layer("TextVectorization", vocabulary="/etc/hostname"), "'/etc/hostname'"),
    "numbers of another file": (layer("IntegerLookup", vocabulary="/etc/hostname"), "'/etc/hostname'"),
    "too many units": (TOO_WIDE, "variable 'kernel'"),
    "a vast element": (layer("Dense", units=2, bias_initializer=VAST), "only numbers are read"),
    "no shape": ({**layer("Dense", units=2), "build_config": "x"}, "holds together|build_config|variables|hold"),
}


def model_of(config):
    """A model of a layer, as its config."""
    return json.loads(with_layers(layer("InputLayer", batch_shape=[None, 2, 4], name="i"), config)["config.json"])


def archive(config, path):
    write_archive(path, {**with_layers(), "config.json": json.dumps(model_of(config)).encode()})
    return keras.models.load_model(path, safe_mode=False)


def archive_of_another_name(config, path):
    return archive(config, path.with_suffix(".h5"))


def folder(config, path):
    path.mkdir()
    for name, content in {**with_layers(), "config.json": json.dumps(model_of(config)).encode()}.items():
        (path / name).write_bytes(content)
    return keras.models.load_model(path)


def hdf5(config, path):
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(model_of(config))
        file.create_group("model_weights").attrs["layer_names"] = []
    return keras.models.load_model(path, safe_mode=False)


def hdf5_of_keras_2(config, path):
    old = {"class_name": config["class_name"], "config": {**config["config"], "batch_input_shape": [None, 2, 4]}}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = "2.15.0"
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": [old]}})
        file.create_group("model_weights").attrs["layer_names"] = []
    return keras.models.load_model(path)


def text(config, path):
    return keras.models.model_from_json(json.dumps(model_of(config)))


def from_config(config, path):
    return keras.Sequential.from_config(model_of(config)["config"])


def functional(config, path):
    place = {"class_name": "__keras_tensor__", "config": {"keras_history": ["i", 0, 0]}}
    first = layer("InputLayer", batch_shape=[None, 2, 4], name="i")
    layers = [
        {**first, "name": "i", "inbound_nodes": []},
        {**config, "name": "x", "inbound_nodes": [{"args": [place], "kwargs": {}}]},
    ]
    ends = {"input_layers": [["i", 0, 0]], "output_layers": [["x", 0, 0]]}
    return keras.Model.from_config({"name": "m", "layers": layers, **ends})


def deserialize(config, path):
    return keras.layers.deserialize(config)


def deserialize_keras_object(config, path):
    return keras.saving.deserialize_keras_object({"a": [config]})


ENTRIES = [
    *(archive, archive_of_another_name, folder, hdf5, hdf5_of_keras_2),
    *(text, from_config, functional, deserialize, deserialize_keras_object),
]


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_refuses(tmp_path, entry):
    if sys.platform == "linux":
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number, (what, (config, says)) in enumerate(HARMFUL.items()):
        if what == "no shape" and entry not in (deserialize, deserialize_keras_object):
            continue  # models build their layers themselves
        with pytest.raises((ValueError, TypeError), match=says):
            pytest.fail(f"{what}: {entry(config, tmp_path / f'{number}.keras')}")
    if sys.platform == "linux":
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000


@pytest.mark.parametrize("entry", ENTRIES)
def test_every_entry_takes_what_is_harmless(tmp_path, entry):
    assert entry(layer("Activation", activation="relu", name="x"), tmp_path / "twin.keras") is not None


def test_the_limit_moves():
    config = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(100)]).to_json()
    for most in (2000, 1999):
        limits = {"max_bytes": most}
        if most == 2000:
            assert keras.models.model_from_json(config, **limits).count_params() == 500
            continue
        with pytest.raises(ValueError, match=r"asks for a variable 'bias' .* pass max_bytes"):
            keras.models.model_from_json(config, **limits)
        with pytest.raises(ValueError, match=r"asks for a variable 'bias' .* pass max_bytes"):
            keras.Sequential.from_config(json.loads(config)["config"], **limits)


def test_without_training_of_absurd_size_a_model_predicts(tmp_path):
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse", metrics=[keras.metrics.MeanIoU(2), keras.metrics.AUC(num_thresholds=3)])
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as file:
        content = {name: file.read(name) for name in file.namelist()}
    for old, new in (
        (b'"num_classes": 2', b'"num_classes": 20000'),
        (b'"num_thresholds": 3', b'"num_thresholds": 1000000000'),
    ):
        assert old in content["config.json"]
        write_archive(tmp_path / "n.keras", {**content, "config.json": content["config.json"].replace(old, new)})
        with pytest.raises(ValueError, match="more than such a config may ask for"):
            keras.models.load_model(tmp_path / "n.keras")
        assert keras.models.load_model(tmp_path / "n.keras", compile=False).output_shape == (None, 2)


def test_words_count_as_what_they_take(tmp_path):
    content = with_layers(layer("InputLayer", batch_shape=[None, 1], name="i"), layer("StringLookup", name="s"))
    words = b"\n".join(b"%d" % number for number in range(1000))
    write_archive(tmp_path / "w.keras", {**content, "assets/layers/string_lookup/vocabulary.txt": words})
    assert keras.models.load_model(tmp_path / "w.keras", max_bytes=103_889).layers[0].vocabulary_size() == 1001
    with pytest.raises(ValueError, match=r"vocabulary.txt cannot be used: .* 's' has 1000 words"):
        keras.models.load_model(tmp_path / "w.keras", max_bytes=103_888)


def test_reserved_numbers_take_no_memory():
    words = keras.layers.StringLookup(vocabulary=["a", "b"], num_oov_indices=10**12)
    assert words.vocabulary_size() == 10**12 + 2 and words(["b"]).tolist() == [10**12 + 1]


@pytest.mark.parametrize("make", [keras.layers.StringLookup, keras.layers.TextVectorization])
def test_one_long_word_does_not_give_all_its_room(make):
    words = [str(number) for number in range(20_000)] + ["x" * 10_000]
    tracemalloc.start()
    layer = make(vocabulary=words)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000 and layer.get_vocabulary(False) == words


def test_members_of_others_are_ignored_with_one_warning(tmp_path):
    content = with_layers(layer("InputLayer", batch_shape=[None, 1], name="i"), layer("StringLookup", name="s"))
    words = {"assets/layers/string_lookup/vocabulary.txt": b"a\nb"}
    others = {"assets/layers/dense/vocabulary.txt": b"c", "notes.txt": b"", "assets/": b""}
    for read, own in ((keras.models.load_model, {**content, **words}), (small_model().load_weights, members())):
        write_archive(tmp_path / "m.keras", {**own, **others})
        with pytest.warns(
            UserWarning, match=r"m.keras: ignored 2 member\(s\) that are none .* 'assets/layers/dense"
        ) as w:
            read(tmp_path / "m.keras")
        assert len(w) == 1 and w[0].filename == __file__


@pytest.mark.parametrize("link", [h5py.SoftLink("/a"), h5py.ExternalLink("/etc/hostname", "/x")])
def test_links_are_refused_where_they_would_be_followed(link):
    """Also where nobody looked through the file before."""
    with h5py.File(io.BytesIO(), "w") as file:
        file["a"], file["b"] = [1.0], link
        assert guarded.child(file, "a", "w.h5").shape == (1,)
        with pytest.raises(ValueError, match=r"w.h5: b is an? \w+Link, which leads to another place"):
            guarded.child(file, "b", "w.h5")


def test_names_are_counted_before_hdf5_lists_them(tmp_path, monkeypatch):
    monkeypatch.setattr(forms, "_MOST_NAMES", 4)
    for names, count in ((["a/b/c/d"], 4), (["a/b/c", "d/e"], 5)):
        with h5py.File(tmp_path / "w.h5", "w") as file:
            for name in names:
                file.create_group(name)
        if count == 4:
            open_h5(str(tmp_path / "w.h5"), "w.h5").close()
            continue
        with pytest.raises(ValueError, match=r"w.h5: its groups hold more than 4 names"):
            open_h5(str(tmp_path / "w.h5"), "w.h5")


def test_addresses_of_other_sizes_are_refused(tmp_path):
    settings = h5py.h5p.create(h5py.h5p.FILE_CREATE)
    settings.set_sizes(4, 8)
    h5py.h5f.create(str(tmp_path / "w.h5").encode(), fcpl=settings).close()
    with pytest.raises(ValueError, match=r"w.h5: no HDF5 .* addresses and lengths have 4 and 8 bytes"):
        keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(2)]).load_weights(tmp_path / "w.h5")


def test_other_versions_of_hdf5_are_refused(tmp_path):
    h5py.File(tmp_path / "w.h5", "w").close()
    content = (tmp_path / "w.h5").read_bytes()
    (tmp_path / "w.h5").write_bytes(content[:8] + b"\x09" + content[9:])
    with pytest.raises(ValueError, match=r"w.h5: no HDF5 .* version 9"):
        open_h5(str(tmp_path / "w.h5"), "w.h5")


def test_texts_are_counted_together(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file.attrs["a"] = file.attrs["b"] = "x" * 1000
    with open_h5(str(tmp_path / "w.h5"), "w.h5") as file:
        assert guarded.text(file, "a", "w.h5") == guarded.text(file, "b", "w.h5")
    monkeypatch.setattr(headers, "_MOST_BYTES", 2500)
    with open_h5(str(tmp_path / "w.h5"), "w.h5") as file:
        assert guarded.text(file, "a", "w.h5") == "x" * 1000
        with pytest.raises(ValueError, match=r"w.h5: the attribute 'b' of '/' .* more than any model's"):
            guarded.text(file, "b", "w.h5")
