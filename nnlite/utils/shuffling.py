"""The orders that data sets give themselves, for those who go on with an interrupted training."""

from __future__ import annotations

from typing import Any

import numpy as np


def shuffle_state(order: np.ndarray, rng: np.random.RandomState | None) -> Any:
    """Return an order and the random stream that changes it, as plain values and arrays; None if nothing does."""
    if rng is None:
        return None
    _, keys, position, has_gauss, gauss = rng.get_state()
    return {"order": order, "keys": keys, "rest": [int(position), int(has_gauss), float(gauss)]}


def set_shuffle_state(order: np.ndarray, rng: np.random.RandomState | None, state: Any) -> None:
    """Bring an order and its random stream to where :func:`shuffle_state` found them."""
    if rng is not None and state is not None:
        order[:] = state["order"]
        rng.set_state(("MT19937", state["keys"], *state["rest"]))
