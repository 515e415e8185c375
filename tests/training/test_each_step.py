"""What a fit does once and what at each step."""

from __future__ import annotations

import numpy as np
import pytest

import nnlite
from nnlite import callbacks


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
