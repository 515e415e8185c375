"""nnlite through its public, ordinary calls."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks import keras_nets
from benchmarks.contenders.base import Contender, Step
from benchmarks.nets import EPOCHS, is_epochs, make_data


class Nnlite(Contender):
    """nnlite."""

    ways = ("call", "predict")

    def __init__(self, threads: int) -> None:
        import nnlite

        nnlite.config.set_num_threads(threads)
        self.keras, self.version = nnlite, f"{nnlite.__version__}, NumPy {np.__version__}"

    def model(self, net: str, optimizer: Any = None) -> Any:
        """The net, compiled."""
        self.keras.utils.set_random_seed(0)
        model = keras_nets.build(self.keras, net)
        loss = self.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer or self.keras.optimizers.Adam(1e-3), loss)
        return model

    def train(self, net: str, batch: int) -> Step:
        model = self.model(net)
        if is_epochs(net):
            x, y = make_data(net, EPOCHS["digits"][0])
            return lambda: model.fit(x, y, batch_size=batch, verbose=0)
        x, y = make_data(net, batch)
        return lambda: model.train_on_batch(x, y)

    def predict(self, net: str, batch: int, way: str, folder: str) -> Step:
        model, (x, _) = self.model(net), make_data(net, batch)
        if way == "call":
            return lambda: model(x)
        return lambda: model.predict(x, batch_size=batch, verbose=0)

    def losses(self, net: str, weights: keras_nets.Weights, x: np.ndarray, y: np.ndarray, steps: int) -> list[float]:
        model = self.model(net, self.keras.optimizers.SGD(0.01))
        keras_nets.set_weights(model, weights)
        return [float(model.train_on_batch(x, y)) for _ in range(steps)]

    def outputs(self, net: str, weights: keras_nets.Weights, x: np.ndarray, folder: str) -> np.ndarray:
        model = self.model(net)
        keras_nets.set_weights(model, weights)
        return np.asarray(model.predict(x, verbose=0))

    def weights(self, net: str) -> keras_nets.Weights:
        """Weights for all contenders: this one's initial ones, with biases and statistics that are not all alike."""
        rng = np.random.default_rng(0)
        weights = keras_nets.get_weights(self.model(net))
        for arrays in weights.values():
            for i, array in enumerate(arrays):
                if array.ndim == 1:
                    arrays[i] = array + rng.uniform(0, 0.1, array.shape).astype(array.dtype)
        return weights

    def save(self, net: str, weights: keras_nets.Weights, folder: str) -> None:
        model = self.model(net)
        keras_nets.set_weights(model, weights)
        model.save(f"{folder}/{type(self).__name__}-{net}.keras")

    def load(self, net: str, folder: str) -> Any:
        return self.keras.models.load_model(f"{folder}/{type(self).__name__}-{net}.keras", compile=False).predict

    def profile(self, net: str, batch: int) -> str:
        """Where the time of a training step goes."""
        return str(self.model(net).profile(*make_data(net, batch), runs=9))
