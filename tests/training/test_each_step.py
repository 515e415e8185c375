"""What a fit does once and what at each step."""

from __future__ import annotations

import numpy as np
import pytest

import nnlite
from nnlite import callbacks
from nnlite.training.compiled import CompiledLoss


def classifier():
    model = nnlite.Sequential([nnlite.layers.Input((3,)), nnlite.layers.Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_logs_of_batches_are_made_for_whoever_reads_them():
    class Counted(nnlite.Sequential):
        made = 0

        def get_metrics_result(self):
            self.made += 1
            return super().get_metrics_result()

    class Reads(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(dict(logs))

    x, y, seen = np.ones((64, 3), "float32"), np.zeros(64, int), []
    logs = []
    for read in ([], [Reads()]):
        model = Counted([nnlite.layers.Input((3,)), nnlite.layers.Dense(2, "softmax", kernel_initializer="ones")])
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        logs.append(model.fit(x, y, batch_size=8, verbose=0, callbacks=read).history)
        assert model.made == (8 if read else 1)
    assert logs[0] == logs[1] == {name: [value] for name, value in seen[-1].items()} and len(seen) == 8


@pytest.mark.parametrize("name", ["train_step", "compute_metrics"])
def test_methods_replaced_on_the_model_itself_are_called(name):
    model, called = classifier(), []
    method = getattr(model, name)
    setattr(model, name, lambda *given, **options: called.append(1) or method(*given, **options))
    model.fit(np.ones((16, 3), "float32"), np.zeros(16, int), batch_size=8, verbose=0)
    assert len(called) == 2


class CountsChecks(CompiledLoss):
    """A compiled loss that notes how many targets it was asked to look through, each time."""

    def check(self, y_true, y_pred_shape, sample_weight=None):
        self.looked.append(len(y_true))
        super().check(y_true, y_pred_shape, sample_weight)


def counting(model):
    model._compiled.loss.__class__ = CountsChecks
    model._compiled.loss.looked = []
    return model._compiled.loss


def test_targets_in_memory_are_looked_through_once_a_fit_from_the_first_on():
    model, x, y = classifier(), np.ones((64, 3), "float32"), np.zeros(64, int)
    loss = counting(model)
    model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    assert loss.looked == [64, 8]  # all of them, then the first batch as the net takes it
    model.fit(x, y, batch_size=8, verbose=0)
    assert loss.looked == [64, 8] * 2


def test_targets_that_come_by_the_batch_are_looked_through_by_the_batch():
    model, x, y = classifier(), np.ones((8, 3), "float32"), np.zeros(8, int)
    loss = counting(model)
    model.fit(((x, y) for _ in range(4)), steps_per_epoch=4, verbose=0)
    assert loss.looked.count(8) >= 4


def test_a_model_compiled_anew_while_it_trains_looks_at_its_targets_again():
    class Anew(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.compile("sgd", "sparse_categorical_crossentropy")
                found.append(counting(self.model))

    model, x, y, found = classifier(), np.ones((16, 3), "float32"), np.zeros(16, int), []
    model.fit(x, y, batch_size=8, epochs=2, verbose=0, callbacks=[Anew()])
    assert found[0].looked == [8, 8]


def test_labels_spoilt_while_a_net_trains_change_no_weight():
    class Spoils(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            y[:] = 7
            kept.extend(w.copy() for w in self.model.get_weights())

    model, x, y, kept = classifier(), np.ones((16, 3), "float32"), np.zeros(16, int), []
    with pytest.raises(IndexError):
        model.fit(x, y, batch_size=8, verbose=0, shuffle=False, callbacks=[Spoils()])
    assert all((a == b).all() for a, b in zip(kept, model.get_weights(), strict=True))


def test_targets_are_held_against_the_output_that_a_changed_model_has():
    model, x = classifier(), np.ones((4, 3), "float32")
    model.evaluate(x, np.zeros(4, int), verbose=0)
    model.pop()
    model.add(nnlite.layers.Dense(5, activation="softmax"))
    assert np.isfinite(model.evaluate(x, np.full(4, 4), verbose=0)[0])
    with pytest.raises(ValueError, match="5 classes"):
        model.evaluate(x, np.full(4, 5), verbose=0)
