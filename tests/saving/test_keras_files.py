"""Files that real Keras wrote open, predict what Keras predicted, and go on training as Keras did."""

import pathlib

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers

FOLDER = pathlib.Path(__file__).parent / "keras_files"
VERSIONS = ["3.3.3", "3.10.0", "3.15.1"]


def references(version):
    with np.load(FOLDER / f"refs-{version}.npz") as found:
        return {name.rpartition(".")[2]: found[name] for name in found if name.startswith(f"cnn-{version}.")}


def close(actual, expected):
    assert np.abs(actual - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("version", VERSIONS)
def test_whole_models(version):
    ref = references(version)
    model = keras.models.load_model(FOLDER / f"cnn-{version}.keras")
    close(model.predict(ref["x0"], verbose=0), ref["output"])
    history = model.fit(ref["x0"], ref["y"], batch_size=5, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(history.history["loss"], ref["next_losses"], rtol=1e-5)


@pytest.mark.parametrize("version", VERSIONS)
def test_without_compiling(version):
    ref = references(version)
    model = keras.models.load_model(FOLDER / f"cnn-{version}.keras", compile=False)
    assert model.optimizer is None
    close(model(ref["x0"]), ref["output"])


@pytest.mark.parametrize("version", VERSIONS)
def test_architectures(version):
    model = keras.models.model_from_json((FOLDER / f"cnn-{version}.json").read_text())
    assert [type(layer).__name__ for layer in model.layers] == [
        "Conv2D",
        "BatchNormalization",
        "MaxPooling2D",
        "Flatten",
        "Dense",
    ]
    assert model.compiled and type(model.optimizer).__name__ == "RMSprop"  # what its config says; the file has Adam's
    with pytest.warns(UserWarning, match=r"optimizer's state was not loaded: RMSprop .* has 8 variables .* holds 14"):
        model.load_weights(FOLDER / f"cnn-{version}.weights.h5")
    ref = references(version)
    close(model.predict(ref["x0"], verbose=0), ref["output"])


@pytest.mark.parametrize("version", ["2.15", *VERSIONS])
def test_weights(version):
    ref = references(version)
    model = keras.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.load_weights(FOLDER / f"cnn-{version}.weights.h5")
    close(model.predict(ref["x0"], verbose=0), ref["output"])


def test_weights_with_optimizer_state_into_a_compiled_model():
    ref = references("3.10.0")
    model = keras.models.load_model(FOLDER / "cnn-3.10.0.keras", compile=False)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.load_weights(FOLDER / "cnn-3.10.0.weights.h5")
    history = model.fit(ref["x0"], ref["y"], batch_size=5, epochs=2, shuffle=False, verbose=0)
    np.testing.assert_allclose(history.history["loss"], ref["next_losses"], rtol=1e-5)
