"""What a run remembers of the losses at the ends of its epochs: for early stopping, and for a rate that waits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.errors import RelumeError
from engine.schedules import ReduceLROnPlateau
from engine.spec import TrainingSpec

FIGURES = ("train_loss", "test_loss", "train_metric", "test_metric")
_NUMBERS = {"best": float, "best_epoch": int, "waited": int, "lowest": float, "flat": int}


class Monitor:
    """Follows one loss: that of the test samples, or of training where there are none.

    Attributes:
        best, best_epoch, waited: the best loss, its epoch, and epochs since (early stopping).
        weights, figures: the network's numbers then, and how good it was.
        lowest, flat: the loss that a plateau is measured from, and epochs since.
    """

    def __init__(self) -> None:
        self.best = self.lowest = math.inf
        self.best_epoch, self.waited, self.flat = -1, 0, 0
        self.weights: np.ndarray | None = None
        self.figures: dict[str, float] = {}

    @staticmethod
    def wanted(training: TrainingSpec) -> bool:
        """Whether every epoch is looked at."""
        return training.patience is not None or isinstance(training.schedule, ReduceLROnPlateau)

    def see(self, epoch: int, figures: Mapping[str, float], training: TrainingSpec, weights: np.ndarray) -> float:
        """Takes an epoch that has ended; returns what the learning rate is to be multiplied by."""
        loss = figures["train_loss"] if math.isnan(figures["test_loss"]) else figures["test_loss"]
        self.waited += 1
        if loss < self.best:
            self.best, self.best_epoch, self.waited = loss, epoch, 0
            if training.patience is not None and training.restore_best:
                self.weights, self.figures = weights.copy(), {name: figures[name] for name in FIGURES}
        plateau = training.schedule
        if not isinstance(plateau, ReduceLROnPlateau):
            return 1.0
        self.flat += 1
        if loss < self.lowest - plateau.min_delta:
            self.lowest, self.flat = loss, 0
        if self.flat < plateau.patience:
            return 1.0
        self.flat = 0
        return plateau.factor

    def is_patient(self, training: TrainingSpec) -> bool:
        """Whether the run may go on."""
        return training.patience is None or self.waited < training.patience

    def forget_plateau(self) -> None:
        self.lowest, self.flat = math.inf, 0

    def state(self) -> dict[str, Any]:
        """Numbers and arrays, as a checkpoint keeps them; {} before the first epoch."""
        if self.best_epoch < 0 and not self.waited:
            return {}
        state: dict[str, Any] = {name: getattr(self, name) for name in _NUMBERS}
        state = {name: value for name, value in state.items() if math.isfinite(value)}  # JSON has no infinity
        if self.weights is not None:
            state |= {"weights": self.weights.copy(), **self.figures_state()}
        return state

    def figures_state(self) -> dict[str, np.ndarray]:
        return {"figures": np.array([self.figures[name] for name in FIGURES])}  # an array: NaN has no word in JSON

    @classmethod
    def from_state(cls, state: Mapping[str, Any], size: int) -> Monitor:
        """The inverse of `state`, for a network of so many numbers. Raises RelumeError for anything else."""
        monitor = cls()
        try:
            for name, kind in _NUMBERS.items():
                setattr(monitor, name, kind(state.get(name, getattr(monitor, name))))
            if "weights" in state:
                monitor.weights = np.array(state["weights"], dtype=np.float32)
                monitor.figures = dict(zip(FIGURES, map(float, state["figures"]), strict=True))
        except (KeyError, TypeError, ValueError, OverflowError):
            raise RelumeError("What early stopping remembers cannot be read.", "checkpoint") from None
        if monitor.weights is not None and monitor.weights.shape != (size,):
            raise RelumeError("The best weights do not fit the network.", "checkpoint")
        return monitor
