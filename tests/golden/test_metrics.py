"""More metrics give the values, configs and variables of real Keras 3.15.1."""

import json
import pathlib

import numpy as np
import pytest
from golden import cases
from golden.metric_cases import METRICS, drawn

import nnlite as keras

FOUND = json.loads((pathlib.Path(__file__).parent / "metrics.json").read_text())


@pytest.mark.parametrize(("expression", "kind", "weight"), METRICS)
def test_metrics(expression, kind, weight):
    stream = cases.rng(f"{expression} {kind} {weight}")
    expected = FOUND[f"{expression} {kind} {weight}"]
    keras.utils.clear_session()
    metric = eval(expression, {n: getattr(keras.metrics, n) for n in dir(keras.metrics)})
    for _ in range(2):
        metric.update_state(*drawn(kind, weight, stream))
    result = metric.result()
    assert np.shape(result) == np.shape(expected["value"])
    assert isinstance(result, float) or np.ndim(result)
    np.testing.assert_allclose(result, expected["value"], rtol=2e-5, atol=1e-6)
    assert [[v.path, list(v.shape)] for v in metric.variables] == expected["variables"]
    config = metric.get_config()
    assert {k: v for k, v in config.items() if k != "axis" or "axis" in expected["config"]} == expected["config"]
    again = keras.metrics.deserialize(json.loads(json.dumps(keras.metrics.serialize(metric))))
    assert again.get_config() == config
    metric.reset_state()
    assert not any(v.value.any() for v in metric.variables)
