"""Models from the JSON that ``to_json`` wrote."""

from __future__ import annotations

from typing import Any

from nnlite.core import loading


def model_from_json(
    json_string: str, custom_objects: dict[str, Any] | None = None, max_bytes: int | None = None
) -> Any:
    """Return a new model with the architecture, and not the weights, of the one that wrote ``json_string``.

    It is compiled as that one was, if the text says so.

    Args:
        json_string: what ``model.to_json()`` returned, in nnlite or any Keras since 1.0.
        custom_objects: classes and functions of the user's, by name.
        max_bytes: what the model's variables may take in memory; 1 GB where None.

    Raises:
        ValueError: if the text is no JSON, names an unknown class, says what nnlite cannot honour, or describes a
            model of more than ``max_bytes``.
        TypeError: if a layer has arguments that there are not.

    >>> from nnlite import layers, models
    >>> model = models.Sequential([layers.Input((4,)), layers.Dense(2)])
    >>> model_from_json(model.to_json()).output_shape
    (None, 2)
    """
    from nnlite.saving.archive import parsed
    from nnlite.saving.building import build_model

    label = "model_from_json: the text"
    if not isinstance(json_string, (str, bytes)):
        raise ValueError(f"model_from_json: expected the text that model.to_json() returned, got {json_string!r}.")
    config = parsed(json_string, f"{label} that model.to_json() should have returned")
    with loading.model_from_config(max_bytes, label):
        return build_model(config, custom_objects=custom_objects, label=label)
