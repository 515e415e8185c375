"""Keras's API, numbers and files on NumPy, with an explicit backward pass in every layer.

>>> import nnlite as keras
>>> model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax")])
>>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nnlite import activations, config, constraints, initializers, losses, metrics, optimizers, random, regularizers

from nnlite import dtype_policies, layers, models, ops, saving  # isort: skip
from nnlite.config import DTypePolicy, FloatDTypePolicy
from nnlite.core.variable import Variable
from nnlite.initializers import Initializer
from nnlite.layers import Input, InputSpec, Layer
from nnlite.losses import Loss
from nnlite.metrics import Metric
from nnlite.models import Model, Sequential
from nnlite.optimizers import Optimizer
from nnlite.regularizers import Regularizer

if TYPE_CHECKING:
    from nnlite import backend, callbacks, datasets, mixed_precision, preprocessing, testing, utils

__version__ = "0.1.0"

_LAZY = ("backend", "callbacks", "datasets", "mixed_precision", "preprocessing", "testing", "utils")

__all__ = [
    "DTypePolicy",
    "FloatDTypePolicy",
    "Initializer",
    "Input",
    "InputSpec",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Variable",
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "testing",
    "utils",
    "version",
]


def version() -> str:
    """Return nnlite's version.

    >>> version() == __version__
    True
    """
    return __version__


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return importlib.import_module(f"nnlite.{name}")
    raise AttributeError(f"module 'nnlite' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
