"""What a contender has to offer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.keras_nets import Weights

Step = Callable[[], Any]


class Contender:
    """A library that trains and predicts the nets; what it cannot do raises ``NotImplementedError``.

    Attributes:
        version: of the library, and of what computes for it.
        nets: the nets it has, all where None.
        trains: whether it trains, too.
        ways: of predicting: "call" is the quickest that a user has, ``model(x)``; "predict" is the method of that name
            where it is another.
    """

    version = ""
    nets: tuple[str, ...] | None = None
    trains = True
    ways: tuple[str, ...] = ("call",)

    def train(self, net: str, batch: int) -> Step:
        """Return what does a training step of random data with Adam, or an epoch, and returns when it is done."""
        raise NotImplementedError

    def predict(self, net: str, batch: int, way: str, folder: str) -> Step:
        """Return what computes the outputs of a batch, in one of the ``ways``, as an array."""
        raise NotImplementedError

    def losses(self, net: str, weights: Weights, x: np.ndarray, y: np.ndarray, steps: int) -> list[float]:
        """Return the losses of steps of plain gradient descent at a rate of 0.01 over the same batch."""
        raise NotImplementedError

    def outputs(self, net: str, weights: Weights, x: np.ndarray, folder: str) -> np.ndarray:
        """Return the outputs for ``x`` in inference mode."""
        raise NotImplementedError

    def save(self, net: str, weights: Weights, folder: str) -> None:
        """Write a model that :meth:`load` reads."""
        raise NotImplementedError

    def load(self, net: str, folder: str) -> Callable[[np.ndarray], Any]:
        """Read what :meth:`save` wrote and return the model as a function."""
        raise NotImplementedError
