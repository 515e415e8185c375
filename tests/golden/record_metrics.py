"""Record more metrics from real Keras: python tests/golden/record_metrics.py, as record.py says."""

import json
import os
import pathlib
import sys
import warnings

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from golden import cases
from golden.metric_cases import METRICS, drawn

found = {}
for expression, kind, weight in METRICS:
    stream = cases.rng(f"{expression} {kind} {weight}")
    keras.utils.clear_session()
    metric = eval(expression, {n: getattr(keras.metrics, n) for n in dir(keras.metrics)})
    config = metric.get_config()
    for _ in range(2):
        y, p, w = drawn(kind, weight, stream)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            metric.update_state(y, p, sample_weight=w)
    variables = [[v.path, list(v.shape)] for v in metric.variables]
    value = np.asarray(metric.result()).tolist()
    found[f"{expression} {kind} {weight}"] = {"value": value, "config": config, "variables": variables}


def plain(value):
    return np.asarray(value).tolist()


(pathlib.Path(__file__).parent / "metrics.json").write_text(json.dumps(found, default=plain, indent=0) + "\n")
