"""Recurrent layers: states between batches, cells of one's own, wrong input."""

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers
from nnlite.core.structure import flatten
from nnlite.testing import check_layer

X = np.random.default_rng(0).normal(size=(4, 6, 3)).astype("float32")


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_stateful_batches_go_on_where_the_last_one_ended(kind):
    layer = getattr(layers, kind)(5, stateful=True, return_sequences=True)
    parts = np.concatenate([layer(X[:, :2]), layer(X[:, 2:])], axis=1)
    whole = getattr(layers, kind)(5, return_sequences=True)
    whole.build((None, 6, 3))
    whole.set_weights(layer.get_weights())
    np.testing.assert_allclose(parts, whole(X), rtol=1e-5, atol=1e-6)
    layer.reset_state()
    np.testing.assert_allclose(layer(X), whole(X), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"is stateful: its states are those of 4 sequences, got a batch of 2"):
        layer(X[:2])
    layer.reset_states()
    assert layer(X[:2]).shape == (2, 6, 5)


def test_the_kernel_and_the_cell_agree():
    for kind, cell in (("LSTM", "LSTMCell"), ("GRU", "GRUCell"), ("SimpleRNN", "SimpleRNNCell")):
        fast = getattr(layers, kind)(5, return_sequences=True)
        slow = layers.RNN(getattr(layers, cell)(5), return_sequences=True)
        mask = np.arange(6) < np.array([[6], [1], [3], [4]])
        expected = fast(X, mask=mask)
        slow.build((None, 6, 3))
        slow.set_weights(fast.get_weights())
        np.testing.assert_allclose(slow(X, mask=mask), expected, rtol=1e-5, atol=1e-6)


MASKS = {
    "padded behind": [[1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0]],
    "padded before": [[0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 1]],
    "gaps": [[0, 1, 0, 1, 0, 0], [0, 1, 0, 0, 0, 1]],
    "the same steps": [[0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 1, 0]],
    "one": [[0, 1, 1, 0, 1, 0]],
    "nothing": [[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]],
    "everything": [[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]],
}
OPTIONS = [
    {},
    {"return_sequences": True},
    {"return_sequences": True, "zero_output_for_mask": True},
    {"return_sequences": True, "unroll": True},
    {"return_sequences": True, "return_state": True, "go_backwards": True},
    {"return_state": True, "zero_output_for_mask": True},
]


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("begun", [False, True], ids=["from zeros", "from states"])
def test_steps_that_no_sequence_has_are_skipped_and_change_nothing(kind, mask, options, begun):
    rng, mask = np.random.default_rng(3), np.array(mask, bool)
    x = rng.normal(size=(len(mask), 6, 3))
    fast = getattr(layers, kind)(5, dtype="float64", **options)
    slow = layers.RNN(getattr(layers, kind + "Cell")(5, dtype="float64"), dtype="float64", **options)
    for layer in (fast, slow):
        layer.build((None, 6, 3))
    fast.set_weights([rng.normal(size=w.shape) for w in fast.get_weights()])
    slow.set_weights(fast.get_weights())
    given = [x, *(rng.normal(size=(len(x), 5)) for _ in range(2 if kind == "LSTM" else 1))] if begun else x
    found, expected = [], []
    for layer, results in ((fast, found), (slow, expected)):
        y, cache = layer.forward(given, True, mask=mask)
        results += flatten(y)
        dy = [np.cos(a + 1) for a in flatten(y)]  # of all states, too
        results += flatten(layer.backward(dy if len(dy) > 1 else dy[0], cache))
        results += [v.grad for v in layer.trainable_variables]
        results += flatten(layer.infer(given, mask=mask))
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


class Decay(layers.Layer):
    """h' = a * h + x, y = 2 h': a cell of one's own."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.a = self.add_weight(shape=(self.units,), initializer="ones", name="a")

    def forward(self, inputs, training=False):
        x, h = inputs
        after = self.a.value * h + x
        return [2 * after, after], h

    def backward(self, dy, h):
        d = sum(g * k for g, k in zip(dy, (2, 1), strict=True) if g is not None)
        self.a.accumulate((d * h).sum(axis=0))
        return [d, d * self.a.value]


def test_a_cell_of_ones_own():
    layer = layers.RNN(Decay(3), return_sequences=True)
    y = layer(X)
    np.testing.assert_allclose(y, 2 * np.cumsum(X, axis=1), rtol=1e-5, atol=1e-5)
    check_layer(layers.RNN(Decay(3), return_state=True), (None, 4, 3))
    check_layer(layers.RNN([Decay(3), layers.GRUCell(2)]), (None, 4, 3))


def test_dropout_is_the_same_at_all_steps_and_off_outside_of_training():
    layer = layers.SimpleRNN(3, dropout=0.5, return_sequences=True, activation=None, seed=0)
    layer.build((None, 6, 3))
    layer.set_weights([np.eye(3), np.zeros((3, 3)), np.zeros(3)])
    y = layer(np.ones((50, 6, 3), "float32"), training=True)
    assert set(np.unique(y)) == {0.0, 2.0} and (y == y[:, :1]).all()
    np.testing.assert_array_equal(layer(X), X)


def test_weights_of_bidirectional_are_given_in_order():
    inner = layers.GRU(2)
    inner.build((None, 6, 3))
    weights = [w + i for i, w in enumerate(inner.get_weights() * 2)]
    layer = layers.Bidirectional(layers.GRU(2), weights=weights)
    layer.build((None, 6, 3))
    for a, b in zip(layer.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_models_with_recurrent_layers_learn_and_are_saved(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((6, 3)),
            layers.Bidirectional(layers.LSTM(8, return_sequences=True)),
            layers.TimeDistributed(layers.Dense(4, activation="relu")),
            layers.GRU(8),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.02), "mse")
    y = X.sum(axis=(1, 2))
    first = model.train_on_batch(X, y)
    for _ in range(60):
        last = model.train_on_batch(X, y)
    assert last < first / 5
    model.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(again(X), model(X))
    assert again.train_on_batch(X, y) == model.train_on_batch(X, y)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: layers.LSTM(2)(np.ones((2, 0, 3))), ValueError, "at least one step"),
        (lambda: layers.GRU(2)(np.ones((2, 3))), ValueError, "3 axes"),
        (lambda: layers.GRU(2)(X, mask=np.ones((4, 5), bool)), ValueError, r"shape \(4, 6\), got \(4, 5\)"),
        (lambda: layers.LSTM(2)(X, initial_state=[np.ones((4, 2))]), ValueError, "initial_state must have shapes"),
        (lambda: layers.GRU(2)(X, initial_state=[np.ones((4, 3))]), ValueError, r"\[\(4, 2\)\], got \[\(4, 3\)\]"),
        (lambda: layers.LSTM(0), ValueError, "units must be"),
        (lambda: layers.LSTM(2, dropout=1.5), ValueError, "dropout must be"),
        (lambda: layers.LSTM(2, activation="tanhh"), ValueError, "tanh"),
        (lambda: layers.RNN(layers.Dense(2)), ValueError, "state_size"),
        (lambda: layers.StackedRNNCells([]), ValueError, "at least one cell"),
        (lambda: layers.StackedRNNCells([layers.Dense(2)]), ValueError, "state_size"),
        (lambda: layers.Bidirectional(layers.Dense(2)), ValueError, "recurrent layer"),
        (lambda: layers.Bidirectional(3), ValueError, "must be a layer"),
        (lambda: layers.Bidirectional(layers.LSTM(2), "add"), ValueError, "merge_mode must be one of"),
        (
            lambda: layers.Bidirectional(layers.LSTM(2), backward_layer=layers.LSTM(2)),
            ValueError,
            "opposite directions",
        ),
        (
            lambda: layers.Bidirectional(
                layers.LSTM(2), backward_layer=layers.LSTM(2, go_backwards=True, return_sequences=True)
            ),
            ValueError,
            "return_sequences",
        ),
        (lambda: layers.TimeDistributed(layers.Dense(2))(np.ones((2, 3))), ValueError, "at least three axes"),
        (
            lambda: layers.TimeDistributed(layers.Dense(2))(X, mask=np.ones((4, 2), bool)),
            ValueError,
            "one entry for each step",
        ),
        (lambda: layers.Wrapper("x"), ValueError, "must be a layer"),
    ],
)
def test_wrong_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
