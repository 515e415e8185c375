"""Write models with optimizers of several kinds, and of half precision, as Keras 3.15.1 saves them.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python tests/saving/keras_files/write_states.py
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers, optimizers

FOLDER = Path(__file__).parent
MADE = {
    "adafactor": lambda: optimizers.Adafactor(0.05),
    "nadam": lambda: optimizers.Nadam(0.05, use_ema=True),
    "loss-scale": lambda: optimizers.LossScaleOptimizer(optimizers.Muon(0.05), dynamic_growth_steps=2),
    "multi": lambda: optimizers.MultiOptimizer(
        optimizers.OptimizerMap(optimizers.Adagrad(0.05), {".*/kernel": optimizers.SGD(0.1, momentum=0.9)})
    ),
    "mixed": lambda: optimizers.Adam(0.05),
}

if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((8, 3)).astype("float32"), rng.standard_normal((8, 1)).astype("float32")
    found = {"x": x, "y": y}
    for name, make in MADE.items():
        keras.utils.clear_session()
        keras.utils.set_random_seed(1)
        keras.config.set_dtype_policy("mixed_float16" if name == "mixed" else "float32")
        half = {"dtype": "bfloat16"} if name == "mixed" else {}
        model = keras.Sequential([layers.Input((3,)), layers.Dense(4, "tanh", **half), layers.Dense(1)])
        model.compile(make(), "mse")
        for _ in range(3):
            model.train_on_batch(x, y)
        model.save(FOLDER / f"state-{name}.keras")
        for i, variable in enumerate(model.optimizer.variables):
            found[f"{name} state {i}"] = np.asarray(variable, "float32")
        found[f"{name} losses"] = np.array([model.train_on_batch(x, y) for _ in range(3)])
    np.savez_compressed(FOLDER / "states.npz", **found)
