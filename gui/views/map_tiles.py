"""What the tiles of the network map show, as numbers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.losses import LOSSES, LossName, link
from engine.spec import NetworkSpec
from engine.telemetry import Activations, Plane, SampleTrace, Snapshot
from gui.views.cells import StepScale, large_size, levels, pool
from gui.views.image_data import image_shape, pixels_of
from gui.views.layer_words import LayerWords
from gui.views.map_colors import AXIS, CURVE, PLAIN, SIGNED
from gui.views.map_layout import INPUTS, Column

if TYPE_CHECKING:
    from engine.data.dataset import Dataset

STRIPES = 64  # columns of a tile that shows samples
OUTPUT, WEIGHTS = -3, -2  # scales of their own
SCENE_SAMPLES = 500  # of which the mean image is made
SCALE_SAMPLES = 4000  # of which the colour scale is made
CURVE_WIDTH = 1.5
LARGEST = 1e30  # of a prediction that can be drawn


@dataclasses.dataclass(frozen=True, eq=False)
class Cells:
    """values (tiles, rows, columns), row 0 at the top; the colours end at `top`."""

    values: np.ndarray
    top: float
    signed: bool

    def colors(self, side: int, ratio: float) -> np.ndarray:
        """Numbers of `map_colors.table` (tiles, rows, columns)."""
        return levels(self.values, self.top, self.signed) + np.uint16(SIGNED if self.signed else PLAIN)


@dataclasses.dataclass(frozen=True, eq=False)
class Curves:
    """Curves y (tiles, points) over x (points,), and the height of y = 0; all in the unit square, y downwards."""

    x: np.ndarray
    y: np.ndarray
    zero: float

    def colors(self, side: int, ratio: float) -> np.ndarray:
        """Numbers of `map_colors.table` (tiles, side, side)."""
        middles = (np.arange(side) + 0.5) / side
        inside = np.flatnonzero((middles >= self.x[0]) & (middles <= self.x[-1]))
        after = np.clip(np.searchsorted(self.x, middles[inside]), 1, max(1, len(self.x) - 1))
        before = after - (len(self.x) > 1)
        share = (middles[inside] - self.x[before]) / np.maximum(self.x[after] - self.x[before], 1e-9)
        y = side * (self.y[:, before] + (self.y[:, after] - self.y[:, before]) * share)
        slope = np.gradient(y, axis=1) if len(inside) > 1 else np.zeros_like(y)
        half = CURVE_WIDTH * ratio / 2 * np.sqrt(1 + slope**2)
        rows = np.arange(side)[:, None]
        covered = np.minimum(rows + 1, (y + half)[:, None]) - np.maximum(rows, (y - half)[:, None])
        colors = np.full((len(y), side, side), CURVE, np.uint16)
        colors[:, min(side - 1, int(self.zero * side)), 2:-2] = AXIS
        drawn = np.clip(255 * covered, 0, 255).astype(np.uint16)
        colors[:, :, inside] = np.where(drawn > 0, CURVE + drawn, colors[:, :, inside])
        return colors


Art = Cells | Curves


class Tiles:
    """What every column's tiles show, made anew when a snapshot brings something else.

    2-D inputs: the response over the plane. 1-D inputs: the response as a curve. Others: the activation on the
    training samples, sorted by class, as stripes; units fed by an image show their incoming weights, filters their maps
    of one sample. Tiles at the end of a column may have nothing to show.
    """

    def __init__(self) -> None:
        self._scene_of: tuple[object, tuple[str, int] | None] = (None, None)
        self._scene: Cells | None = None
        self.reset()

    def reset(self) -> None:
        self.art: dict[int, Art] = {}
        self.kind = ""  # "plane", "curve", "samples" or "" while there is nothing
        self.weights_shown = False
        self.mapped: tuple[str, int] | None = None  # the sample whose maps are shown
        self._kept: dict[int, tuple[SampleTrace, Column, Cells]] = {}
        self.taken = float("nan")
        self._scales: dict[int, StepScale] = {}
        self._shown: tuple[object, ...] = ()

    def update(
        self, snapshot: Snapshot, columns: Sequence[Column], words: Mapping[int, LayerWords], data: Dataset | None
    ) -> None:
        plane, activations = snapshot.plane, snapshot.activations
        self._task = str(data.task) if data is not None else ""
        source = plane if plane is not None else activations
        shown = (source, data, *columns)
        same = len(shown) == len(self._shown) and all(a is b for a, b in zip(shown, self._shown, strict=True))
        if plane is not None:
            if not same:
                self.kind, self.taken, self.art = "plane", plane.taken, {}
                self._planes(plane, columns, words, snapshot.spec)
        elif activations is not None and data is not None and _belong(snapshot, data):
            raw = getattr(data, "raw_train", None)
            line = raw[:, 0] if raw is not None and raw.shape[1:] == (1,) else None
            self.kind = "samples" if line is None else "curve"
            if not same:
                self.art, self.taken = {}, activations.taken
                if line is not None:
                    self._curves(activations, columns, words, snapshot.spec, line)
                else:
                    self._stripes(snapshot, activations, columns, words, data)
            if self.kind == "samples":
                self._images(snapshot, columns, words, data)
            self._maps(snapshot.sample, columns, words)
        else:
            return
        self._shown = shown

    def _link(self, loss: LossName, outputs: np.ndarray) -> np.ndarray:
        """What outputs (n, width) predict, in numbers that can be drawn; the same array where the loss takes them so.
        Values of a regression are told as they are, but for a loss that takes them as logarithms."""
        kind = LOSSES.get(loss).link
        if kind == "identity" or (self._task == "regression" and kind != "exp"):
            return outputs
        return np.minimum(np.nan_to_num(link(loss, outputs, self._task)), LARGEST)

    def _top(self, layer: int, values: np.ndarray) -> float:
        flat = values.reshape(-1)
        size = large_size(flat[:: max(1, len(flat) // SCALE_SAMPLES)])
        return self._scales.setdefault(layer, StepScale()).update(size)

    def _planes(
        self, plane: Plane, columns: Sequence[Column], words: Mapping[int, LayerWords], spec: NetworkSpec
    ) -> None:
        for column in columns:
            picked = list(column.shown)
            if column.layer == INPUTS:
                picked = [unit for unit in picked if unit < len(plane.inputs)]
                values, signed = plane.inputs[picked], True
                size = np.abs(values).max(axis=(1, 2), keepdims=True, initial=1e-12)
                top, values = 1.0, values / size  # each input has its own unit
            elif column.layer < len(plane.layers):
                source = plane.layers[column.layer]
                picked = [unit for unit in picked if unit < len(source)]
                if words[column.layer].last:
                    flat = plane.output.reshape(len(plane.output), -1).T
                    values, signed, top = self._said(spec, flat[:, picked] if flat.shape[1] == 1 else flat)
                    values = values.T[picked if len(values.T) > len(picked) else slice(None)]
                    values = values.reshape(-1, *plane.output.shape[1:])
                else:
                    values, signed = source[picked], words[column.layer].signed
                    top = self._top(column.layer, values)
            else:
                continue
            self.art[column.layer] = Cells(values[:, ::-1], top, signed)

    def _said(self, spec: NetworkSpec, outputs: np.ndarray) -> tuple[np.ndarray, bool, float]:
        """(values, signed, top) of outputs (n, width): one probability as -1 to 1, several as 0 to 1, else as given;
        predictions that cannot be negative from 0."""
        said = self._link(spec.loss, outputs)
        if said is outputs or LOSSES.get(spec.loss).link == "exp":
            return said, said is outputs, self._top(OUTPUT, said)
        return (2 * said - 1, True, 1.0) if outputs.shape[1] == 1 else (said, False, 1.0)

    def _curves(
        self,
        activations: Activations,
        columns: Sequence[Column],
        words: Mapping[int, LayerWords],
        spec: NetworkSpec,
        raw: np.ndarray,
    ) -> None:
        x = raw[activations.samples].astype(float)
        order = np.argsort(x, kind="stable")
        x = x[order]
        span = float(x[-1] - x[0]) or 1.0
        for column in columns:
            if column.layer == INPUTS:
                values = x[:, None]
            elif column.layer < len(activations.layers):
                values = activations.layers[column.layer][order]
                values = self._link(spec.loss, values) if words[column.layer].last else values
            else:
                continue
            top = self._scales.setdefault(column.layer, StepScale()).update(float(np.abs(values).max(initial=0.0)))
            signed = bool((values < 0).any())
            picked = [unit for unit in column.shown if unit < values.shape[1]]
            height = np.nan_to_num(values[:, picked].T) / top
            y = np.clip(0.5 - 0.44 * height if signed else 0.94 - 0.88 * height, 0.03, 0.97)
            self.art[column.layer] = Curves(0.06 + 0.88 * (x - x[0]) / span, y, 0.5 if signed else 0.94)

    def _stripes(
        self,
        snapshot: Snapshot,
        activations: Activations,
        columns: Sequence[Column],
        words: Mapping[int, LayerWords],
        data: Dataset,
    ) -> None:
        for column in columns:
            if column.layer == INPUTS:
                inputs = data.x_train.reshape(len(data.x_train), -1)
                values = inputs[activations.samples, : max(column.shown, default=0) + 1]
                signed = bool((values < 0).any())
            elif column.layer < len(activations.layers) and not words[column.layer].maps:
                values, signed = activations.layers[column.layer], words[column.layer].signed
                if words[column.layer].last:
                    values, signed, top = self._said(snapshot.spec, values)
            else:
                continue
            if column.layer == INPUTS or not words[column.layer].last:
                top = self._top(column.layer, values)
            part = values[:, [unit for unit in column.shown if unit < values.shape[1]]]
            if len(part) > STRIPES:
                starts = np.arange(STRIPES) * len(part) // STRIPES
                # An input shows single samples: the largest of several would be the same everywhere.
                part = part[starts] if column.layer == INPUTS else pool(part, starts, 0, signed)
            self.art[column.layer] = Cells(part.T[:, None, :], top, signed)

    def _images(
        self, snapshot: Snapshot, columns: Sequence[Column], words: Mapping[int, LayerWords], data: Dataset
    ) -> None:
        """Units that are fed by an image show their weights in its shape."""
        shape = image_shape(data)
        fed = next((c for c in columns if c.layer != INPUTS and words[c.layer].previous == INPUTS), None)
        self.weights_shown = False
        if shape is None or shape[2] > 1 or fed is None or snapshot.parameters is None:
            return
        rows, width = shape[:2]
        kernel = snapshot.parameters.get(snapshot.spec.key(fed.layer, "kernel"))
        if kernel is None or kernel.ndim != 2 or kernel.shape[0] != rows * width:
            return
        self.weights_shown = True
        values = kernel[:, list(fed.shown)].T.reshape(-1, rows, width)
        top = self._scales.setdefault(WEIGHTS, StepScale()).update(float(np.abs(values).max(initial=0.0)))
        self.art[fed.layer] = Cells(values, top, True)

    def _maps(self, trace: SampleTrace | None, columns: Sequence[Column], words: Mapping[int, LayerWords]) -> None:
        """Filters show their maps of one sample."""
        self.mapped = None
        for column in columns:
            if trace is None or column.layer == INPUTS or not words[column.layer].maps:
                continue
            values = trace.activations[column.layer] if column.layer < len(trace.activations) else np.zeros(0)
            if values.ndim != 3 or values.shape[2] != column.units:
                continue
            self.mapped = (trace.part, trace.index)
            kept = self._kept.get(column.layer)
            if kept is None or kept[0] is not trace or kept[1] is not column:
                shown = np.moveaxis(values[:, :, list(column.shown)], 2, 0)
                art = Cells(shown, self._top(column.layer, values), words[column.layer].signed)
                kept = self._kept[column.layer] = (trace, column, art)
            self.art[column.layer] = kept[2]

    def scene(self, data: Dataset, sample: tuple[str, int] | None) -> Cells | None:
        """The image of a sample, ("train", 3), or the mean one."""
        if self._scene is None or self._scene_of[0] is not data or self._scene_of[1] != sample:
            self._scene_of, self._scene = (data, sample), _scene(data, sample)
        return self._scene


def _scene(data: Dataset, sample: tuple[str, int] | None) -> Cells | None:
    shape = image_shape(data)
    if shape is None or not len(data.x_train):
        return None
    part, index = sample or ("train", len(data.x_train))
    x = data.x_test if part == "test" else data.x_train
    mean = index >= len(x)
    picked = data.x_train[:: max(1, len(data.x_train) // SCENE_SAMPLES)].mean(0) if mean else x[index]
    values = pixels_of(picked, shape)
    low, high = float(values.min()), float(values.max())
    return Cells((values - low)[None], max(high - low, 1e-12), False)


def _belong(snapshot: Snapshot, data: Dataset) -> bool:
    """False while one of the two is already new and the other still old."""
    seen, x = snapshot.activations, data.x_train
    fits = math.prod(x.shape[1:]) == int(np.prod(snapshot.spec.input_shape))
    return fits and seen is not None and len(seen.samples) > 0 and int(seen.samples.max()) < len(x)
