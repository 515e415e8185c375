"""scikit-learn's MLPClassifier, for the one net that it can be."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from benchmarks.contenders.base import Contender, Step
from benchmarks.keras_nets import Weights
from benchmarks.nets import EPOCHS, make_data


class ScikitLearn(Contender):
    """scikit-learn: a step is ``partial_fit``, which is an epoch; predictions are probabilities."""

    nets = ("digits",)

    def __init__(self, threads: int) -> None:
        import sklearn
        from sklearn.neural_network import MLPClassifier

        self.make: Any = MLPClassifier
        self.version = sklearn.__version__

    def _model(self, **options: Any) -> Any:
        settings = {"hidden_layer_sizes": (100,), "alpha": 0.0, "batch_size": EPOCHS["digits"][1], "random_state": 0}
        model = self.make(**{**settings, **options})
        x, y = make_data("digits", 200)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return model.partial_fit(x, y, classes=np.arange(10))

    def _loaded(self, weights: Weights, **options: Any) -> Any:
        model = self._model(**options)
        for i, (kernel, bias) in enumerate(weights.values()):
            model.coefs_[i][...], model.intercepts_[i][...] = kernel, bias
        return model

    def train(self, net: str, batch: int) -> Step:
        model = self._model()
        x, y = make_data(net, EPOCHS["digits"][0])
        return lambda: model.partial_fit(x, y).loss_

    def predict(self, net: str, batch: int, way: str, folder: str) -> Step:
        model, (x, _) = self._model(), make_data(net, batch)
        return lambda: model.predict_proba(x)

    def losses(self, net: str, weights: Weights, x: np.ndarray, y: np.ndarray, steps: int) -> list[float]:
        plain = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False, "learning_rate_init": 0.01}
        model = self._loaded(weights, shuffle=False, **plain)
        return [float(model.partial_fit(x, y).loss_) for _ in range(steps)]

    def outputs(self, net: str, weights: Weights, x: np.ndarray, folder: str) -> np.ndarray:
        """Logarithms of probabilities: logits but for a number for each row, which check.py takes out."""
        return np.log(self._loaded(weights).predict_proba(x))

    def save(self, net: str, weights: Weights, folder: str) -> None:
        import joblib

        joblib.dump(self._loaded(weights), f"{folder}/{net}.joblib")

    def load(self, net: str, folder: str) -> Any:
        import joblib

        return joblib.load(f"{folder}/{net}.joblib").predict_proba
