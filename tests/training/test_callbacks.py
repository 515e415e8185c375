"""Callbacks: when they act, what they say, what they do to the model. Rules and messages are those of Keras 3.15."""

from __future__ import annotations

import copy
import csv
import os

import numpy as np
import pytest

import nnlite as keras
from nnlite.training.callbacks import (
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ProgbarLogger,
    ReduceLROnPlateau,
    TerminateOnNaN,
)


class Metric:
    def __init__(self, name, direction=None):
        self.name = name
        self._direction = direction


class Rate:
    """A learning rate as an optimizer keeps it: a float32."""

    def __init__(self, value):
        self.value = np.float32(value)

    def __float__(self):
        return float(self.value)


class Optimizer:
    def __init__(self, rate):
        self._rate = Rate(rate)

    @property
    def learning_rate(self):
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value):
        self._rate = Rate(value)


class Model:
    """As much of a model as callbacks may use; its one weight counts the epochs."""

    def __init__(self, learning_rate=0.1):
        self.metrics = [Metric("loss"), Metric("accuracy", "up"), Metric("mae", "down"), Metric("odd")]
        self.optimizer = Optimizer(learning_rate)
        self.weights = [np.zeros(1)]
        self.saved = []
        self.stop_training = False

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = [w.copy() for w in weights]

    def save(self, path, overwrite=False):
        assert overwrite
        self.saved.append(path)
        open(path, "w").close()

    def save_weights(self, path, overwrite=False):
        self.save(path, overwrite)


def fit(callbacks, logs, model=None, batches=1, start=0):
    """Run the hooks as fit does; ``logs`` is a list of the logs of each epoch."""
    model = model or Model()
    hooks = CallbackList(callbacks, add_history=True, model=model, verbose=0, epochs=len(logs), steps=batches)
    model.stop_training = False
    hooks.on_train_begin()
    for epoch, values in enumerate(logs, start):
        hooks.on_epoch_begin(epoch)
        for batch in range(batches):
            hooks.on_train_batch_begin(batch)
            hooks.on_train_batch_end(batch, {k: v for k, v in values.items() if not k.startswith("val_")})
            if model.stop_training:
                break
        model.weights[0] += 1
        hooks.on_epoch_end(epoch, dict(values))
        if model.stop_training:
            break
    hooks.on_train_end()
    return model


def val_losses(*values):
    return [{"loss": 1.0, "val_loss": value} for value in values]


# ---- the list and the hooks ----


class Recorder(Callback):
    def __init__(self, name, seen):
        self.name = name
        self.seen = seen

    def on_epoch_end(self, epoch, logs=None):
        self.seen.append(self.name)
        logs[self.name] = epoch


def test_callbacks_run_in_order_and_then_history():
    seen = []
    model = fit([Recorder("a", seen), Recorder("b", seen)], [{"loss": 1.0}, {"loss": 0.5}])
    assert seen == ["a", "b", "a", "b"]
    assert model.history.history == {"loss": [1.0, 0.5], "a": [0, 1], "b": [0, 1]}
    assert model.history.epoch == [0, 1]
    assert model.history.params == {"verbose": 0, "epochs": 2, "steps": 1}


def test_progress_runs_last():
    hooks = CallbackList([Callback()], add_history=True, add_progbar=True, model=Model(), verbose=0)
    assert [type(c) for c in hooks.callbacks] == [Callback, History, ProgbarLogger]


def test_given_history_and_progress_are_used():
    history, progress = History(), ProgbarLogger()
    hooks = CallbackList([progress, history], add_history=True, add_progbar=True, model=Model())
    assert hooks.callbacks == [progress, history] and hooks.model.history is history


def test_one_callback_and_a_list_of_callbacks_are_taken():
    one = Callback()
    assert CallbackList(one).callbacks == [one]
    assert CallbackList(CallbackList((one,))).callbacks == [one]
    assert CallbackList().callbacks == []


def test_the_hooks_of_a_run():
    seen = []

    class All(Callback):
        pass

    def hook(name):
        return lambda self, *args, **kwargs: seen.append(name)

    for name in dir(Callback):
        if name.startswith("on_") and "_batch_" not in name.replace("on_train_batch", "").replace("on_batch", ""):
            setattr(All, name, hook(name))
    fit(All(), [{"loss": 1.0}])
    assert seen == [
        "on_train_begin",
        "on_epoch_begin",
        "on_train_batch_begin",
        "on_train_batch_end",
        "on_epoch_end",
        "on_train_end",
    ]


def test_old_batch_hooks_are_called():
    seen = []

    class Old(Callback):
        def on_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            seen.append(("end", batch, logs["loss"]))

    fit(Old(), [{"loss": 1.0}], batches=2)
    assert seen == [("begin", 0), ("end", 0, 1.0), ("begin", 1), ("end", 1, 1.0)]


def test_batch_logs_are_made_once_and_only_for_callbacks_that_listen():
    made = []

    def logs():
        made.append(1)
        return {"loss": 2.0}

    quiet = CallbackList([EarlyStopping(), ModelCheckpoint("a.keras"), History()], model=Model())
    for hook in ("on_train_batch_end", "on_test_batch_end", "on_predict_batch_end"):
        getattr(quiet, hook)(0, logs)
    assert not made
    seen = []
    listener = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(logs["loss"]))
    CallbackList([listener, copy.copy(listener)], model=Model()).on_train_batch_end(0, logs)
    assert seen == [2.0, 2.0] and made == [1]


@pytest.mark.parametrize("kind", ["train", "test", "predict"])
def test_batch_hooks_of_every_kind_are_called(kind):
    seen = []
    hooks = {f"on_{kind}_batch_{when}": lambda batch, logs: seen.append((batch, logs)) for when in ("begin", "end")}
    run = CallbackList([LambdaCallback(**hooks)], model=Model())
    getattr(run, f"on_{kind}_batch_begin")(3)
    getattr(run, f"on_{kind}_batch_end")(3, {"loss": 1})
    assert seen == [(3, {}), (3, {"loss": 1})]


@pytest.mark.parametrize("kind", ["test", "predict"])
def test_begin_and_end_of_every_kind_are_called(kind):
    seen = []
    hooks = {f"on_{kind}_{when}": lambda logs: seen.append(logs) for when in ("begin", "end")}
    run = CallbackList([LambdaCallback(**hooks)], model=Model())
    getattr(run, f"on_{kind}_begin")()
    getattr(run, f"on_{kind}_end")({"loss": 1})
    assert seen == [{}, {"loss": 1}]


def test_append_hands_over_model_and_params():
    run = CallbackList(model=Model(), epochs=3)
    seen = []
    late = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    run.append(late)
    run.on_train_batch_end(5)
    assert late.model is run.model and late.params == {"epochs": 3} and seen == [5]


def test_wrong_callbacks_are_refused():
    with pytest.raises(TypeError, match=r"got the class EarlyStopping, expected an object: EarlyStopping\(\.\.\.\)"):
        CallbackList([EarlyStopping])
    with pytest.raises(TypeError, match=r"LambdaCallback\(on_epoch_end=function\)"):
        CallbackList([print])
    with pytest.raises(TypeError, match=r"'on_epoch_ends'\. Did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_ends=print)
    with pytest.raises(TypeError, match=r"on_train_begin got 3, expected a function"):
        LambdaCallback(on_train_begin=3)


def test_history_keeps_python_numbers_and_begins_epochs_anew():
    history = History()
    fit(history, [{"loss": np.float32(0.5), "per_class": np.array([1.0, 2.0])}])
    model = fit(history, [{"loss": 0.25}], start=4)
    assert type(history.history["loss"][0]) is float
    assert history.history["loss"] == [0.5, 0.25] and history.epoch == [4] and model.history is history


# ---- EarlyStopping ----


def test_early_stopping_stops_after_patience_epochs(capsys):
    stopper = EarlyStopping(patience=2, verbose=1)
    model = fit(stopper, val_losses(5, 4, 4, 4, 3))
    assert model.history.epoch == [0, 1, 2, 3]
    assert (stopper.stopped_epoch, stopper.best, stopper.best_epoch, stopper.wait) == (3, 4, 1, 2)
    assert capsys.readouterr().out == "Epoch 4: early stopping\n"


def test_early_stopping_never_stops_in_the_first_epoch():
    stopper = EarlyStopping(patience=0, baseline=0.0)
    assert fit(stopper, val_losses(5, 5, 3)).history.epoch == [0, 1]


def test_early_stopping_waits_while_values_improve_without_reaching_the_baseline():
    stopper = EarlyStopping(patience=0, baseline=0.0)
    assert fit(stopper, val_losses(5, 4, 3, 3, 2)).history.epoch == [0, 1, 2, 3]
    assert (stopper.best, stopper.best_epoch, stopper.wait) == (3, 2, 4)


def test_early_stopping_restores_the_best_weights(capsys):
    stopper = EarlyStopping(patience=0, verbose=1, restore_best_weights=True, monitor="val_accuracy")
    model = fit(stopper, [{"val_accuracy": a} for a in (0.7, 0.6, 0.9)])
    assert model.weights[0] == 1
    assert capsys.readouterr().out == (
        "Epoch 2: early stopping\nRestoring model weights from the end of the best epoch: 1.\n"
    )


def test_early_stopping_restores_also_when_training_ran_to_its_end():
    stopper = EarlyStopping(patience=10, restore_best_weights=True)
    assert fit(stopper, val_losses(3, 1, 2)).weights[0] == 2


def test_early_stopping_min_delta_baseline_and_start():
    assert fit(EarlyStopping(min_delta=-0.5), val_losses(5, 4.6, 4)).history.epoch == [0, 1]
    assert fit(EarlyStopping(patience=2, baseline=1.0), val_losses(5, 4, 4, 2)).history.epoch == [0, 1, 2]
    assert fit(EarlyStopping(patience=2, baseline=4.5), val_losses(5, 4, 4, 3)).history.epoch == [0, 1, 2, 3]
    assert fit(EarlyStopping(start_from_epoch=2), val_losses(1, 2, 3, 4)).history.epoch == [0, 1, 2, 3]
    assert fit(EarlyStopping(start_from_epoch=1), val_losses(1, 2, 3, 4)).history.epoch == [0, 1, 2]


def test_early_stopping_begins_anew_with_every_fit():
    stopper = EarlyStopping(patience=1)
    fit(stopper, val_losses(1, 2, 3))
    model = fit(stopper, val_losses(5, 4, 3))
    assert model.history.epoch == [0, 1, 2] and stopper.stopped_epoch == 0


def test_a_nan_is_never_the_best_for_long():
    stopper = EarlyStopping(patience=2)
    fit(stopper, val_losses(np.nan, 3.0, np.nan, 2.0))
    assert stopper.best == 2.0


def test_a_missing_value_is_a_warning():
    with pytest.warns(UserWarning) as seen:
        model = fit(EarlyStopping(monitor="val_los", mode="min"), val_losses(1, 2))
    assert model.history.epoch == [0, 1]
    assert str(seen[0].message) == (
        "Early stopping conditioned on metric `val_los` which is not available. Did you mean 'val_loss'? "
        "Available metrics are: loss,val_loss"
    )


@pytest.mark.parametrize(
    ("monitor", "values", "best"),
    [
        ("loss", (1, 3), 1),
        ("val_loss", (1, 3), 1),
        ("out_loss", (1, 3), 1),
        ("accuracy", (1, 3), 3),
        ("val_accuracy", (1, 3), 3),
        ("val_out_accuracy", (1, 3), 3),
        ("val_mae", (1, 3), 1),
    ],
)
def test_auto_mode_knows_losses_and_the_models_metrics(monitor, values, best):
    stopper = EarlyStopping(monitor=monitor, patience=5)
    fit(stopper, [{monitor: value} for value in values])
    assert stopper.best == best


@pytest.mark.parametrize("monitor", ["val_odd", "acuracy"])
def test_auto_mode_says_when_it_cannot_know(monitor):
    with pytest.raises(ValueError, match=rf"monitor='{monitor}' should rise or fall.*Pass mode='max' or mode='min'"):
        fit(EarlyStopping(monitor=monitor), [{monitor: 1}, {monitor: 2}])


def test_metrics_inside_a_container_are_found():
    model = Model()
    container = Metric("compile_metrics")
    container.metrics = model.metrics
    model.metrics = [container]
    stopper = EarlyStopping(monitor="val_accuracy")
    fit(stopper, [{"val_accuracy": 1}, {"val_accuracy": 3}], model)
    assert stopper.best == 3


def test_an_unknown_mode_is_a_warning():
    with pytest.warns(UserWarning, match=r"EarlyStopping: unknown mode 'maximum', taken as 'auto'"):
        EarlyStopping(mode="maximum")


# ---- learning rates ----


def test_reduce_lr_on_plateau(capsys):
    reducer = ReduceLROnPlateau(patience=1, verbose=1, cooldown=1)
    model = fit(reducer, val_losses(1, 1, 1, 1, 1, 1))
    rates = model.history.history["learning_rate"]
    np.testing.assert_allclose(rates, [0.1, 0.1, 0.01, 0.001, 1e-4, 1e-5], rtol=1e-6)
    assert list(model.history.history) == ["loss", "val_loss", "learning_rate"]
    lines = capsys.readouterr().out.split("\n")
    assert lines[:4] == [
        "",
        "Epoch 2: ReduceLROnPlateau reducing learning rate to 0.010000000149011612.",
        "",
        "Epoch 3: ReduceLROnPlateau reducing learning rate to 0.0009999999776482583.",
    ]


def test_reduce_lr_counts_nothing_in_its_cooldown():
    model = fit(ReduceLROnPlateau(patience=1, cooldown=3), val_losses(*[1] * 7))
    np.testing.assert_allclose(
        model.history.history["learning_rate"], [0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001], rtol=1e-6
    )


def test_reduce_lr_respects_min_lr_min_delta_and_improvement():
    model = fit(ReduceLROnPlateau(patience=1, min_lr=0.03), val_losses(1, 1, 1, 1))
    np.testing.assert_allclose(model.history.history["learning_rate"], [0.1, 0.1, 0.03, 0.03], rtol=1e-6)
    model = fit(ReduceLROnPlateau(patience=1, min_delta=0.1), val_losses(1, 0.95, 0.5, 0.2))
    np.testing.assert_allclose(model.history.history["learning_rate"], [0.1, 0.1, 0.01, 0.01], rtol=1e-6)


def test_reduce_lr_refuses_a_factor_of_one_and_warns_of_a_missing_value():
    with pytest.raises(ValueError, match=r"factor got 1\.0, expected a number below 1"):
        ReduceLROnPlateau(factor=1.0)
    with pytest.warns(UserWarning, match=r"Learning rate reduction is conditioned on metric `val_mae` which is not"):
        model = fit(ReduceLROnPlateau(monitor="val_mae"), [{"loss": 1.0}])
    assert model.history.history["learning_rate"] == [pytest.approx(0.1)]


def test_learning_rate_scheduler(capsys):
    model = fit(LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1), verbose=1), val_losses(1, 1))
    np.testing.assert_allclose(model.history.history["learning_rate"], [0.1, 0.05], rtol=1e-6)
    assert capsys.readouterr().out == (
        "\nEpoch 1: LearningRateScheduler setting learning rate to 0.1.\n"
        "\nEpoch 2: LearningRateScheduler setting learning rate to 0.05.\n"
    )


def test_learning_rate_scheduler_takes_the_present_rate():
    class Halve:
        def __call__(self, epoch, rate):
            return rate / 2

    for schedule in (Halve(), lambda epoch, rate: np.float32(rate / 2), lambda epoch, lr=None: lr / 2):
        model = fit(LearningRateScheduler(schedule), val_losses(1, 1))
        np.testing.assert_allclose(model.history.history["learning_rate"], [0.05, 0.025], rtol=1e-6)


def test_learning_rate_scheduler_does_not_hide_the_schedules_own_errors():
    def schedule(epoch, rate):
        return None + rate

    with pytest.raises(TypeError, match="unsupported operand"):
        fit(LearningRateScheduler(schedule), val_losses(1))


@pytest.mark.parametrize("rate", [1, "0.1", None])
def test_a_schedule_must_return_a_float(rate):
    with pytest.raises(ValueError, match=rf"should be a float\. Got: {rate}"):
        fit(LearningRateScheduler(lambda epoch: rate), val_losses(1))


def test_learning_rate_callbacks_need_a_schedule_and_an_optimizer():
    with pytest.raises(TypeError, match=r"schedule got 0\.1, expected a function"):
        LearningRateScheduler(0.1)
    model = Model()
    model.optimizer = None
    with pytest.raises(ValueError, match=r"ReduceLROnPlateau: the model has no optimizer"):
        fit(ReduceLROnPlateau(), val_losses(1), model)


# ---- TerminateOnNaN ----


@pytest.mark.parametrize("loss", [np.nan, np.inf, -np.inf, np.float32("nan")])
def test_terminate_on_nan(loss, capsys):
    model = fit(TerminateOnNaN(), [{"loss": 1.0}, {"loss": loss}, {"loss": 1.0}], batches=3)
    assert model.history.epoch == [0, 1]
    assert capsys.readouterr().out == "Batch 0: Invalid loss, terminating training\n"
    with pytest.raises(RuntimeError, match=r"NaN or Inf loss encountered at batch 0\. Loss value: -?(nan|inf)\. Term"):
        fit(TerminateOnNaN(raise_error=True), [{"loss": loss}])


# ---- CSVLogger ----


def read(path):
    with open(path, newline="") as file:
        return file.read()


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    fit(CSVLogger(path), [{"loss": 0.5, "accuracy": 0.25, "val_loss": 1.5}, {"loss": np.float32(0.25)}])
    assert read(path) == "epoch,accuracy,loss,val_loss\r\n0,0.25,0.5,1.5\r\n1,NA,0.25,NA\r\n"
    fit(CSVLogger(str(path), append=True), [{"loss": 0.125, "accuracy": 0.5, "val_loss": 2.0}], start=2)
    assert read(path).endswith("1,NA,0.25,NA\r\n2,0.5,0.125,2.0\r\n") and read(path).count("epoch") == 1
    fit(CSVLogger(path), [{"loss": 1.0, "val_loss": 1.0}])
    assert read(path) == "epoch,loss,val_loss\r\n0,1.0,1.0\r\n"


def test_csv_logger_keeps_columns_for_a_later_validation(tmp_path):
    path = tmp_path / "log.csv"
    logs = [{"loss": 1.0}, {"loss": 0.5, "val_loss": 0.75}]
    fit(CSVLogger(path, separator=";"), logs)
    assert read(path) == "epoch;loss;val_loss\r\n0;1.0;NA\r\n1;0.5;0.75\r\n"


def test_csv_logger_writes_each_line_at_once_and_quotes(tmp_path):
    path = tmp_path / "log.csv"
    lengths = []
    after = LambdaCallback(on_epoch_end=lambda epoch, logs: lengths.append(len(read(path).splitlines())))
    fit([CSVLogger(path), after], [{"a,b": np.array([1.0, 2.0])}, {"a,b": 0}])
    assert lengths == [2, 3]
    assert list(csv.reader(read(path).splitlines()))[:2] == [["epoch", "a,b", "val_a,b"], ["0", "[1.0, 2.0]", "NA"]]


def test_csv_logger_appends_to_an_empty_file_with_a_header(tmp_path):
    path = tmp_path / "log.csv"
    path.touch()
    fit(CSVLogger(path, append=True), val_losses(1))
    assert read(path).startswith("epoch,loss,val_loss")


def test_csv_logger_cannot_write(tmp_path):
    with pytest.raises(FileNotFoundError):
        fit(CSVLogger(tmp_path / "no" / "log.csv"), val_losses(1))


# ---- ModelCheckpoint ----


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_checkpoint_every_epoch(here, capsys):
    model = fit(ModelCheckpoint("a{epoch:02d}-{val_loss:.2f}.keras", verbose=1), val_losses(0.521, 0.514))
    assert model.saved == ["a01-0.52.keras", "a02-0.51.keras"]
    assert capsys.readouterr().out == (
        "\nEpoch 1: saving model to a01-0.52.keras\n"
        "\nEpoch 1: finished saving model to a01-0.52.keras\n"
        "\nEpoch 2: saving model to a02-0.51.keras\n"
        "\nEpoch 2: finished saving model to a02-0.51.keras\n"
    )


def test_checkpoint_of_the_best(here, capsys):
    saver = ModelCheckpoint("best.weights.h5", save_best_only=True, save_weights_only=True, verbose=1)
    model = fit(saver, val_losses(0.77284, 0.9, 0.5))
    assert model.saved == ["best.weights.h5"] * 2 and saver.best == 0.5
    assert capsys.readouterr().out == (
        "\nEpoch 1: val_loss improved from None to 0.77284, saving model to best.weights.h5\n"
        "\nEpoch 1: finished saving model to best.weights.h5\n"
        "\nEpoch 2: val_loss did not improve from 0.77284\n"
        "\nEpoch 3: val_loss improved from 0.77284 to 0.50000, saving model to best.weights.h5\n"
        "\nEpoch 3: finished saving model to best.weights.h5\n"
    )
    assert fit(saver, val_losses(0.6)).saved == []  # the best of the last fit still counts


def test_checkpoint_has_a_threshold(here):
    saver = ModelCheckpoint("b.keras", monitor="val_accuracy", save_best_only=True, initial_value_threshold=0.5)
    model = fit(saver, [{"val_accuracy": a} for a in (0.4, 0.6)])
    assert model.saved == ["b.keras"] and saver.best == 0.6


def test_checkpoint_by_batches_counts_over_epochs(here):
    saver = ModelCheckpoint("f{epoch}-{batch}.keras", save_freq=2)
    assert fit(saver, val_losses(1, 1), batches=3).saved == ["f1-2.keras", "f2-1.keras", "f2-3.keras"]


def test_checkpoint_by_batches_of_the_best(here):
    saver = ModelCheckpoint("f.keras", save_freq=1, save_best_only=True, monitor="loss")
    assert len(fit(saver, [{"loss": 2.0}, {"loss": 1.0}], batches=2).saved) == 2


def test_checkpoint_without_its_value_warns_and_saves(here):
    with pytest.warns(UserWarning, match=r"Can save best model only with val_mae available\."):
        model = fit(ModelCheckpoint("m.keras", monitor="val_mae", save_best_only=True), [{"loss": 1.0}])
    assert model.saved == ["m.keras"]


def test_checkpoint_makes_folders(here):
    fit(ModelCheckpoint(here / "runs" / "{epoch}" / "m.keras"), val_losses(1))
    assert os.path.exists("runs/1/m.keras")


def test_checkpoint_names_an_unknown_field(here):
    with pytest.raises(KeyError, match=r"has the field 'val_los'.*Did you mean 'val_loss'"):
        fit(ModelCheckpoint("{val_los}.keras"), val_losses(1))
    with pytest.raises(KeyError, match=r"has the field 'batch'"):
        fit(ModelCheckpoint("{batch}.keras"), val_losses(1))


def test_checkpoint_does_not_write_over_a_folder(here):
    os.mkdir("m.keras")
    with pytest.raises(IsADirectoryError, match=r"m\.keras' is a folder"):
        fit(ModelCheckpoint("m.keras"), val_losses(1))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"filepath": "a"}, r"got 'a', expected a name that ends in '\.keras'"),
        ({"filepath": "a.h5"}, r"got 'a\.h5', expected .* '\.keras'.*pass save_weights_only=True"),
        ({"filepath": "a.weights.h5"}, r"pass save_weights_only=True"),
        ({"filepath": "a.h5", "save_weights_only": True}, r"got 'a\.h5', expected .* '\.weights\.h5'"),
        ({"filepath": "a.keras", "save_freq": "batch"}, r"save_freq got 'batch'"),
        ({"filepath": "a.keras", "save_freq": 0}, r"save_freq got 0"),
        ({"filepath": "a.keras", "save_freq": True}, r"save_freq got True"),
    ],
)
def test_checkpoint_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        ModelCheckpoint(**arguments)


def test_what_a_callback_adds_to_a_batchs_logs_is_not_the_epochs():
    class Adds(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            logs["own"] = 1.0

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((4, 1))
    assert list(model.fit(x, x, callbacks=[Adds()], verbose=0).history) == ["loss"]
