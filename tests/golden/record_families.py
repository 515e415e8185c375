"""Record what real Keras computes for the layers of ``families``.

    pip install keras==3.15.1 jax
    KERAS_BACKEND=jax python tests/golden/record_families.py recurrent attention

Writes families/<name>.npz (results) and .json (configs, names, shapes) for the families named, or for all.
"""

import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import jax
import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from golden import cases, family

NAMES = {"keras": keras, **{name: getattr(keras.layers, name) for name in dir(keras.layers) if name[0] != "_"}}


def record(name):
    arrays, facts = {}, []
    for index, case in enumerate(family.load(name)):
        keras.utils.clear_session()
        stream, x, options = case.draw()
        layer = eval(case.expression, dict(NAMES))
        case.run(layer, x, options, **NAMES)  # builds it
        names = [(v.name, v.shape) for v in layer.weights]
        layer.set_weights([w * case.weights / 0.5 for w in cases.weights(stream, names)])
        trainable, fixed = layer.trainable_variables, layer.non_trainable_variables
        statistics = [v for v in layer.non_trainable_weights if "seed" not in v.path]
        before = [np.asarray(v.value) for v in fixed]
        floats = [i for i, a in enumerate(x if isinstance(x, list) else [x]) if a.dtype.kind == "f"]

        def forward(
            weights, given, layer=layer, case=case, x=x, options=options, state=(trainable, floats, statistics)
        ):
            trainable, floats, statistics = state
            values = list(x) if isinstance(x, list) else [x]
            for i, value in zip(floats, given, strict=True):
                values[i] = value
            with keras.StatelessScope(state_mapping=list(zip(trainable, weights, strict=True))) as scope:
                y = case.run(layer, values if isinstance(x, list) else values[0], options, **NAMES)
            after = [scope.get_current_value(v) for v in statistics]
            after = [v.value if a is None else a for a, v in zip(after, statistics, strict=True)]
            return jax.tree.leaves(y), after

        given = [a for a in (x if isinstance(x, list) else [x]) if a.dtype.kind == "f"]
        weights = [v.value for v in trainable]
        if case.gradient:
            y, pull, after = jax.vjp(forward, weights, given, has_aux=True)
            dw, dx = pull([cases.normal(stream, a.shape) for a in y])
            for i, g in enumerate(dw):
                arrays[f"{index}.dw{i}"] = np.asarray(g)
            for i, g in zip(floats, dx, strict=True):
                arrays[f"{index}.dx{i}"] = np.asarray(g)
        else:
            y, after = forward(weights, given)
        for i, a in enumerate(y):
            arrays[f"{index}.y{i}"] = np.asarray(a)
        for i, a in enumerate(after):
            arrays[f"{index}.after{i}"] = np.asarray(a)
        for variable, value in zip(fixed, before, strict=True):
            variable.assign(value)
        facts.append(facts_of(layer, case))
    np.savez_compressed(family.FOLDER / f"{name}.npz", **arrays)
    lines = ",\n".join(json.dumps(fact) for fact in facts)
    (family.FOLDER / f"{name}.json").write_text(f"[\n{lines}\n]\n")


def facts_of(layer, case):
    if not case.facts:
        return None
    shape = case.shape
    several = isinstance(shape, list)
    opened = [(None, *s[1:]) for s in shape] if several else (None, *shape[1:])
    try:
        output = layer.compute_output_shape(opened) if not several else layer.compute_output_shape(list(opened))
        output = json.loads(json.dumps(output))
    except Exception:
        output = None
    return {
        "config": json.loads(json.dumps(keras.saving.serialize_keras_object(layer))),
        "name": layer.name,
        "weights": [[v.path, list(v.shape)] for v in layer.weights],
        "output": output,
    }


if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    for name in sys.argv[1:] or family.NAMES:
        record(name)
