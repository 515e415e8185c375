"""Calls of models on arrays that were seen before: nothing but the plan, where there is no more to do."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.models.sharing import KEPT


@pytest.mark.parametrize("kind", ["chain", "graph"])
def test_calls_go_straight_to_the_plan_until_something_changes(kind, monkeypatch):
    inputs = layers.Input((3,))
    dense = layers.Dense(2)
    model = keras.Sequential([inputs, dense]) if kind == "chain" else keras.Model(inputs, dense(inputs))
    x = np.ones((1, 3), "float32")
    assert model.function_of_batch(x) is None  # the first call checks
    first = model(x)
    assert model.function_of_batch(x) is not None
    with monkeypatch.context() as patch:
        patch.setattr(type(model), "infer", None)
        assert np.array_equal(model(x), first)
        assert np.array_equal(model.predict(x, verbose=0), first)
    for other in (x.tolist(), x.astype("float64"), x.astype("int32"), np.ones((3, 2), "float32").T, x[:0]):
        assert model.function_of_batch(other) is None
        assert model(other).dtype == np.float32 or len(other) == 0
    with pytest.raises(ValueError, match="size 3 along axis -1" if kind == "chain" else "size 4"):
        model(np.ones((1, 4), "float32"))
    dense.kernel.assign(dense.kernel.value * 2)
    assert np.allclose(model(x), 2 * first)
    model.activity_regularizer = keras.regularizers.L2(0.1)
    assert model.function_of_batch(x) is None
    model(x)
    assert model.function_of_batch(x) is None
    model.activity_regularizer = None
    model.infer = lambda x: "mine"
    assert model(x) == "mine"


def test_calls_with_more_to_do_than_a_plan_are_made_in_full():
    class Doubled(keras.Sequential):
        def infer(self, x, mask=None):
            return 2 * super().infer(x, mask)

    x = np.ones((1, 3), "float32")
    model = Doubled([layers.Input((3,)), layers.Dense(2, kernel_initializer="ones")])
    assert [model(x).tolist() for _ in range(3)] == [[[6.0, 6.0]]] * 3
    inputs = layers.Input((3,))
    outputs = {"b": layers.Dense(2)(inputs), "a": layers.Dense(1)(inputs)}
    model = keras.Model(inputs, outputs)
    assert [list(model(x)) for _ in range(3)] == [["b", "a"]] * 3
    model = keras.Model(inputs, layers.Dropout(0.9)(inputs, training=True))
    assert any((model(np.ones((1, 300, 3), "float32")[0]) != 1).any() for _ in range(3))
    models = [keras.Sequential([layers.Input((3,)), layers.Dense(2)]) for _ in range(20)]
    assert all(np.array_equal(one(x), one.infer(x)) for one in [*models, *models])
    model = models[0]
    for rows in range(1, 40):
        more = np.ones((rows, 3), "float32")
        assert np.allclose(model(more), model.infer(more)) and np.allclose(model(more), model.infer(more))
    assert len(model.__dict__["_plans"].whole) <= KEPT
