"""What needs SciPy is a short list; all else runs where SciPy cannot be imported, in little memory."""

import json
import pathlib
import subprocess
import sys

import pytest

# Layers that turn images by sparse matrices. Beside them: ``ops.erf`` and the windows that ``initializers.STFT`` knows
# by name.
NEED_SCIPY = {"RandomRotation", "RandomTranslation", "RandomZoom"}
TESTS = pathlib.Path(__file__).parent

BLOCKED = "import sys; sys.modules['scipy'] = None; sys.path.insert(0, sys.argv[1])\n"

LAYERS = """
import json
import numpy as np
from layers.cases import CASES
needing, ran = set(), 0
for case in CASES:
    layer, x = case.make(), case.data(2)
    try:
        y, cache = layer.forward(x, training=True, **case.call_options(2))
        if isinstance(y, np.ndarray) and y.dtype.kind == "f":
            layer.backward(np.ones_like(y), cache)
        ran += 1
    except ImportError as error:
        assert "scipy" in str(error)
        needing.add(type(layer).__name__)
print(json.dumps([sorted(needing), ran]))
"""

DIGITS = """
import nnlite as keras
from nnlite import layers
(x, y), _ = keras.datasets.digits.load_data()
model = keras.Sequential([
    layers.Input((8, 8)), layers.Reshape((8, 8, 1)), layers.Conv2D(32, 3, padding="same", activation="relu"),
    layers.MaxPooling2D(), layers.Flatten(), layers.Dense(10, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
loss = model.fit(x / 16, y, epochs=2, verbose=0).history["loss"]
model.save(sys.argv[2])
model = keras.models.load_model(sys.argv[2])
assert loss[1] < loss[0] and model.predict(x[:1] / 16).shape == (1, 10)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def run(code, *arguments):
    command = [sys.executable, "-c", BLOCKED + code, str(TESTS), *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def test_all_layers_but_a_few():
    needing, ran = json.loads(run(LAYERS))
    assert set(needing) == NEED_SCIPY
    assert ran > 100


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_training_saving_and_predicting_digits(tmp_path):
    kilobytes = int(run(DIGITS, tmp_path / "digits.keras"))
    assert kilobytes < 90_000
