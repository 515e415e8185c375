"""Record what Keras 3.15.1 computes for metric_more_cases.py, in metrics_more.npz and metrics_more.json.

KERAS_BACKEND=jax JAX_PLATFORMS=cpu python tests/golden/record_metrics_more.py
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import keras
import numpy as np

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent))
from golden import metric_more_cases, packed  # noqa: E402


def main() -> None:
    assert keras.__version__ == "3.15.1" and keras.backend.backend() == "jax"
    found, facts = {}, {"metrics": {}, "names": {}}
    for index, (expression, kind, weight) in enumerate(metric_more_cases.METRICS):
        keras.utils.clear_session()
        metric = eval(expression, {n: getattr(keras.metrics, n) for n in dir(keras.metrics)})
        try:
            metric_more_cases.updated(metric, index)
        except Exception as error:
            raise RuntimeError(f"{expression} {kind} {weight}") from error
        found[f"{index}"] = np.asarray(metric.result())
        config = metric.get_config()
        if config.get("label_weights") is not None:
            config["label_weights"] = np.asarray(config["label_weights"]).tolist()
        facts["metrics"][expression] = {
            "config": json.loads(json.dumps(config, default=float)),
            "direction": getattr(metric, "_direction", None),
            "variables": [[v.name, len(v.shape)] for v in metric.variables],
        }
    for name in metric_more_cases.NAMES:
        keras.utils.clear_session()
        metric = keras.metrics.get(name)
        facts["names"][name] = [type(metric).__name__, metric.name]
    for name in metric_more_cases.FUNCTIONS:
        found[name] = metric_more_cases.values(getattr(keras.metrics, name))
    packed.save(FOLDER / "metrics_more.npz", found)
    packed.dump(FOLDER / "metrics_more.json", facts)
    print(len(metric_more_cases.METRICS), "cases")


if __name__ == "__main__":
    main()
