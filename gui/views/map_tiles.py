"""What is inside the tiles of the network map."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPen, QPolygonF

from engine.losses import LOSSES, link
from engine.spec import NetworkSpec
from engine.telemetry import Activations, Plane, Snapshot
from gui import marks, theme
from gui.views.cells import StepScale, cell_image, color_table, large_size, levels, pool
from gui.views.layer_words import LayerWords
from gui.views.map_layout import INPUTS, Column

if TYPE_CHECKING:
    from engine.data.dataset import Dataset

CENTER = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine
STRIPES = 64  # columns of a tile that shows samples
OUTPUT, WEIGHTS = -3, -2  # scales of their own
SCENE_SAMPLES = 500  # of which the mean image is made


@dataclasses.dataclass(frozen=True, eq=False)
class Art:
    """A tile's picture: a part of an image, or a curve in the unit square (y downwards)."""

    image: QImage | None = None
    part: QRectF = dataclasses.field(default_factory=QRectF)
    curve: np.ndarray | None = None
    zero: float | None = None  # height of y = 0 for a curve


class Tiles:
    """The pictures of all tiles, made anew from every snapshot that brings something to show.

    2-D inputs: the response over the plane. 1-D inputs: the response as a curve. Others: the activation on the
    training samples, sorted by class, as stripes; units fed by an image show their incoming weights.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.art: dict[tuple[int, int], Art] = {}
        self.kind = ""  # "plane", "curve", "samples" or "" while there is nothing
        self.weights_shown = False
        self.taken = float("nan")
        self._scales: dict[int, StepScale] = {}

    def update(
        self, snapshot: Snapshot, columns: Sequence[Column], words: Mapping[int, LayerWords], data: Dataset | None
    ) -> None:
        signed_table, plain_table = color_table(True), color_table(False)
        self._tables = {True: signed_table, False: plain_table}
        plane, activations = snapshot.plane, snapshot.activations
        self._task = str(data.task) if data is not None else ""
        if plane is not None:
            self.kind, self.taken, self.art = "plane", plane.taken, {}
            self._planes(plane, columns, words, snapshot.spec)
        elif activations is not None and data is not None and _belong(snapshot, data):
            self.art, self.taken = {}, activations.taken
            raw = getattr(data, "raw_train", None)
            if raw is not None and raw.shape[1] == 1:
                self.kind = "curve"
                self._curves(activations, columns, raw[:, 0])
            else:
                self.kind = "samples"
                self._stripes(snapshot, activations, columns, words, data)
                self._images(snapshot, columns, data)

    def _link(self, loss: str, outputs: np.ndarray) -> np.ndarray:
        if self._task == "regression" or LOSSES.get(loss).link == "identity":
            return outputs
        return link(loss, outputs, self._task)

    def _top(self, layer: int, values: np.ndarray) -> float:
        return self._scales.setdefault(layer, StepScale()).update(large_size(values))

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
            self._keep(column.layer, picked, levels(values[:, ::-1], top, signed), signed)

    def _keep(self, layer: int, units: Sequence[int], cells: np.ndarray, signed: bool) -> None:
        """The pictures of some units, cells (units, rows, columns), as one image."""
        if not len(units):
            return
        image = cell_image(cells.reshape(-1, cells.shape[2]), self._tables[signed])
        rows, columns = cells.shape[1:]
        for place, unit in enumerate(units):
            self.art[layer, unit] = Art(image, QRectF(0, place * rows, columns, rows))

    def _said(self, spec: NetworkSpec, outputs: np.ndarray) -> tuple[np.ndarray, bool, float]:
        """(values, signed, top) of outputs (n, width): one probability as -1 to 1, several as 0 to 1, else as given."""
        said = self._link(spec.loss, outputs)
        if said is outputs:
            return outputs, True, self._top(OUTPUT, outputs)
        return (2 * said - 1, True, 1.0) if outputs.shape[1] == 1 else (said, False, 1.0)

    def _curves(self, activations: Activations, columns: Sequence[Column], raw: np.ndarray) -> None:
        x = raw[activations.samples].astype(float)
        order = np.argsort(x, kind="stable")
        x = x[order]
        span = float(x[-1] - x[0]) or 1.0
        for column in columns:
            if column.layer == INPUTS:
                values = x[:, None]
            elif column.layer < len(activations.layers):
                values = activations.layers[column.layer][order]
            else:
                continue
            top = self._scales.setdefault(column.layer, StepScale()).update(float(np.abs(values).max(initial=0.0)))
            signed = bool((values < 0).any())
            for unit in (unit for unit in column.shown if unit < values.shape[1]):
                height = np.nan_to_num(values[:, unit]) / top
                y = 0.5 - 0.44 * height if signed else 0.94 - 0.88 * height
                points = np.column_stack([0.06 + 0.88 * (x - x[0]) / span, np.clip(y, 0.03, 0.97)])
                self.art[column.layer, unit] = Art(curve=points, zero=0.5 if signed else 0.94)

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
                values = data.x_train[activations.samples][:, : max(column.shown, default=0) + 1]
                signed = bool((values < 0).any())
            elif column.layer < len(activations.layers):
                values, signed = activations.layers[column.layer], words[column.layer].signed
                if words[column.layer].last:
                    values, signed, top = self._said(snapshot.spec, values)
            else:
                continue
            if column.layer == INPUTS or not words[column.layer].last:
                top = self._top(column.layer, values[:: max(1, len(values) // STRIPES)])
            picked = [unit for unit in column.shown if unit < values.shape[1]]
            part = values[:, picked]
            if len(part) > STRIPES:
                part = pool(part, np.arange(STRIPES) * len(part) // STRIPES, 0, signed)
            self._keep(column.layer, picked, levels(part.T, top, signed)[:, None, :], signed)

    def _images(self, snapshot: Snapshot, columns: Sequence[Column], data: Dataset) -> None:
        """Units that are fed by an image show their weights in its shape."""
        shape = getattr(data, "image_shape", None)
        self.weights_shown = False
        if shape is None or len(shape) < 2 or len(columns) < 2 or snapshot.parameters is None:
            return
        rows, width = int(shape[0]), int(shape[1])
        first = columns[1].layer
        kernel = snapshot.parameters.get(f"{first}.kernel")
        if kernel is None or kernel.shape[0] != rows * width:
            return
        self.weights_shown = True
        largest = float(np.abs(kernel[:, list(columns[1].shown)]).max(initial=0.0))
        top = self._scales.setdefault(WEIGHTS, StepScale()).update(largest)
        picked = list(columns[1].shown)
        self._keep(first, picked, levels(kernel[:, picked].T.reshape(-1, rows, width), top, True), True)

    def scene(self, data: Dataset, sample: int | None) -> Art | None:
        """The picked training image, or the mean one."""
        shape = getattr(data, "image_shape", None)
        if shape is None or len(shape) < 2 or not len(data.x_train):
            return None
        x = data.x_train
        picked = x[sample] if sample is not None and sample < len(x) else x[:: max(1, len(x) // SCENE_SAMPLES)].mean(0)
        values = picked.reshape(int(shape[0]), int(shape[1]), -1).mean(axis=2)
        low, high = float(values.min()), float(values.max())
        cells = levels(values - low, max(high - low, 1e-12), False)
        return Art(cell_image(cells, color_table(False)), QRectF(0, 0, cells.shape[1], cells.shape[0]))


def _belong(snapshot: Snapshot, data: Dataset) -> bool:
    """False while one of the two is already new and the other still old."""
    seen, x = snapshot.activations, data.x_train
    fits = x.shape[1] == int(np.prod(snapshot.spec.input_shape))
    return fits and seen is not None and len(seen.samples) > 0 and int(seen.samples.max()) < len(x)


def paint_art(painter: QPainter, rect: QRectF, art: Art | None) -> None:
    """A tile's picture, or an empty tile."""
    if art is not None and art.image is not None:
        painter.drawImage(rect, art.image, art.part)
        return
    painter.fillRect(rect, theme.color("sunken"))
    if art is None or art.curve is None:
        return
    if art.zero is not None:
        painter.setPen(QPen(theme.color("grid"), 1))
        y = rect.top() + art.zero * rect.height()
        painter.drawLine(QPointF(rect.left() + 2, y), QPointF(rect.right() - 2, y))
    place = art.curve * [rect.width(), rect.height()] + [rect.left(), rect.top()]
    painter.setPen(QPen(theme.category(0), 1.5, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawPolyline(QPolygonF([QPointF(float(x), float(y)) for x, y in place]))


def paint_dead(painter: QPainter, rect: QRectF, unit: int) -> None:
    """Solid dead fill, cross, and the word, with the neuron's number where there is room."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("dead"))
    painter.drawRoundedRect(rect, 3, 3)
    size = rect.width() * 0.34
    cross = QRectF(rect.center().x() - size / 2, rect.top() + rect.height() * 0.36 - size / 2, size, size)
    marks.paint_cross(painter, cross, theme.color("on dead"))
    painter.setPen(theme.color("on dead"))
    painter.setFont(theme.font(11, 600))
    words = f"{unit + 1} dead" if rect.width() >= 52 else "dead"
    painter.drawText(QRectF(rect.left() - 8, rect.bottom() - 17, rect.width() + 16, 16), CENTER, words)


def paint_condition(painter: QPainter, rect: QRectF, condition: str) -> None:
    """A mark in the corner: hollow cross for nearly dead, a slash for always on."""
    back = QRectF(rect.right() - 13, rect.top() + 1, 12, 12)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("panel"))
    painter.drawRoundedRect(back, 2, 2)
    inner = back.adjusted(3, 3, -3, -3)
    painter.setPen(QPen(theme.color("ink 2"), 1.5))
    painter.drawLine(inner.bottomLeft(), inner.topRight())
    if condition == "nearly dead":
        painter.drawLine(inner.topLeft(), QPointF(inner.right(), inner.bottom()))
