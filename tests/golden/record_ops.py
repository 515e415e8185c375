"""Record what Keras 3.15.1 computes for the cases of functions in tests/ops, in ops.npz and ops.json, and ops.keras.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu PYTHONPATH=tests python tests/golden/record_ops.py
"""

from __future__ import annotations

from pathlib import Path

import jax
import keras
import numpy as np
from ops.case import listed, places, weights
from ops.cases import CASES
from ops.whole import whole, whole_data
from packed import dump, save


def record(case):
    """Arrays and facts of a case."""
    x = [np.asarray(one) for one in case.data()]
    y = [np.asarray(one) for one in listed(case.call(keras.ops, *map(keras.ops.convert_to_tensor, x)))]
    symbols = case.symbols(keras.Input)
    declared = listed(case.call(keras.ops, *symbols))
    arrays = {f"{case.name}/y{number}": one for number, one in enumerate(y)}
    floats = [number for number, one in enumerate(x) if one.dtype.kind == "f"]
    if floats and any(one.dtype.kind == "f" for one in y):

        def total(*some):
            given = [some[floats.index(number)] if number in floats else one for number, one in enumerate(x)]
            made = listed(case.call(keras.ops, *given))
            return sum((w * one).sum() for w, one in zip(weights(y), made, strict=True) if one.dtype.kind == "f")

        for number, one in zip(
            floats, jax.grad(total, tuple(range(len(floats))))(*[x[n] for n in floats]), strict=True
        ):
            arrays[f"{case.name}/dx{number}"] = np.asarray(one)
    config = keras.Model(symbols, declared).get_config()
    nodes = [
        [entry["module"], entry["class_name"], entry["config"], places(entry["inbound_nodes"])]
        for entry in config["layers"]
        if ".ops." in str(entry["module"])
    ]
    shapes = [[list(one.shape), one.dtype] for one in declared]
    return arrays, {"dtypes": [one.dtype.name for one in y], "declared": shapes, "nodes": nodes}


if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    arrays, facts = {}, {}
    for case in (case for case in CASES if case.recorded):
        keras.backend.clear_session()
        made, facts[case.name] = record(case)
        arrays |= made
    place = Path(__file__).parent
    keras.utils.set_random_seed(0)
    model, x = whole(keras, keras.ops), whole_data()
    model.save(place / "ops.keras")
    arrays["whole"] = np.asarray(model(x))
    save(place / "ops.npz", arrays)
    dump(place / "ops.json", {"ops": facts})
