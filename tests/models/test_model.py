"""Models of symbols: their numbers, gradients, structure and errors."""

import copy
import json
import pickle
import sys

import numpy as np
import pytest

import nnlite as keras
from nnlite import Input, Model, Sequential, layers
from nnlite.testing import check_layer


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


def rows(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def branches():
    """Two inputs, a shared layer, fan-out, operators and two outputs."""
    a, b = Input((4,), name="a"), Input((3,), name="b")
    h = layers.Dense(8, activation="tanh", name="h")(a)
    shared = layers.Dense(5, name="shared")
    c = layers.Concatenate(name="c")([shared(h), shared(layers.Dense(8, name="g")(b))])
    return Model([a, b], [layers.Dense(1, name="out")(c), h[:, :3] * b + 1], name="net")


def test_it_computes_what_its_layers_do():
    model, (a, b) = branches(), (rows(5, 4), rows(5, 3))
    layer = {one.name: one for one in model.layers}
    h = np.tanh(a @ layer["h"].kernel.value)
    shared = layer["shared"].kernel.value
    c = np.concatenate([h @ shared, b @ layer["g"].kernel.value @ shared], axis=1)
    y, z = model([a, b])
    np.testing.assert_allclose(y, c @ layer["out"].kernel.value, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(z, h[:, :3] * b + 1, rtol=1e-5)
    for one, other in zip(model.predict([a, b], verbose=0), (y, z), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_gradients_are_right():
    check_layer(branches(), input_shape=[(None, 4), (None, 3)])


def test_the_order_of_layers_is_that_of_keras():
    assert [layer.name for layer in branches().layers] == ["a", "b", "h", "g", "shared", "c", "out"]
    assert len(branches().weights) == 8


def test_inputs_and_outputs_by_name():
    a, b = Input((4,), name="a"), Input((3,), name="b")
    outputs = {"z": layers.Dense(1, name="q")(b), "k": layers.Dense(2, name="w")(a)}
    model = Model({"b": b, "a": a}, outputs)
    assert model.input_names == ["a", "b"] and model.output_names == ["w", "q"]
    assert model.input_shape == [(None, 4), (None, 3)]
    assert model.output_shape == [(None, 2), (None, 1)]
    model.compile("sgd", {"z": "mse", "k": "mae"}, loss_weights={"k": 2.0}, metrics={"z": ["mae"]})
    x, y = {"a": rows(6, 4), "b": rows(6, 3)}, {"z": rows(6, 1), "k": rows(6, 2)}
    history = model.fit(x, y, verbose=0).history
    assert list(history) == ["k_loss", "loss", "z_loss", "z_mae"]
    assert history["loss"][0] == pytest.approx(2 * history["k_loss"][0] + history["z_loss"][0], rel=1e-6)
    loss, z_loss, k_loss, z_mae = model.evaluate(x, y, verbose=0)
    assert loss == pytest.approx(2 * k_loss + z_loss, rel=1e-6) and z_mae > 0
    assert {key: value.shape for key, value in model.predict(x, verbose=0).items()} == {"z": (6, 1), "k": (6, 2)}
    # A model whose inputs are a list takes a dict by the names of its inputs, too.
    listed = Model([a, b], list(outputs.values()))
    np.testing.assert_array_equal(listed(x)[0], listed([x["a"], x["b"]])[0])


def test_gradients_on_request():
    a, b = Input((4,), name="a"), Input((3,), name="b")
    model = Model({"a": a, "b": b}, {"z": layers.Dense(1)(b), "k": layers.Dense(2)(a)})
    x = {"a": rows(6, 4), "b": rows(6, 3)}
    dy = {"z": np.ones((6, 1)), "k": np.zeros((6, 2))}
    found = model.gradients(x, dy=dy)
    assert not found.x["a"].any() and found.x["b"].any() and found.x["a"].shape == (6, 4)
    model.compile("sgd", "mse")
    assert model.gradients(x, {"z": rows(6, 1), "k": rows(6, 2)}).x["a"].any()


def test_fit_equals_that_of_a_sequential():
    stack = [layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.5, seed=3)]
    stack.append(layers.Dense(2))
    sequential = keras.Sequential([Input((4,)), *stack])
    x = symbol = Input((4,))
    for layer in [type(layer).from_config(layer.get_config()) for layer in stack]:
        symbol = layer(symbol)
    model = Model(x, symbol)
    model.set_weights(sequential.get_weights())
    losses = []
    for one in (sequential, model):
        one.compile("adam", "mse")
        losses.append(one.fit(rows(64, 4), rows(64, 2), epochs=3, shuffle=False, verbose=0).history["loss"])
    assert losses[0] == losses[1]


def test_a_part_that_taps_inner_outputs_shares_the_weights():
    model = branches()
    tap = Model(model.inputs[0], model.get_layer("h").output)
    assert [layer.name for layer in tap.layers] == ["a", "h"]
    upper = Model([model.get_layer("c").output], model.get_layer("out").output)
    a, b = rows(2, 4), rows(2, 3)
    c = Model(model.input, model.get_layer("c").output)([a, b])
    np.testing.assert_allclose(upper(c), model([a, b])[0], rtol=1e-6)
    assert upper.get_layer("out") is model.get_layer("out") and upper.input_shape == (None, 10)


def test_layers_of_a_sequential_can_be_tapped():
    model = keras.Sequential([Input((4,)), layers.Dense(3, name="low"), layers.ReLU(), layers.Dense(2, name="top")])
    taps = Model(model.inputs, [layer.output for layer in model.layers])
    x = rows(5, 4)
    assert [y.shape for y in taps(x)] == [(5, 3), (5, 3), (5, 2)]
    np.testing.assert_allclose(taps(x)[-1], model(x), rtol=1e-6)
    assert Model(model.input, model.get_layer("low").output)(x).shape == (5, 3)
    assert copy.deepcopy(model).get_layer("low").kernel.shape == (4, 3)


def test_names_count_as_in_keras():
    keras.utils.clear_session()
    x = Input((4,))
    assert Model(x, layers.Dense(1)(x)).name == "functional"
    keras.Sequential([Input((3,)), layers.Dense(2)])
    assert Model(x, layers.Dense(1)(x)).name == "functional_2"
    row = keras.Sequential([layers.Dense(2)])
    row.build((None, 3))
    assert Model(x, layers.Dense(1)(x)).name == "functional_4"
    row = keras.Sequential()
    for layer in (Input((3,)), layers.Dense(2), layers.Dense(2)):
        row.add(layer)
    assert Model(x, layers.Dense(1)(x)).name == "functional_7"


def test_models_in_models():
    inner_x = Input((4,))
    inner = Model(inner_x, layers.Dense(4, name="d")(inner_x) + inner_x, name="inner")
    row = keras.Sequential([Input((4,)), layers.Dense(4), layers.BatchNormalization()], name="row")
    x = Input((4,))
    model = Model(x, inner(row(inner(x))))
    assert [layer.name for layer in model.layers[1:]] == ["inner", "row"]
    assert len(model.weights) == 2 + 6
    check_layer(model, input_shape=(None, 4))


def test_one_input_in_a_list():
    """As Keras 3.10 writes every model of one input: it is called with an array, too."""
    x = Input((4,))
    inner = Model([x], layers.Dense(4, activation="tanh")(x))
    y = Input((4,))
    model = Model([y], [layers.Dense(2)(inner(inner([y])))])
    check_layer(model, input_shape=(None, 4))
    assert model.input_shape == (None, 4) and model([rows(2, 4)]).shape == (2, 2)
    row = keras.Sequential([Input((4,)), inner, layers.Dense(1)])
    check_layer(row, input_shape=(None, 4))


def test_masks_reach_what_follows():
    ids = Input((5,), dtype="int32")
    embedded = layers.Embedding(9, 4, mask_zero=True)(ids)
    inner_x = Input((None, 4))
    inner = Model(inner_x, layers.Dense(4)(inner_x))
    model = Model(ids, layers.LSTM(3)(inner(embedded)))
    padded, short = np.array([[1, 2, 3, 0, 0]]), np.array([[1, 2, 3]])
    open_ids = Input((None,), dtype="int32")
    opened = Model(open_ids, model.layers[3](model.layers[2](model.layers[1](open_ids))))
    for one in (opened, opened.predict):
        np.testing.assert_allclose(model(padded), np.asarray(one(short)), rtol=1e-5)
    y, cache = model.forward(padded, training=True)
    assert model.backward(y, cache) is None and cache.mask is None


def test_options_and_masks_that_are_symbols():
    x, mask = Input((4, 6)), Input((4, 4), dtype="bool")
    y, scores = layers.MultiHeadAttention(2, 3, name="heads")(x, x, attention_mask=mask, return_attention_scores=True)
    model = Model([x, mask], [y, scores])
    allowed = np.tril(np.ones((2, 4, 4), bool))
    y, scores = model([rows(2, 4, 6), allowed])
    assert y.shape == (2, 4, 6) and not scores[:, :, ~allowed[0]].any()
    outputs, cache = model.forward([rows(2, 4, 6), allowed])
    dx, dmask = model.backward([np.ones_like(outputs[0]), None], cache)
    assert dx.shape == (2, 4, 6) and dmask is None


def test_what_cannot_learn_gets_no_gradient():
    calls = []

    class Spy(layers.Dense):
        def backward(self, dy, cache, input_grad=True):
            calls.append((self.name, input_grad))
            return super().backward(dy, cache, input_grad)

    x = Input((3,))
    low, middle = Spy(3, name="low"), Spy(3, name="middle")
    model = Model(x, Spy(1, name="top")(middle(low(x)) + x))
    model.compile("sgd", "mse")
    model.train_on_batch(rows(2, 3), rows(2, 1))
    assert calls == [("top", True), ("middle", True), ("low", False)]
    calls.clear()
    low.trainable = False
    model.train_on_batch(rows(2, 3), rows(2, 1))
    assert calls == [("top", True), ("middle", False)]


def test_two_thousand_layers():
    x = y = Input((4,))
    for _ in range(2000):
        y = layers.Dense(4, kernel_initializer="identity")(y)
    model = Model(x, y)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(300)
    try:
        model.compile("sgd", "mse")
        model.train_on_batch(rows(8, 4), rows(8, 4))
        other = pickle.loads(pickle.dumps(model))
        copied = copy.deepcopy(model)
        again = Model.from_config(model.get_config())
    finally:
        sys.setrecursionlimit(limit)
    for one in (other, copied):
        np.testing.assert_array_equal(one(rows(8, 4)), model(rows(8, 4)))
        assert one.layers[7].output.shape == (None, 4)
    assert len(again.layers) == 2001


def test_configs_make_equal_models():
    for model, x in ((branches(), [rows(5, 4), rows(5, 3)]), (branches(), {"a": rows(5, 4), "b": rows(5, 3)})):
        again = keras.models.model_from_json(model.to_json())
        again.set_weights(model.get_weights())
        for one, other in zip(again(x), model(x), strict=True):
            np.testing.assert_array_equal(one, other)
        assert again.get_config() == model.get_config()


def test_files_keep_the_model(tmp_path):
    model = branches()
    model.compile("adam", ["mse", "mae"])
    x, y = [rows(5, 4), rows(5, 3)], [rows(5, 1), rows(5, 3)]
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    assert again.train_on_batch(x, y) == model.train_on_batch(x, y)
    assert [w.tolist() for w in again.get_weights()] == [w.tolist() for w in model.get_weights()]


class Net(Model):
    """A model of one's own."""

    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.out = layers.Dense(units, activation="tanh"), layers.Dense(1)

    def forward(self, x, training=False):
        h, hidden_cache = self.hidden.forward(x, training)
        y, out_cache = self.out.forward(h, training)
        return y, (hidden_cache, out_cache)

    def backward(self, dy, cache):
        return self.hidden.backward(self.out.backward(dy, cache[1]), cache[0])


def test_a_class_of_ones_own(tmp_path):
    model = Net(name="own")
    model.compile("adam", "mse")
    history = model.fit(rows(64, 4), rows(64, 1), epochs=20, verbose=0).history["loss"]
    assert history[-1] < history[0] and len(model.weights) == 4 and len(model.layers) == 2
    check_layer(Net(), input_shape=(None, 4))
    model.save(tmp_path / "own.keras")
    again = keras.models.load_model(tmp_path / "own.keras", custom_objects={"Net": Net})
    np.testing.assert_array_equal(again(rows(5, 4)), model(rows(5, 4)))
    assert Net(units=5).get_config()["units"] == 5


def test_a_class_that_hands_symbols_on():
    class Built(Model):
        def __init__(self, units):
            x = Input((4,))
            super().__init__(x, layers.Dense(units)(x), name="built")

    model = Built(3)
    model.compile("sgd", "mse")
    model.fit(rows(8, 4), rows(8, 3), verbose=0)
    assert model.output_shape == (None, 3) and isinstance(model, keras.Model)
    assert isinstance(keras.Sequential(), keras.Model) and isinstance(branches(), keras.Model)


def test_configs_name_functions_as_keras_does():
    a = Input((3,), name="a")
    config = json.loads(Model(a, -Model(a, a + 1.0, name="inner")(a), name="m").to_json())
    assert config["compile_config"] == {} and config["build_config"] == {"input_shape": None}
    inner, negative = config["config"]["layers"][1:]
    assert negative["registered_name"] == negative["class_name"] == "Negative"
    assert inner["config"]["layers"][1]["registered_name"] == "Add"


def drops(y):
    return bool((np.asarray(y) == 0).any())


def test_what_calls_were_told_of_training_counts_where_the_model_is_called():
    """As in Keras: ``fit`` trains, ``predict`` and ``evaluate`` infer, whatever was said."""
    a, x = Input((64,)), np.ones((4, 64), "float32")
    told = {said: Model(a, layers.Dropout(0.5)(a, training=said)) for said in (True, False, None)}
    for said, model in told.items():
        assert drops(model(x)) == bool(said) and drops(model(x, training=True)) and not drops(model(x, training=False))
        assert not drops(model.predict(x)) and drops(model.forward(x, training=True)[0])
        again = Model.from_config(model.get_config())
        assert drops(again(x)) == bool(said) and again.get_config() == model.get_config()
    # An inner model hears what its call was told first, then what its own layers were.
    b = Input((64,))
    assert drops(Model(b, told[None](b, training=True))(x)) and not drops(Model(b, told[True](b, training=False))(x))
    assert drops(Model(b, told[True](b))(x)) and drops(Sequential([told[True], layers.ReLU()])(x))
    assert not drops(Sequential([told[None], layers.ReLU()])(x))
    # Statistics move where a call computes as in training.
    normalized = Model(b, layers.BatchNormalization()(b, training=True))
    before = normalized.get_weights()[2]
    normalized.predict(x)
    assert np.array_equal(before, normalized.get_weights()[2])
    normalized(x)
    assert not np.array_equal(before, normalized.get_weights()[2])


def test_constants_among_a_layers_inputs():
    a, constant = Input((3,)), np.arange(3.0)[None]
    model = Model(a, layers.Dense(2)(layers.Add()([a, constant])))
    x = rows(4, 3)
    np.testing.assert_allclose(model(x), model.layers[-1](x + constant.astype("float32")), rtol=1e-6)
    copied = Model.from_config(json.loads(json.dumps(model.get_config())))
    copied.set_weights(model.get_weights())
    np.testing.assert_array_equal(model(x), copied(x))
    check_layer(model, (None, 3))


def test_data_take_the_declared_type():
    for dtype, given in (
        ("int32", np.array([[1, 2, 3]])),
        ("float32", np.array([[1, 2, 3]])),
        ("bool", np.ones((1, 3))),
    ):
        a = Input((3,), dtype=dtype)
        for y in (Model(a, a + a)(given), Sequential([a, layers.Identity()]).predict(given)):
            assert y.dtype == dtype


def test_a_frozen_model_learns_nothing():
    model = branches()
    model.trainable = False
    model.get_layer("h").trainable = True
    assert not model.trainable_weights and len(model.non_trainable_weights) == len(model.weights)
    a, b = Input((4,)), Input((3,))
    assert [v.path for v in Model([a, b], model([a, b])).trainable_weights] == ["h/kernel", "h/bias"]  # as in Keras


def test_forms_of_inputs_and_outputs():
    a, b = Input((2,), name="a"), Input((3,), name="b")
    x, w = rows(5, 2), rows(5, 3)
    y, z = layers.Dense(1)(a), layers.Dense(2)(b)
    pair = Model((a, b), (y, z))
    assert type(pair((x, w))) is type(pair.predict([x, w])) is type(pair.predict([x, w], batch_size=2)) is tuple
    nested = Model({"p": a, "q": {"r": [b]}}, {"z": z, "c": [y]})
    found = nested.predict({"p": x, "q": {"r": [w]}})
    np.testing.assert_array_equal(found["c"][0], pair((x, w))[0])
    assert list(nested({"p": x, "q": {"r": [w]}})) == ["z", "c"] == list(nested.get_config()["output_layers"])
    np.testing.assert_array_equal(nested({"a": x, "b": w})["z"], found["z"])  # the names of the input layers serve, too
    # Of a dict in another order than the alphabet's nobody knows which array of a list is which.
    unsorted = Model({"b": b, "a": a}, [y, z])
    for model in (unsorted, Model.from_config(unsorted.get_config())):
        with pytest.raises(ValueError, match=r"made of a dict of inputs \(b, a\)"):
            model.predict([x, w])
    assert [one.name for one in Model([a, b], [a + 1.0, z]).operations][:2] == ["a", "b"]


def test_clones():
    model = branches()
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    x = [rows(5, 4), rows(5, 3)]
    for one, other in zip(clone(x), model(x), strict=True):
        np.testing.assert_array_equal(one, other)
    assert clone.get_config() == model.get_config()
    assert not set(map(id, clone.weights)) & set(map(id, model.weights))
    inputs = [Input((4,)), Input((3,))]
    shared = keras.models.clone_model(model, clone_function=lambda layer: layer, input_tensors=inputs)
    assert shared.weights == model.weights and shared.inputs[0] is not model.inputs[0]
    calls = []
    keras.models.clone_model(model, call_function=lambda layer, *x: calls.append(type(layer).__name__) or layer(*x))
    assert calls == ["Dense"] * 4 + ["Operation", "Concatenate", "Operation", "Dense", "Operation"]
    with pytest.raises(ValueError, match="1 input_tensors"):
        keras.models.clone_model(model, input_tensors=Input((4,)))
    assert isinstance(keras.models.clone_model(Net(units=2)), Net)


# ---- errors ----


def test_errors_of_making():
    a, b = Input((4,), name="a"), Input((3,), name="b")
    y = layers.Concatenate()([a, b])
    with pytest.raises(ValueError, match="needs <Symbol.*name=b>, which is not among the inputs"):
        Model(a, y)
    with pytest.raises(ValueError, match="outputs must be symbols"):
        Model([a, b], np.ones(3))
    with pytest.raises(ValueError, match="outputs must be symbols"):
        Model(a, [])
    with pytest.raises(TypeError, match="inputs must be symbols"):
        Model(outputs=y)
    with pytest.raises(ValueError, match="two layers are named 'same'"):
        Model(a, layers.Dense(2, name="same")(layers.Dense(2, name="same")(a)))
    with pytest.raises(TypeError, match="symbol and a float together"):
        layers.Add()([a, 2.0])
    with pytest.raises(NotImplementedError, match="call add_loss in the forward of a layer"):
        Model(a, a * 2).add_loss(1.0)


def test_errors_of_data():
    model = branches()
    with pytest.raises(ValueError, match=r"'net' has 2 inputs \(a, b\), got 1"):
        model(rows(2, 4))
    with pytest.raises(ValueError, match="no data for the input 'b'"):
        model({"a": rows(2, 4)})
    model.compile("sgd", "mse")
    before = model.get_weights()
    told = r"InputLayer 'a' was declared with shape \(None, 4\).* got data of shape \(.*, 5\), which has size 5 along"
    wrong, targets = [rows(2, 5), rows(2, 3)], [rows(2, one) for _, one in model.output_shape]
    for act in (model, model.predict, lambda x: model.fit(x, targets), lambda x: model.train_on_batch(x, targets)):
        with pytest.raises(ValueError, match=told):
            act(wrong)
    assert int(model.optimizer.iterations) == 0 and all(map(np.array_equal, before, model.get_weights()))
    with pytest.raises(ValueError, match="'b' takes one array, got None"):
        model([rows(2, 4), None])
    y, cache = model.forward([rows(2, 4), rows(2, 3)])
    with pytest.raises(ValueError, match="1 gradients for 2 outputs"):
        model.backward(y[0], cache)
    model.backward(y, cache)
    with pytest.raises(ValueError, match="has been used"):
        model.backward(y, cache)


def test_symbols_are_no_arrays():
    a = Input((4,), name="a")
    with pytest.raises(TypeError, match="does not support ufuncs"):
        np.sin(a)
    for convert in (np.asarray, float, int):
        with pytest.raises(ValueError, match="has no values"):
            convert(a)
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(a)
    with pytest.raises(NotImplementedError, match="cannot be iterated"):
        list(a)
    assert (np.ones(4, "float32") + a).shape == (None, 4)
    assert (a != 0).dtype == "bool" and a == a and len({a, a}) == 1
    assert round(a, 1).shape == a.reshape((-1, 4)).shape == a[:, None].squeeze(1).shape == (None, 4)


def test_configs_that_do_not_hold_together():
    config = branches().get_config()

    changes = {
        "has no": lambda c: c["layers"][0].pop("name"),
        "two layers named": lambda c: c["layers"].append(c["layers"][0]),
        "does not exist": lambda c: c["layers"].pop(2),
        "must be a list": lambda c: c.update(layers={}),
        "expected \\[layer, call, output\\]": lambda c: c.update(output_layers="out"),
        "names output 7": lambda c: c.update(output_layers=["h", 0, 7]),
    }
    for message, change in changes.items():
        damaged = copy.deepcopy(config)
        change(damaged)
        with pytest.raises(ValueError, match=message):
            Model.from_config(damaged)


def test_a_circle_is_found():
    config = branches().get_config()
    by_name = {entry["name"]: entry for entry in config["layers"]}
    by_name["h"]["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = ["out", 0, 0]
    with pytest.raises(ValueError, match="part of a circle"):
        Model.from_config(config)


def test_texts_go_into_a_model_by_an_input_of_their_own(tmp_path):
    x = layers.Input((1,), dtype="string")
    assert x.dtype == "string"
    y = layers.Dense(2)(layers.Embedding(5, 3)(layers.StringLookup(vocabulary=["a", "b"])(x)))
    keras.Model(x, y).save(tmp_path / "m.keras")
    model = keras.models.load_model(tmp_path / "m.keras")
    found = [model(np.array([["a"], ["z"]], kind)) for kind in (str, object, "S1")]
    assert found[0].shape == (2, 1, 2) and all(np.array_equal(one, found[0]) for one in found)
    with pytest.raises(TypeError, match="takes texts, got an array of float64"):
        model(np.ones((2, 1)))
