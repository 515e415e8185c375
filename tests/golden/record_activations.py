"""Record what Keras 3.15.1 computes for activation_cases.py, with its derivatives, in activations.npz.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python tests/golden/record_activations.py
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import jax
import keras
import numpy as np
from activation_cases import CASES, ROWS, ROWS_DY, X, key

if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    found = {}
    for name, options in CASES:
        y, pull = jax.vjp(partial(getattr(keras.activations, name), **options), X)
        found[key(name, options)] = np.stack([y, pull(np.ones_like(X))[0]])
    for name in ("softmax", "log_softmax"):
        y, pull = jax.vjp(getattr(keras.activations, name), ROWS)
        found[key(name, {})] = np.stack([y, pull(ROWS_DY)[0]])
    np.savez_compressed(Path(__file__).with_name("activations.npz"), **found)
