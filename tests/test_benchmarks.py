"""The benchmarks run without any peer, and count work and compare results rightly."""

import dataclasses
import json
from importlib import metadata

import numpy as np
import pytest

from benchmarks import keras_nets, tables
from benchmarks.__main__ import main
from benchmarks.check import check
from benchmarks.kernels import nnlite_side
from benchmarks.kernels.cases import CASES, OPTIMIZERS
from benchmarks.nets import NETS, flops, make_data, spec


def test_the_smallest_net_from_end_to_end(tmp_path, capsys):
    folder, file = tmp_path / "results", tmp_path / "more.json"
    arguments = [
        "--nets",
        "digits",
        "--contenders",
        "scikit-learn",
        "--rounds",
        "1",
        "--seconds",
        "0",
        "--profile",
        "--growth",
    ]
    main([*arguments, "--threads", "1", "--results", str(folder), "--json", str(file)])
    printed = capsys.readouterr().out
    assert "scikit-learn is missing" in printed or "the same in scikit-learn" in printed
    assert "dense0" in printed  # the profile
    found = json.loads(file.read_text())
    assert found == json.loads((folder / "results.json").read_text())
    assert found["peak_gflops"] > 1 and "nnlite" in found["versions"]
    assert list(found["results"]) == [
        "train digits 200",
        "call digits 128",
        "predict digits 128",
        "call digits 1",
        "predict digits 1",
    ]
    assert 0 < found["memory"]["digits"]["nnlite"]["step_mb"] < found["memory"]["digits"]["nnlite"]["total_mb"]
    assert len(found["first"]["digits"]["nnlite"]["ms"]) == 1
    old = tuple(map(int, metadata.version("scipy").split(".")[:2])) < (1, 15)
    assert 50 < found["installed_mb"]["nnlite"] < (220 if old else 200)  # with NumPy, SciPy and h5py
    report = (folder / "report.md").read_text()
    assert "| digits: model.predict(x), batch 1 |" in report and "alone / beside a busy process" in report
    growth = found["growth"]
    assert list(growth["neighbour"]["alone"]) == ["train digits 200"]
    assert list(growth["batch"]) == [f"call digits {batch}" for batch in (8, 32, 128, 512, 2048)]
    assert list(growth["width"]) == [f"call {net} 128" for net in ("digits*0.5", "digits", "digits*2", "digits*4")]


def test_kernels_from_end_to_end(tmp_path, capsys):
    main(["kernels", "--only", "loss", "--rounds", "1", "--seconds", "0", "--results", str(tmp_path)])
    assert "loss softmax cross-entropy 10, backward" in capsys.readouterr().out
    assert "GB/s" in (tmp_path / "kernels.md").read_text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_kernel_runs(case):
    small = dataclasses.replace(case, batch=1 if case.kind in OPTIMIZERS else 2)
    forward, backward = nnlite_side.passes(small)
    backward(forward())


def test_a_wrong_kernel_is_found(monkeypatch):
    (case,) = (case for case in CASES if case.name == "dense 512->10")
    assert nnlite_side.check(case) < nnlite_side.BOUND
    dense = nnlite_side.LAYERS["dense"]

    class Wrong(dense):
        def forward(self, x, training=False):
            y, cache = super().forward(x, training)
            return (y * 1.001 if y.dtype == np.float32 else y), cache

    monkeypatch.setitem(nnlite_side.LAYERS, "dense", Wrong)
    with pytest.raises(AssertionError, match="dense 512->10: differs"):
        nnlite_side.check(case)


class FakeWorker:
    """A contender that answers from memory."""

    def __init__(self, name, losses):
        self.name, self.losses, self.hello = name, losses, {"trains": True}

    def has(self, net):
        return True

    def ask(self, job, **arguments):
        return {"losses": self.losses, "outputs": [[1.0, 2.0]]}


def test_different_losses_are_found():
    ours = FakeWorker("nnlite", [2.0, 1.0])
    assert "the same in torch" in check([ours, FakeWorker("torch", [2.0, 1.001])], ["mlp"])[0]
    with pytest.raises(AssertionError, match="mlp: losses of torch differ"):
        check([ours, FakeWorker("torch", [2.0, 1.01])], ["mlp"])
    with pytest.raises(AssertionError, match="the loss does not fall"):
        check([FakeWorker("nnlite", [1.0, 2.0])], ["mlp"])


def test_work_is_counted_in_products():
    assert flops("mlp", 1) == (2.0 * (784 * 512 + 512 * 512 + 5120), 2.0 * (2 * 784 * 512 + 3 * (512 * 512 + 5120)))
    forward, step = flops("cnn", 2)
    first, second, last = 26 * 26 * 9 * 32, 11 * 11 * 9 * 32 * 64, 1600 * 10
    assert forward == 2.0 * 2 * (first + second + last)
    assert step == 2.0 * 2 * (2 * first + 3 * (second + last))
    # in the ResNet the shortcuts of two stages are products, too
    shortcuts = 2 * (16 * 16 * 16 * 32 + 8 * 8 * 32 * 64)
    stages = 2 * 9 * (32 * 32 * 3 * 16 + 4 * 1024 * 256 + 256 * (512 + 3 * 1024) + 64 * (2048 + 3 * 4096))
    assert flops("resnet", 1)[0] == stages + shortcuts + 2 * 640


@pytest.mark.parametrize("net", [*NETS, "cnn*0.5", "transformer*2"])
def test_nets_are_as_described(net):
    import nnlite

    model = keras_nets.build(nnlite, net)
    assert model.input_shape[1:] == spec(net)[0]
    assert model.output_shape == (None, 10)
    assert model(make_data(net, 2)[0]).shape == (2, 10)


def test_ratios_are_medians_of_rounds():
    results = {
        "predict mlp 1": {"nnlite": {"ms": [1.0, 2.0, 4.0]}},
        "call mlp 1": {"nnlite": {"ms": [9.0, 9.0, 9.0]}, "a": {"ms": [2.0, 2.0, 2.0]}, "b": {"ms": [3.0, 1.0, 6.0]}},
    }
    _, header, rows = tables.rates(results, [("predict", "mlp", 1)], ["a", "b"], 100.0, "")
    row = dict(zip(header, rows[0], strict=True))
    assert row["nnlite ms"] == "2.000" and row["a"] == "2.000 (1.00x)" and row["b"] == "3.000 (1.50x)"
    assert row["to the fastest peer (rounds)"] == "0.50x (2.00 0.50 0.50)"
