"""Record what Keras 3.15.1 computes for edge_cases.py, in edges.npz and strings.json.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python tests/golden/record_edges.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jax
import keras
import numpy as np

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))
from golden import cases, edge_cases  # noqa: E402


def record(found, name, expression, x, training, **options):
    layer = eval(expression, {n: getattr(keras.layers, n) for n in dir(keras.layers) if not n.startswith("_")})
    layer.build(x.shape)
    stream = cases.rng(name)
    if "alpha_initializer" not in expression:
        layer.set_weights(cases.weights(stream, [(v.name, v.shape) for v in layer.weights]))
    fixed = [v.value for v in layer.non_trainable_variables]
    if "BatchNormalization" in expression:
        options["training"] = training
    x = keras.ops.cast(x, "float32")

    def forward(trainable, x):
        return layer.stateless_call(trainable, fixed, x, **options)

    y, pull, after = jax.vjp(forward, [v.value for v in layer.trainable_variables], x, has_aux=True)
    dw, dx = pull(cases.normal(stream, y.shape))
    found[f"{name}/y"], found[f"{name}/dx"] = y, dx
    found.update({f"{name}/dw{i}": g for i, g in enumerate(dw)})
    found.update({f"{name}/after{i}": v for i, v in enumerate(after)})


if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    found: dict = {}
    for name, (expression, x, training) in edge_cases.EDGES.items():
        record(found, name, expression, x, training)
    for name, (expression, shape, mask_shape, training) in edge_cases.MASKED.items():
        x = cases.normal(cases.rng(f"x {name}"), shape)
        record(found, name, expression, x, training, mask=edge_cases.mask(name, mask_shape))
    np.savez_compressed(FOLDER / "edges.npz", **{name: np.asarray(value) for name, value in found.items()})
    strings = [edge_cases.run_strings(keras, index) for index in range(len(edge_cases.STRINGS))]
    (FOLDER / "strings.json").write_text(json.dumps(strings).replace("}, ", "},\n") + "\n")
