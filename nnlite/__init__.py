"""Keras's API, numbers and files on NumPy, with an explicit backward pass in every layer.

>>> import nnlite as keras
>>> model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, activation="softmax")])
>>> model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from nnlite.core import lazy

if TYPE_CHECKING:
    from nnlite import (
        activations,
        backend,
        callbacks,
        config,
        constraints,
        datasets,
        dtype_policies,
        initializers,
        layers,
        losses,
        metrics,
        mixed_precision,
        models,
        ops,
        optimizers,
        preprocessing,
        random,
        regularizers,
        saving,
        testing,
        utils,
    )
    from nnlite.config import DTypePolicy, FloatDTypePolicy, device
    from nnlite.core.naming import name_scope
    from nnlite.core.symbol import Symbol as KerasTensor
    from nnlite.core.variable import Variable
    from nnlite.initializers import Initializer
    from nnlite.layers import Input, InputSpec, Layer
    from nnlite.losses import Loss
    from nnlite.metrics import Metric
    from nnlite.models import Model, Sequential
    from nnlite.optimizers import Optimizer
    from nnlite.regularizers import Regularizer

_find, _names, _offered = lazy.attach(
    __name__,
    {
        "config": "DTypePolicy FloatDTypePolicy device",
        "core.naming": "name_scope",
        "core.symbol": "KerasTensor=Symbol",
        "core.variable": "Variable",
        "initializers": "Initializer",
        "layers": "Input InputSpec Layer",
        "losses": "Loss",
        "metrics": "Metric",
        "models": "Model Sequential",
        "optimizers": "Optimizer",
        "regularizers": "Regularizer",
    },
)

__version__ = "0.1.0"

# What is imported when it is first used, so that importing nnlite costs little more than importing NumPy.
_MODULES = (
    *("activations", "backend", "callbacks", "config", "constraints", "datasets", "dtype_policies", "initializers"),
    *("layers", "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "preprocessing", "random"),
    *("regularizers", "saving", "testing", "utils"),
)
__all__ = sorted([*_offered, *_MODULES, "version"])


def version() -> str:
    """Return nnlite's version.

    >>> version() == __version__
    True
    """
    return __version__


def __getattr__(name: str) -> Any:
    return importlib.import_module(f"nnlite.{name}") if name in _MODULES else _find(name)


def __dir__() -> list[str]:
    return sorted({*_names(), *_MODULES})
