"""Record what Keras 3.15.1 computes in the cases of optimizer_more_cases.py, in optimizers_more.npz and .json.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python tests/golden/record_optimizers_more.py
"""

from __future__ import annotations

import functools
import json
from pathlib import Path

import keras
import numpy as np
from optimizer_more_cases import CASES, WRAPPERS, make, run, scaled

if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    arrays, facts = {}, {}
    for name in [*CASES, *WRAPPERS]:
        optimizer = WRAPPERS[name](keras) if name in WRAPPERS else make(keras, name)
        apply = functools.partial(scaled, stateless=True) if name.startswith("loss scale") else None
        values, state = run(keras, name, optimizer, apply)
        arrays[name] = np.concatenate([np.float32(a).ravel() for a in (*values, *state)])
        facts[name] = {
            "paths": [v.path for v in optimizer.variables],
            "shapes": [a.shape for a in state],
            "dtypes": [str(a.dtype) for a in state],
            "iterations": int(optimizer.iterations),
            "config": keras.optimizers.serialize(optimizer),
        }
    place = Path(__file__).parent
    np.savez_compressed(place / "optimizers_more.npz", **arrays)
    (place / "optimizers_more.json").write_text(json.dumps(facts, separators=(",", ":")) + "\n")
