"""Save and open models with one of the two libraries: the part that also runs where only Keras is installed.

    python worker.py keras|nnlite save|open|own FOLDER COUNT

``save`` writes every net in each form, with what it computes and what it loses in two further epochs, with the state of
its optimizer and with a fresh one; ``open`` reads the files of the other library and says how far it is from those
numbers, as JSON in ``FOLDER/opened_by_...``; ``own`` has Keras read its own files that nnlite read otherwise, to
``FOLDER/own.json``.
"""

from __future__ import annotations

import importlib
import json
import os
import pathlib
import sys
import traceback
import warnings
import zipfile

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(pathlib.Path(__file__).parent))

import nets

FORMATS = (".keras", "", ".h5", ".weights.h5", ".weights.json")


def flat(y):
    """Return the outputs in a row."""
    values = [y[key] for key in sorted(y)] if isinstance(y, dict) else y if isinstance(y, (list, tuple)) else [y]
    return [np.asarray(value) for value in values]


def losses(model, x, y):
    """Return the losses of two more epochs."""
    return model.fit(x, y, batch_size=5, epochs=2, shuffle=False, verbose=0).history["loss"]


def write(keras, model, path):
    """Write one file, or several."""
    if path.endswith(".weights.json"):
        largest = max(int(np.prod(weight.shape)) for weight in model.weights)  # and all of the optimizer fits in one
        size = 4 * (64 + max(largest, sum(int(np.prod(one.shape)) for one in model.optimizer.variables)))
        model.save_weights(path, max_shard_size=size / 2**30)
    elif "weights" in path:
        model.save_weights(path)
    elif path.endswith((".keras", ".h5")):
        model.save(path)
    else:
        keras.saving.save_model(model, path, zipped=False)


def save(keras, mine, folder, count):
    """Train each net for an epoch, write it, and note what comes next."""
    for index in range(count):
        if not nets.known(keras, index):
            continue
        try:
            save_one(keras, mine, folder, index)
        except Exception as error:
            if mine == "nnlite":
                raise
            print(f"{nets.name_of(index)}: Keras itself has {type(error).__name__}: {str(error)[:200]}", flush=True)


def save_one(keras, mine, folder, index):
    """Do this for one net."""
    model, x, y = nets.build(keras, index)
    model.fit(x, y, batch_size=5, shuffle=False, verbose=0)
    for ending in FORMATS:
        path = folder / f"{mine}{index}{ending}"
        try:
            write(keras, model, str(path))
        except Exception:
            if mine == "nnlite":
                raise
            path.unlink(missing_ok=True)  # early versions have not every form; two variables of one name fit in no .h5
    outputs, weights = flat(model.predict(x, verbose=0)), model.get_weights()
    after = losses(model, x, y)
    model, x, y = nets.build(keras, index)
    model.set_weights(weights)
    np.savez(folder / f"{mine}{index}.npz", *outputs, losses=after, fresh=losses(model, x, y))


def load(keras, path, index):
    """Return the model in a file, or one of weights that are in it, and its data."""
    model, x, y = nets.build(keras, index)
    if "weights" in path:
        model.optimizer.build(model.trainable_variables)  # Keras passes over the state of one that is not built
        model.load_weights(path)
    elif path.endswith((".keras", ".h5")):
        model = keras.models.load_model(path)
    else:  # Keras takes no folder before 3.9 or so: it is zipped again
        archive = f"{path}.again.keras"
        with zipfile.ZipFile(archive, "w") as file:
            for name in ("metadata.json", "config.json", "model.weights.h5"):
                file.write(os.path.join(path, name), name)
        model = keras.models.load_model(path if keras.__name__ == "nnlite" else archive)
    return model, x, y


def opened(keras, path, expected, index):
    """Return the largest differences of outputs and of further losses."""
    model, x, y = load(keras, path, index)
    outputs = flat(model.predict(x, verbose=0))
    apart = max(float(np.abs(a - expected[f"arr_{i}"]).max()) for i, a in enumerate(outputs))
    # Keras does not read the optimizer's state of .h5 files, not of its own either, with which it cannot train at all.
    fresh = path.endswith(".h5") and "weights" not in path and keras.__name__ == "keras" and "fresh" in expected
    wanted = expected["fresh" if fresh else "losses"]
    found = np.array(losses(model, x, y))
    result = {"outputs": apart, "losses": float(np.max(np.abs(found - wanted) / (1e-3 + np.abs(wanted))))}
    if keras.__name__ == "nnlite" and not nets.good(index, result):
        np.savez(f"{path}.found.npz", *outputs, losses=found)
    return result


def open_all(keras, mine, other, folder, count):
    """Open every file of the other library."""
    results = {}
    for index in range(count):
        for ending in FORMATS:
            path = folder / f"{other}{index}{ending}"
            numbers = folder / f"{other}{index}.npz"
            if not nets.known(keras, index) or not path.exists() or not numbers.exists():
                continue
            expected = np.load(numbers)
            try:
                results[f"{index}{ending}"] = opened(keras, str(path), expected, index)
            except Exception as error:
                place = traceback.extract_tb(error.__traceback__)[-1]
                words = f"{type(error).__name__}: {error} ({place.name})"
                results[f"{index}{ending}"] = {
                    "error": words[:100] + " ... " + words[-200:],
                    "own": own(keras, mine, folder, index, ending),
                }
    (folder / f"opened_by_{mine}.json").write_text(json.dumps(results))


def own_again(keras, folder, count):
    """Note how far what Keras makes of its own files is from what nnlite made of them, where that was not the same."""
    results = {}
    for index in range(count):
        for ending in FORMATS:
            path = folder / f"keras{index}{ending}"
            found = folder / f"{path.name}.found.npz"
            if found.exists():
                try:
                    results[f"{index}{ending}"] = opened(keras, str(path), np.load(found), index)
                except Exception:  # so it is with the optimizer's state in .h5
                    results[f"{index}{ending}"] = outputs_alone(keras, str(path), np.load(found), index)
    (folder / "own.json").write_text(json.dumps(results))


def outputs_alone(keras, path, expected, index):
    """Return how far the outputs are apart of a file that cannot be trained on; None if it does not open."""
    try:
        model, x, _ = load(keras, path, index)
    except Exception:
        return None
    pairs = enumerate(flat(model.predict(x, verbose=0)))
    return {"outputs": max(float(np.abs(a - expected[f"arr_{i}"]).max()) for i, a in pairs), "losses": 0.0}


def own(keras, mine, folder, index, ending):
    """Return whether the library opens the file that it wrote itself, and trains on."""
    try:
        model, x, y = load(keras, str(folder / f"{mine}{index}{ending}"), index)
        losses(model, x, y)
    except Exception:
        return False
    return True


if __name__ == "__main__":
    mine, action, where, number = sys.argv[1:]
    warnings.simplefilter("ignore")  # that .h5 is an old format, that half precision is computed in full, and the like
    library = importlib.import_module(mine)
    if action == "save":
        save(library, mine, pathlib.Path(where), int(number))
    elif action == "own":
        own_again(library, pathlib.Path(where), int(number))
    else:
        open_all(library, mine, "nnlite" if mine == "keras" else "keras", pathlib.Path(where), int(number))
