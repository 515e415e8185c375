"""Models from the JSON that ``to_json`` wrote."""

from __future__ import annotations

from typing import Any

from nnlite.core import registry, serialization


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return a new model with the architecture, and not the weights, of the one that wrote ``json_string``.

    It is compiled as that one was.

    Args:
        json_string: what ``model.to_json()`` returned, in nnlite or Keras 3.
        custom_objects: classes and functions of the user's, by name.

    Raises:
        ValueError: if the text is no JSON, or names an unknown class.

    >>> from nnlite import layers, models
    >>> model = models.Sequential([layers.Input((4,)), layers.Dense(2)])
    >>> model_from_json(model.to_json()).output_shape
    (None, 2)
    """
    import json

    from nnlite.saving.eras import normalize

    try:
        config = json.loads(json_string)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"model_from_json: expected the text that model.to_json() returned: {error}") from None
    config = normalize(config)
    compile_config = config.pop("compile_config", None) if isinstance(config, dict) else None
    with registry.custom_object_scope(custom_objects):
        model = serialization.deserialize(config, "models")
        if compile_config:
            model.compile_from_config(compile_config)
    return model
