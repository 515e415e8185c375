"""What models say about themselves, and the files they are written to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nnlite.core import serialization
from nnlite.core.errors import known_arguments
from nnlite.saving import api as saving


class Described:
    """The methods of models around tables and files. A mixin of ``Model``."""

    @known_arguments
    def summary(
        self,
        line_length: int | None = None,
        positions: list[float] | None = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: tuple[str, str] | None = None,
    ) -> None:
        """Print a table of the layers, their output shapes, numbers of parameters and, in a graph, their inputs.

        Args:
            line_length: width of the table. Where None, four less than the terminal's columns (80 without
                one), at most 88 (108 for a graph, 12 more with ``show_trainable``).
            positions: ends of the columns as fractions of the width.
            print_fn: called with the whole text in the place of printing.
            expand_nested: whether the layers of inner models are listed too.
            show_trainable: whether a column says which layers learn.
            layer_range: names of the first and the last layer to list, or regular expressions that their names match.
        """
        from nnlite.models.summary import summary_text  # prediction does without it

        text = summary_text(self, line_length, positions, expand_nested, show_trainable, layer_range)
        (print_fn or print)(text)

    def to_json(self, **kwargs: Any) -> str:
        """Return the architecture as JSON text, for ``nnlite.models.model_from_json``."""
        import json

        return json.dumps(serialization.serialize(self), **kwargs)

    def save(self, filepath: Any, overwrite: bool = True, **kwargs: Any) -> None:
        """Save architecture, weights and optimizer state; see :func:`nnlite.saving.save_model`."""
        saving.save_model(self, filepath, overwrite=overwrite, **kwargs)

    @known_arguments
    def save_weights(self, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
        """Save weights and optimizer state; see :func:`nnlite.saving.save_weights`."""
        saving.save_weights(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size)

    @known_arguments
    def load_weights(self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False) -> None:
        """Load weights; see :func:`nnlite.saving.load_weights`."""
        saving.load_weights(self, filepath, skip_mismatch=skip_mismatch, by_name=by_name)
