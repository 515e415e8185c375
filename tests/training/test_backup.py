"""BackupAndRestore: a killed script, started again, ends with the numbers of one that was not."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import nnlite as keras
from nnlite.callbacks import BackupAndRestore, Callback, CSVLogger, EarlyStopping, ReduceLROnPlateau
from nnlite.utils import PyDataset

SCRIPT = """
import os, sys
import numpy as np
import nnlite as keras

folder, kill_at = sys.argv[1], int(sys.argv[2])
keras.utils.set_random_seed(3)
rng = np.random.default_rng(0)
x = rng.normal(size=(70, 5)).astype("float32")
y = (x.sum(1) > 0).astype("int32")
model = keras.Sequential(
    [keras.Input((5,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.3),
     keras.layers.BatchNormalization(), keras.layers.Dense(2, activation="softmax")]
)
model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])

class Killer(keras.callbacks.Callback):
    count = 0
    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        if self.count == kill_at:
            os._exit(9)

history = model.fit(
    x, y, batch_size=16, epochs=4, validation_split=0.2, verbose=0,
    callbacks=[keras.callbacks.BackupAndRestore(folder, save_freq=SAVE), keras.callbacks.ReduceLROnPlateau(
        "loss", patience=1, min_delta=1.0), Killer()],
)
np.savez(folder + ".npz", *model.get_weights(), *[v.value for v in model.optimizer.variables],
         loss=history.history["loss"][-1], val=history.history["val_accuracy"][-1])
"""


def run(tmp_path, name, save, kills):
    script = tmp_path / f"{name}.py"
    script.write_text(SCRIPT.replace("SAVE", repr(save)))
    folder = tmp_path / name
    for kill_at in (*kills, -1):
        done = subprocess.run([sys.executable, script, folder, str(kill_at)], capture_output=True, text=True)
        assert done.returncode == (0 if kill_at == -1 else 9), done.stderr
    assert not folder.exists()
    with np.load(f"{folder}.npz") as file:
        return dict(file)


def test_a_killed_script_goes_on_with_the_same_numbers(tmp_path):
    whole = run(tmp_path, "whole", "epoch", [])
    # in the middle of epochs 0 and 1, and at the last batch of an epoch
    for name, save, kills in (("steps", 1, [2, 4, 3]), ("threes", 3, [5]), ("epochs", "epoch", [6])):
        resumed = run(tmp_path, name, save, kills)
        assert whole.keys() == resumed.keys()
        for key in whole:
            np.testing.assert_array_equal(whole[key], resumed[key], err_msg=f"{name} {key}")


class InterruptError(Exception):
    pass


class InterruptAt(Callback):
    def __init__(self, batches):
        self.left = batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise InterruptError


def fresh(metrics=("mae",), **options):
    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dropout(0.2), keras.layers.Dense(1)]
    )
    model.compile(keras.optimizers.SGD(0.005, momentum=0.9, **options), "mse", metrics=list(metrics))
    return model


X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X.sum(1, keepdims=True)


class Set(PyDataset):
    asked = 0

    def __len__(self):
        return 5

    def __getitem__(self, i):
        type(self).asked += 1
        return X[4 * i : 4 * i + 4], Y[4 * i : 4 * i + 4]


class Again:
    def __iter__(self):
        return iter([(X[:7], Y[:7]), (X[7:], Y[7:]), (X[:3], Y[:3]), (X, Y), (X, Y)])


def forever():
    while True:
        for i in range(5):
            yield X[4 * i : 4 * i + 4], Y[4 * i : 4 * i + 4]


class Shuffled(PyDataset):
    """Has an order of its own, which it changes after every epoch."""

    keeps_order = True

    def __init__(self):
        super().__init__(workers=2)
        self.order, self.rng = np.arange(20), np.random.default_rng(1)

    def __len__(self):
        return 5

    def __getitem__(self, i):
        rows = self.order[4 * i : 4 * i + 4]
        return X[rows], Y[rows]

    def on_epoch_end(self):
        self.rng.shuffle(self.order)

    def get_state(self):
        return {"order": self.order, "rng": self.rng.bit_generator.state}

    def set_state(self, state):
        self.order[:] = state["order"]
        self.rng.bit_generator.state = state["rng"]


def windows():
    return keras.utils.timeseries_dataset_from_array(X, Y, 1, batch_size=4, shuffle=True, seed=2)


KINDS = {
    "own shuffle": lambda: ((Shuffled(),), {}),
    "arrays": lambda: ((X, Y), {"batch_size": 4}),
    "batch shuffle": lambda: ((X, Y), {"batch_size": 4, "shuffle": "batch"}),
    "in order": lambda: ((X, Y), {"batch_size": 4, "shuffle": False}),
    "steps": lambda: ((X, Y), {"batch_size": 2, "steps_per_epoch": 5}),
    "dataset": lambda: ((Set(),), {}),
    "dataset threads": lambda: ((Set(workers=2),), {}),
    "iterable": lambda: ((Again(),), {}),
    "generator": lambda: ((forever(),), {"steps_per_epoch": 3}),
}


def fit(model, kind, **options):
    (data, more) = KINDS[kind]()
    return model.fit(*data, epochs=4, verbose=0, **more, **options)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stop", [1, 4, 5, 7])
def test_every_kind_of_data_goes_on_at_the_exact_step(tmp_path, kind, stop):
    whole = fresh()
    expected = fit(whole, kind, validation_data=(X, Y)).history
    backup = BackupAndRestore(tmp_path / "b", save_freq=1)
    with pytest.raises(InterruptError):
        # the backup comes last, so that of the batch itself is not yet there
        fit(fresh(), kind, validation_data=(X, Y), callbacks=[backup, InterruptAt(stop + 1)])
    again = fresh()
    history = fit(
        again, kind, validation_data=(X, Y), callbacks=[BackupAndRestore(tmp_path / "b", save_freq=1)]
    ).history
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {key: values[-1] for key, values in history.items()} == {k: v[-1] for k, v in expected.items()}


def test_what_other_callbacks_have_seen_is_kept(tmp_path):
    def callbacks(*more):
        stopping = EarlyStopping("loss", patience=2, min_delta=10.0, restore_best_weights=True)
        reduce = ReduceLROnPlateau("loss", patience=2, min_delta=10.0, factor=0.5)
        logger = CSVLogger(tmp_path / "log.csv")
        return [BackupAndRestore(tmp_path / "b"), stopping, reduce, logger, *more]

    whole = fresh()
    fit(whole, "arrays", callbacks=callbacks())
    lines = (tmp_path / "log.csv").read_text()
    with pytest.raises(InterruptError):
        fit(fresh(), "arrays", callbacks=callbacks(InterruptAt(8)))
    again = fresh()
    history = fit(again, "arrays", callbacks=callbacks())
    assert history.epoch == [1, 2]  # stopped by what was seen before and after
    assert (tmp_path / "log.csv").read_text() == lines
    assert float(again.optimizer.learning_rate) == float(whole.optimizer.learning_rate)
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def interrupted(folder, **options):
    with pytest.raises(InterruptError):
        fit(fresh(), "arrays", callbacks=[BackupAndRestore(folder, save_freq=1, **options), InterruptAt(4)])


def test_the_backup_is_a_weights_file_with_words_beside_it(tmp_path):
    interrupted(tmp_path / "b")
    assert sorted(os.listdir(tmp_path / "b")) == ["latest.weights.h5", "training_metadata.json"]
    assert json.loads((tmp_path / "b" / "training_metadata.json").read_text()) == {"epoch": 0, "batch": 3}
    fresh().load_weights(tmp_path / "b" / "latest.weights.h5")


def test_it_is_kept_on_request_and_finished_training_stays_finished(tmp_path):
    model = fresh()
    fit(model, "arrays", callbacks=[BackupAndRestore(tmp_path / "b", delete_checkpoint=False)])
    again = fresh()
    history = fit(again, "arrays", callbacks=[BackupAndRestore(tmp_path / "b", delete_checkpoint=False)])
    assert history.epoch == []
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_backup_before_the_last_serves_where_the_last_is_damaged(tmp_path):
    interrupted(tmp_path / "b", double_checkpoint=True)
    (tmp_path / "b" / "latest.weights.h5").write_bytes(b"damaged")
    whole, again = fresh(), fresh()
    fit(whole, "arrays")
    fit(again, "arrays", callbacks=[BackupAndRestore(tmp_path / "b", double_checkpoint=True)])
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "latest.weights.h5").write_bytes(b"damaged"), "no HDF5 file|file signature"),
        (lambda folder: fresh().save_weights(folder / "latest.weights.h5"), "no state of training"),
    ],
)
def test_a_damaged_backup_is_refused(tmp_path, change, message):
    interrupted(tmp_path / "b")
    change(tmp_path / "b")
    with pytest.raises(ValueError, match=message):
        fit(fresh(), "arrays", callbacks=[BackupAndRestore(tmp_path / "b")])


def test_another_model_or_other_data_is_refused(tmp_path):
    interrupted(tmp_path / "b")
    other = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    other.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"(?s)cannot go on from the backup .* delete the folder"):
        other.fit(X, Y, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b")])
    with pytest.raises(ValueError, match="rows: the data had 20 then, it has 12 now"):
        fresh().fit(X[:12], Y[:12], batch_size=4, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b")])
    with pytest.raises(ValueError, match="shuffled"):
        fresh().fit(X, Y, batch_size=4, shuffle=False, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b")])


@pytest.mark.parametrize("arguments", [("",), (None,), ("b", 0), ("b", "batch"), ("b", True), ("b", 1.5)])
def test_wrong_arguments(arguments):
    with pytest.raises(ValueError, match="BackupAndRestore: (backup_dir|save_freq) got"):
        BackupAndRestore(*arguments)


def test_windows_keep_their_order(tmp_path):
    def model():
        keras.utils.set_random_seed(5)
        one = keras.Sequential([keras.Input((1, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
        one.compile("adam", "mse")
        return one

    whole = model()
    whole.fit(windows(), epochs=4, verbose=0)
    with pytest.raises(InterruptError):
        backup = BackupAndRestore(tmp_path / "b", save_freq=1)
        model().fit(windows(), epochs=4, verbose=0, callbacks=[backup, InterruptAt(8)])
    again = model()
    again.fit(windows(), epochs=4, verbose=0, callbacks=[BackupAndRestore(tmp_path / "b", save_freq=1)])
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("wrap", [lambda layer: layer, keras.layers.Bidirectional], ids=["lstm", "bidirectional"])
def test_states_are_handed_on(tmp_path, wrap):
    def model():
        keras.utils.set_random_seed(5)
        lstm = wrap(keras.layers.LSTM(3, stateful=True))
        one = keras.Sequential([keras.Input(batch_shape=(4, 2, 3)), lstm, keras.layers.Dense(1)])
        one.compile("adam", "mse")
        return one

    x = np.random.default_rng(0).normal(size=(20, 2, 3)).astype("float32")
    data = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0}
    whole = model()
    whole.fit(x, Y, **data)
    with pytest.raises(InterruptError):
        backup = BackupAndRestore(tmp_path / "b", save_freq=1)
        model().fit(x, Y, callbacks=[backup, InterruptAt(8)], **data)
    again = model()
    again.fit(x, Y, callbacks=[BackupAndRestore(tmp_path / "b", save_freq=1)], **data)
    for a, b in zip(again.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
