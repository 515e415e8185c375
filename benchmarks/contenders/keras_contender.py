"""Keras, on JAX and on TensorFlow: compiled training steps and predictions, as Keras makes them by itself."""

from __future__ import annotations

import os
from typing import Any

from benchmarks.contenders.base import Step
from benchmarks.contenders.nnlite_contender import Nnlite
from benchmarks.nets import make_data


class KerasOnJax(Nnlite):
    """Keras on JAX."""

    # nnlite's calls are Keras's, but that model(x) runs operation by operation there: predict_on_batch is compiled.
    backend = "jax"

    def __init__(self, threads: int) -> None:
        os.environ["KERAS_BACKEND"] = self.backend
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        backend = __import__(self.backend)
        import keras

        if self.backend == "tensorflow":
            backend.config.threading.set_intra_op_parallelism_threads(threads)
        self.keras: Any = keras
        self.version = f"{keras.__version__}, {self.backend} {backend.__version__}"

    def predict(self, net: str, batch: int, way: str, folder: str) -> Step:
        if way == "predict":
            return super().predict(net, batch, way, folder)
        model, (x, _) = self.model(net), make_data(net, batch)
        return lambda: model.predict_on_batch(x)

    def load(self, net: str, folder: str) -> Any:
        return self.keras.models.load_model(
            f"{folder}/{type(self).__name__}-{net}.keras", compile=False
        ).predict_on_batch


class KerasOnTensorflow(KerasOnJax):
    """Keras on TensorFlow."""

    backend = "tensorflow"
