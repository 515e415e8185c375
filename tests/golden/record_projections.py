"""Record what Keras 3.15.1 computes for projection_cases.py, in projections.npz and projections.json.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python tests/golden/record_projections.py
"""

from __future__ import annotations

import json
from pathlib import Path

import jax
import keras
import numpy as np
from projection_cases import CONSTRAINTS, ORTHOGONAL, STFT, array

if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    found, configs = {}, {}
    for name, (options, shape) in STFT.items():
        made = keras.initializers.STFT(**options)
        found[f"stft {name}"] = np.asarray(made(shape))
        configs[f"stft {name}"] = keras.initializers.serialize(made)
    for name, (options, shape) in ORTHOGONAL.items():
        made = keras.regularizers.OrthogonalRegularizer(**options)
        value, gradient = jax.value_and_grad(made)(array(name, shape))
        found[f"orthogonal {name}"] = np.append(np.asarray(gradient).ravel(), value)
        configs[f"orthogonal {name}"] = keras.regularizers.serialize(made)
    for name, (kind, options, shape) in CONSTRAINTS.items():
        made = getattr(keras.constraints, kind)(**options)
        found[f"constraint {name}"] = np.asarray(made(array(name, shape)))
        configs[f"constraint {name}"] = keras.constraints.serialize(made)
    place = Path(__file__).parent
    np.savez_compressed(place / "projections.npz", **found)
    (place / "projections.json").write_text(json.dumps(configs, separators=(",", ":")) + "\n")
