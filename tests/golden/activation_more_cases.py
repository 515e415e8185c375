"""Further activations: at kinks and far out (all elements), and along axes."""

import numpy as np

CASES = [
    ("celu", {}),
    ("celu", {"alpha": 0.3}),
    ("celu", {"alpha": 2.5}),
    ("hard_tanh", {}),
    ("hard_shrink", {}),
    ("hard_shrink", {"threshold": 2.0}),
    ("hard_shrink", {"threshold": -1.0}),
    ("soft_shrink", {}),
    ("soft_shrink", {"threshold": 2.0}),
    ("soft_shrink", {"threshold": -1.0}),
    ("threshold", {"threshold": 0.5, "default_value": 7.0}),
    ("threshold", {"threshold": -1.0, "default_value": -3.0}),
    ("log_sigmoid", {}),
    ("tanh_shrink", {}),
    ("squareplus", {}),
    ("squareplus", {"b": 0.5}),
    ("sparse_plus", {}),
    ("sparse_sigmoid", {}),
]
X = np.array(
    [
        *(-np.inf, -1e30, -1e4, -100, -20, -6, -2.0, -1.5, -1.0, -0.75, -0.5, -0.25, -1e-3, -0.0, 0.0, 1e-3, 0.25),
        *(0.5, 0.75, 1.0, 1.5, 2.0, 6, 20, 100, 1e4, 1e30, np.inf, np.nan),
    ],
    np.float32,
)
# name, options, shape
ROWS = [
    ("glu", {}, (3, 8)),
    ("glu", {"axis": 1}, (2, 6, 3)),
    ("glu", {"axis": 0}, (4,)),
    ("glu", {"axis": -3}, (2, 1, 5)),
    ("sparsemax", {}, (6, 5)),
    ("sparsemax", {"axis": 1}, (3, 4, 2)),
    ("sparsemax", {"axis": 0}, (7,)),
    ("sparsemax", {}, (4, 1)),
]


def key(name, options, shape=None):
    """The name that a case is recorded under."""
    return f"{name}({', '.join(f'{k}={v}' for k, v in options.items())}){'' if shape is None else shape}"


def rows(name, options, shape):
    """Return x, with ties, and a function of the shape of y that returns dy."""
    rng = np.random.default_rng(len(key(name, options, shape)))
    x = (rng.integers(-8, 9, shape) / 4).astype("float32")  # eighths: sums and ties are exact
    return x, lambda y_shape: rng.standard_normal(y_shape).astype("float32")
