"""What compile was told, in the files of any Keras: optimizers, losses and metrics."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry

# What compile takes today; what else was written down means nothing.
KEYS = (
    "optimizer",
    "loss",
    "loss_weights",
    "metrics",
    "weighted_metrics",
    "run_eagerly",
    "steps_per_execution",
    "jit_compile",
)

# Names of functions that have others today. The cosine was a negative one, as the loss is today.
LOSSES = {
    "cosine": "cosine_similarity",
    "cosine_proximity": "cosine_similarity",
    "kullback_leibler_divergence": "kl_divergence",
    "logcosh": "log_cosh",
    "huber_loss": "huber",
}
REDUCTIONS = {"auto": "sum_over_batch_size"}

# Wrappers of a function -> the classes that are named by functions.
WRAPPERS = {"MeanMetricWrapper": "metrics", "LossFunctionWrapper": "losses"}

# key of an optimizer -> today's
OPTIMIZER_RENAMED = {"lr": "learning_rate", "optimizer": "inner_optimizer"}
# key of an optimizer -> the values under which it may be dropped, None for any
OPTIMIZER_DROPPED: dict[str, tuple[Any, ...] | None] = {
    "is_legacy_optimizer": None,
    "jit_compile": None,
    "loss_scale": None,
    "epsilon": (None,),  # the default, which was Keras's epsilon
    "dynamic": (True,),
}
# Nadam's momentum rose 250 times more slowly before Keras 2.11.
_NADAM = ("schedule_decay", "decay")


def normalize(config: dict[str, Any], old: bool, by_keras_alone: bool) -> dict[str, Any]:
    """Return the arguments of compile of any era as today's; what is inside of them may still need it.

    Args:
        config: as a file has it.
        old: whether a Keras before 3 wrote it.
        by_keras_alone: whether one that was no part of TensorFlow did, up to 2.3.

    Raises ``ValueError`` for settings that nnlite cannot honour, ``TypeError`` for what is none.
    """
    config = dict(config)
    if "optimizer_config" in config:
        config["optimizer"] = config.pop("optimizer_config")
    made = {key: config[key] for key in KEYS if config.get(key) is not None}
    if "optimizer" in made:
        made["optimizer"] = _optimizer(made["optimizer"], old, by_keras_alone)
    if "loss" in made:
        made["loss"] = _each(made["loss"], _loss)
    for key in ("metrics", "weighted_metrics"):
        if isinstance(made.get(key), str):
            made[key] = [made[key]]
        if key in made:
            made[key] = _each(made[key], _metric)
            if len(made[key]) == 1 and isinstance(made[key], list) and isinstance(made[key][0], list):
                made[key] = made[key][0]  # the metrics of the only output
    return made


def _each(value: Any, change: Any) -> Any:
    """``change`` of each that is in lists and in dicts by output."""
    if isinstance(value, list):
        return [_each(one, change) for one in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _each(one, change) for key, one in value.items()}
    return change(value)


def _loss(value: Any) -> Any:
    return LOSSES.get(value, value) if isinstance(value, str) else _described(value)


def _metric(value: Any) -> Any:
    return _described(value)


def _described(value: Any) -> Any:
    """A loss or metric, by the class of its own instead of a wrapper around a function that has one."""
    config = value.get("config") if isinstance(value, dict) else None
    if not isinstance(config, dict) or not isinstance(value["class_name"], str):
        return value
    class_name, config = value["class_name"].rsplit(">", 1)[-1], dict(config)
    if config.get("reduction") in REDUCTIONS:
        config["reduction"] = REDUCTIONS[config["reduction"]]
    function = config.get("fn")
    if class_name in WRAPPERS and isinstance(function, str):
        named = _class_of(WRAPPERS[class_name], LOSSES.get(function, function))
        if named is None:
            return {**value, "config": config}
        class_name = named
    elif class_name in WRAPPERS or isinstance(function, dict):
        return {**value, "config": config}
    config.pop("fn", None)
    return {**value, "class_name": class_name, "config": config}


def _class_of(kind: str, function: str) -> str | None:
    """The class that a function has, by its name: "mean_squared_error" -> "MeanSquaredError"."""
    wanted = "".join(word.capitalize() for word in function.split("_"))
    found = registry.spelled(kind, wanted)
    return found if found is not None and found[0].isupper() else None


def _optimizer(value: Any, old: bool, by_keras_alone: bool) -> Any:
    if not isinstance(value, dict) or not isinstance(value.get("config"), dict):
        return value
    class_name = str(value.get("class_name"))
    if registry.get_registered_object(class_name) is not None or not old:
        return value
    class_name, config = class_name.rsplit(">", 1)[-1], dict(value["config"])
    class_name = registry.spelled("optimizers", class_name) or class_name
    for key, today in OPTIMIZER_RENAMED.items():
        if key in config:
            config.setdefault(today, config.pop(key))
    if isinstance(config.get("inner_optimizer"), dict):
        config["inner_optimizer"] = _optimizer(config["inner_optimizer"], old, by_keras_alone)
    if class_name == "Nadam":
        for key in _NADAM:
            if config.pop(key, None):
                raise ValueError(
                    f"The Nadam of Keras before 2.11 ({key}) is not supported by nnlite: it computes other numbers. "
                    f"Load the model with compile=False and compile it with an optimizer of today."
                )
    for key, allowed in OPTIMIZER_DROPPED.items():
        if key in config and (allowed is None or config[key] in allowed):
            del config[key]
        elif key in config and key != "epsilon":
            raise ValueError(f"{class_name}: {key}={config[key]!r} is not supported by nnlite.")
    decay = config.pop("decay", 0)
    if decay:  # lr / (1 + decay * iterations)
        settings = {"initial_learning_rate": config.get("learning_rate"), "decay_steps": 1, "decay_rate": decay}
        config["learning_rate"] = {"class_name": "InverseTimeDecay", "config": settings}
    if by_keras_alone and "clipnorm" in config:  # it was the norm of all gradients together
        config["global_clipnorm"] = config.pop("clipnorm")
    if by_keras_alone and class_name == "Adagrad":
        config.setdefault("initial_accumulator_value", 0.0)
    return {"class_name": class_name, "config": config}
