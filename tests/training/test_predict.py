"""predict: one result out of many batches, in the memory of a few."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from fake_models import Linear, TwoHeads, line

import nnlite
from nnlite import callbacks
from nnlite.core.layer import Layer
from nnlite.models import model as models
from nnlite.training.trainer import Trainer


class Same(Trainer, Layer):
    def forward(self, x, training=False):
        return x, None

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize("rows", [1, 2, 31, 32, 33, 64, 65])
@pytest.mark.parametrize("batch_size", [None, 1, 32, 1000])
def test_rows_come_back_in_order_whatever_the_batches(rows, batch_size):
    x = np.arange(rows * 3, dtype="float32").reshape(rows, 3)
    y = Same().predict(x, batch_size=batch_size, verbose=0)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("rows", [5, 50])
def test_the_result_is_the_callers_own(rows):
    x = np.ones((rows, 2), "float32")
    for y in (Same().predict(x, verbose=0), Same().predict_on_batch(x)):
        assert not np.shares_memory(x, y)


def test_several_outputs_come_as_the_model_gives_them():
    x, _ = line(70)
    y = TwoHeads().predict(x, verbose=0)
    assert isinstance(y, list) and [part.shape for part in y] == [(70, 1), (70, 3)]
    one = TwoHeads().predict(x[:1], verbose=0)
    assert isinstance(one, list) and [part.shape for part in one] == [(1, 1), (1, 3)]


def test_iterables_and_steps():
    x = np.arange(24.0, dtype="float32").reshape(12, 2)
    batches = [(x[i : i + 5], None) for i in (0, 5, 10)]
    np.testing.assert_array_equal(Same().predict(iter(batches), verbose=0), x)
    np.testing.assert_array_equal(Same().predict(iter(batches), steps=2, verbose=0), x[:10])
    np.testing.assert_array_equal(Same().predict(x, batch_size=5, steps=2, verbose=0), x[:10])
    np.testing.assert_array_equal(Same().predict(x, steps=4, verbose=0), x)


def test_outputs_with_another_number_of_rows_are_joined():
    class Halves(Same):
        def forward(self, x, training=False):
            return x[::2] * 1, None

    x = np.arange(20.0, dtype="float32").reshape(10, 2)
    np.testing.assert_array_equal(Halves().predict(x, batch_size=4, verbose=0), x[::2])


def test_outputs_of_different_shapes_are_refused():
    batches = [(np.ones((2, n), "float32"),) for n in (3, 4)]
    with pytest.raises(ValueError, match=r"\(3,\) and \(4,\)"):
        Same().predict(iter(batches), verbose=0)


def test_many_threads_may_predict_with_one_model():
    x, _ = line(300)
    model = Linear(units=4)
    model.build((None, 2))
    model.w.assign(np.arange(8.0).reshape(2, 4))
    expected = model.predict(x, verbose=0)
    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(lambda _: model.predict(x, batch_size=7, verbose=0), range(12)):
            np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_a_single_batch_prints_nothing_and_needs_no_compile(capsys):
    x, _ = line(20)
    model = Linear()
    assert model.predict(x).shape == (20, 1)
    assert model.predict(x[:1], batch_size=4).shape == (1, 1)
    assert model.predict(x.tolist()).shape == (20, 1)
    assert capsys.readouterr().out == ""
    model.predict(x, batch_size=5, verbose=2)
    assert "4/4" in capsys.readouterr().out


def test_the_hooks_see_every_batch_and_can_stop():
    calls = []

    class Watch(callbacks.Callback):
        def on_predict_begin(self, logs=None):
            calls.append("begin")

        def on_predict_batch_end(self, batch, logs=None):
            calls.append((batch, logs["outputs"].shape))
            self.model.stop_predicting = batch == 1

        def on_predict_end(self, logs=None):
            calls.append("end")

    x = np.ones((9, 2), "float32")
    y = Same().predict(x, batch_size=2, verbose=0, callbacks=[Watch()])
    assert calls == ["begin", (0, (2, 2)), (1, (2, 2)), "end"] and y.shape == (4, 2)


def test_memory_is_the_result_and_a_few_batches():
    class Widen(Same):
        def forward(self, x, training=False):
            return np.repeat(x, 100, axis=1), None

    x = np.ones((4000, 4), "float32")
    model = Widen()
    model.predict(x[:64], verbose=0)
    tracemalloc.start()
    y = model.predict(x, verbose=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    batch = y.nbytes * 32 / len(y)
    assert peak < y.nbytes + 6 * batch + 100_000


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, "a"])
def test_impossible_batch_sizes_are_named(batch_size):
    with pytest.raises(ValueError, match="batch_size"):
        Same().predict(np.ones((3, 2)), batch_size=batch_size)


def test_integers_and_doubles_are_cast_by_the_batch():
    x = np.arange(6).reshape(3, 2)
    for given in (x, x.astype(">f8"), x.astype("float64")[:, ::-1][:, ::-1], x.astype("uint8")):
        y = Same().predict(given, verbose=0)
        assert y.dtype == np.float32 and y.dtype.isnative
        np.testing.assert_array_equal(y, x)
    with pytest.raises((TypeError, ValueError)):
        Same().predict(np.array(["a", "b"]))


def dense_net(kind="row", **options):
    start = nnlite.layers.Input((5,), **options)
    row = [nnlite.layers.Dense(6, activation="relu"), nnlite.layers.Dropout(0.5), nnlite.layers.Dense(3)]
    if kind == "row":
        return nnlite.Sequential([start, *row])
    y = start
    for layer in row:
        y = layer(y)
    return nnlite.Model(start, y)


@pytest.fixture
def sizes(monkeypatch):
    """The numbers of rows that models computed at once."""
    seen = []
    for kind in (nnlite.Sequential, models.Functional):
        infer = kind.infer_with_mask

        def noted(self, x, mask, options, infer=infer):
            seen.append(len(x))
            return infer(self, x, mask, options)

        monkeypatch.setattr(kind, "infer_with_mask", noted)
    return seen


@pytest.mark.parametrize("kind", ["row", "graph"])
@pytest.mark.parametrize("rows", [33, 256, 600])
def test_rows_that_are_computed_alone_are_computed_together(kind, rows, sizes, capsys):
    model = dense_net(kind)
    x = np.random.default_rng(0).normal(size=(rows, 5)).astype("float32")
    y = model.predict(x, verbose=0)
    assert sizes == [min(256, rows - start) for start in range(0, rows, 256)]
    sizes.clear()
    np.testing.assert_allclose(model.predict(x, batch_size=32, verbose=0), y, rtol=1e-5, atol=1e-6)
    assert max(sizes) == 32  # what is asked for is done
    for verbose in (2, "auto"):
        np.testing.assert_array_equal(model.predict(x, verbose=verbose), y)
        steps = -(-rows // 32)
        assert f"{steps}/{steps} - 0s - " in capsys.readouterr().out
    np.testing.assert_array_equal(model.predict(x.astype("float64")[:, ::-1], verbose=0).shape, y.shape)


def recurrent_net(**options):
    layer = nnlite.layers.LSTM(4, **options)
    both = nnlite.layers.Bidirectional(nnlite.layers.GRU(3, return_sequences=True))
    return nnlite.Sequential([nnlite.layers.Input((7, 5)), both, layer, nnlite.layers.Dense(2)])


def test_sequences_are_computed_together(sizes):
    x = np.random.default_rng(0).normal(size=(70, 7, 5)).astype("float32")
    model = recurrent_net()
    y = model.predict(x, verbose=0)
    assert sizes == [70]
    np.testing.assert_allclose(model.predict(x, batch_size=32, verbose=0), y, rtol=1e-5, atol=1e-6)
    outer = nnlite.Sequential([nnlite.layers.Input((7, 5)), model])
    sizes.clear()
    np.testing.assert_allclose(outer.predict(x, verbose=0), y, rtol=1e-5, atol=1e-6)
    assert sizes[0] == 70


def test_states_that_are_handed_on_are_those_of_the_usual_batches(sizes):
    x = np.ones((64, 7, 5), "float32")
    model = recurrent_net(stateful=True)
    y = model.predict(x, verbose=0)
    assert sizes == [32, 32] and not np.allclose(y[:32], y[32:])


def test_what_could_tell_is_computed_in_the_usual_batches(sizes):
    class Watch(callbacks.Callback):
        def on_predict_batch_end(self, batch, logs=None):
            seen.append(logs["outputs"].shape)

    class Own(nnlite.Sequential):
        pass

    x, seen = np.ones((64, 5), "float32"), []
    dense_net().predict(x, verbose=0, callbacks=[Watch()])
    assert seen == [(32, 3)] * 2 and sizes == [32] * 2
    changed = dense_net()
    changed.predict_step = lambda data, step=changed.predict_step: step(data)
    mixed = nnlite.Sequential([nnlite.layers.Input((5,)), nnlite.layers.Softmax(axis=0)])
    own = Own([nnlite.layers.Input((5,)), nnlite.layers.Dense(2)])
    fixed = nnlite.Sequential([nnlite.layers.Input(batch_shape=(32, 5)), nnlite.layers.Dense(2)])
    unbuilt = nnlite.Sequential([nnlite.layers.Dense(2)])
    for model in (changed, mixed, own, fixed, unbuilt):
        sizes.clear()
        model.predict(x, verbose=0)
        assert sizes == [32, 32], model
