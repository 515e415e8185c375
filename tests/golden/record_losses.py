"""Record more losses from real Keras: python tests/golden/record_losses.py, as record.py says."""

import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from golden.loss_cases import LOSSES, drawn

found = {}
for index, (expression, kind) in enumerate(LOSSES):
    y, p, w = drawn(expression, kind)
    loss = eval(expression, {n: getattr(keras.losses, n) for n in dir(keras.losses)})
    for name, weight in (("plain", None), ("weighted", w)):
        if weight is not None and (kind == "sequences" or "Dice()" in expression or "Tversky(alpha" in expression):
            continue  # the values do not have the shape of the weights, one a row
        value, pull = jax.vjp(lambda q, loss=loss, y=y, weight=weight: loss(y, q, sample_weight=weight), p)
        found[f"{index} {name}"] = np.asarray(value)
        found[f"{index} {name} d"] = np.asarray(pull(np.ones_like(value))[0])
np.savez_compressed(pathlib.Path(__file__).parent / "losses.npz", **found)
