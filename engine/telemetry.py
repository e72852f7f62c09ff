"""What the trainer tells: snapshots through a mailbox with one slot, and a bounded history."""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Generic, TypeVar

import numpy as np

from engine.errors import RelumeError, expect, shown
from engine.spec import NetworkSpec, TrainingSpec

HISTORY_COLUMNS = ("epoch", "step", "seconds", "train_loss", "test_loss", "train_metric", "test_metric")

#: What a view may ask for, on top of what every snapshot holds.
WATCHABLE = ("parameters", "plane", "activations", "distributions", "predictions", "epochs", "sample")


@dataclasses.dataclass(frozen=True, eq=False)
class LayerSnapshot:
    """One layer, unit by unit. Arrays are read-only, one entry per unit (the last axis).

    A channel of feature maps is a unit, seen at every position of every sample. Layers without an activation of their
    own (dropout, pooling) have empty arrays.
    """

    dead: np.ndarray  # bool: z <= 0 for every training sample and position, for activations that are flat there
    max_z: np.ndarray  # largest z over the training samples seen
    mean: np.ndarray  # mean activation
    active_share: np.ndarray  # share of training samples (and positions) on which it gives anything but 0 (relu: z > 0)
    dead_since: np.ndarray  # int64 epoch, -1 while alive
    gradient_norm: float  # mean |gradient| of the layer's kernel in the last step, NaN before the first
    provisional: bool  # True until all training samples were seen with the same weights
    activations: np.ndarray | None = None  # (probe samples, units), when a visible view asked for them

    def renewed(self, gradient_norm: float, provisional: bool, activations: np.ndarray | None) -> LayerSnapshot:
        """The same units later. Many layers 30 times a second: made without the checks of a frozen class."""
        other = object.__new__(LayerSnapshot)
        new = {"gradient_norm": gradient_norm, "provisional": provisional, "activations": activations}
        other.__dict__.update(self.__dict__, **new)
        return other


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
    """Responses over the plane of a 2-D input: raw x (columns) and y (rows), `resolution` each, y upwards."""

    x: np.ndarray  # (resolution,)
    y: np.ndarray  # (resolution,)
    layers: tuple[np.ndarray, ...]  # per layer (units, resolution, resolution) activations, MAX_TILES units at most
    output: np.ndarray  # (outputs, resolution, resolution): as the last layer gives it; target units for regression
    inputs: np.ndarray  # (features, resolution, resolution): what the network is fed
    taken: float


MAX_TILES = 24


@dataclasses.dataclass(frozen=True, eq=False)
class Activations:
    """Every unit on some training samples, sorted by class (or by target)."""

    samples: np.ndarray  # int64 index into x_train
    layers: tuple[np.ndarray, ...]  # per layer (samples, units) activations; of feature maps the mean over positions
    taken: float


@dataclasses.dataclass(frozen=True, eq=False)
class Histogram:
    counts: np.ndarray  # (bins,)
    edges: np.ndarray  # (bins + 1,)


@dataclasses.dataclass(frozen=True, eq=False)
class Distributions:
    """Per layer: kernel weights, z and activations. None where a layer has none."""

    weights: tuple[Histogram | None, ...]
    preactivations: tuple[Histogram | None, ...]
    activations: tuple[Histogram | None, ...]
    taken: float


@dataclasses.dataclass(frozen=True, eq=False)
class Predictions:
    """What the network says. `link` is already applied: probabilities for classes, target units for regression."""

    train: np.ndarray  # (n, outputs) for x_train[train_samples]
    test: np.ndarray
    train_samples: np.ndarray  # int64 indices
    test_samples: np.ndarray
    confusion_train: np.ndarray | None  # (true, predicted) counts, classification only
    confusion_test: np.ndarray | None
    curve_x: np.ndarray | None  # raw x grid, 1-D inputs only
    curve_y: np.ndarray | None  # (grid, outputs), target units
    taken: float


@dataclasses.dataclass(frozen=True, eq=False)
class UnitEpochs:
    """Units over the epochs: the share of samples on which each was active, and its mean activation."""

    epochs: np.ndarray  # (rows,)
    active_share: tuple[np.ndarray, ...]  # per layer (rows, units)
    mean: tuple[np.ndarray, ...]
    dead: tuple[np.ndarray, ...]  # bool


@dataclasses.dataclass(frozen=True, eq=False)
class SampleTrace:
    """One sample's way through the network."""

    index: int
    part: str  # "train" or "test"
    preactivations: tuple[np.ndarray, ...]  # per layer (units,) or (rows, columns, units); of signals one row
    activations: tuple[np.ndarray, ...]
    output: np.ndarray  # (outputs,) after the link: probabilities, or target units
    loss: float
    taken: float


@dataclasses.dataclass(frozen=True, eq=False)
class Snapshot:
    """One look at a run. Complete, read-only, and named by its run and its spec."""

    run: int
    spec: NetworkSpec
    training: TrainingSpec
    state: str
    step: int
    epoch: int
    batch: int  # batches done in the running epoch
    batches_per_epoch: int
    seconds: float  # of training
    samples_per_second: float
    train_loss: float
    test_loss: float
    train_metric: float
    test_metric: float
    layers: tuple[LayerSnapshot, ...]  # one for each of spec.parts: without blocks, one for each layer
    history: Mapping[str, np.ndarray]
    taken: float  # time.monotonic()
    preparing: tuple[int, int] | None = None  # kernels ready, kernels in all
    error: RelumeError | None = None
    learning_rate: float = float("nan")  # of the next step
    held: Mapping[str, np.ndarray] = dataclasses.field(default_factory=dict)  # parameter -> bool: what was frozen
    ended: str = ""  # why the run ended before its last epoch, and whose weights it holds
    parameters: Mapping[str, np.ndarray] | None = None
    plane: Plane | None = None
    activations: Activations | None = None
    distributions: Distributions | None = None
    predictions: Predictions | None = None
    unit_epochs: UnitEpochs | None = None
    sample: SampleTrace | None = None


def checked_wishes(names: Iterable[str], sample: tuple[str, int] | None) -> frozenset[str]:
    """The names of what is to be watched. Raises RelumeError for what nobody can watch, or for what is no sample."""
    expect(names, (list, tuple, set, frozenset), "Trainer, watch")
    wanted = list(names)
    unknown = [name for name in wanted if not isinstance(name, str) or name not in WATCHABLE]
    if unknown:
        raise RelumeError(f"Cannot watch {shown(unknown[0])}.", fix=f"There are {', '.join(WATCHABLE)}.")
    if sample is not None:
        expect(sample, tuple, "Trainer, sample")
        if len(sample) != 2 or sample[0] not in ("train", "test") or not isinstance(sample[1], int | np.integer):
            raise RelumeError(f"A sample is (part, index), not {shown(sample)}.", "Trainer, sample")
    return frozenset(wanted)


Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """One slot between two threads: the newest wins, nothing queues up."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._item: Item | None = None

    @property
    def empty(self) -> bool:
        return self._item is None

    def put(self, item: Item) -> None:
        with self._lock:
            self._item = item

    def take(self) -> Item | None:
        """The item, leaving the slot empty; None when there is none."""
        with self._lock:
            item, self._item = self._item, None
            return item


class History:
    """Rows of a run, thinned by epoch number so that the kept rows are the same in every run.

    Every epoch up to 256 is kept, then 128 of each doubling, evenly spaced. The newest row is always shown: where a
    run rests at the end of an epoch that is not kept, it stands there until the run goes on.
    """

    #: 256 rows and 128 for each of the 22 doublings up to the most epochs that a run may have
    MOST_ROWS = 256 + 128 * 22 + 1

    def __init__(self) -> None:
        self._rows = np.empty((len(HISTORY_COLUMNS), self.MOST_ROWS)).T  # rows are added, none is ever changed
        self._count = 0
        self._last: np.ndarray | None = None

    @staticmethod
    def _spacing(epoch: int) -> int:
        return 1 << max(0, epoch.bit_length() - 8)

    @property
    def epoch(self) -> int:
        """The newest epoch, -1 before the first row."""
        return -1 if self._last is None else int(self._last[0])

    def keeps(self, epoch: int) -> bool:
        return epoch % self._spacing(epoch) == 0

    def next_kept(self, epoch: int) -> int:
        """The first epoch after `epoch` that is kept."""
        spacing = self._spacing(epoch)
        return (epoch // spacing + 1) * spacing

    def add(self, **row: float) -> None:
        """Adds one finished epoch; values by column name."""
        self._take(np.array([row[name] for name in HISTORY_COLUMNS], dtype=np.float64))

    def _take(self, values: np.ndarray) -> None:
        self._last = values
        if self.keeps(int(values[0])) and self._count < self.MOST_ROWS:
            self._rows[self._count] = values
            self._count += 1

    def table(self) -> np.ndarray:
        """All rows, (rows, columns) float64."""
        rows = self._rows[: self._count]
        if self._last is None or not self._stands_apart:
            return rows.copy()
        return np.vstack([rows, self._last])

    @property
    def _stands_apart(self) -> bool:
        """Whether the newest row is not one of those that are kept."""
        return self._last is not None and not (self._count and self._rows[self._count - 1, 0] == self._last[0])

    def column(self, name: str) -> np.ndarray:
        """One column as an array. Raises RelumeError for an unknown name."""
        if not isinstance(name, str) or name not in HISTORY_COLUMNS:
            known = ", ".join(HISTORY_COLUMNS)
            raise RelumeError(f"The history has no column {shown(name)}.", fix=f"Columns: {known}.")
        return self.table()[:, HISTORY_COLUMNS.index(name)].copy()

    def newest(self) -> dict[str, float]:
        """The newest row by column name, NaN where there is none."""
        row = [math.nan] * len(HISTORY_COLUMNS) if self._last is None else self._last.tolist()
        return dict(zip(HISTORY_COLUMNS, row, strict=True))

    def columns(self) -> Mapping[str, np.ndarray]:
        """Every column as it is now, read-only."""
        table = self.table().T if self._stands_apart else self._rows[: self._count].T
        table.flags.writeable = False
        return MappingProxyType(dict(zip(HISTORY_COLUMNS, table, strict=True)))

    def __len__(self) -> int:
        return self._count + self._stands_apart

    def to_dict(self) -> dict[str, object]:
        return {"rows": self.table().tolist()}

    @classmethod
    def from_dict(cls, data: Mapping[str, object]) -> History:
        """The inverse of `to_dict`. Raises RelumeError for anything else."""
        history = cls()
        try:
            rows = [np.array([float(v) for v in row]) for row in data["rows"]]  # type: ignore[attr-defined]
            if any(len(row) != len(HISTORY_COLUMNS) for row in rows):
                raise RelumeError("The history of the run has rows of another length.", "history")
            for row in rows:
                history._take(row)
        except (KeyError, TypeError, ValueError, OverflowError):
            raise RelumeError("The history of the run cannot be read.", "history") from None
        return history
