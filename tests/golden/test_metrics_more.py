"""nnlite computes the metrics that Keras 3.15.1 computes, with their configs, names, variables and directions."""

import json
import pathlib

import numpy as np
import pytest
from golden import metric_more_cases, packed
from golden.test_golden import made

import nnlite as keras
from nnlite.core import naming

FOLDER = pathlib.Path(__file__).parent
METRICS = packed.load(FOLDER / "metrics_more.npz")
FACTS = json.loads((FOLDER / "metrics_more.json").read_text())
every = pytest.mark.parametrize(
    "index", range(len(metric_more_cases.METRICS)), ids=lambda i: " ".join(metric_more_cases.METRICS[i])
)


@every
def test_results(index):
    expression, _, _ = metric_more_cases.METRICS[index]
    metric = metric_more_cases.updated(made(expression, keras.metrics), index)
    result, expected = metric.result(), METRICS[str(index)]
    assert np.shape(result) == expected.shape and (expected.ndim or type(result) is float)
    np.testing.assert_allclose(result, expected, rtol=2e-5, atol=2e-6)
    copy = keras.metrics.deserialize(keras.metrics.serialize(metric))
    np.testing.assert_array_equal(metric_more_cases.updated(copy, index).result(), result)
    copy.reset_state()
    np.testing.assert_array_equal(metric_more_cases.updated(copy, index).result(), result)


@pytest.mark.parametrize("expression", FACTS["metrics"])
def test_configs_directions_and_variables(expression):
    naming.reset_names()
    metric, facts = made(expression, keras.metrics), FACTS["metrics"][expression]
    again = keras.metrics.deserialize(
        {"module": "keras.metrics", "class_name": type(metric).__name__, "config": facts["config"]}
    )
    hidden = {"axis"} if "CosineSimilarity" in expression else set()  # left out by Keras, and lost with it
    for one in (metric, again):
        config = json.loads(json.dumps({k: v for k, v in one.get_config().items() if k not in hidden}))
        assert config.keys() == facts["config"].keys()
        for key, value in facts["config"].items():
            if isinstance(value, list) and key != "target_class_ids":
                np.testing.assert_allclose(config[key], value, rtol=1e-6)
            else:
                assert config[key] == value, key
    assert metric._direction == facts["direction"]
    index = next(i for i, case in enumerate(metric_more_cases.METRICS) if case[0] == expression)
    metric_more_cases.updated(metric, index)
    assert [[v.name, len(v.shape)] for v in metric.variables] == facts["variables"]


@pytest.mark.parametrize("name", FACTS["names"])
def test_names(name):
    naming.reset_names()
    metric = keras.metrics.get(name)
    assert [type(metric).__name__, metric.name] == FACTS["names"][name]


@pytest.mark.parametrize("name", metric_more_cases.FUNCTIONS)
def test_functions(name):
    np.testing.assert_allclose(
        metric_more_cases.values(getattr(keras.metrics, name)), METRICS[name], rtol=1e-5, atol=1e-6
    )
