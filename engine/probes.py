"""The extras that visible views ask for: forward passes that look at a run without changing it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.data.dataset import Dataset
from engine.data.extent import is_made_plane, plane_extent
from engine.live import LiveSize
from engine.losses import classes_of, encode_targets, evaluate, link
from engine.run import Run
from engine.telemetry import (
    MAX_TILES,
    Activations,
    Distributions,
    Histogram,
    Plane,
    Predictions,
    SampleTrace,
)
from engine.units import Effort, by_unit, effort

if TYPE_CHECKING:
    from engine.kernels.live_forward import LiveForward

Layers = list[tuple[np.ndarray, np.ndarray]]

#: Work of one slice: short enough that a command waits at most some 10 ms.
SLICE_FLOPS = 2e8
#: Numbers that one slice keeps (8 MB): feature maps of a few samples are as large as a table.
SLICE_VALUES = 2_000_000
#: Work of one probe: it shrinks (fewer points, fewer samples) rather than take longer.
PROBE_FLOPS = 4e9
#: Work of a probe while the network trains, where the next one comes soon.
LIVE_FLOPS = 1e8
#: Seconds that one may take then: every frame a new heatmap, every second new predictions.
LIVE_HEATMAP, LIVE_PREDICTIONS = 0.00025, 0.004
FEWEST = 12  # samples of a live heatmap; of slow networks some at a time, by turns
HISTOGRAM_VALUES = 200_000
MOST_CLASSES = 32  # that are sure to be seen in a live picture


class Interrupted(Exception):  # noqa: N818 - a signal inside the engine, not an error
    """A command is waiting: the probe is dropped and made anew later."""


class Probes:
    """Computes the extras of a snapshot from the weights of this moment.

    Args:
        interrupted: asked between slices; True drops the probe (raises Interrupted).
    """

    def __init__(self, run: Run, interrupted: Callable[[], bool]) -> None:
        self.run, self.spec, self.data, self.interrupted = run, run.spec, run.data, interrupted
        work = effort(run.spec)
        self.flops = max(1, work.flops)
        self.slice_rows = self.slice_rows_of(work)
        self._units = [part.layer.has_units for part in run.spec.parts]
        self._order = _sorted_samples(run.data)
        self._picked: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._live_forward: tuple[tuple[int, int], LiveForward] | None = None  # of so many samples, so many at once
        self._limit = PROBE_FLOPS
        self._most: int | None = None  # samples of a live picture
        classes = min(len(run.data.class_names), MOST_CLASSES)
        self._fewest = max(FEWEST, classes)  # columns of a live heatmap: one sample of each class, if it can be
        self._live = {
            "activations": LiveSize(LIVE_HEATMAP, self.flops, 400),
            "predictions": LiveSize(LIVE_PREDICTIONS, 2 * self.flops, 5000, looks=2, least=classes),
        }

    @staticmethod
    def slice_rows_of(work: Effort) -> int:
        """Samples that go forward at a time: little work, little memory."""
        rows = min(65536, max(16, SLICE_FLOPS // max(1, work.flops)))
        return int(max(1, min(rows, SLICE_VALUES // max(1, work.values))))

    def compute(self, name: str, sample: tuple[str, int] | None, resting: bool = True) -> Any:
        """The extra called `name` of telemetry.WATCHABLE, None where the data has no such picture. Unless the trainer
        is `resting` it is of fewer samples: as many as are quickly seen."""
        self._limit = PROBE_FLOPS if resting else LIVE_FLOPS
        live = None if resting else self._live.get(name)
        self._most = None if live is None else live.count
        makers: dict[str, Callable[[], Any]] = {
            "plane": self.plane,
            "activations": self.activations,
            "distributions": self.distributions,
            "predictions": self.predictions,
            "sample": lambda: self.sample(*sample) if sample else None,
        }
        began = time.perf_counter()
        made = makers[name]()
        if live is not None:
            live.took(time.perf_counter() - began)
        return made

    def forward(self, x: np.ndarray) -> Layers:
        """(z, a) of every layer for the rows of x."""
        parts = list(self._passes(x))
        return [
            (np.concatenate([p[i][0] for p in parts]), np.concatenate([p[i][1] for p in parts]))
            for i in range(len(parts[0]))
        ]

    def outputs(self, x: np.ndarray) -> np.ndarray:
        """What the last layer's activation gives, (n, outputs)."""
        parts = [np.zeros((0, self.spec.output_shape[-1]), np.float32)]
        x = np.ascontiguousarray(x, np.float32)
        for start in range(0, len(x), self.slice_rows):
            if self.interrupted():
                raise Interrupted
            parts.append(self.run.stepper.predict(x[start : start + self.slice_rows]))
        return np.concatenate(parts)

    def _passes(self, x: np.ndarray) -> Iterator[Layers]:
        """(z, a) of every layer, slice by slice."""
        x = np.ascontiguousarray(x, np.float32)
        for start in range(0, len(x), self.slice_rows):
            if self.interrupted():
                raise Interrupted
            yield self.run.stepper.forward(x[start : start + self.slice_rows])

    def _said(self, last: np.ndarray) -> np.ndarray:
        """Outputs as a person reads them: probabilities for classes, target units for regression."""
        said = link(self.spec.loss, last, str(self.data.task))
        if self.data.task == "regression":
            return self.data.preprocessing.targets_to_units(said)
        return said

    def _affordable(self, wanted: int, least: int) -> int:
        if self._most is not None:
            return min(wanted, self._most)
        return int(np.clip(self._limit // self.flops, least, wanted))

    def plane(self) -> Plane | None:
        if self.data.raw_train.shape[1:] != (2,):
            return None
        resolution = int(np.sqrt(self._affordable(60 * 60, 32 * 32)))
        left, right, bottom, top = plane_extent(self.data)
        x = np.linspace(left, right, resolution, dtype=np.float32)
        y = np.linspace(bottom, top, resolution, dtype=np.float32)
        inputs = self.data.preprocessing.apply(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
        layers = self.forward(inputs)

        def tiles(values: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(values[:, :MAX_TILES].T).reshape(-1, resolution, resolution)

        output = layers[-1][1]
        if self.data.task == "regression":
            output = self._said(output)
        return Plane(x, y, tuple(tiles(a) for _, a in layers), tiles(output), tiles(inputs), time.monotonic())

    def activations(self) -> Activations:
        width = sum(part.given[-1] for part in self.spec.parts)
        at_once = self._affordable(400, 40)
        wanted = at_once if self._most is None else max(at_once, self._fewest)
        count = min(len(self._order), max(40, 2_000_000 // width), wanted)
        if count not in self._picked:  # the same ones every time: who shows them can tell
            picked = self._order[np.unique(np.linspace(0, len(self._order) - 1, count).round().astype(np.int64))]
            self._picked[count] = (picked, self.data.x_train[picked])
        picked, x = self._picked[count]
        if self._most is not None and at_once <= self.slice_rows:
            if self._live_forward is None or self._live_forward[0] != (count, at_once):
                self._live_forward = (count, at_once), self.run.stepper.live_forward(x, at_once)
            layers = tuple(self._live_forward[1]())
            return Activations(picked, layers, self._live_forward[1].oldest)
        parts: list[list[np.ndarray]] = [[] for _ in self._units]
        for slices in self._passes(x):
            for part, (_, a), own in zip(parts, slices, self._units, strict=True):
                part.append(by_unit(a) if own else np.zeros((len(a), 0), np.float32))
        return Activations(picked, tuple(np.concatenate(part) for part in parts), time.monotonic())

    def distributions(self) -> Distributions:
        count = self._affordable(1000, 40)
        step = max(1, len(self.data.x_train) // count)
        x = self.data.x_train[::step]
        parameters = self.run.stepper.network.parameters()
        kernels = [parameters.get(f"{part.path}.kernel") for part in self.spec.parts]
        strides = [_stride(len(x), part.given) for part in self.spec.parts]
        parts: list[tuple[list[np.ndarray], list[np.ndarray]]] = [([], []) for _ in self._units]
        for layers in self._passes(x):
            for kept, values, stride, own in zip(parts, layers, strides, self._units, strict=True):
                if own:
                    for part, array in zip(kept, values, strict=True):
                        part.append(array.reshape(-1)[::stride].copy())
        told = [tuple(_histogram(np.concatenate(part)) if part else None for part in kept) for kept in parts]
        return Distributions(
            tuple(_histogram(kernel) for kernel in kernels),
            tuple(z for z, _ in told),
            tuple(a for _, a in told),
            time.monotonic(),
        )

    def predictions(self) -> Predictions:
        data = self.data
        count = self._affordable(5000, 200)
        picked = [np.arange(0, len(x), max(1, -(-len(x) // count))) for x in (data.x_train, data.x_test)]
        last = [self.outputs(x[i]) for x, i in zip((data.x_train, data.x_test), picked, strict=True)]
        confusions: list[np.ndarray | None] = [None, None]
        if data.task != "regression":
            classes = max(2, len(data.class_names))
            confusions = [
                _confusion(y[i], classes_of(self.spec.loss, o), classes)
                for y, i, o in zip((data.y_train, data.y_test), picked, last, strict=True)
            ]
        curve_x = curve_y = None
        if data.raw_train.shape[1:] == (1,):
            low, high = float(data.raw_train.min()), float(data.raw_train.max())
            margin = 0.05 * (high - low)
            curve_x = np.linspace(low - margin, high + margin, 400, dtype=np.float32)
            curve_y = self._said(self.outputs(data.preprocessing.apply(curve_x[:, None])))
        said = [self._said(o) for o in last]
        return Predictions(
            said[0], said[1], picked[0], picked[1], confusions[0], confusions[1], curve_x, curve_y, time.monotonic()
        )

    def sample(self, part: str, index: int) -> SampleTrace | None:
        data = self.data
        x, y = (data.x_test, data.y_test) if part == "test" else (data.x_train, data.y_train)
        if not 0 <= index < len(x):
            return None
        layers = self.forward(x[index : index + 1])
        last = layers[-1][1]
        targets = encode_targets(self.spec.loss, y[index : index + 1], str(data.task), last.shape[1])
        loss = evaluate(self.spec.loss, last, targets)[0]
        return SampleTrace(
            index, part, tuple(_map(z[0]) for z, _ in layers), tuple(_map(a[0]) for _, a in layers),
            self._said(last)[0], loss,
            time.monotonic(),
        )  # fmt: skip


def _map(values: np.ndarray) -> np.ndarray:
    """What signals (positions, filters) look like: maps of one row."""
    return values[None] if values.ndim == 2 else values


def _confusion(true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    return np.bincount(true.astype(np.int64) * classes + predicted, minlength=classes * classes).reshape(
        classes, classes
    )


def _histogram(values: np.ndarray | None) -> Histogram | None:
    if values is None or not values.size or not np.isfinite(values).all():
        return None
    flat = values.reshape(-1)
    if flat.size > HISTOGRAM_VALUES:
        flat = flat[:: flat.size // HISTOGRAM_VALUES + 1]
    low, high = float(flat.min()), float(flat.max())
    if high - low < 1e-6 * max(abs(low), abs(high), 1e-6):
        low, high = low - 0.5, high + 0.5
    counts, edges = np.histogram(flat, bins=40, range=(low, high))
    return Histogram(counts, edges)


def _stride(samples: int, shape: tuple[int, ...]) -> int:
    """Takes about HISTOGRAM_VALUES of so many outputs, and those of every unit alike."""
    stride = max(1, samples * math.prod(shape) // HISTOGRAM_VALUES)
    while math.gcd(stride, math.prod(shape)) > 1:
        stride += 1
    return stride


def _sorted_samples(data: Dataset) -> np.ndarray:
    """Training samples by class or target, then by their first raw value (made points of a plane: distance from 0).
    Images keep their order within a class."""
    raw = data.raw_train
    first = data.y_train if data.task != "regression" else data.y_train[:, 0]
    if raw.ndim > 2:
        return np.argsort(first, kind="stable")
    second = np.hypot(raw[:, 0], raw[:, 1]) if is_made_plane(data) else raw[:, 0]
    if raw.shape[1] == 1 and data.task == "regression":
        return np.argsort(raw[:, 0], kind="stable")
    return np.lexsort((second, first))
