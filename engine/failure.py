"""What a trainer tells when something failed, also where nothing more can be counted."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import RelumeError
from engine.run import Run
from engine.telemetry import LayerSnapshot, Snapshot
from engine.units import unit_widths

if TYPE_CHECKING:
    from engine.trainer import Trainer


def told(error: Exception) -> RelumeError:
    """The error as users read it; one that is no RelumeError is written to the log too."""
    if isinstance(error, RelumeError):
        return error
    logging.getLogger("relume").error("The training thread failed.", exc_info=error)
    words = "There is not enough memory." if isinstance(error, MemoryError) else f"{type(error).__name__}: {error}"
    return RelumeError(f"Training cannot go on. {words}", "training thread", "Reset, or change the network.")


def bare_snapshot(trainer: Trainer, run: Run) -> Snapshot:
    """A snapshot without anything that must be counted: for a run whose stepper cannot be made."""
    history, unknown = run.history.columns(), float("nan")
    done = {name: int(history[name][-1]) if len(run.history) else 0 for name in ("step", "epoch")}
    return Snapshot(
        run=run.number,
        spec=run.spec,
        training=run.training,
        state=trainer.state,
        step=done["step"],
        epoch=done["epoch"],
        batch=0,
        batches_per_epoch=max(1, round(len(run.data.x_train) / run.training.batch_size)),
        seconds=run.seconds,
        samples_per_second=0.0,
        train_loss=unknown,
        test_loss=unknown,
        train_metric=unknown,
        test_metric=unknown,
        layers=tuple(map(_unknown, unit_widths(run.spec))),
        history=history,
        taken=time.monotonic(),
        error=trainer.error,
    )


def _unknown(width: int) -> LayerSnapshot:
    """A layer of which nothing is known."""
    numbers = np.full(width, np.nan, np.float32)
    arrays = (np.zeros(width, bool), numbers, np.full(width, -1, np.int64))
    for array in arrays:
        array.flags.writeable = False
    alive, _, since = arrays
    return LayerSnapshot(alive, numbers, numbers, numbers, since, float("nan"), provisional=width > 0)
