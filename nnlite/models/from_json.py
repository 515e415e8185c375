"""Models from the JSON that ``to_json`` wrote."""

from __future__ import annotations

from typing import Any


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """Return a new model with the architecture, and not the weights, of the one that wrote ``json_string``.

    It is compiled as that one was, if the text says so.

    Args:
        json_string: what ``model.to_json()`` returned, in nnlite or any Keras since 1.0.
        custom_objects: classes and functions of the user's, by name.

    Raises:
        ValueError: if the text is no JSON, names an unknown class, or says what nnlite cannot honour.
        TypeError: if a layer has arguments that there are not.

    >>> from nnlite import layers, models
    >>> model = models.Sequential([layers.Input((4,)), layers.Dense(2)])
    >>> model_from_json(model.to_json()).output_shape
    (None, 2)
    """
    import json

    from nnlite.saving.building import build_model

    try:
        config = json.loads(json_string)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"model_from_json: expected the text that model.to_json() returned: {error}") from None
    return build_model(config, custom_objects=custom_objects, label="model_from_json: the text")
