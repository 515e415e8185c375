"""Record what Keras 3.15.1 computes for loss_cases.py, in losses.npz and losses.json.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python tests/golden/record_losses.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import jax
import keras
import numpy as np

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))
from golden import cases, loss_cases, packed  # noqa: E402


def main() -> None:
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    found, facts = {}, {"configs": {}, "names": {}}
    for index, (expression, kind, weight) in enumerate(loss_cases.LOSSES):
        stream = cases.rng(f"{expression} {kind} {weight}")
        y_true, y_pred = loss_cases.targets(kind, stream)
        w = cases.sample_weight(weight, stream)[: len(y_pred)] if weight == "row" else None
        mask = loss_cases.mask(y_pred) if weight == "mask" else None
        loss = eval(expression, {n: getattr(keras.losses, n) for n in dir(keras.losses)})

        def value_of(p, loss=loss, y=y_true, w=w, mask=mask):
            if mask is not None:
                keras.src.backend.set_keras_mask(p, mask)
            return loss(y, p, sample_weight=w)

        value, pull = jax.vjp(value_of, y_pred)
        found[f"{index}.value"] = np.asarray(value)
        found[f"{index}.dp"] = np.asarray(pull(np.ones_like(value))[0])
        facts["configs"][expression] = json.loads(json.dumps(keras.losses.serialize(loss)))
    for name in loss_cases.NAMES:
        loss = keras.losses.get(name)
        facts["names"][name] = [getattr(loss, "__name__", type(loss).__name__), getattr(loss, "name", None)]
    packed.save(FOLDER / "losses.npz", found)
    packed.dump(FOLDER / "losses.json", facts)
    print(len(loss_cases.LOSSES), "cases")


if __name__ == "__main__":
    main()
