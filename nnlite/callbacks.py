"""Callbacks: what ``fit`` calls between steps and epochs."""

from typing import TYPE_CHECKING

from nnlite.core import lazy
from nnlite.training.callbacks import (
    BackupAndRestore,
    Callback,
    CallbackList,
    CSVLogger,
    EarlyStopping,
    GradientMonitor,
    History,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    NaNGuard,
    ProgbarLogger,
    ReduceLROnPlateau,
    SwapEMAWeights,
    TerminateOnNaN,
)

if not TYPE_CHECKING:
    __getattr__ = lazy.missing(__name__)
