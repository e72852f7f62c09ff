"""The cells of one layer in the picture of a sample: a square for each neuron, a map for each filter."""

from __future__ import annotations

import dataclasses

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from engine.telemetry import SampleTrace
from gui import theme
from gui.marks import paint_cross
from gui.numbers import number, percent
from gui.views.cells import cell_image, color_table, levels
from gui.views.layer_words import LayerWords

HEAD, FOOT = 24, 16
MAP_GAP = 6


@dataclasses.dataclass(frozen=True, eq=False)
class TraceBlock:
    """One layer of a trace, drawn from `left` and `top` on with so many `columns`."""

    words: LayerWords
    left: float
    top: float
    columns: int
    z: np.ndarray
    a: np.ndarray
    dead: np.ndarray

    @property
    def size(self) -> int:
        return cell_size(self.words)

    @property
    def bottom(self) -> float:
        return self.top + HEAD + -(-self.words.units // self.columns) * self.size + FOOT

    @property
    def edge(self) -> int:
        return self.size - (MAP_GAP if self.words.maps else 3 if self.size > 12 else 1)

    def open(self) -> np.ndarray:
        """A gate is shut where its activation is flat: z <= 0 in rectifiers, for a filter everywhere. Others let
        everything through."""
        if not self.words.dies:
            return np.ones(self.words.units, bool)
        return self.z.reshape(-1, self.words.units).max(axis=0) > 0

    def place(self, unit: int) -> QPointF:
        row, column = divmod(unit, self.columns)
        return QPointF(self.left + column * self.size, self.top + HEAD + row * self.size)

    def unit_at(self, point: QPointF) -> int | None:
        column, row = int((point.x() - self.left) // self.size), int((point.y() - self.top - HEAD) // self.size)
        unit = row * self.columns + column
        return unit if 0 <= column < self.columns and row >= 0 and 0 <= unit < self.words.units else None

    def pass_words(self) -> str:
        """How many units let the sample through."""
        dead, filters = int(self.dead.sum()), " filters" if self.words.maps else ""
        if not self.words.dies:
            return f"all {self.words.units}{filters} let it through"
        passed = int(self.open().sum())
        return f"{passed} of {self.words.units}{filters} let it through" + (f", {dead} dead" if dead else "")

    def unit_words(self, unit: int) -> str:
        """All that is known of a unit on this sample."""
        state = "dead" if self.dead[unit] else "lets it through" if self.open()[unit] else "closed"
        head = f"Layer {self.words.number}, {self.words.noun} {unit + 1}: {state}"
        z, a = self.z[..., unit], self.a[..., unit]
        if self.words.maps:
            share = percent(float(np.count_nonzero(a)) / a.size)
            reach = f"{number(float(z.min()))} to {number(float(z.max()))}"
            return f"{head}\nz from {reach}, not 0 at {share} of the places"
        if not self.words.activation:
            return f"{head}\ngives {number(float(a))}"
        return f"{head}\nz = {number(float(z))}, {self.words.activation}(z) = {number(float(a))}"

    def paint(self, painter: QPainter, scale: float, chosen: int | None) -> None:
        """The cells, with a ring around the `chosen` unit."""
        table, level = color_table(self.words.signed), levels(self.a, scale, self.words.signed)
        if self.words.maps:
            self._paint_maps(painter, level, table)
        else:
            self._paint_cells(painter, level, table)
        if chosen is not None and chosen < self.words.units:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(theme.color("accent"), 2))
            place = self.place(chosen)
            painter.drawRoundedRect(QRectF(place.x() - 2, place.y() - 2, self.edge + 4, self.edge + 4), 3, 3)

    def _paint_cells(self, painter: QPainter, level: np.ndarray, table: list[int]) -> None:
        open_ = self.open()
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for unit in range(self.words.units):
            cell = self._cell(unit)
            if self.dead[unit]:
                self._paint_dead(painter, cell)
                continue
            if open_[unit]:
                painter.fillRect(cell, table[int(level[unit])])
            painter.setPen(QPen(theme.color("control edge" if open_[unit] else "line"), 1))
            painter.drawRect(cell)

    def _paint_maps(self, painter: QPainter, level: np.ndarray, table: list[int]) -> None:
        """One image holds all maps, one above the other."""
        rows, columns, units = level.shape
        picture = cell_image(np.moveaxis(level, 2, 0).reshape(units * rows, columns), table)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("control edge"), 1))
        for unit in range(units):
            cell = self._cell(unit)
            if self.dead[unit]:
                self._paint_dead(painter, cell)
                continue
            painter.drawImage(cell, picture, QRectF(0, unit * rows, columns, rows))
            painter.drawRect(cell)

    def _cell(self, unit: int) -> QRectF:
        place = self.place(unit)
        return QRectF(place.x() + 0.5, place.y() + 0.5, self.edge - 1, self.edge - 1)

    def _paint_dead(self, painter: QPainter, cell: QRectF) -> None:
        painter.fillRect(cell, theme.color("dead"))
        if self.size > 12:
            inner = cell.width() * 0.3 if self.words.maps else 5
            paint_cross(painter, cell.adjusted(inner, inner, -inner, -inner), theme.color("on dead"))


def cell_size(words: LayerWords) -> int:
    """Edge of one unit's cell, its gap included: smaller where there are many."""
    if words.maps:
        return 62 if words.units <= 32 else 40
    return 26 if words.units <= 64 else 18 if words.units <= 256 else 10


def trace_blocks(
    layers: tuple[LayerWords, ...],
    trace: SampleTrace,
    dead: dict[int, np.ndarray],
    left: float,
    top: float,
    width: float,
) -> list[TraceBlock]:
    """A block for each hidden layer, one below the other."""
    blocks: list[TraceBlock] = []
    for words in layers:
        if words.last:
            continue
        columns = max(1, int(width // cell_size(words)))
        z, a = trace.preactivations[words.index], trace.activations[words.index]
        blocks.append(TraceBlock(words, left, top, columns, z, a, dead[words.index]))
        top = blocks[-1].bottom
    return blocks
