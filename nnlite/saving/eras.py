"""One step that turns configs of other Keras versions into those that nnlite's constructors take.

The table lists the keys that were added to or dropped from Keras over time and that mean nothing as long as they have
the values given; any other value changes what the model computes, and is refused.
"""

from __future__ import annotations

from typing import Any

ANY: Any = object()

# class name ("*" for every class) -> key -> the values under which it may be dropped
DROPPED: dict[str, dict[str, Any]] = {
    "*": {
        "input_axes": [None],
        "output_axes": [None],
        "quantization_config": [None],
        "lora_rank": [None],
        "lora_alpha": [None],
        "ragged": [False, None],
        "optional": [False],
    },
    "BatchNormalization": {
        "virtual_batch_size": [None],
        "fused": ANY,
    },
}

# class name -> key -> default: keys that constructors take, and that are in files only where they say something, so
# that older versions of Keras read those files.
RECENT: dict[str, dict[str, Any]] = {
    "BatchNormalization": {"renorm": False, "renorm_clipping": None, "renorm_momentum": 0.99},
    "LayerNormalization": {"rms_scaling": False},
}

MAX_DEPTH = 200


def normalize(config: Any, version: str | None = None) -> Any:
    """Return the config of a model of any Keras as today's Keras would write it.

    Args:
        config: the architecture, as JSON gives it.
        version: the file's ``keras_version``; None where it is unknown.

    Raises ``ValueError`` for a key whose value nnlite cannot honour, and for a config nested deeper than 200 levels.
    """
    return _walk(config, 0)


def normalize_training(training_config: Any, version: str | None = None) -> dict[str, Any]:
    """Return what a file says of compile, as today's Keras would write it: for ``model.compile_from_config``.

    Args:
        training_config: ``training_config`` of an ``.h5`` file, or ``compile_config`` of a model's config.
        version: the file's ``keras_version``; None where it is unknown.
    """
    config = dict(training_config)
    if "optimizer_config" in config:
        config["optimizer"] = config.pop("optimizer_config")
    return config


def _walk(config: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"The config is nested deeper than {MAX_DEPTH} levels.")
    if isinstance(config, list):
        return [_walk(value, depth + 1) for value in config]
    if not isinstance(config, dict):
        return config
    config = {key: _walk(value, depth + 1) for key, value in config.items()}
    if isinstance(config.get("config"), dict) and isinstance(config.get("class_name"), str):
        config["config"] = _without_dropped(config["class_name"], config["config"])
    return config


def _without_dropped(class_name: str, config: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    recent = RECENT.get(class_name, {})
    for key, value in config.items():
        if key in recent and value == recent[key]:
            continue
        allowed = DROPPED.get(class_name, {}).get(key, DROPPED["*"].get(key))
        if allowed is None:
            kept[key] = value
        elif allowed is not ANY and value not in allowed:
            raise ValueError(f"{class_name} {config.get('name', '')!r}: {key}={value!r} is not supported by nnlite.")
    return kept
