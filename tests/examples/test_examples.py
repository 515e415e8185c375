"""The examples run, and reach what they promise (shortened where the whole takes minutes)."""

import importlib.util
import os
import pathlib

import pytest

FOLDER = pathlib.Path(__file__).parents[2] / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(f"example_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_is_tested():
    assert {path.stem for path in FOLDER.glob("*.py")} == {
        "digits",
        "fashion_mnist",
        "custom_layer",
        "backpropagation_by_hand",
        "transformer",
    }


def test_digits(capsys):
    assert example("digits").main(seed=0, epochs=12) > 0.97
    out = capsys.readouterr().out
    assert "all 359 predictions are equal" in out and "true \\ predicted" in out and "Total params" in out
    assert "\b" not in out and "\x1b" not in out and "\r" not in out


INSTALLED = [
    pathlib.Path("/usr/share/datasets/fashion-mnist"),
    pathlib.Path(os.environ.get("KERAS_HOME", pathlib.Path.home() / ".keras"), "datasets", "fashion-mnist"),
]


@pytest.mark.skipif(not any(map(pathlib.Path.exists, INSTALLED)), reason="the Fashion-MNIST data are not installed")
def test_fashion_mnist():
    assert example("fashion_mnist").main(rows=2000, epochs=2) > 0.7


def test_custom_layer(capsys):
    assert example("custom_layer").main(epochs=15) > 0.95
    assert "agree with the definition" in capsys.readouterr().out


def test_backpropagation_by_hand(capsys):
    assert example("backpropagation_by_hand").main(iterations=300) < 1e-12
    assert "largest difference" in capsys.readouterr().out


def test_transformer(capsys):
    assert example("transformer").main(seed=0, epochs=6, verbose=False) > 0.92
    assert "agrees with the definition" in capsys.readouterr().out
