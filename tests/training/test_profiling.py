"""model.profile: where a training step's time goes."""

import time

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers


class Slow(layers.Layer):
    """Takes 4 ms forward and 8 ms backward."""

    def forward(self, x, training=False):
        time.sleep(0.004)
        return x, None

    def backward(self, dy, cache):
        time.sleep(0.008)
        return dy


class Around(layers.Layer):
    """Calls a layer of its own twice, between 4 ms of its own."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = Slow(name="inner")

    def forward(self, x, training=False):
        time.sleep(0.004)
        x, first = self.inner.forward(x, training)
        x, second = self.inner.forward(x, training)
        return x, (first, second)

    def backward(self, dy, cache):
        return self.inner.backward(self.inner.backward(dy, cache[1]), cache[0])


def state_of(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [np.array(v) for v in variables] + [np.array(v.grad) for v in model.trainable_variables]


def test_times_are_those_of_the_layers_and_add_up():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(3, name="dense"), Slow(name="slow"), Around(name="both")])
    model.compile("sgd", "mse")
    found = model.profile(np.ones((2, 3)), np.ones((2, 3)), runs=3)
    by_name = {row.name: row for row in found.rows}
    assert [row.name for row in found.rows] == ["dense", "slow", "both", "inner", "loss", "optimizer", "other"]
    assert [row.depth for row in found.rows] == [0, 0, 0, 1, 0, 0, 0]
    assert [row.calls for row in found.rows] == [1, 1, 1, 2, 1, 1, 0]
    # sleeping may take longer than was asked, on a busy machine much longer
    for name, forward, backward in (("slow", 4, 8), ("both", 12, 16), ("inner", 8, 16)):
        row = by_name[name]
        assert forward <= row.forward_ms and backward <= row.backward_ms
        assert row.ms == row.forward_ms + row.backward_ms
    assert by_name["both"].ms > by_name["inner"].ms + 4 - 1e-6
    assert by_name["dense"].ms < by_name["slow"].ms < found.total_ms
    top = [row for row in found.rows if row.depth == 0]
    assert sum(row.ms for row in top) == pytest.approx(found.total_ms, rel=0.5)
    assert by_name["slow"].share == pytest.approx(by_name["slow"].ms / found.total_ms)
    assert found.unwatched_ms > 40


@pytest.mark.parametrize("with_targets", [True, False])
def test_it_leaves_the_model_alone(with_targets):
    """Weights, moving statistics, the optimizer, gradients, metrics and dropout's streams."""
    x, y = np.random.default_rng(0).normal(size=(8, 6)), np.arange(8) % 3

    def trained(profiled):
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [keras.Input((6,)), layers.Dense(5), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(3)]
        )
        model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
        model.train_on_batch(x, y)
        if profiled:
            before, measured = state_of(model), model.get_metrics_result()
            model.profile(x, y if with_targets else None, runs=1)
            for a, b in zip(state_of(model), before, strict=True):
                np.testing.assert_array_equal(a, b)
            assert model.get_metrics_result() == measured
        layers.Dropout(0.5)  # draws from the process's stream
        model.fit(x, y, batch_size=4, verbose=0)
        return state_of(model)

    for a, b in zip(trained(True), trained(False), strict=True):
        np.testing.assert_array_equal(a, b)


def test_functional_models_shared_layers_and_models_in_models():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(4, name="deep")], name="inner")
    shared, a = layers.Dense(4, name="shared"), keras.Input((4,))
    model = keras.Model(a, layers.Add(name="sum")([shared(shared(a)), inner(a)]))
    rows = {row.name: row for row in model.profile(np.ones((2, 4)), runs=1).rows}
    assert {"shared", "inner", "deep", "sum", "other"} == rows.keys()
    assert rows["shared"].calls == 2
    assert rows["deep"].depth == 1 and rows["deep"].ms <= rows["inner"].ms


def test_a_subclass_that_has_not_been_built():
    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.lower, self.upper = layers.Dense(4, name="lower"), layers.Dense(2, name="upper")

        def forward(self, x, training=False):
            h, lower = self.lower.forward(x, training)
            y, upper = self.upper.forward(h, training)
            return y, (lower, upper)

        def backward(self, dy, cache):
            return self.lower.backward(self.upper.backward(dy, cache[1]), cache[0])

    model = Net()
    model.compile("adam", "mse")
    found = model.profile(np.ones((2, 3)), np.ones((2, 2)), runs=1)
    assert [row.name for row in found.rows] == ["lower", "upper", "loss", "optimizer", "other"]
    assert not model.optimizer.built


def test_it_prints_a_table():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2, name="dense")], name="net")
    model.compile("adam", "mse")
    text = str(model.profile(np.ones((4, 3)), np.ones((4, 2)), runs=2)).splitlines()
    assert text[0] == 'Profile of "net": medians of 2 steps, batch of 4'
    assert text[1].split() == ["layer", "class", "calls", "forward", "ms", "backward", "ms", "share"]
    assert [line.split()[0] for line in text[2:]] == ["dense", "loss", "optimizer", "other", "step:"]
    assert text[2].split()[1:3] == ["Dense", "1"] and text[2].endswith("%")


def test_what_cannot_be_profiled():
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    with pytest.raises(ValueError, match="is not compiled"):
        model.profile(np.ones((4, 3)), np.ones((4, 2)))
    with pytest.raises(ValueError, match="runs: got 0"):
        model.profile(np.ones((4, 3)), runs=0)
