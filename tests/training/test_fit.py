"""fit and evaluate: epochs, validation, callbacks, weights, and what is logged."""

from __future__ import annotations

import numpy as np
import pytest
from fake_models import Linear, TwoHeads, line

from nnlite import callbacks, optimizers


def model_of(model=None, loss="mse", rate=0.1, **options):
    model = Linear() if model is None else model
    model.compile(optimizers.SGD(rate), loss, **options)
    return model


def close(history, other):
    """Whether two histories agree to rounding."""
    return list(history) == list(other) and all(history[name] == pytest.approx(other[name], rel=1e-5) for name in other)


class Again:
    """An iterable of batches that can be started again and again."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)


class Log(callbacks.Callback):
    """Writes down which hooks are called, with what."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append("train_begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(f"epoch_begin {epoch}")

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"batch_begin {batch}")

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append(f"batch_end {batch} {','.join(logs)}")

    def on_test_begin(self, logs=None):
        self.calls.append("test_begin")

    def on_test_batch_end(self, batch, logs=None):
        self.calls.append(f"test_batch_end {batch} {','.join(logs)}")

    def on_test_end(self, logs=None):
        self.calls.append("test_end")

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(f"epoch_end {epoch} {','.join(logs)}")

    def on_train_end(self, logs=None):
        self.calls.append("train_end")


def test_fit_learns_and_returns_the_history():
    x, y = line()
    model = model_of()
    history = model.fit(x, y, epochs=150, verbose=0)
    assert history is model.history and history.epoch == list(range(150))
    assert history.history["loss"][-1] < 1e-4
    np.testing.assert_allclose(model.w.value, [[2], [-1]], atol=0.01)


def test_fit_is_train_on_batch_in_a_loop():
    x, y = line(10)
    fitted, looped = model_of(), model_of()
    losses = fitted.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0).history["loss"]
    expected = []
    for _ in range(2):
        parts = [(looped.train_on_batch(x[i : i + 4], y[i : i + 4]), len(x[i : i + 4])) for i in (0, 4, 8)]
        expected.append(sum(loss * rows for loss, rows in parts) / 10)  # the mean, weighted by rows
    np.testing.assert_array_equal(fitted.w.value, looped.w.value)
    assert losses == pytest.approx(expected, rel=1e-6)
    assert all(type(loss) is float for loss in losses)


def test_the_hooks_come_in_order_with_sorted_logs():
    x, y = line(4)
    log = Log()
    model_of(metrics=["mae"]).fit(x, y, 2, epochs=1, verbose=0, callbacks=[log], validation_data=(x[:2], y[:2]))
    assert log.calls == [
        "train_begin",
        "epoch_begin 0",
        "batch_begin 0",
        "batch_end 0 loss,mae",
        "batch_begin 1",
        "batch_end 1 loss,mae",
        "test_begin",
        "test_batch_end 0 loss,mae",
        "test_end",
        "epoch_end 0 loss,mae,val_loss,val_mae",
        "train_end",
    ]


def test_epochs_end_where_asked_and_begin_where_asked():
    x, y = line(4)
    log = Log()
    history = model_of().fit(x, y, epochs=5, initial_epoch=3, verbose=0, callbacks=[log])
    assert history.epoch == [3, 4]
    assert [call for call in log.calls if call.startswith("epoch_begin")] == ["epoch_begin 3", "epoch_begin 4"]
    assert model_of().fit(x, y, epochs=0, verbose=0).epoch == []


def test_validation_split_takes_the_last_rows_and_gives_way_to_validation_data():
    x, y = line(10)
    x[8:] = 100.0
    model = model_of(rate=0.0)
    split = model.fit(x, y, validation_split=0.2, verbose=0).history
    given = model.fit(x[:8], y[:8], validation_data=(x[8:], y[8:]), verbose=0).history
    assert close(split, given) and list(split) == ["loss", "val_loss"]
    both = model.fit(x, y, validation_split=0.2, validation_data=(x[:3], y[:3]), verbose=0).history
    assert both["val_loss"] == pytest.approx([np.mean(y[:3] ** 2)], rel=1e-6)
    assert both["loss"] == pytest.approx([np.mean(y**2)], rel=1e-6)  # all rows are trained on


@pytest.mark.parametrize(("frequency", "epochs"), [(1, [0, 1, 2, 3]), (2, [1, 3]), ([1, 3], [0, 2]), (5, [])])
def test_validation_comes_as_often_as_asked(frequency, epochs):
    x, y = line(6)
    log = Log()
    model_of().fit(x, y, epochs=4, validation_data=(x, y), validation_freq=frequency, verbose=0, callbacks=[log])
    ends = [call for call in log.calls if call.startswith("epoch_end")]
    assert [i for i, call in enumerate(ends) if "val_loss" in call] == epochs


def test_validation_weights_steps_and_batch_size():
    x, y = line(12)
    model, log = model_of(rate=0.0), Log()
    weight = np.zeros(12)
    weight[0] = 1
    history = model.fit(x, y, 3, verbose=0, validation_data=[x, y, weight], callbacks=[log], validation_batch_size=6)
    assert history.history["val_loss"] == pytest.approx([y[0, 0] ** 2 / 12], rel=1e-5)
    assert sum("test_batch_end" in call for call in log.calls) == 2
    log.calls.clear()
    with pytest.raises(ValueError, match=r"validation_data.*tuple of 4"):
        model.fit(x, y, verbose=0, validation_data=(x, y, weight, 1))
    model.fit(x, y, 3, verbose=0, validation_data=(x, y), validation_steps=2, callbacks=[log])
    assert sum("test_batch_end" in call for call in log.calls) == 2


def test_class_weights_are_sample_weights_and_spare_metrics_and_validation():
    x, _ = line(6)
    y = np.array([0, 1, 1, 0, 1, 0])
    model = model_of(rate=0.0, metrics=["mse"], weighted_metrics=["mse"])
    by_class = model.fit(x, y, verbose=0, class_weight={0: 1.0, 1: 3.0}, validation_data=(x, y)).history
    by_row = model.fit(x, y, verbose=0, sample_weight=np.where(y == 1, 3.0, 1.0), validation_data=(x, y)).history
    assert close(by_class, by_row)
    assert by_class["loss"] == pytest.approx([9 / 6]) and by_class["val_loss"] == pytest.approx([0.5])
    assert by_class["mse"] == pytest.approx([0.5]) and by_class["weighted_mse"] == pytest.approx([9 / 12])


def test_a_callback_stops_training_within_an_epoch():
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    x, y = line()
    log = Log()
    model = model_of()
    model.fit(x, y, batch_size=5, epochs=3, verbose=0, callbacks=[Stop(), log])
    assert log.calls[-1] == "train_end" and sum("batch_end" in call for call in log.calls) == 2
    model.fit(x, y, batch_size=20, epochs=3, verbose=0)
    assert model.history.epoch == [0, 1, 2]  # the next fit starts afresh


def test_a_layer_frozen_by_a_callback_stays_as_it_is_from_the_next_epoch_on():
    x, y = line()
    model = model_of(TwoHeads(), loss="mse")
    targets = [y, np.tile(y, 3)]
    kept = {}

    class Freeze(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.wb.trainable = False
            kept.setdefault("wb", self.model.wb.numpy())
            kept.setdefault("wa", self.model.wa.numpy())

    model.fit(x, targets, epochs=3, verbose=0, callbacks=[Freeze()])
    np.testing.assert_array_equal(model.wb.value, kept["wb"])
    assert not np.array_equal(model.wa.value, kept["wa"])


def test_variables_are_looked_up_once_unless_something_changes(monkeypatch):
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = False

    class Rename(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.setting = epoch

    looked, refresh = [], type(model_of())._refresh
    monkeypatch.setattr(type(model_of()), "_refresh", lambda self, *given: (looked.append(1), refresh(self, *given))[1])
    for callback, times in ((Stop(), 1), (Rename(), 4)):
        looked.clear()
        model = model_of()
        model.predict(line()[0], verbose=0)
        model.train_on_batch(*line())
        looked.clear()
        model.fit(*line(), batch_size=5, epochs=4, verbose=0, callbacks=[callback])
        assert len(looked) == times


def test_generators_iterables_and_steps():
    x, y = line(12)

    def endless():
        while True:
            for i in range(0, 12, 4):
                yield x[i : i + 4], y[i : i + 4]

    arrays, generated, listed = model_of(), model_of(), model_of()
    arrays.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
    generated.fit(endless(), epochs=2, steps_per_epoch=3, verbose=0)
    listed.fit(Again([(x[i : i + 4], y[i : i + 4]) for i in (0, 4, 8)]), epochs=2, verbose=0)
    np.testing.assert_array_equal(arrays.w.value, generated.w.value)
    np.testing.assert_array_equal(arrays.w.value, listed.w.value)
    assert arrays.evaluate(endless(), steps=3, verbose=0) == arrays.evaluate(x, y, batch_size=4, verbose=0)


def test_a_generator_that_ends_ends_training():
    x, y = line(8)
    model = model_of()
    with pytest.warns(UserWarning, match="ran out"):
        history = model.fit(((x[i : i + 2], y[i : i + 2]) for i in range(0, 8, 2)), epochs=5, verbose=0)
    assert history.epoch == [0]
    with pytest.warns(UserWarning, match="ran out"):
        history = model.fit(
            ((x[i : i + 2], y[i : i + 2]) for i in range(0, 8, 2)), epochs=5, steps_per_epoch=2, verbose=0
        )
    assert history.epoch == [0, 1] and len(history.history["loss"]) == 2


def test_validation_steps_take_the_same_rows_every_epoch():
    x, y = line(12)
    model = model_of(rate=0.0)
    history = model.fit(x, y, epochs=3, verbose=0, validation_data=(x, y), validation_batch_size=2, validation_steps=2)
    assert len(set(history.history["val_loss"])) == 1
    assert history.history["val_loss"][0] == pytest.approx(model.evaluate(x[:4], y[:4], verbose=0), rel=1e-6)


def test_shuffling_follows_the_seed():
    from nnlite import random

    x, y = line()
    results = []
    for seed in (1, 1, 2):
        random.set_seed(seed)
        model = model_of()
        model.fit(x, y, batch_size=3, epochs=2, verbose=0)
        results.append(model.w.numpy())
    np.testing.assert_array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


def test_several_outputs_are_logged_one_by_one():
    x, y = line()
    model = model_of(TwoHeads(), loss={"a": "mse", "b": "mae"}, loss_weights={"a": 2.0, "b": 1.0}, rate=0.0)
    model.compile(model.optimizer, {"a": "mse", "b": "mae"}, {"a": 2.0, "b": 1.0}, {"b": ["mse"], "a": ["mae"]})
    targets = {"b": np.tile(y, 3), "a": y}
    history = model.fit(x, targets, batch_size=8, verbose=0).history
    assert list(history) == ["a_loss", "a_mae", "b_loss", "b_mse", "loss"]
    a, b = np.mean(y**2), np.mean(abs(y))
    assert history["a_loss"] == pytest.approx([a], rel=1e-5)  # not weighted
    assert history["loss"] == pytest.approx([2 * a + b], rel=1e-5)
    assert model.evaluate(x, targets, verbose=0) == pytest.approx([2 * a + b, a, b, b, a], rel=1e-5)
    assert list(model.evaluate(x, targets, verbose=0, return_dict=True)) == list(history)


def test_outputs_may_be_a_dict():
    class Named(TwoHeads):
        form = dict

    x, y = line()
    model = model_of(Named(), loss={"a": "mse", "b": "mse"})
    targets = {"a": y, "b": np.tile(y, 3)}
    first = model.fit(x, targets, epochs=3, verbose=0).history["loss"]
    assert first[2] < first[0]
    assert {name: part.shape for name, part in model.predict(x, verbose=0).items()} == {"a": (20, 1), "b": (20, 3)}


def test_evaluate_returns_the_loss_alone_a_list_or_a_dict():
    x, y = line()
    model = model_of(rate=0.0)
    assert model.evaluate(x, y, verbose=0) == pytest.approx(np.mean(y**2), rel=1e-6)
    model.compile(optimizers.SGD(0.0), "mse", metrics=["mse", "mae"])
    values = [np.mean(y**2), np.mean(y**2), np.mean(abs(y))]
    assert model.evaluate(x, y, batch_size=3, verbose=0) == pytest.approx(values, rel=1e-5)
    assert list(model.evaluate(x, y, verbose=0, return_dict=True)) == ["loss", "mae", "mse"]
    assert model.evaluate(x, y, batch_size=5, steps=1, verbose=0)[0] == pytest.approx(np.mean(y[:5] ** 2), rel=1e-5)
    weight = np.linspace(0, 1, 20)
    assert model.evaluate(x, y, sample_weight=weight, verbose=0)[:2] == pytest.approx(
        [np.mean(weight * y[:, 0] ** 2), np.mean(y**2)], rel=1e-5
    )


def test_evaluate_changes_nothing():
    x, y = line()
    model = model_of()
    model.build((None, 2))
    before = model.get_weights()
    model.evaluate(x, y, verbose=0)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"epochs": 1.5}, TypeError, "epochs: got 1.5"),
        ({"epochs": -1}, ValueError, "epochs: got -1"),
        ({"epochs": True}, ValueError, "epochs: got True"),
        ({"initial_epoch": "2"}, TypeError, "initial_epoch"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"validation_freq": 0}, ValueError, "validation_freq"),
        ({"validation_freq": "1"}, TypeError, "validation_freq"),
        ({"validation_split": 1.5}, ValueError, "validation_split"),
        ({"shuffle": "rows"}, ValueError, "shuffle"),
        ({"verbose": 3}, ValueError, "verbose"),
        ({"epoch": 3}, TypeError, "'epoch'.*'epochs'"),
        ({"steps_per_epoch": 0}, ValueError, "^steps_per_epoch: got 0"),
        ({"validation_data": line(), "validation_steps": 0}, ValueError, "^validation_steps: got 0"),
        ({"validation_data": line(), "validation_batch_size": -1}, ValueError, "^validation_batch_size: got -1"),
        ({"validation_data": 3}, ValueError, "^validation_data: x: got 3"),
    ],
)
def test_options_out_of_range_are_named_before_anything_happens(options, error, words):
    x, y = line()
    model = model_of()
    with pytest.raises(error, match=words):
        model.fit(x, y, **{"verbose": 0, **options})
    assert not model.built


def test_unknown_keywords_of_evaluate_are_named():
    with pytest.raises(TypeError, match=r"'sample_weights'.*'sample_weight'"):
        model_of().evaluate(*line(), sample_weights=3)


@pytest.mark.parametrize("place", ["train", "validation"])
def test_targets_in_memory_are_all_checked_before_the_first_step(place):
    x, y = line(9)
    bad = y.copy()
    bad[7] = np.nan
    model, log = model_of(), Log()
    data = {"y": bad} if place == "train" else {"y": y, "validation_data": (x, bad)}
    with pytest.raises(ValueError, match=r"(?i)nan"):
        model.fit(x, **data, batch_size=3, shuffle=False, verbose=0, callbacks=[log])
    assert not model.w.value.any() and model.seen.value == 0 and not log.calls


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda x, y: (x, np.zeros((20, 4))), "mse: targets have shape"),
        (lambda x, y: x, "y: got None"),
        (lambda x, y: iter([]), "gave no batch"),
        (lambda x, y: iter([(x, y, y[:3])]), "Batch 0 of the data: .*same number of rows"),
        (lambda x, y: iter([(x, np.zeros((20, 4)))]), "mse: targets have shape"),
    ],
)
def test_validation_data_that_do_not_fit_are_named_before_the_first_step(data, words):
    x, y = line(20)
    model, log = model_of(), Log()
    with pytest.raises(ValueError, match=f"^validation_data: .*{words}"):
        model.fit(x, y, verbose=0, callbacks=[log], validation_data=data(x, y))
    assert not model.w.value.any() and model.seen.value == 0 and not log.calls


def test_looking_at_validation_data_first_uses_up_none_of_it():
    x, y = line(12)
    parts = [(x[i : i + 3], y[i : i + 3]) for i in (0, 3, 6, 9)]
    left = iter(parts)
    model = model_of()
    model.fit(x, y, epochs=1, validation_freq=2, verbose=0, validation_data=left)
    assert next(left) is parts[0]  # there was no validation
    left = iter(parts)
    seen = model.fit(x, y, verbose=0, validation_data=left, validation_steps=2).history["val_loss"]
    assert seen == [pytest.approx(model.evaluate(x[:6], y[:6], verbose=0))]
    assert next(left) is parts[2]


def test_streamed_targets_are_checked_before_their_batch_is_learnt():
    x, y = line(9)
    bad = y.copy()
    bad[7] = np.nan
    model = model_of()
    with pytest.raises(ValueError, match=r"(?i)nan"):
        model.fit(((x[i : i + 3], bad[i : i + 3]) for i in (0, 3, 6)), verbose=0)
    good = model_of()
    good.fit(x[:6], y[:6], batch_size=3, shuffle=False, verbose=0)
    np.testing.assert_array_equal(model.w.value, good.w.value)
    assert model.seen.value == 2


@pytest.mark.parametrize("shape", [(20, 2), (20, 3, 1), (20, 20)])
def test_weights_that_do_not_fit_the_loss_are_named_before_the_first_step(shape):
    x, y = line()
    model = model_of()
    with pytest.raises(ValueError, match=r"sample_weight: got shape .*\(rows\)"):
        model.fit(x, y, sample_weight=np.ones(shape), verbose=0)
    assert model.seen.value == 0
    model.fit(x, y, sample_weight=np.ones((20, 1)), verbose=0)


def test_the_model_is_built_when_training_begins():
    class Look(callbacks.Callback):
        def on_train_begin(self, logs=None):
            assert self.model.built and self.model.optimizer.built

    model_of().fit(*line(), verbose=0, callbacks=[Look()])


def test_blas_gets_its_threads_back_between_steps():
    from threadpoolctl import threadpool_info

    def blas_threads():
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    inside, between, before = [], [], blas_threads()

    class Look(Linear):
        def infer(self, x):
            inside.append(blas_threads())
            return super().infer(x)

    class Between(callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            between.append(blas_threads())

    x, y = line()
    model_of(Look()).evaluate(x, y, verbose=0, callbacks=[Between()])
    assert between == [before] and inside == [[1] * len(before)]
