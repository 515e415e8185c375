"""The examples run, and reach what they promise (shortened where the whole takes minutes)."""

import importlib.util
import json
import os
import pathlib

import numpy as np
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
        "mnist_1d",
        "japanese_vowels",
        "addition",
        "tabular_regression",
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


@pytest.mark.parametrize(("name", "reached"), [("logistic", 0.2), ("mlp", 0.5), ("cnn", 0.9), ("gru", 0.5)])
def test_mnist_1d(name, reached):
    """Signals of the same form: the class is the shape of a bump, which stands anywhere."""
    rng = np.random.default_rng(0)
    templates, y = rng.normal(size=(10, 12)), rng.integers(10, size=1500)
    x = rng.normal(scale=0.05, size=(1500, 40, 1)).astype("float32")
    for row, label, place in zip(x, y, rng.integers(28, size=1500), strict=True):
        row[place : place + 12, 0] += templates[label]
    split = slice(1200), slice(1200, None)
    module = example("mnist_1d")
    accuracy = module.train(name, [(x[part], y[part]) for part in split], epochs=12, verbose=False)
    assert accuracy > reached
    assert len(x) == 1500 and set(module.MODELS) == {"logistic", "mlp", "cnn", "gru"}


def test_japanese_vowels(tmp_path, capsys):
    """Files of the same form: the speaker is the mean of the channels, the length says nothing."""
    rng = np.random.default_rng(0)
    for part, number in (("TRAIN", 90), ("TEST", 45)):
        lines = []
        for index in range(number):
            label = index % 3
            steps = rng.normal(scale=0.3, size=(int(rng.integers(4, 12)), 4)) + np.eye(3, 4)[label]
            lines.append(":".join(",".join(f"{v:.4f}" for v in channel) for channel in steps.T) + f":{label + 1}")
        text = "# made up\n@dimensions 4\n@classLabel true 1 2 3\n@data\n" + "\n".join(lines) + "\n"
        (tmp_path / f"JapaneseVowels_{part}.ts").write_text(text)
    module = example("japanese_vowels")
    train, test = (module.read_ts(tmp_path / f"JapaneseVowels_{part}.ts") for part in ("TRAIN", "TEST"))
    assert [len(train[0]), len(test[0])] == [90, 45] and train[0][0].shape[1] == 4
    assert train[1].tolist() == [0, 1, 2] * 30
    assert module.train(train, test, epochs=8, verbose=False) > 0.9
    assert "45 test utterances right" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="aeon"):
        module.find_data(None)


def test_addition(capsys):
    module = example("addition")
    questions, answers = module.make_sums(500, 2)
    for question, answer in zip(questions, answers, strict=True):
        a, b = question[::-1].split("+")
        assert int(a) + int(b) == int(answer) and len(question) == 5 and len(answer) == 3
    assert len({frozenset(question[::-1].strip().split("+")) for question in questions}) == 500
    assert module.decode(module.encode(questions)) == questions
    with pytest.raises(ValueError, match="55 different sums"):
        module.make_sums(56, 1)
    assert module.main(digits=1, sums=55, epochs=2, verbose=False) > 0.1
    untrained = module.main(digits=2, sums=2000, epochs=1, verbose=False)
    assert module.main(digits=2, sums=2000, epochs=16, verbose=False) > untrained + 0.05
    assert "of the sums right" in capsys.readouterr().out


def test_tabular_regression(tmp_path, capsys):
    """A table of the same form, with a gap: heavy cars go less far, not in proportion."""
    rng = np.random.default_rng(0)
    rows = [
        {
            "Name": f"car {index}",
            "Miles_per_Gallon": 60000 / float(weight) + rng.normal(),
            "Cylinders": int(rng.integers(3, 9)),
            "Displacement": float(rng.uniform(70, 400)),
            "Horsepower": None if index == 7 else int(rng.integers(50, 200)),
            "Weight_in_lbs": float(weight),
            "Acceleration": float(rng.uniform(8, 25)),
            "Year": f"{rng.integers(1970, 1983)}-01-01",
            "Origin": ["USA", "Europe", "Japan"][index % 3],
        }
        for index, weight in enumerate(rng.uniform(1500, 5000, size=121))
    ]
    (tmp_path / "cars.json").write_text(json.dumps(rows))
    module = example("tabular_regression")
    x, y = module.read_cars(tmp_path / "cars.json")
    assert x.shape == (120, 9) and y.shape == (120,)
    assert module.cross_validate(x, y, folds=3, epochs=60) < 3.5 < np.abs(y - y.mean()).mean()
    assert "over 120 cars" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="vega_datasets"):
        module.find_data(None)
