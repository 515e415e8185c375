"""Activations at kinks, in saturation, at overflow, at infinity and NaN."""

import numpy as np

CASES = [
    ("relu", {}),
    ("relu6", {}),
    ("leaky_relu", {}),
    ("sigmoid", {}),
    ("tanh", {}),
    ("linear", {}),
    ("elu", {}),
    ("selu", {}),
    ("gelu", {}),
    ("silu", {}),
    ("softplus", {}),
    ("softsign", {}),
    ("exponential", {}),
    ("hard_sigmoid", {}),
    ("hard_silu", {}),
    ("mish", {}),
    ("gelu", {"approximate": True}),
    ("elu", {"alpha": 2.0}),
    ("leaky_relu", {"negative_slope": 1.5}),
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 2.5}),
    ("relu", {"max_value": 6.0}),
    ("relu", {"threshold": 1.0}),
    ("relu", {"negative_slope": 0.1, "max_value": 2.5, "threshold": 1.0}),
]
X = np.array(
    [-np.inf, -1e30, -1e4, -100, -89, -20, -6, -3, -1, -0.0, 0, 1, 2, 3, 6, 20, 88.5, 100, 1e4, 1e30, np.inf, np.nan],
    np.float32,
)
ROWS = np.array(
    [[1, 2, 3], [-np.inf, 1, 2], [np.inf, 1, 2], [-np.inf] * 3, [np.nan, 1, 2], [1e4, -1e4, 0], [1e30, -1e30, 0]],
    np.float32,
)
ROWS_DY = np.array([1, 2, 4], np.float32) + np.zeros_like(ROWS)


def key(name, options):
    """The name that a case is recorded under."""
    return f"{name}({', '.join(f'{k}={v}' for k, v in options.items())})"
