"""Stop when the loss is no number any more."""

from __future__ import annotations

import math

from nnlite.training.callbacks.base import Callback, Logs


class TerminateOnNaN(Callback):
    """Stop training after the first batch whose loss is NaN or infinite.

    Args:
        raise_error: raise ``RuntimeError`` instead of ending ``fit`` quietly.

    >>> try:
    ...     TerminateOnNaN(raise_error=True).on_train_batch_end(7, {"loss": float("nan")})
    ... except RuntimeError as error:
    ...     print(error)
    NaN or Inf loss encountered at batch 7. Loss value: nan. Terminating training immediately.
    """

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(
                f"NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating training immediately."
            )
        print(f"Batch {batch}: Invalid loss, terminating training")
        self.model.stop_training = True
