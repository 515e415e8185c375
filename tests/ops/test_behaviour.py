"""Types, masks, models and files around functions of ``nnlite.ops``."""

import sys

import numpy as np
import pytest

import nnlite
from nnlite import Input, Model, layers, ops


def test_numbers_do_not_widen_arrays():
    x = np.ones(3, "float32")
    for made in (x * 2.5, ops.add(x, 2.5), ops.multiply(np.sqrt(2), x), ops.where(x > 0, x, 0.5), ops.power(x, 0.5)):
        assert made.dtype == "float32"
    assert ops.add(x, np.ones(3)).dtype == "float64" and ops.exp(np.ones(3)).dtype == "float64"
    assert ops.add(np.ones(3, "int64"), x).dtype == "float32"
    assert ops.exp(2).dtype == "float32" and ops.add(1, 2).dtype == "int32" and ops.divide(1, 2).dtype == "float32"
    assert ops.sum([1.0, 2.0]).dtype == "float32" and ops.sum([1, 2]).dtype == "int32"


def test_the_default_float_type_counts():
    before = nnlite.config.floatx()
    nnlite.config.set_floatx("float64")
    try:
        assert ops.ones(2).dtype == ops.mean([1, 2]).dtype == ops.one_hot([1], 2).dtype == "float64"
    finally:
        nnlite.config.set_floatx(before)


def test_views_where_views_will_do():
    x = np.ones((4, 6), "float32")
    for made in (ops.reshape(x, (6, 4)), ops.transpose(x), x[1:], ops.split(x, 2)[1], ops.stop_gradient(x)):
        assert np.shares_memory(made, x)


def test_ties_share_the_gradient():
    x = Input((4,))
    model = Model(x, ops.max(x, axis=1))
    _, cache = model.forward(np.array([[1.0, 3.0, 3.0, 2.0]], "float32"))
    np.testing.assert_array_equal(model.backward(np.ones(1, "float32"), cache), [[0, 0.5, 0.5, 0]])


def test_a_gradient_where_only_one_of_several_results_is_used():
    x = Input((4,))
    for first, second in (ops.moments(x, [1]), ops.top_k(x, 1), ops.split(x, 2, axis=1)):
        for one in (first, second):
            model = Model(x, ops.cast(one, "float32") * 2)
            y, cache = model.forward(np.arange(8, dtype="float32").reshape(2, 4))
            dx = model.backward(np.ones_like(y), cache)
            assert dx is None or dx.shape == (2, 4)


def test_attention_by_hand_learns_and_is_saved(tmp_path):
    nnlite.utils.set_random_seed(0)
    x = Input((5, 4))
    q, k, v = (layers.Dense(8, name=name)(x) for name in "qkv")
    scores = ops.softmax(ops.einsum("btd,bsd->bts", q, k) / np.sqrt(8.0))
    pooled = ops.mean(ops.matmul(scores, v) + ops.pad(x, ((0, 0), (0, 0), (0, 4))), axis=1)
    model = Model(x, layers.Dense(1)(ops.concatenate([pooled, ops.max(x, axis=1)], axis=-1)))
    model.compile(nnlite.optimizers.Adam(0.01), "mse")
    rng = np.random.default_rng(0)
    data = rng.normal(size=(64, 5, 4)).astype("float32")
    history = model.fit(data, data[:, 0, :1], epochs=40, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    model.save(tmp_path / "model.keras")
    again = nnlite.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))


def test_deep_chains_need_no_recursion():
    x = y = Input((2,))
    for _ in range(3 * sys.getrecursionlimit() // 2):
        y = y + 1
    model = Model(x, y)
    assert model(np.zeros((1, 2), "float32"))[0, 0] == 3 * sys.getrecursionlimit() // 2
    assert len(Model.from_config(model.get_config()).get_config()["layers"]) == len(model.get_config()["layers"])


def test_masks_end_at_functions():
    x = Input((5,), dtype="int32")
    y = layers.Embedding(7, 3, mask_zero=True)(x)
    model = Model(x, layers.LSTM(2)(y * 1.0))
    twin = Model(x, layers.LSTM(2)(y))
    twin.set_weights(model.get_weights())
    ids = np.array([[1, 2, 0, 0, 0]])
    assert not np.allclose(model(ids), twin(ids))


@pytest.mark.parametrize("name", ["abs", "slice", "sum", "max", "any", "round", "swish"])
def test_names_of_python_and_second_names(name):
    assert name in ops.__all__ and callable(getattr(ops, name))
