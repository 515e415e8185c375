"""onnxruntime, which predicts; its files are exported from PyTorch's nets with nnlite's weights."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from benchmarks.contenders.base import Contender, Step
from benchmarks.keras_nets import Weights
from benchmarks.nets import make_data


class OnnxRuntime(Contender):
    """onnxruntime."""

    trains = False

    def __init__(self, threads: int) -> None:
        import onnxruntime

        self.runtime, self.version = onnxruntime, onnxruntime.__version__
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads

    def _session(self, net: str, folder: str) -> Any:
        path = f"{folder}/{net}.onnx"
        if not os.path.exists(path):
            raise NotImplementedError(
                f"there is no {net}.onnx: exporting it needs onnx, and torch among the contenders"
            )
        return self.runtime.InferenceSession(path, self.options, providers=["CPUExecutionProvider"])

    def predict(self, net: str, batch: int, way: str, folder: str) -> Step:
        session, x = self._session(net, folder), _channels_first(make_data(net, batch)[0])
        return lambda: session.run(None, {"x": x})[0]

    def outputs(self, net: str, weights: Weights, x: np.ndarray, folder: str) -> np.ndarray:
        return self.load(net, folder)(x)

    def save(self, net: str, weights: Weights, folder: str) -> None:
        self._session(net, folder)  # it has been exported, or raises

    def load(self, net: str, folder: str) -> Any:
        session = self._session(net, folder)
        return lambda x: session.run(None, {"x": _channels_first(x)})[0]


def _channels_first(x: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x
