"""The error of a regression in its target's own units, of any epoch, from what the history holds of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.data.dataset import Dataset
from engine.losses import LOSSES, LossName
from engine.telemetry import Predictions

PARTS = ("train", "test")


@dataclasses.dataclass(frozen=True, eq=False)
class TargetError:
    """How far predictions are from the targets. Its words fit the screen: "RMS error, units of price".

    It is what the loss measures where that is a mean absolute error, else the root mean squared error: then R squared
    and the `spread` (standard deviation) of the part's targets give it, whatever the loss was.
    """

    name: str  # "RMS error"
    unit: str  # "units of price"
    meaning: str  # a sentence or two
    power: int | None = None  # the loss is the error to this power
    scale: float = 1.0  # target units per unit of the loss
    spread: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def title(self) -> str:
        return f"{self.name}, {self.unit}"

    def of(self, part: str, loss: Any, metric: Any) -> Any:
        """The error of "train" or "test" for its loss and R squared: numbers, or columns of the history."""
        with np.errstate(all="ignore"):
            if self.spread.get(part):
                return np.sqrt(np.maximum(1.0 - np.asarray(metric), 0.0)) * self.spread[part]
            if self.power is None:
                return np.full(np.shape(loss), np.nan)
            return np.asarray(loss) ** (1.0 / self.power) * self.scale


def target_error(loss: LossName, data: Dataset) -> TargetError | None:
    """The error to tell beside a loss; None for classes.

    Several targets have one error in common units only while no scaling tells them apart; else each counts in
    standard deviations of its own.
    """
    if data.task != "regression":
        return None
    power, scales = LOSSES.get(loss).power, data.target_scale
    several, alike = len(scales) > 1, bool((scales == scales[0]).all())
    unit = "the targets' units" if several else f"units of {data.target_name}"
    over = ", over all targets" if several else ""
    if power == 1 and alike:
        meaning = f"The mean of |predicted \u2212 true|{over}, in {unit}."
        return TargetError("Mean abs. error", unit, meaning, power, float(scales[0]))
    if several and not (power == 2 and alike):
        meaning = (
            "The root of the mean of (predicted \u2212 true)\u00b2 over all targets, each target in standard "
            "deviations of its own: \u221a(1 \u2212 R\u00b2)."
        )
        return TargetError("RMS error", "standard deviations", meaning, spread={part: 1.0 for part in PARTS})
    meaning = f"The root of the mean of (predicted \u2212 true)\u00b2{over}, in {unit}."
    spread = {} if several else {part: _spread(getattr(data, f"y_{part}"), scales[0]) for part in PARTS}
    return TargetError("RMS error", unit, meaning, power if power == 2 else None, float(scales[0]), spread)


def errors_by_target(loss: LossName, data: Dataset, told: Predictions, part: str) -> np.ndarray:
    """The error of each target in its own units, (outputs,), on the samples of `part` that were predicted."""
    said, rows = getattr(told, part), getattr(told, f"{part}_samples")
    true = data.preprocessing.targets_to_units(getattr(data, f"y_{part}")[rows])
    if not len(rows) or said.shape != true.shape:
        return np.full(data.outputs, np.nan)
    difference = said.astype(np.float64) - true
    if LOSSES.get(loss).power == 1:
        return np.abs(difference).mean(axis=0)
    return np.sqrt(np.square(difference).mean(axis=0))


def _spread(targets: np.ndarray, scale: float) -> float:
    return float(targets[:, 0].astype(np.float64).std() * scale) if len(targets) else 0.0
