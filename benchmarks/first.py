"""The first prediction of a new process: import, load a saved net, predict one sample.

python -m benchmarks.first nnlite 2 vgg FOLDER
"""

from __future__ import annotations

import sys

import numpy as np

from benchmarks.contenders import contender
from benchmarks.nets import spec


def main() -> None:
    """Predict once."""
    name, threads, net, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    outputs = contender(name)(threads).load(net, folder)(np.zeros((1, *spec(net)[0]), np.float32))
    assert np.isfinite(outputs).all()


if __name__ == "__main__":
    main()
