"""Files of Keras 3.15.1 with optimizers of several kinds, and of half precision, go on training as they did there."""

import pathlib

import numpy as np
import pytest

import nnlite
from nnlite import config

FOLDER = pathlib.Path(__file__).parent / "keras_files"
STATES = np.load(FOLDER / "states.npz")
KINDS = {
    "adafactor": "Adafactor",
    "nadam": "Nadam",
    "loss-scale": "LossScaleOptimizer",
    "multi": "MultiOptimizer",
    "mixed": "LossScaleOptimizer",
}


@pytest.fixture(autouse=True)
def no_word_of_half_precision(monkeypatch):
    monkeypatch.setattr(config, "_half_told", True)


@pytest.mark.parametrize("name", KINDS)
def test_state_and_the_next_steps(name):
    model = nnlite.models.load_model(FOLDER / f"state-{name}.keras")
    assert type(model.optimizer).__name__ == KINDS[name]
    state = [v.value for v in model.optimizer.variables]
    assert f"{name} state {len(state)}" not in STATES
    for i, array in enumerate(state):
        np.testing.assert_array_equal(array, STATES[f"{name} state {i}"])
    losses = [model.train_on_batch(STATES["x"], STATES["y"]) for _ in range(3)]
    if name == "mixed":  # Keras computes it with two or three digits, and beta_2 = 0.999 is 1 in bfloat16
        np.testing.assert_allclose(losses[0], STATES[f"{name} losses"][0], rtol=5e-3)
        assert losses[2] < losses[1] < losses[0]
    else:
        np.testing.assert_allclose(losses, STATES[f"{name} losses"], rtol=1e-5)


def test_policies_of_the_file_are_kept(tmp_path):
    model = nnlite.models.load_model(FOLDER / "state-mixed.keras")
    names = [layer.dtype_policy.name for layer in (model, *model.layers)]
    assert names == ["mixed_float16", "bfloat16", "mixed_float16"]
    assert all(w.dtype == np.float32 for w in model.get_weights())
    model.save(tmp_path / "again.keras")
    again = nnlite.models.load_model(tmp_path / "again.keras")
    assert [layer.dtype_policy.name for layer in (again, *again.layers)] == names
    assert type(again.optimizer.inner_optimizer).__name__ == "Adam"
    np.testing.assert_array_equal(again.predict(STATES["x"], verbose=0), model.predict(STATES["x"], verbose=0))


def test_the_state_under_a_scaled_loss_is_found_by_a_model_without_one(tmp_path):
    model = nnlite.models.load_model(FOLDER / "state-mixed.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    plain = nnlite.Sequential([nnlite.Input((3,)), nnlite.layers.Dense(4, "tanh"), nnlite.layers.Dense(1)])
    plain.compile(nnlite.optimizers.Adam(0.05), "mse")
    plain.optimizer.build(plain.trainable_weights)
    plain.load_weights(tmp_path / "m.weights.h5")
    for a, b in zip(plain.optimizer.variables, model.optimizer.inner_optimizer.variables, strict=True):
        np.testing.assert_array_equal(a.value, b.value)
    assert int(plain.optimizer.iterations) == 3
