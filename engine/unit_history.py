"""What became of every unit over the epochs: how often it was active, when it died."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.activations import get as activation_record
from engine.errors import RelumeError
from engine.fields import name_of, options_of
from engine.spec import NetworkSpec
from engine.telemetry import UnitEpochs
from engine.units import unit_widths

if TYPE_CHECKING:
    from engine.kernels.stepper import Stepper

MAX_ROWS = 256
LONG_PASS = 1e9  # flops
#: A pass that takes longer than about a second does not come before the first step.
LATE_PASS = 2e10


class UnitStatistics:
    """Sums over the training samples seen so far, per part and unit; of feature maps over all their positions.

    An activation is active where it gives anything but 0; for relu that is z > 0. Layers without units are left out.

    Args:
        suspects: bool (units,) per layer: the only ones that may be called dead, where not all samples are seen.
    """

    def __init__(self, spec: NetworkSpec, suspects: Sequence[np.ndarray] | None = None) -> None:
        self.suspects = suspects
        self.widths = unit_widths(spec)
        self.positions = [math.prod(part.given[:-1]) for part in spec.parts]
        self.dies = [
            activation_record(name_of(part.layer.activation)).dies(options_of(part.layer.activation))
            if hasattr(part.layer, "activation")
            else False
            for part in spec.parts
        ]
        self.max_z = [np.full(width, -np.inf, np.float32) for width in self.widths]
        self.sums = [np.zeros(width) for width in self.widths]
        self.active = [np.zeros(width, np.int64) for width in self.widths]
        self.samples = 0

    def survey(self, stepper: Stepper, x: np.ndarray) -> None:
        """Adds samples, in compiled code."""
        stepper.survey(x, self.max_z, self.sums, self.active)
        self.samples += len(x)

    def survey_heights(self, stepper: Stepper, x: np.ndarray) -> None:
        """Samples that may only clear suspects: nothing but the largest z hears of them."""
        stepper.survey(x, self.max_z)

    def add(self, layers: Sequence[tuple[np.ndarray, np.ndarray]]) -> None:
        """The same from (z, a) of every layer, each (samples, *shape), by numpy: the slow twin."""
        with np.errstate(all="ignore"):  # weights about to diverge give infinities
            for number, (z, a) in enumerate(layers):
                if self.widths[number]:
                    self._add(number, z.reshape(len(z), -1), a.reshape(len(a), -1))
        self.samples += len(layers[0][0])

    def _add(self, number: int, z: np.ndarray, a: np.ndarray) -> None:
        maps = (self.positions[number], self.widths[number])  # over samples first: long rows are quick
        high = z.max(axis=0).reshape(maps).max(axis=0)
        np.maximum(self.max_z[number], high, out=self.max_z[number])
        self.sums[number] += a.sum(axis=0, dtype=np.float64).reshape(maps).sum(axis=0)
        self.active[number] += np.count_nonzero(a, axis=0).reshape(maps).sum(axis=0)

    def dead(self, layer: int) -> np.ndarray:
        """bool (units,): z <= 0 on every sample and at every position, for activations that are flat there."""
        if not self.dies[layer] or not self.samples:
            return np.zeros(self.widths[layer], bool)
        silent = self.max_z[layer] <= 0
        return silent if self.suspects is None else silent & self.suspects[layer]

    def casts_suspicion(self) -> bool:
        """Whether a unit that could die was silent on all samples seen and is not among the suspects."""
        layers = [layer for layer, dies in enumerate(self.dies) if dies]
        suspects = self.suspects or [np.zeros(width, bool) for width in self.widths]
        return any(bool(np.any((self.max_z[layer] <= 0) & ~suspects[layer])) for layer in layers)

    def mean(self, layer: int) -> np.ndarray:
        return (self.sums[layer] / self._seen(layer)).astype(np.float32)

    def active_share(self, layer: int) -> np.ndarray:
        return (self.active[layer] / self._seen(layer)).astype(np.float32)

    def _seen(self, layer: int) -> int:
        """How often each unit was seen."""
        return max(1, self.samples * self.positions[layer])


def is_milestone(epoch: int, flops: float) -> bool:
    """Whether units are measured at the end of this epoch in every run, watched or not.

    After 1, 2, 4, 8, ... epochs; where a pass over the training set takes long (`flops`), from 16 on. It depends on
    nothing else, so that the epoch of a death is the same in every run.
    """
    if epoch == 0 and flops >= LATE_PASS:
        return False
    return epoch & (epoch - 1) == 0 and not (flops >= LONG_PASS and 0 < epoch < 16)


class UnitHistory:
    """Rows of finished `UnitStatistics`, bounded: when full, every other row goes.

    A death is dated by the first milestone at which the unit was dead; between two milestones by the first look.
    """

    def __init__(self, spec: NetworkSpec) -> None:
        self.widths = unit_widths(spec)
        self.dead_since = [np.full(width, -1, np.int64) for width in self.widths]
        self._dated = [since.copy() for since in self.dead_since]
        self._rows: list[tuple[int, np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, epoch: int, statistics: UnitStatistics, milestone: bool = False) -> None:
        layers = range(len(self.widths))
        dead = [statistics.dead(number) for number in layers]
        for since, dated, gone in zip(self.dead_since, self._dated, dead, strict=True):
            if milestone:
                dated[gone & (dated < 0)] = epoch
                dated[~gone] = -1
            since[gone & (since < 0)] = epoch
            since[~gone] = -1
            known = gone & (dated >= 0)
            since[known] = dated[known]
        row = (
            epoch,
            np.concatenate([statistics.active_share(number) for number in layers]),
            np.concatenate([statistics.mean(number) for number in layers]),
            np.concatenate(dead),
        )
        if self._rows and self._rows[-1][0] == epoch:
            self._rows[-1] = row
            return
        self._rows.append(row)
        if len(self._rows) > MAX_ROWS:
            self._rows = self._rows[::2]

    def dated(self) -> list[np.ndarray]:
        """bool (units,) per layer: those that were dead at the last milestone, which is the same in every run."""
        return [dated >= 0 for dated in self._dated]

    def epochs(self) -> UnitEpochs:
        """All rows as read-only arrays."""
        rows = self._rows
        cuts = np.cumsum(self.widths)[:-1]

        def split(column: int, dtype: type) -> tuple[np.ndarray, ...]:
            table: np.ndarray = np.array([row[column] for row in rows], dtype).reshape(len(rows), sum(self.widths))
            table.flags.writeable = False
            return tuple(np.split(table, cuts, axis=1))

        return UnitEpochs(
            np.array([row[0] for row in rows], np.int64), split(1, np.float32), split(2, np.float32), split(3, np.bool_)
        )

    def state(self) -> dict[str, np.ndarray]:
        rows = self._rows
        width = sum(self.widths)
        return {
            "epochs": np.array([row[0] for row in rows], np.int64),
            "active_share": np.array([row[1] for row in rows], np.float32).reshape(len(rows), width),
            "mean": np.array([row[2] for row in rows], np.float32).reshape(len(rows), width),
            "dead": np.array([row[3] for row in rows], np.bool_).reshape(len(rows), width),
            "dead_since": np.concatenate(self.dead_since),
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """The inverse of `state`. Raises RelumeError when it belongs to another network."""
        try:
            since = np.asarray(state["dead_since"], np.int64)
            columns = [np.asarray(state[name]) for name in ("epochs", "active_share", "mean", "dead")]
            if since.shape != (sum(self.widths),) or any(len(c) != len(columns[0]) for c in columns):
                raise ValueError
            if any(c.shape[1:] != (sum(self.widths),) for c in columns[1:]):
                raise ValueError
        except (KeyError, TypeError, ValueError):
            raise RelumeError("The history of the units belongs to another network.", "units") from None
        self.dead_since = [part.copy() for part in np.split(since, np.cumsum(self.widths)[:-1])]
        self._dated = [part.copy() for part in self.dead_since]
        self._rows = [
            (int(e), s.astype(np.float32), m.astype(np.float32), d.astype(bool))
            for e, s, m, d in zip(*columns, strict=True)
        ]
