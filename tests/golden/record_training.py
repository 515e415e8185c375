"""Record what Keras 3.15.1 reports for the runs of training_cases.py, in training.json.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python tests/golden/record_training.py
"""

from __future__ import annotations

import json
from pathlib import Path

import keras
from training_cases import CASES, run

if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    results = {kind: run(keras, kind) for kind in CASES}
    path = Path(__file__).with_name("training.json")
    path.write_text(json.dumps(results, indent=1) + "\n")
