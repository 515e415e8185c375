"""Save and open models with one of the two libraries: the part that also runs where only Keras is installed.

    python worker.py keras|nnlite save|open FOLDER COUNT

``save`` writes every net in each format, with what it computes and what it loses in two further epochs; ``open`` reads
the files of the other library and says how far it is from those numbers, as JSON in ``FOLDER/opened_by_...``.
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import sys
import traceback
import warnings

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import nets

FORMATS = (".keras", ".h5", ".weights.h5")


def flat(y):
    """Return the outputs in a row."""
    values = [y[key] for key in sorted(y)] if isinstance(y, dict) else y if isinstance(y, (list, tuple)) else [y]
    return [np.asarray(value) for value in values]


def losses(model, x, y):
    """Return the losses of two more epochs."""
    return model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0).history["loss"]


def save(keras, mine, folder, count):
    """Train each net for an epoch, write it, and note what comes next."""
    for index in range(count):
        model, x, y = nets.build(keras, index)
        model.fit(x, y, batch_size=5, shuffle=False, verbose=0)
        for ending in FORMATS:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Keras warns that .h5 is an old format
                (model.save_weights if "weights" in ending else model.save)(str(folder / f"{mine}{index}{ending}"))
        outputs = flat(model.predict(x, verbose=0))
        np.savez(folder / f"{mine}{index}.npz", *outputs, losses=losses(model, x, y))


def opened(keras, other, folder, index, ending):
    """Return the largest differences of outputs and of further losses."""
    model, x, y = nets.build(keras, index)
    path = str(folder / f"{other}{index}{ending}")
    if "weights" in ending:
        model.optimizer.build(model.trainable_variables)  # Keras passes over the state of one that is not built
        model.load_weights(path)
    else:
        model = keras.models.load_model(path)
    expected = np.load(folder / f"{other}{index}.npz")
    outputs = flat(model.predict(x, verbose=0))
    apart = max(float(np.abs(a - expected[f"arr_{i}"]).max()) for i, a in enumerate(outputs))
    if ending == ".h5" and keras.__name__ == "keras":  # it does not read the optimizer's state of such files in full
        return {"outputs": apart, "losses": 0.0}
    found, wanted = np.array(losses(model, x, y)), expected["losses"]
    return {"outputs": apart, "losses": float(np.abs(found / wanted - 1).max())}


def open_all(keras, mine, other, folder, count):
    """Open every file of the other library."""
    results = {}
    for index in range(count):
        for ending in FORMATS:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    results[f"{index}{ending}"] = opened(keras, other, folder, index, ending)
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                results[f"{index}{ending}"] = {"error": f"{type(error).__name__}: {error} ({place.name})"[:300]}
    (folder / f"opened_by_{mine}.json").write_text(json.dumps(results))


if __name__ == "__main__":
    mine, action, where, number = sys.argv[1:]
    library = importlib.import_module(mine)
    if action == "save":
        save(library, mine, pathlib.Path(where), int(number))
    else:
        open_all(library, mine, "nnlite" if mine == "keras" else "keras", pathlib.Path(where), int(number))
