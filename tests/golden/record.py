"""Record what real Keras computes, for the tests beside this file.

    pip install keras==3.15.1 jax
    KERAS_BACKEND=jax python tests/golden/record.py

Writes layers.npz, functions.npz and facts.json; or one of them: record.py layers.
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
from golden import cases

FOLDER = pathlib.Path(__file__).parent


def layer_names():
    return {name: getattr(keras.layers, name) for name in dir(keras.layers) if not name.startswith("_")}


def record_layers():
    found = {}
    for index, (expression, shape, training) in enumerate(cases.LAYERS):
        stream = cases.rng(f"{expression} {shape} {training}")
        x = cases.normal(stream, shape)
        layer = eval(expression, layer_names())
        layer.build(shape)
        layer.set_weights(cases.weights(stream, [(v.name, v.shape) for v in layer.weights]))
        trainable = [v.value for v in layer.trainable_variables]
        fixed = [v.value for v in layer.non_trainable_variables]

        def forward(trainable, x, layer=layer, fixed=fixed, training=training):
            takes = "training" in layer._call_signature.parameters
            return layer.stateless_call(trainable, fixed, x, **({"training": training} if takes else {}))

        y, pull, after = jax.vjp(forward, trainable, x, has_aux=True)
        dw, dx = pull(cases.normal(stream, y.shape))
        found[f"{index}.y"], found[f"{index}.dx"] = np.asarray(y), np.asarray(dx)
        for i, g in enumerate(dw):
            found[f"{index}.dw{i}"] = np.asarray(g)
        if "BatchNormalization" in expression:
            for i, value in enumerate(after):
                found[f"{index}.after{i}"] = np.asarray(value)
    np.savez_compressed(FOLDER / "layers.npz", **found)


def record_functions():
    found = {}
    x = cases.activation_input()
    dy = cases.normal(cases.rng("dy"), x.shape)
    for expression in cases.ACTIVATIONS:
        names = {n: getattr(keras.activations, n) for n in dir(keras.activations)}
        y, pull = jax.vjp(lambda x, e=expression, n=names: eval(e, {**n, "x": x}), x)
        found[f"activation {expression}"] = np.stack([np.asarray(y), np.asarray(pull(dy)[0])])
    for expression, kind, weight in cases.LOSSES:
        name = f"loss {expression} {kind} {weight}"
        stream = cases.rng(name)
        y_true, y_pred = cases.targets(kind, stream)
        w = cases.sample_weight(weight, stream)
        loss = eval(expression, {n: getattr(keras.losses, n) for n in dir(keras.losses)})
        value, pull = jax.vjp(lambda p, loss=loss, y=y_true, w=w: loss(y, p, sample_weight=w), y_pred)
        found[name] = np.asarray(value)
        found[name + " d"] = np.asarray(pull(np.ones_like(value))[0])
    for expression in cases.OPTIMIZERS:
        stream = cases.rng(expression)
        optimizer = eval(expression, {n: getattr(keras.optimizers, n) for n in dir(keras.optimizers)})
        variables = [keras.Variable(cases.normal(stream, s), name=n) for n, s in (("w", (3, 2)), ("b", (2,)))]
        for _ in range(6):
            grads = [keras.ops.convert_to_tensor(cases.normal(stream, v.shape) * np.float32(0.3)) for v in variables]
            optimizer.apply(grads, variables)
        for i, v in enumerate([*variables, *optimizer.variables]):
            found[f"optimizer {expression} {i}"] = np.asarray(v.value)
    for expression, kind, weight in cases.METRICS:
        name = f"metric {expression} {kind} {weight}"
        stream = cases.rng(name)
        metric = eval(expression, {n: getattr(keras.metrics, n) for n in dir(keras.metrics)})
        for _ in range(2):
            y_true, y_pred = cases.metric_targets(kind, stream)
            metric.update_state(y_true, y_pred, sample_weight=cases.sample_weight(weight, stream))
        found[name] = np.asarray(metric.result())
    for kind, shape, weight_shape in cases.TOTALS:
        name = f"total {kind} {shape} {weight_shape}"
        stream = cases.rng(name)
        metric = getattr(keras.metrics, kind)()
        for _ in range(2):
            weight = None if weight_shape is None else np.abs(cases.normal(stream, weight_shape))
            metric.update_state(cases.normal(stream, shape), sample_weight=weight)
        found[name] = np.asarray(metric.result())
    for expression in cases.LARGE:
        stream = cases.rng(expression)
        optimizer = eval(expression, {n: getattr(keras.optimizers, n) for n in dir(keras.optimizers)})
        variables = [keras.Variable(cases.normal(stream, s), name=n) for n, s in cases.LARGE_SHAPES]
        for _ in range(3):
            grads = [keras.ops.convert_to_tensor(cases.normal(stream, v.shape) * np.float32(0.3)) for v in variables]
            optimizer.apply(grads, variables)
        for i, v in enumerate([*variables, *optimizer.variables]):
            found[f"large {expression} {i}"] = cases.some(v.value)
    spaces = {"constraints": keras.constraints, "regularizers": keras.regularizers}
    w = cases.normal(cases.rng("w"), (4, 5, 3))
    for expression in cases.PROJECTIONS:
        found[expression] = np.asarray(eval(expression, spaces)(w))
    for expression in cases.PENALTIES:
        value, slope = jax.value_and_grad(eval(expression, spaces))(w)
        found[expression], found[expression + " d"] = np.asarray(value), np.asarray(slope)
    np.savez_compressed(FOLDER / "functions.npz", **found)


def record_facts():
    facts = {"initializers": {}, "configs": {}}
    for expression in cases.INITIALIZERS:
        for shape in cases.INITIALIZER_SHAPES:
            if "Identity" in expression and len(shape) > 2:
                continue
            made = eval(expression, {n: getattr(keras.initializers, n) for n in dir(keras.initializers)})
            values = np.asarray(made(shape), "float64")
            facts["initializers"][f"{expression} {shape}"] = [values.mean(), values.std(), values.min(), values.max()]
    for index, (expression, shape, _) in enumerate(cases.LAYERS):
        keras.utils.clear_session()
        layer = eval(expression, layer_names())
        layer.build(shape)
        facts["configs"][str(index)] = {
            "config": json.loads(json.dumps(keras.saving.serialize_keras_object(layer))),
            "name": layer.name,
            "weights": [[v.path, list(v.shape)] for v in layer.weights],
            "output": list(layer.compute_output_shape((None, *shape[1:]))),
        }
    keras.utils.clear_session()
    model = keras.Sequential(
        [
            keras.layers.Input((8, 8, 1)),
            *(keras.layers.Conv2D(2, 3), keras.layers.BatchNormalization(), keras.layers.MaxPooling2D()),
            *(keras.layers.PReLU(), keras.layers.Flatten(), keras.layers.Dense(2), keras.layers.Dense(2)),
        ]
    )
    facts["paths"] = [v.path for v in model.weights]
    with open(FOLDER / "facts.json", "w") as file:
        file.write(json.dumps(facts).replace('}, "', '},\n"') + "\n")


if __name__ == "__main__":
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    chosen = sys.argv[1:] or ["layers", "functions", "facts"]
    for part in chosen:
        {"layers": record_layers, "functions": record_functions, "facts": record_facts}[part]()
