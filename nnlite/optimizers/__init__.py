"""Optimizers: how gradients become updates."""

from typing import TYPE_CHECKING, Any

from nnlite.core import lazy, registry, serialization
from nnlite.optimizers import schedules
from nnlite.optimizers.base import Optimizer

if TYPE_CHECKING:
    from nnlite.optimizers.adagrad import Adadelta, Adagrad, Ftrl
    from nnlite.optimizers.adam import Adam, AdamW
    from nnlite.optimizers.adam_kin import Adamax, Nadam, ScheduleFreeAdamW
    from nnlite.optimizers.lion import Lion
    from nnlite.optimizers.loss_scale import LossScaleOptimizer
    from nnlite.optimizers.multi import MultiOptimizer, OptimizerMap
    from nnlite.optimizers.rmsprop import RMSprop
    from nnlite.optimizers.sgd import SGD
    from nnlite.optimizers.whole import Adafactor, Lamb, Muon
else:
    __getattr__, __dir__, __all__ = lazy.attach(
        __name__,
        {
            "adagrad": "Adadelta Adagrad Ftrl",
            "adam": "Adam AdamW",
            "adam_kin": "Adamax Nadam ScheduleFreeAdamW",
            "lion": "Lion",
            "loss_scale": "LossScaleOptimizer",
            "multi": "MultiOptimizer OptimizerMap",
            "rmsprop": "RMSprop",
            "sgd": "SGD",
            "whole": "Adafactor Lamb Muon",
        },
        "optimizers",
    )
    __all__ += ["Optimizer", "deserialize", "get", "schedules", "serialize"]


def get(identifier: Any) -> Any:
    """Return the optimizer meant by a name (in any case), a config, a class or an object; None for None.

    Raises:
        ValueError: for an unknown name.
        TypeError: for what is no optimizer.

    >>> get("adam").get_config()["beta_1"]
    0.9
    """
    if identifier is None:
        return None
    found = identifier
    if isinstance(identifier, (str, dict)):
        found = deserialize(identifier)
    elif isinstance(identifier, type) and issubclass(identifier, Optimizer):
        made: Any = identifier  # with a learning rate by default, as the classes here have
        found = made()
    if not isinstance(found, Optimizer):
        raise TypeError(f"optimizer: got {identifier!r}, expected a name such as 'adam' or an optimizer.")
    return found


def serialize(optimizer: Any) -> Any:
    """Return the config of an optimizer.

    >>> from nnlite.optimizers import SGD
    >>> serialize(SGD())["class_name"]
    'SGD'
    """
    return serialization.serialize(optimizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return the optimizer that a config, or a name in any case, describes.

    >>> from nnlite.optimizers import SGD
    >>> float(deserialize(serialize(SGD(0.5))).learning_rate)
    0.5
    """
    if isinstance(config, str):
        config = {"class_name": config, "config": {}}
    if isinstance(config, dict):
        name = str(config.get("class_name"))
        config = config | {"class_name": registry.spelled("optimizers", name) or name}
    return serialization.deserialize(config, "optimizers", custom_objects)
