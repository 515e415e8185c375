"""Record what Keras 3.15.1 computes in the cases of optimizer_cases.py, in optimizers.json.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python tests/golden/record_optimizers.py
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
from optimizer_cases import CASES, SCHEDULES, run, run_schedule

if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    results = {
        "optimizers": {name: run(keras, name) for name in CASES},
        "schedules": {name: run_schedule(keras, name) for name in SCHEDULES},
    }
    path = Path(__file__).with_name("optimizers.json")
    path.write_text(json.dumps(results, separators=(",", ":")) + "\n")
