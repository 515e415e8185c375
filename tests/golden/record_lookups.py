"""Record what real Keras makes of vocabularies; its layers for them need TensorFlow.

pip install keras==3.15.1 tensorflow
KERAS_BACKEND=tensorflow python tests/golden/record_lookups.py
"""

import json
import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
import keras
import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))
from golden.lookup_cases import LOOKUPS

NAMES = {name: getattr(keras.layers, name) for name in dir(keras.layers) if name[0] != "_"}


def plain(value):
    value = np.asarray(value)
    if value.dtype.kind in "OS":
        return [plain(one) if isinstance(one, np.ndarray) else one.decode() for one in value]
    return value.tolist()


found = []
for expression, data, x in LOOKUPS:
    keras.utils.clear_session()
    layer = eval(expression, dict(NAMES))
    if data is not None:
        layer.adapt(np.array(data))
    y = layer(np.array(x))
    config = json.loads(json.dumps(layer.get_config()))
    vocabulary = [v if isinstance(v, str) else int(v) for v in layer.get_vocabulary()]
    found.append({"y": plain(y), "dtype": str(np.asarray(y).dtype), "vocabulary": vocabulary, "config": config})
lines = ",\n".join(json.dumps(one) for one in found)
(pathlib.Path(__file__).parent / "lookups.json").write_text(f"[\n{lines}\n]\n")
