"""A model from its config, of any version."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry, serialization

# What a config that is no config makes Python raise, where nobody looked first.
_ACCIDENTS = (LookupError, AttributeError, ArithmeticError, AssertionError, RecursionError, MemoryError)


def build_model(
    config: Any,
    version: str | None = None,
    custom_objects: dict[str, Any] | None = None,
    compile: bool = True,
    label: str = "the config",
) -> Any:
    """Return a new model with the architecture that a config of any Keras describes.

    Args:
        config: the architecture, as JSON gives it.
        version: the file's ``keras_version``, where known; see :func:`nnlite.saving.eras.normalize`.
        custom_objects: classes and functions of the user's, by name.
        compile: whether to compile it with the ``compile_config`` that it may have.
        label: what messages call the config.

    Raises ``ValueError`` or ``TypeError`` for what describes no model, or none that nnlite has.
    """
    from nnlite.saving import eras

    if not isinstance(config, dict) or not isinstance(config.get("class_name"), str):
        raise ValueError(f"{label} describes no model: expected a dict with 'class_name' and 'config'.")
    with registry.custom_object_scope(custom_objects):
        try:
            compile_config = config.get("compile_config")
            architecture = {key: value for key, value in config.items() if key != "compile_config"}
            version = version or _version(config)
            model = serialization.deserialize(eras.normalize(architecture, version), "models")
            if compile and compile_config:
                model.compile_from_config(eras.normalize_training(compile_config, version))
        except _ACCIDENTS as error:
            raise ValueError(f"{label} describes no model that holds together: {error!r}.") from error
    return model


def _version(config: dict[str, Any]) -> str | None:
    version = config.get("keras_version")
    return version if isinstance(version, str) else None
