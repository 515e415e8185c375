"""Go on with an interrupted training in a new process."""

from __future__ import annotations

import contextlib
import os
from typing import Any

import numpy as np

from nnlite.saving.atomic import atomic_write
from nnlite.training.callbacks.base import Callback, Logs

_LATEST, _METADATA, _GROUP = "latest.weights.h5", "training_metadata.json", "training"


class BackupAndRestore(Callback):
    """Back up the state of training, so that the same script, started again, goes on where it was interrupted.

    A backup is one file, ``latest.weights.h5`` (``training_metadata.json`` beside it says in words how far it is): the
    weights and the optimizer's state, and what the next steps depend on besides: epoch and step, the order of the data,
    the random streams of the layers, of the process, of ``random`` and of ``numpy.random``, the running means of the
    metrics, and what EarlyStopping, ReduceLROnPlateau and ModelCheckpoint have seen. The file is replaced in one move:
    a process killed at any moment leaves a whole one.

    When ``fit`` begins and there is a backup, it is loaded and training goes on at the step after it, with the numbers
    that an uninterrupted run would have had; ``initial_epoch`` then counts for nothing. Batches from arrays and
    ``PyDataset`` are found again without reading those before; a generator is read up to the place. ``History`` holds
    the epochs of the present run.

    Args:
        backup_dir: folder for the backup alone; made where missing.
        save_freq: ``"epoch"``, or a number of batches.
        double_checkpoint: whether the backup before the last is kept too (``.bkp``), and used if the last cannot be
            read.
        delete_checkpoint: whether the backup is deleted when training has come to its end.

    Raises:
        ValueError: for an empty folder's name or another ``save_freq``; when fit begins, for a backup of another model,
            of data of another size, or one that is damaged.

    >>> BackupAndRestore("backup", save_freq=100).save_freq
    100
    """

    runs_last = True

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        if not isinstance(backup_dir, (str, os.PathLike)) or not os.fspath(backup_dir):
            raise ValueError(f"BackupAndRestore: backup_dir got {backup_dir!r}, expected the name of a folder.")
        counts = isinstance(save_freq, (int, np.integer)) and not isinstance(save_freq, bool) and save_freq >= 1
        if save_freq != "epoch" and not counts:
            raise ValueError(
                f"BackupAndRestore: save_freq got {save_freq!r}, expected 'epoch' or a number of batches (>= 1)."
            )
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._run: Any = None
        self._batches = 0
        if save_freq != "epoch":  # defined on this object alone: others need no batch logs
            self.on_train_batch_end = self._count_batch  # type: ignore[method-assign]

    @property
    def _path(self) -> str:
        return os.path.join(self.backup_dir, _LATEST)

    def set_run(self, run: Any) -> None:
        """Load the backup, if there is one, into the fit that begins."""
        self._run, self._batches = run, 0
        if not os.path.exists(self._path) and not os.path.exists(self._path + ".bkp"):
            return
        optimizer = self.model.optimizer
        if optimizer is not None and not optimizer.built and self.model.trainable_weights:
            optimizer.build(self.model.trainable_weights)
        try:
            state = _read(self._path)
            self.model.load_weights(self._path)
        except (OSError, ValueError) as error:
            if not os.path.exists(self._path + ".bkp"):
                raise self._refusal(error) from error
            os.replace(self._path + ".bkp", self._path)
            state = _read(self._path)
            self.model.load_weights(self._path)
        try:
            run.resume(*state)
        except ValueError as error:
            raise self._refusal(error) from error

    def _refusal(self, error: Exception) -> ValueError:
        return ValueError(
            f"BackupAndRestore: cannot go on from the backup in {self.backup_dir!r}: {error} If the script has "
            f"changed, delete the folder to begin anew."
        )

    def _count_batch(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self._batches >= int(self.save_freq):
            self._batches = 0
            self._save()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint:
            for name in (_LATEST, _METADATA, _LATEST + ".bkp"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(os.path.join(self.backup_dir, name))
            with contextlib.suppress(OSError):  # somebody else's files stay
                os.rmdir(self.backup_dir)

    def on_exit(self) -> None:
        self._run = None

    def _save(self) -> None:
        import json

        values, arrays = self._run.state()
        os.makedirs(self.backup_dir, exist_ok=True)
        coming = os.path.join(self.backup_dir, "coming.weights.h5")
        self.model.save_weights(coming, overwrite=True)
        _append(coming, values, arrays)
        if self.double_checkpoint and os.path.exists(self._path):
            os.replace(self._path, self._path + ".bkp")
        os.replace(coming, self._path)
        with atomic_write(os.path.join(self.backup_dir, _METADATA)) as file:
            file.write(json.dumps({"epoch": values["epoch"], "batch": values["step"]}).encode())


def _append(path: str, values: dict[str, Any], arrays: list[np.ndarray]) -> None:
    """Write the state of training into a weights file, and the file to the disk."""
    import json

    import h5py

    with h5py.File(path, "r+") as file:
        group = file.create_group(_GROUP)
        group["state"] = np.frombuffer(json.dumps(values).encode(), np.uint8)
        for index, array in enumerate(arrays):
            group[str(index)] = array
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def _read(path: str) -> tuple[dict[str, Any], list[np.ndarray]]:
    import json

    import h5py

    with h5py.File(path, "r") as file:
        if _GROUP not in file or "state" not in file[_GROUP]:
            raise ValueError(f"{os.path.basename(path)} holds weights, but no state of training.")
        group = file[_GROUP]
        values = json.loads(group["state"][()].tobytes())
        return values, [group[str(index)][()] for index in range(len(group) - 1)]
