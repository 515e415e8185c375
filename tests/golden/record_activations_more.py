"""Record what Keras 3.15.1 computes for activation_more_cases.py, with its derivatives, in activations_more.npz.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python tests/golden/record_activations_more.py
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import jax
import keras
import numpy as np
from activation_more_cases import CASES, ROWS, X, key, rows

if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    found = {}
    for name, options in CASES:
        y, pull = jax.vjp(partial(getattr(keras.activations, name), **options), X)
        found[key(name, options)] = np.stack([y, pull(np.ones_like(X))[0]])
    for case in ROWS:
        x, upstream = rows(*case)
        y, pull = jax.vjp(partial(getattr(keras.activations, case[0]), **case[1]), x)
        found[key(*case) + " y"] = np.asarray(y)
        found[key(*case) + " dx"] = np.asarray(pull(upstream(y.shape))[0])
    np.savez_compressed(Path(__file__).with_name("activations_more.npz"), **found)
