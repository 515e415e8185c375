"""What a model was compiled with, as data for a file and back."""

from __future__ import annotations

from typing import Any

from nnlite import losses, metrics, optimizers
from nnlite.core import serialization

# The keys that files have, in Keras's order.
KEYS: tuple[str, ...] = (
    "optimizer",
    "loss",
    "loss_weights",
    "metrics",
    "weighted_metrics",
    "run_eagerly",
    "steps_per_execution",
    "jit_compile",
)
_GET = {"optimizer": optimizers.get, "loss": losses.get, "metrics": metrics.get, "weighted_metrics": metrics.get}


def to_config(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of compile as plain data: names stay names, objects become configs.

    Raises ``TypeError`` for what a file cannot hold, such as a lambda.
    """
    return {key: serialization.serialize(arguments[key]) for key in KEYS}


def from_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of compile that :func:`to_config` wrote, with objects in the place of their configs.

    Options that are not nnlite's are left out.
    """
    return {key: _revive(_GET.get(key), config[key]) for key in KEYS if key in config}


def _revive(get: Any, value: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        return get(value) if get is not None else value
    if isinstance(value, dict):
        return {key: _revive(get, inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_revive(get, inner) for inner in value]
    return value
