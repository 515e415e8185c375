"""Batches made by threads: their order, their errors, and that the threads end when training does, however it ends."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import nnlite as keras
from nnlite.training.data_ahead import Ahead


class Numbers(keras.utils.PyDataset):
    """Twelve batches; ``wrong`` is one that cannot be made."""

    wrong = None

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.calls = []

    def __len__(self):
        return 12

    def __getitem__(self, i):
        time.sleep(0.001 * (i % 3))  # so that later ones are ready before earlier ones
        self.calls.append(i)
        if i == self.wrong:
            raise OSError(f"batch {i} is unreadable")
        rng = np.random.default_rng(i)
        return rng.normal(size=(4, 3)), rng.normal(size=(4, 1))

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


def net():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("nnlite-data")]


@pytest.fixture(autouse=True)
def threads_end():
    yield
    for thread in threads():
        thread.join(5)
    assert threads() == []


class At(keras.callbacks.Callback):
    """Does something at the end of batch 3."""

    def __init__(self, what):
        super().__init__()
        self.what, self.seen = what, []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)
        if batch == 3:
            self.what(self.model)


def interrupt(model):
    raise KeyboardInterrupt


def stop(model):
    model.stop_training = True


def test_results_are_those_of_one_thread():
    histories = []
    for options in (
        {},
        {"workers": 3},
        {"workers": 1, "use_multiprocessing": True},
        {"workers": 5, "max_queue_size": 2},
    ):
        model = net()
        history = model.fit(
            Numbers(**options), epochs=3, steps_per_epoch=4, verbose=0, validation_data=Numbers(**options)
        )
        histories.append((history.history, model.predict(Numbers(**options), verbose=0).tolist()))
    assert all(found == histories[0] for found in histories)


def test_each_epoch_ends_before_the_next_begins():
    data = Numbers(workers=4)
    net().fit(data, epochs=2, shuffle=False, verbose=0)
    calls = data.calls[3:]  # after the look at batch 0
    assert calls[0] == calls[14] == "begin" and calls[13] == calls[27] == "end"
    assert sorted(calls[1:13]) == sorted(calls[15:27]) == list(range(12))


def test_an_error_is_raised_at_its_batch():
    data, watcher = Numbers(workers=4), At(lambda model: None)
    data.wrong = 7
    with pytest.raises(OSError, match="batch 7 is unreadable") as raised:
        net().fit(data, shuffle=False, verbose=0, callbacks=[watcher])
    assert sys.version_info < (3, 11) or raised.value.__notes__ == ["This was batch 7 of the Numbers."]
    assert watcher.seen == list(range(7))


@pytest.mark.parametrize("what", [interrupt, stop])
@pytest.mark.parametrize("options", [{"workers": 3}, {"workers": 1, "use_multiprocessing": True}])
def test_threads_end_with_training(what, options):
    watcher = At(what)
    try:
        net().fit(Numbers(**options), epochs=2, verbose=0, callbacks=[watcher])
    except KeyboardInterrupt:
        assert what is interrupt
    assert watcher.seen == [0, 1, 2, 3]


def test_threads_end_with_a_part_of_the_data():
    model = net()
    model.fit(Numbers(workers=2), validation_data=Numbers(workers=2), validation_steps=3, verbose=0)
    model.fit(Numbers(workers=2), steps_per_epoch=5, verbose=0)
    model.evaluate(Numbers(workers=2), steps=2, verbose=0)
    assert model.predict(Numbers(workers=2), steps=2, verbose=0).shape == (8, 1)


def test_batches_are_made_while_the_model_computes():
    data = Numbers(workers=1, use_multiprocessing=True, max_queue_size=4)
    seen = []
    watcher = At(lambda model: None)
    watcher.on_train_batch_end = lambda batch, logs=None: (time.sleep(0.05), seen.append(len(data.calls)))
    net().fit(data, shuffle=False, verbose=0, callbacks=[watcher])
    # The look at batch 0 made three calls, the epoch's beginning one; four are ahead after the first batch.
    assert seen[0] == 4 + 1 + 4 and seen[-1] == 4 + 12


def test_a_process_ends_though_a_batch_never_does():
    script = """
import numpy as np, threading, nnlite as keras
class Stuck(keras.utils.PyDataset):
    def __len__(self):
        return 9
    def __getitem__(self, i):
        if i > 2:
            threading.Event().wait()
        return np.ones((2, 3)), np.ones((2, 1))
class Leave(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 1:
            raise SystemExit(7)
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(Stuck(workers=3), shuffle=False, verbose=0, callbacks=[Leave()])
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=60, check=False).returncode == 7


def test_order_bounds_and_close():
    running, most = [0], [0]
    lock = threading.Lock()

    def make(i):
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.001)
        with lock:
            running[0] -= 1
        return -i

    assert list(Ahead(make, range(30), workers=4, most=3)) == [-i for i in range(30)]
    assert 1 < most[0] <= 3
    assert list(Ahead(make, [], workers=2, most=1)) == []
    endless = Ahead(make, iter(int, 1), workers=2, most=2)
    assert [next(endless), next(endless)] == [0, 0]
    endless.close()
    assert list(endless) == []


def test_errors_end_everything():
    ahead = Ahead(lambda i: 1 // i, [1, 0, 1, 1], workers=2, most=4)
    assert next(ahead) == 1
    with pytest.raises(ZeroDivisionError):
        next(ahead)
    assert list(ahead) == []


def test_a_generator_goes_on_after_fit():
    """What the user gave is the user's: it is not closed, and no batch of it is lost."""

    def forever():
        for i in range(100):
            yield np.full((4, 3), i, "float32"), np.ones((4, 1), "float32")

    model, data = net(), forever()
    model.fit(data, steps_per_epoch=3, epochs=2, verbose=0)
    assert next(data)[0][0, 0] == 6
    model.evaluate(data, steps=2, verbose=0)
    assert next(data)[0][0, 0] == 9
