"""Optimizers: how gradients become updates."""

from typing import Any

from nnlite.core import registry, serialization
from nnlite.optimizers import schedules
from nnlite.optimizers.adam import Adam, AdamW
from nnlite.optimizers.base import Optimizer
from nnlite.optimizers.rmsprop import RMSprop
from nnlite.optimizers.sgd import SGD


def get(identifier: Any) -> Any:
    """Return the optimizer meant by a name (in any case), a config, a class or an object.

    Raises ``ValueError`` for an unknown name.

    >>> get("adam").get_config()["beta_1"]
    0.9
    """
    if isinstance(identifier, str):
        known = {name.lower(): name for name in registry.known_names("optimizers")}
        identifier = known.get(identifier.lower(), identifier)
    found = serialization.get("optimizers", identifier)
    if not isinstance(found, Optimizer):
        raise TypeError(f"optimizer: got {identifier!r}, expected a name such as 'adam' or an optimizer.")
    return found


def serialize(optimizer: Any) -> Any:
    """Return the config of an optimizer.

    >>> serialize(SGD())["class_name"]
    'SGD'
    """
    return serialization.serialize(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the optimizer that a config describes.

    >>> deserialize(serialize(SGD(0.5))).learning_rate.numpy().item()
    0.5
    """
    return serialization.deserialize(config, "optimizers", custom_objects)
