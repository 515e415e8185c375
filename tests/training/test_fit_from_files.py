"""The same training, bit for bit, wherever the rows come from."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

import nnlite


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    x = rng.random((500, 6), dtype=np.float32)
    return x, (x.sum(axis=1) > 3).astype("int64")


def train(x, y=None, shuffle=True, **options):
    nnlite.utils.set_random_seed(5)
    model = nnlite.Sequential(
        [nnlite.Input((6,)), nnlite.layers.Dense(8, activation="relu"), nnlite.layers.Dense(2, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model.fit(x, y, epochs=3, shuffle=shuffle, verbose=0, **options).history


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
@pytest.mark.parametrize("kind", ["memmap", "big-endian", "fortran", "hdf5", "list", "frame"])
def test_history_is_the_same_from_memory_and_from_elsewhere(tmp_path, rows, kind, shuffle):
    x, y = rows
    options = {"shuffle": shuffle, "validation_split": 0.25, "batch_size": 30}
    expected = train(x, y, **options)
    assert list(expected) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    if kind == "memmap":
        x.tofile(tmp_path / "x")
        got = train(np.memmap(tmp_path / "x", np.float32, "r", shape=x.shape), y, **options)
    elif kind == "big-endian":
        got = train(x.astype(">f4"), y.astype(">i8"), **options)
    elif kind == "fortran":
        got = train(np.asfortranarray(x), y, **options)
    elif kind == "hdf5":
        import h5py

        with h5py.File(tmp_path / "data.h5", "w") as file:
            got = train(file.create_dataset("x", data=x, chunks=(64, 6)), file.create_dataset("y", data=y), **options)
    elif kind == "list":
        got = train(x.tolist(), y.tolist(), **options)
    else:
        import pandas as pd

        got = train(pd.DataFrame(x), pd.Series(y), **options)
    assert got == expected


def test_history_is_the_same_from_streams(rows):
    x, y = rows
    parts = [(x[i : i + 30], y[i : i + 30]) for i in range(0, 500, 30)]
    expected = train(x, y, shuffle=False, batch_size=30)

    class Parts(nnlite.utils.PyDataset):
        def __len__(self):
            return len(parts)

        def __getitem__(self, i):
            return parts[i]

    class Loader:
        def __iter__(self):
            return iter(parts)

    assert train(Parts(), shuffle=False) == expected
    assert train(Parts(workers=3), shuffle=False) == expected
    assert train(Loader()) == expected
    assert train((part for _ in range(3) for part in parts), steps_per_epoch=len(parts)) == expected


def test_training_and_prediction_from_a_file_need_the_memory_of_a_few_batches(tmp_path):
    import h5py

    with h5py.File(tmp_path / "x.h5", "w") as file:
        x = file.create_dataset("x", (40_000, 100), "float32", chunks=(100, 100), fillvalue=0.5)  # 16 MB
        y = file.create_dataset("y", (40_000, 1), "float32")
        model = nnlite.Sequential([nnlite.Input((100,)), nnlite.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(x, y, batch_size=1000, epochs=1, verbose=0, validation_split=0.5, steps_per_epoch=1)  # builds
        tracemalloc.start()
        model.fit(x, y, batch_size=1000, epochs=1, verbose=0, validation_split=0.5, shuffle="batch")
        model.evaluate(x, y, batch_size=1000, verbose=0)
        model.predict(x, batch_size=1000, verbose=0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 16e6 / 4


def test_bar_and_lines_come_from_fit_evaluate_and_predict(rows, capsys):
    x, y = rows
    model = nnlite.Sequential([nnlite.Input((6,)), nnlite.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=2, validation_split=0.2, callbacks=[nnlite.callbacks.ReduceLROnPlateau()])
    lines = capsys.readouterr().out.splitlines()
    assert [lines[0], lines[2]] == ["Epoch 1/2", "Epoch 2/2"]
    names = [part.split(":")[0] for part in lines[1].split(" - ")[3:]]
    assert names == ["accuracy", "loss", "val_accuracy", "val_loss", "learning_rate"]
    model.evaluate(x, y)
    model.predict(x)
    model.predict(x[:3])
    assert [line.split(" ")[0] for line in capsys.readouterr().out.splitlines()] == ["16/16", "16/16"]


def test_callbacks_act_on_a_real_model(rows, tmp_path):
    x, y = rows
    model = nnlite.Sequential([nnlite.Input((6,)), nnlite.layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    stop = nnlite.callbacks.EarlyStopping(monitor="val_accuracy", patience=0, min_delta=1.0, restore_best_weights=True)
    save = nnlite.callbacks.ModelCheckpoint(
        tmp_path / "{epoch}-{val_loss:.3f}.weights.h5", save_weights_only=True, save_best_only=True
    )
    rate = nnlite.callbacks.LearningRateScheduler(lambda epoch, lr: lr / 2)
    history = model.fit(x, y, epochs=9, verbose=0, validation_data=(x, y), callbacks=[stop, save, rate])
    assert history.epoch == [0, 1]
    np.testing.assert_allclose(history.history["learning_rate"], [0.0005, 0.00025], rtol=1e-6)
    first = min(tmp_path.iterdir())
    assert first.name == f"1-{history.history['val_loss'][0]:.3f}.weights.h5"
    kept = [w.copy() for w in model.get_weights()]
    model.load_weights(first)
    for restored, saved in zip(kept, model.get_weights(), strict=True):
        np.testing.assert_array_equal(restored, saved)
