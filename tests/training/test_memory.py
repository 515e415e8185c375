"""Memory stays flat: over thousands of predictions, over epochs, and over data larger than what there is."""

import gc
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

import nnlite as keras
from nnlite import layers


def growth(run, warm, times):
    """Bytes that are held in the end and were not after the first runs."""
    for _ in range(warm):
        run()
    gc.collect()
    gc.freeze()  # what thousands of other tests have left need not be looked through each time
    tracemalloc.start()
    for _ in range(warm):
        run()  # what is made once more while memory is traced
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(times):
        run()
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    gc.unfreeze()
    return after - before


def small():
    """Of few and quick layers, as tracing makes them ten times slower."""
    return keras.Sequential([layers.Input((4,)), layers.Dense(3, "relu"), layers.Dense(2, "softmax")])


def net():
    return keras.Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Conv2D(2, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Reshape((4, 8)),
            layers.LSTM(3),
            layers.Dense(2, activation="softmax"),
        ]
    )


def test_the_measure_sees_what_is_kept():
    kept = []
    assert growth(lambda: kept.append(bytes(100)), 5, 100) > 10_000


def test_flat_over_ten_thousand_predictions():
    model, x = small(), np.ones((1, 4), "float32")
    assert growth(lambda: model(x), 20, 10_000) < 20_000
    assert growth(lambda: model.predict_on_batch(x), 20, 200) < 20_000


def test_flat_over_predictions_of_other_sizes():
    model, sizes = net(), iter(range(10**6))
    x = np.ones((20, 6, 6, 1), "float32")
    assert growth(lambda: model.predict(x[: 1 + next(sizes) % 20], verbose=0), 40, 120) < 50_000


@pytest.mark.parametrize("make, epochs", [(small, 200), (net, 20)])
def test_flat_over_epochs(make, epochs):
    model = make()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = np.ones((12, *model.input_shape[1:]), "float32"), np.zeros(12, int)
    assert growth(lambda: model.fit(x, y, batch_size=5, epochs=5, verbose=0), 1, epochs // 5) < 20_000


LIMITED = """
import resource, sys
import numpy as np
import nnlite as keras
from nnlite import layers

model = keras.Sequential([layers.Input((1024,)), layers.Dense(4), layers.Dense(1)])
model.compile("adam", "mse")
x = np.memmap(sys.argv[1], np.float32, "r").reshape(-1, 1024)
y = np.zeros(len(x), np.float32)
model.fit(x[:1000], y[:1000], batch_size=500, shuffle={shuffle}, verbose=0)
held = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmData")) * 1024
limit = x.nbytes // 10
resource.setrlimit(resource.RLIMIT_DATA, (held + limit, held + limit))
try:
    np.ones(2 * limit, np.uint8)
except MemoryError:
    model.fit(x, y, batch_size=500, validation_split=0.25, shuffle={shuffle}, verbose=0)
    print(model.predict(x, batch_size=500, verbose=0).shape)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
@pytest.mark.parametrize("shuffle", [False, True])
def test_data_of_ten_times_the_memory_trains_from_a_mapped_file(tmp_path, shuffle):
    rows = 80_000  # 328 MB, of a file that takes no room
    with open(tmp_path / "x", "wb") as file:
        file.truncate(rows * 4096)
    code = LIMITED.format(shuffle=repr(shuffle))
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "x"], stdout=-1, stderr=-1, text=True)
    assert done.stdout == f"({rows}, 1)\n", done.stderr
