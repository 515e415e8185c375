"""Names under which scripts written for Keras ask for half precision; see :class:`nnlite.config.DTypePolicy`."""

from __future__ import annotations

from nnlite.config import DTypePolicy, dtype_policy, set_dtype_policy
from nnlite.optimizers import LossScaleOptimizer

__all__ = [
    "DTypePolicy",
    "LossScaleOptimizer",
    "Policy",
    "dtype_policy",
    "global_policy",
    "set_dtype_policy",
    "set_global_policy",
]

# Keras's other names for them.
Policy = DTypePolicy
global_policy, set_global_policy = dtype_policy, set_dtype_policy
