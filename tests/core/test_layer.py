import json
import threading

import numpy as np
import pytest

import nnlite as keras
from nnlite import config, layers
from nnlite.core import naming, penalties


class Scale(layers.Layer):
    def build(self, input_shape):
        self.alpha = self.add_weight(shape=(), initializer="ones", name="alpha")

    def forward(self, x, training=False):
        return x * self.alpha.value, x

    def backward(self, dy, x):
        self.alpha.accumulate(np.sum(dy * x))
        return dy * self.alpha.value


class Pair(layers.Layer):
    """Two inputs, two outputs, an option, a list and a dict of sub-layers."""

    def __init__(self, width=3, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.parts = [layers.Dense(width), {"inner": layers.Dense(width)}]
        self.by_name = {"scale": Scale()}

    def forward(self, x, training=False, flip=False):
        a, b = x
        return ([b, a] if flip else [a, b]), flip

    def backward(self, dy, flip):
        return list(reversed(dy)) if flip else dy


def test_automatic_names_count_up():
    naming.reset_names()
    assert [layers.Dense(1).name, layers.Dense(1).name, Scale().name] == ["dense", "dense_1", "scale"]


def test_building_on_first_use_and_by_shape():
    layer = Scale()
    assert not layer.built and layer.weights == []
    layer.forward(np.ones((2, 3), "float32"))
    assert layer.built and layer.alpha.path == f"{layer.name}/alpha"
    first = layer.alpha
    layer.build((None, 3))
    assert layer.alpha is first


def test_call_gives_the_output_alone_and_casts():
    layer = Scale()
    y = layer([[1, 2], [3, 4]])
    assert y.dtype == np.float32 and y.tolist() == [[1, 2], [3, 4]]
    assert layer(np.ones((2, 2), "float64")).dtype == np.float32
    assert layer(np.ones((2, 2), "uint8")).dtype == np.float32
    assert Scale(dtype="float64")(np.ones((2, 2), "float32")).dtype == np.float64
    with pytest.raises(TypeError, match="dtype"):
        layer(np.array([["a"]]))


def test_call_packs_positional_inputs_and_checks_options():
    layer, a, b = Pair(), np.zeros((1, 2), "float32"), np.ones((1, 2), "float32")
    assert layer(a, b, flip=True)[0].tolist() == [[1, 1]]
    with pytest.raises(TypeError, match="flop.*Did you mean 'flip'"):
        layer(a, b, flop=True)


def test_variables_in_lists_and_dicts_are_tracked():
    layer = Pair(2)
    for part in (layer.parts[0], layer.parts[1]["inner"], layer.by_name["scale"]):
        part.build((None, 4))
    assert len(layer.weights) == 5
    layer.trainable = False
    assert layer.trainable_weights == [] and layer.parts[0].trainable is False
    layer.trainable = True
    assert len(layer.trainable_weights) == 5


def test_weights_come_trainable_first_then_by_layer():
    layer = layers.BatchNormalization()
    layer.build((None, 3))
    assert [v.name for v in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    layer.trainable = False
    assert [v.name for v in layer.weights] == ["gamma", "beta", "moving_mean", "moving_variance"]
    assert layer.trainable_weights == []
    layer.trainable = True
    assert [v.name for v in layer.trainable_weights] == ["gamma", "beta"]


def test_frozen_before_building():
    layer = layers.Dense(2, trainable=False)
    layer.build((None, 3))
    assert layer.trainable_weights == []
    layer.trainable = True
    assert len(layer.trainable_weights) == 2


def test_set_weights_checks_everything_first():
    layer = layers.Dense(2)
    layer.build((None, 3))
    before = layer.get_weights()
    with pytest.raises(ValueError, match="has 2 variables, got 1"):
        layer.set_weights(before[:1])
    with pytest.raises(ValueError, match=r"bias: expected \(2,\), got \(3,\)"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(3)])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0])


def test_a_class_with_call_is_refused_with_the_way_out():
    with pytest.raises(TypeError, match="(?s)Old defines call.*def forward.*def backward.*call them on symbols"):

        class Old(layers.Layer):
            def call(self, x):
                return x


def test_a_layer_without_backward_works_for_inference_only():
    class Half(layers.Layer):
        def forward(self, x, training=False):
            return x / 2, None

    layer = Half()
    assert layer(np.ones((1, 1), "float32")).tolist() == [[0.5]]
    with pytest.raises(NotImplementedError, match="Half .*has no backward"):
        layer.backward(np.ones((1, 1)), None)


def test_unknown_arguments_name_the_nearest():
    with pytest.raises(TypeError, match="Dense got.*'activaton'.*Did you mean 'activation'"):
        layers.Dense(3, activaton="relu")


def test_own_config_uses_the_recorded_arguments():
    class Twice(layers.Layer):
        def __init__(self, units, inner=None, **kwargs):
            super().__init__(**kwargs)
            self.units = 2 * units

    config = Twice(3, name="t").get_config()
    assert config["units"] == 3 and config["name"] == "t"
    assert Twice.from_config(config).units == 6


def test_config_of_layers_inside_a_layer():
    @keras.saving.register_keras_serializable("tests")
    class Around(layers.Layer):
        def __init__(self, inner, **kwargs):
            super().__init__(**kwargs)
            self.inner = inner

    layer = Around(layers.Dense(3, name="in"))
    config = keras.saving.serialize_keras_object(layer)
    assert config["registered_name"] == "tests>Around"
    again = keras.saving.deserialize_keras_object(config)
    assert again.inner.units == 3 and again.inner.name == "in"


def test_get_config_may_be_extended_as_in_keras():
    class Extended(layers.Layer):
        def __init__(self, rate=0.5, **kwargs):
            super().__init__(**kwargs)
            self.rate = rate

        def get_config(self):
            config = super().get_config()
            config.update({"rate": self.rate})
            return config

    assert Extended.from_config(Extended(0.25).get_config()).rate == 0.25


def test_default_output_shape_runs_the_layer():
    class Odd(layers.Layer):
        def forward(self, x, training=False):
            return np.concatenate([x, x[..., :1]], -1), None

    assert Odd().compute_output_shape((None, 5, 3)) == (None, 5, 4)


def test_activity_regularizer_adds_its_value_and_gradient():
    layer = layers.Dense(2, activity_regularizer=keras.regularizers.L2(0.5), use_bias=False)
    x = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    with penalties.collected() as terms:
        y, cache = layer.forward(x)
    assert terms == [pytest.approx(0.5 * float((y**2).sum()) / 4, rel=1e-5)]
    dx = layer.backward(np.zeros_like(y), cache)
    np.testing.assert_allclose(dx, (0.5 * 2 * y / 4) @ layer.kernel.value.T, rtol=1e-5)


def test_add_loss_reaches_whoever_collects():
    class Adds(layers.Layer):
        def forward(self, x, training=False):
            self.add_loss(float(x.sum()))
            return x, None

    with penalties.collected() as terms:
        Adds()(np.ones((2, 2), "float32"))
    assert terms == [4.0]


def test_wrong_shapes_name_the_layer():
    layer = layers.Conv2D(3, 3, name="stem")
    with pytest.raises(ValueError, match="Conv2D 'stem' expects an input with 4 axes"):
        layer(np.ones((2, 5), "float32"))
    layer(np.ones((2, 5, 5, 1), "float32"))
    with pytest.raises(ValueError, match=r"'stem' expects size 1 along axis -1.*\(2, 5, 5, 2\)"):
        layer(np.ones((2, 5, 5, 2), "float32"))


def test_half_precision_policies_are_kept_and_computed_in_float32(monkeypatch):
    monkeypatch.setattr(config, "_half_told", False)
    with pytest.warns(UserWarning, match="computes half precision in float32"):
        layer = layers.Dense(2, dtype="mixed_float16")
    assert layer(np.ones((1, 2))).dtype == np.float32 and layer.get_config()["dtype"] == "mixed_float16"


def test_dtype_policies_of_files_are_read():
    policy = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "float64"}, "registered_name": None}
    assert layers.Dense(2, dtype=policy).compute_dtype == "float64"
    with pytest.raises(ValueError, match="Did you mean 'float32'"):
        layers.Dense(2, dtype="flot32")


def test_many_threads_may_predict_at_once():
    model = keras.Sequential([layers.Input((20,)), layers.Dense(50, activation="relu"), layers.Dense(3)])
    x = np.random.default_rng(0).normal(size=(64, 20)).astype("float32")
    expected, results = model.predict(x, verbose=0), [None] * 8

    def work(i):
        for _ in range(20):
            results[i] = model.predict(x, verbose=0)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_what_was_only_an_argument_is_not_tracked():
    class Sizes(layers.Layer):
        def __init__(self, other, **kwargs):
            super().__init__(**kwargs)
            self.units = other.units

    other = layers.Dense(3)
    other.build((None, 2))
    layer = Sizes(other)
    assert layer.weights == [] and layer.layers_inside == []
    layer.trainable = False
    assert other.trainable


@pytest.mark.parametrize(
    ("returned", "words"), [(lambda x: x, "a ndarray"), (lambda x: (x, 1, 2), "a tuple of 3"), (lambda x: None, "None")]
)
def test_a_forward_that_returns_no_pair_is_named(returned, words):
    class Odd(layers.Layer):
        def forward(self, x, training=False):
            return returned(x)

    with pytest.raises(TypeError, match=rf"Odd 'mine': forward must return the pair \(y, cache\), got {words}"):
        Odd(name="mine")(np.ones((2, 3)))


def test_a_layer_that_forgets_its_base_is_told():
    class Forgets(layers.Layer):
        def __init__(self):
            self.units = 3

        def forward(self, x, training=False):
            return x, None

    with pytest.raises(AttributeError, match=r"Forgets.*super\(\).__init__"):
        Forgets()(np.ones((2, 3)))
    with pytest.raises(AttributeError, match=r"^'Layer' object has no attribute 'nothing'$"):
        _ = layers.Layer().nothing


def test_an_error_inside_a_property_is_not_hidden():
    class Odd(layers.Layer):
        @property
        def width(self):
            return self.missing + 1

    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        _ = Odd().width


def test_arrays_among_the_arguments_come_back_as_arrays():
    class Weighs(layers.Layer):
        def __init__(self, factors, **kwargs):
            super().__init__(**kwargs)
            self.factors = factors

        def forward(self, x, training=False):
            return x * self.factors, None

    layer = Weighs(np.array([1.0, 2.0, 3.0], "float32"))
    again = Weighs.from_config(json.loads(json.dumps(layer.get_config())))
    assert again.factors.dtype == np.float32
    np.testing.assert_array_equal(again(np.ones((1, 3))), [[1, 2, 3]])


def test_a_name_scope_stands_before_the_paths_and_what_says_where_to_run_changes_nothing():
    with keras.name_scope("outer"), keras.name_scope("inner"), keras.device("cpu:0"):
        layer = keras.layers.Dense(2, name="d")
        layer.build((None, 3))
        assert keras.Variable(1.0, name="v").path == "outer/inner/v"
    assert layer.kernel.path == "outer/inner/d/kernel"
    keras.config.enable_unsafe_deserialization()
    keras.config.disable_traceback_filtering()
    keras.config.enable_traceback_filtering()
    assert not keras.config.is_traceback_filtering_enabled()
