"""Architectures of every Keras since 1.0, whole: they build, mean what they meant, and fail with words."""

import copy
import json
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from layers.cases import CASES

import nnlite
from nnlite import layers, models
from nnlite.core import serialization
from nnlite.saving import eras
from nnlite.saving.building import build_model

FOLDER = Path(__file__).parent / "keras_files"
SHAPES = {"cnn": (None, 3), "lstm": (None, 1), "residual": (None, 2), "shared": (None, 2), "masked": (None, 1)}
PARAMETERS = {"cnn": 126, "lstm": 294, "residual": 242, "shared": 68, "masked": 235}


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("version", ["2.15", "3.3.3", "3.10.0", "3.15.1"])
def test_json_of_each_version_builds(name, version):
    text = (FOLDER / f"{name}-{version}.json").read_text()
    model = models.model_from_json(text)
    assert model.output_shape == SHAPES[name] and model.count_params() == PARAMETERS[name]
    again = models.model_from_json(model.to_json())
    assert again.output_shape == SHAPES[name] and again.get_config() == model.get_config()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_config_of_today_stays_as_it_is(case):
    layer = case.make()
    layer.build(case.built_shape)
    try:
        config = json.loads(json.dumps(serialization.serialize(layer)))
    except TypeError:
        pytest.skip("holds a function")
    assert eras.normalize(config, "3.15.1") == config
    assert eras.normalize(config, None) == config


def test_models_of_today_stay_as_they_are():
    a, b = layers.Input((4,), name="a"), layers.Input((4,), name="b")
    inner = models.Sequential([layers.Input((4,)), layers.Dense(3), layers.ReLU()], name="inner")
    model = models.Model({"a": a, "b": b}, [inner(a) * 2 + inner(b)[:, :1], nnlite.ops.concatenate([a, b])])
    config = json.loads(json.dumps(serialization.serialize(model)))
    assert eras.normalize(config, "3.10.0") == config
    assert eras.normalize(config, None) == config


# What Keras 1 wrote for a model of an LSTM and a Dense, and for one of a convolution with merged branches.
KERAS_1 = {
    "class_name": "Sequential",
    "keras_version": "1.1.0",
    "config": [
        {
            "class_name": "LSTM",
            "config": {
                "inner_activation": "hard_sigmoid",
                "trainable": True,
                "inner_init": "orthogonal",
                "output_dim": 6,
                "unroll": False,
                "consume_less": "cpu",
                "init": "glorot_uniform",
                "dropout_U": 0.0,
                "input_dtype": "float32",
                "batch_input_shape": [None, 5, 4],
                "input_length": None,
                "dropout_W": 0.0,
                "activation": "tanh",
                "stateful": False,
                "b_regularizer": None,
                "U_regularizer": {"l2": 0.0, "name": "WeightRegularizer", "l1": 0.1},
                "name": "lstm_1",
                "go_backwards": False,
                "input_dim": 4,
                "return_sequences": False,
                "W_regularizer": None,
                "forget_bias_init": "one",
            },
        },
        {
            "class_name": "Dense",
            "config": {
                "W_constraint": {"name": "NonNeg"},
                "b_constraint": None,
                "name": "dense_1",
                "activity_regularizer": None,
                "trainable": True,
                "init": "glorot_uniform",
                "bias": True,
                "input_dim": None,
                "b_regularizer": None,
                "W_regularizer": None,
                "activation": "linear",
                "output_dim": 3,
            },
        },
    ],
}


def old_layer(class_name, name, config, *inputs):
    nodes = [[[one, 0, 0] for one in inputs]] if inputs else []
    return {"class_name": class_name, "name": name, "config": {"name": name, **config}, "inbound_nodes": nodes}


BRANCHES = {
    "class_name": "Model",
    "keras_version": "1.2.2",
    "config": {
        "name": "model_1",
        "layers": [
            old_layer("InputLayer", "x", {"batch_input_shape": [None, 3, 8, 8], "input_dtype": "float32"}),
            old_layer(
                "Convolution2D",
                "a/b.c\\d",
                {"nb_filter": 4, "nb_row": 3, "nb_col": 3, "border_mode": "same", "dim_ordering": "th", "bias": False},
                "x",
            ),
            old_layer(
                "MaxPooling2D",
                "pool",
                {"pool_size": [3, 3], "strides": [1, 1], "border_mode": "same", "dim_ordering": "th"},
                "x",
            ),
            old_layer("Merge", "merge", {"mode": "concat", "concat_axis": 1, "output_shape": None}, "a/b.c\\d", "pool"),
            old_layer("Flatten", "flat", {}, "merge"),
            old_layer("Dropout", "drop", {"p": 0.5}, "flat"),
            old_layer("Dense", "out", {"output_dim": 2, "init": "he_normal", "activation": "softmax"}, "drop"),
        ],
        "input_layers": [["x", 0, 0]],
        "output_layers": [["out", 0, 0]],
    },
}


def test_a_sequential_of_keras_1():
    model = models.model_from_json(json.dumps(KERAS_1))
    assert model.input_shape == (None, 5, 4) and model.output_shape == (None, 3)
    lstm, dense = model.layers
    assert lstm.recurrent_activation is nnlite.activations.hard_sigmoid_keras2
    assert lstm.recurrent_regularizer.l1 == 0.1 and isinstance(dense.kernel_constraint, nnlite.constraints.NonNeg)
    assert models.Sequential.from_config(KERAS_1["config"]).output_shape == (None, 3)


def test_a_graph_of_keras_1():
    model = models.model_from_json(json.dumps(BRANCHES))
    assert model.output_shape == (None, 2)
    assert model.get_layer("merge").output.shape == (None, 7, 8, 8)
    assert model.get_layer("a/b.c\\d").padding == "same"
    assert models.Model.from_config(BRANCHES["config"]).count_params() == model.count_params()


def test_a_sequential_that_begins_with_a_merge():
    def dense(name, units, **more):
        return {"class_name": "Dense", "config": {"name": name, "units": units, **more}}

    one = {"class_name": "Sequential", "config": [dense("a", 3, batch_input_shape=[None, 4]), dense("b", 2)]}
    two = {"class_name": "Sequential", "config": {"name": "s", "layers": [dense("c", 5, batch_input_shape=[None, 6])]}}
    merge = {"class_name": "Merge", "config": {"name": "m", "mode": "concat", "concat_axis": -1, "layers": [one, two]}}
    model = build_model({"class_name": "Sequential", "config": [merge, dense("d", 1)], "keras_version": "2.0.6"})
    assert model.input_shape == [(None, 4), (None, 6)] and model.output_shape == (None, 1)
    assert [v.shape for v in model.weights] == [(4, 3), (3,), (3, 2), (2,), (6, 5), (5,), (7, 1), (1,)]
    with pytest.raises(ValueError, match="model_from_json"):
        models.Sequential.from_config([merge, dense("d", 1)])
    for branches in ([dense("a", 3)], [{"class_name": "Sequential", "config": []}], [one, one]):
        merge["config"]["layers"] = branches
        with pytest.raises(ValueError):
            build_model({"class_name": "Sequential", "config": [merge, dense("d", 1)]})


def test_inner_models_of_keras_2_count_their_calls_from_one():
    inner = {
        "class_name": "Sequential",
        "name": "inner",
        "config": {"name": "inner", "layers": [old_layer("Dense", "d", {"units": 4, "batch_input_shape": [None, 4]})]},
        "inbound_nodes": [[["x", 0, 0, {}]], [["inner", 1, 0, {}]]],
    }
    config = {
        "name": "m",
        "layers": [old_layer("InputLayer", "x", {"batch_input_shape": [None, 4]}), inner],
        "input_layers": [["x", 0, 0]],
        "output_layers": [["inner", 1, 0], ["inner", 2, 0]],
    }
    model = build_model({"class_name": "Model", "config": config}, "2.2.4")
    for variable in model.weights:
        variable.assign(np.full(variable.shape, 0.5))
    once, twice = model.predict(np.ones((1, 4), "float32"), verbose=0)
    np.testing.assert_allclose(once, 2.5)
    np.testing.assert_allclose(twice, 5.5)


def test_a_users_layer_keeps_its_keys():
    class Half(layers.Layer):
        def __init__(self, p, optional=True, **kwargs):
            super().__init__(**kwargs)
            self.p, self.optional = p, optional

        def forward(self, x, training=False):
            return x * self.p, None

        def backward(self, dy, cache):
            return dy * self.p

    config = [{"class_name": "Half", "config": {"p": 0.5, "optional": True, "batch_input_shape": [None, 4]}}]
    model = build_model({"class_name": "Sequential", "config": config}, "2.0.8", {"Half": Half})
    assert model.output_shape == (None, 4) and model.layers[0].p == 0.5
    with pytest.raises(ValueError, match="Half"):
        build_model({"class_name": "Sequential", "config": config}, "2.0.8")


# ---- what compile was told ----

TRAINING = [
    (
        {
            "loss": "mse",
            "optimizer_config": {"class_name": "Adam", "config": {"lr": 0.1, "decay": 0.0, "epsilon": None}},
        },
        "2.1.0",
        {"loss": "mse", "optimizer": {"class_name": "Adam", "config": {"learning_rate": 0.1}}},
    ),
    (
        {"optimizer_config": {"class_name": "SGD", "config": {"lr": 0.1, "decay": 0.5, "clipnorm": 1.0}}},
        "2.2.4",
        {
            "optimizer": {
                "class_name": "SGD",
                "config": {
                    "learning_rate": {
                        "module": "keras.optimizers.schedules",
                        "class_name": "InverseTimeDecay",
                        "config": {"initial_learning_rate": 0.1, "decay_steps": 1, "decay_rate": 0.5},
                    },
                    "global_clipnorm": 1.0,
                },
            }
        },
    ),
    (
        {
            "loss": {"class_name": "LossFunctionWrapper", "config": {"reduction": "auto", "fn": "binary_crossentropy"}},
            "metrics": [[{"class_name": "MeanMetricWrapper", "config": {"name": "acc", "fn": "binary_accuracy"}}]],
            "optimizer_config": {
                "class_name": "Custom>Adam",
                "config": {"learning_rate": 0.1, "jit_compile": False, "is_legacy_optimizer": False, "clipnorm": 1.0},
            },
        },
        "2.15.0",
        {
            "loss": {"class_name": "BinaryCrossentropy", "config": {"reduction": "sum_over_batch_size"}},
            "metrics": [{"class_name": "BinaryAccuracy", "config": {"name": "acc"}}],
            "optimizer": {"class_name": "Adam", "config": {"learning_rate": 0.1, "clipnorm": 1.0}},
        },
    ),
    (
        {"loss": {"a": "kullback_leibler_divergence", "b": None}, "metrics": ["accuracy"], "sample_weight_mode": None},
        "2.0.8",
        {"loss": {"a": "kl_divergence", "b": None}, "metrics": ["accuracy"]},
    ),
]


@pytest.mark.parametrize(("old", "version", "today"), TRAINING)
def test_compile_of_old(old, version, today):
    found = eras.normalize_training(old, version)
    for part in [found.get("loss"), *found.get("metrics", []), found.get("optimizer")]:
        if isinstance(part, dict):
            part.pop("module", None)
    assert found == today
    if not isinstance(old.get("loss"), dict) or "class_name" in old["loss"]:
        model = models.Sequential([layers.Input((3,)), layers.Dense(1, "sigmoid")])
        model.compile_from_config({"loss": "mse", **found})
        model.fit(np.ones((4, 3)), np.ones((4, 1)), verbose=0)


def test_the_nadam_of_old_is_refused():
    config = {"optimizer_config": {"class_name": "Nadam", "config": {"lr": 0.1, "schedule_decay": 0.004}}}
    with pytest.raises(ValueError, match="compile=False"):
        eras.normalize_training(config, "2.2.4")


# ---- what is none ----


def test_nesting_is_capped():
    config = {"class_name": "Dense", "config": {}}
    for _ in range(90):
        config = {"class_name": "Sequential", "config": {"layers": [config]}}
    with pytest.raises(ValueError, match="nested deeper"):
        build_model(config)
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ValueError, match="nested deeper"):
        eras.normalize(deep)
    with pytest.raises(ValueError, match="model_from_json"):
        models.model_from_json("[" * 100_000)


@pytest.mark.parametrize("text", ["", "[]", "3", "null", '{"class_name": 3}', '{"class_name": "Dense"}'])
def test_what_is_no_model(text):
    with pytest.raises((ValueError, TypeError)):
        models.model_from_json(text)


JUNK = [None, True, -1, 10**30, 1.5, float("nan"), "", "relu", "\x00", [], [[]], {}, [None], {"class_name": "Dense"}]
WHOLE = [json.loads((FOLDER / f"{name}-2.15.json").read_text()) for name in ("cnn", "masked", "shared")]
WHOLE += [KERAS_1, BRANCHES, json.loads((FOLDER / "residual-3.10.0.json").read_text())]


def places(value, path=()):
    """The paths of everything in a config."""
    yield path
    if isinstance(value, (dict, list)):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(one, (*path, key))


PLACES = [list(places(config))[1:] for config in WHOLE]


@settings(max_examples=250, deadline=None)
@given(st.data())
def test_a_damaged_config_is_refused_with_words_or_builds(data):
    number = data.draw(st.integers(0, len(WHOLE) - 1))
    config = copy.deepcopy(WHOLE[number])
    for _ in range(data.draw(st.integers(1, 2))):
        *path, last = data.draw(st.sampled_from(PLACES[number]))
        target = config
        try:
            for key in path:
                target = target[key]
            if data.draw(st.booleans()):
                del target[last]
            else:
                target[last] = copy.deepcopy(data.draw(st.sampled_from(JUNK)))
        except (LookupError, TypeError):  # the first damage took the second's place away
            continue
    try:
        build_model(config)
    except (ValueError, TypeError) as error:
        assert str(error)
