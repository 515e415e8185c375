"""Callbacks: what users hang into the training loop."""

from nnlite.training.callbacks.averages import SwapEMAWeights
from nnlite.training.callbacks.backup import BackupAndRestore
from nnlite.training.callbacks.base import Callback, History, LambdaCallback
from nnlite.training.callbacks.callback_list import CallbackList
from nnlite.training.callbacks.checkpoint import ModelCheckpoint
from nnlite.training.callbacks.csv_logger import CSVLogger
from nnlite.training.callbacks.gradients import GradientMonitor, NaNGuard
from nnlite.training.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from nnlite.training.callbacks.monitor import EarlyStopping, Monitor
from nnlite.training.callbacks.nan import TerminateOnNaN
from nnlite.training.callbacks.progress import ProgbarLogger

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "GradientMonitor",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "Monitor",
    "NaNGuard",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TerminateOnNaN",
]
