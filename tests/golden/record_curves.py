"""Record what Keras 3.15.1 reports for the nets of curve_cases.py, in curves.json.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python tests/golden/record_curves.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))
from golden.curve_cases import CURVES, run  # noqa: E402

if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    curves = {}
    for name in CURVES:
        keras.utils.clear_session()
        curves[name] = run(keras, name)
    (FOLDER / "curves.json").write_text(json.dumps(curves).replace('], "', '],\n"') + "\n")
