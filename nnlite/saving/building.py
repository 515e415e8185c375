"""A model from its config, of any version."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from nnlite.core import loading, registry, serialization


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
    compile_config = config.get("compile_config")
    architecture = {key: value for key, value in config.items() if key != "compile_config"}
    given = config.get("keras_version")
    version = version or (given if isinstance(given, str) else None)
    with registry.custom_object_scope(custom_objects):
        with _described(label, "model"):
            model = serialization.deserialize(eras.normalize(architecture, version), "models")
        if compile and compile_config:
            compile_model(model, compile_config, version, label)
    return model


def compile_model(model: Any, config: Any, version: str | None = None, label: str = "the config") -> None:
    """Compile a model as its ``compile_config``, or ``training_config`` of before Keras 3, says.

    Raises ``ValueError`` or ``TypeError`` for what nnlite does not have.
    """
    from nnlite.saving import eras

    with _described(label, "training"):
        model.compile_from_config(eras.normalize_training(config, version))


@contextlib.contextmanager
def _described(label: str, what: str) -> Iterator[None]:
    try:
        yield
    except loading.ACCIDENTS as error:
        raise ValueError(f"{label} describes no {what} that holds together: {error!r}.") from error
