"""A model from its config, of any version."""

from __future__ import annotations

import builtins
import contextlib
import sys
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

    Raises ``ValueError`` or ``TypeError`` for what nnlite does not have; ``RefusedError`` for the names of things that
    nobody trains with.
    """
    from nnlite.saving import eras

    _refuse_code(config, label)
    with _described(label, "training"):
        model.compile_from_config(eras.normalize_training(config, version))


def _refuse_code(config: Any, label: str) -> None:
    """Raise ``RefusedError`` for Python's code, and functions and classes of Python itself, unless they are known.

    Others that are not known, a user's own losses for example, are no attack.
    """
    pending = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += [one for one in value if isinstance(one, (dict, list))]
        if not isinstance(value, dict):
            continue
        pending += [one for one in value.values() if isinstance(one, (dict, list))]
        kind, module = value.get("class_name"), str(value.get("module") or "")
        name = value.get("config") if kind == "function" else kind
        if not isinstance(name, str) or registry.get_registered_object(name) is not None:
            continue
        package = module.partition(".")[0]
        of_python = package in sys.stdlib_module_names and package not in ("builtins", "__main__")
        if kind == "__lambda__" or of_python or (package == "builtins" and hasattr(builtins, name)):
            raise loading.RefusedError(
                f"{label}: its training names {name!r} of {module or 'Python'}; a file holds data and runs no code. "
                f"With compile=False the model is read without its training."
            )


@contextlib.contextmanager
def _described(label: str, what: str) -> Iterator[None]:
    try:
        yield
    except loading.ACCIDENTS as error:
        raise ValueError(f"{label} describes no {what} that holds together: {error!r}.") from error
