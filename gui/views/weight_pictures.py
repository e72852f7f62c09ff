"""The two pictures of a kernel: a heatmap of neurons x inputs, and little images of what each neuron looks for."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QHelpEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip

from gui import theme
from gui.marks import paint_cross
from gui.numbers import significant
from gui.views.pieces import Canvas, shade, to_image

MEASURED = 50  # names of inputs whose length is measured


class WeightCanvas(Canvas):
    """What both pictures share: which neuron is under the mouse, which is selected, fading."""

    unit_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.selected: int | None = None
        self.faded = False
        self.scale = 1.0
        self.noun = "neuron"
        self.dead = np.zeros(0, bool)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def unit_at(self, place: QPointF) -> int | None:
        raise NotImplementedError

    def words_at(self, place: QPointF) -> str:
        raise NotImplementedError

    def mousePressEvent(self, event: QMouseEvent) -> None:
        unit = self.unit_at(event.position())
        if unit is not None and event.button() == Qt.MouseButton.LeftButton:
            self.unit_clicked.emit(unit)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            words = self.words_at(QPointF(event.pos()))
            if words:
                QToolTip.showText(event.globalPos(), words, self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down go from neuron to neuron."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None or not len(self.dead):
            super().keyPressEvent(event)
            return
        start = self.selected if self.selected is not None else (-1 if step > 0 else len(self.dead))
        self.unit_clicked.emit(min(max(start + step, 0), len(self.dead) - 1))

    def mark_selected(self, painter: QPainter, area: QRectF) -> None:
        painter.setPen(QPen(theme.color("accent"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(area.adjusted(-3, -3, 3, 3), 3, 3)


class KernelMap(WeightCanvas):
    """Neurons down, inputs across; nearest neighbour. Cells below 1 px are merged, the largest |w| is kept."""

    LEFT, TOP, RIGHT, FOOT = 56, 24, 24, 44

    def __init__(self) -> None:
        super().__init__()
        self.kernel = np.zeros((0, 0), np.float32)
        self.names: Sequence[str] = ()
        self.what = "inputs"
        self.setAccessibleName("Weights, neurons down and inputs across")

    def show_kernel(self, kernel: np.ndarray, dead: np.ndarray, scale: float, names: Sequence[str], what: str) -> None:
        self.kernel, self.dead, self.scale, self.names, self.what = kernel, dead, scale, names, what
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(480, 360)

    def _area(self) -> QRectF:
        """Cells are at most 40 px, so that a small kernel does not become a wall of colour."""
        inputs, units = self.kernel.shape
        width = min(self.width() - self.LEFT - self.RIGHT, 56 * inputs)
        height = min(self.height() - self.TOP - self.FOOT, 40 * units)
        return QRectF(self.LEFT, self.TOP, max(width, 1), max(height, 1))

    def _cell(self, place: QPointF) -> tuple[int, int] | None:
        area = self._area()
        if not self.kernel.size or not area.contains(place):
            return None
        inputs, units = self.kernel.shape
        across = int((place.x() - area.left()) / area.width() * inputs)
        down = int((place.y() - area.top()) / area.height() * units)
        return min(down, units - 1), min(across, inputs - 1)

    def unit_at(self, place: QPointF) -> int | None:
        cell = self._cell(QPointF(max(place.x(), self._area().left()), place.y()) if self.kernel.size else place)
        return cell[0] if cell else None

    def words_at(self, place: QPointF) -> str:
        cell = self._cell(place)
        if cell is None:
            return ""
        unit, source = cell
        state = ", dead" if self.dead[unit] else ""
        weight = significant(float(self.kernel[source, unit]), 4)
        return f"{self.noun} {unit + 1}{state}, from {self.names[source]}: weight {weight}"

    def paintEvent(self, event: QPaintEvent) -> None:
        with self.painter(event) as painter:
            if not self.kernel.size:
                return
            area, (inputs, units) = self._area(), self.kernel.shape
            shown = strongest(self.kernel.T, int(area.height()), int(area.width()))
            painter.setOpacity(0.4 if self.faded else 1.0)
            painter.drawImage(area, to_image(shade(shown, -self.scale, self.scale, "diverging")))
            painter.setOpacity(1.0)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(theme.color("panel"), 1))
            row, column = area.height() / units, area.width() / inputs
            if row >= 4:
                for k in range(1, units):
                    y = round(area.top() + k * row)
                    painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            if column >= 12:
                for k in range(1, inputs):
                    x = round(area.left() + k * column)
                    painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
            self._paint_names(painter, area, row, column)
            if self.selected is not None and self.selected < units:
                top = area.top() + self.selected * row
                self.mark_selected(painter, QRectF(area.left(), top, area.width(), max(row, 2)))

    def _paint_names(self, painter: QPainter, area: QRectF, row: float, column: float) -> None:
        flags, units, inputs = Qt.AlignmentFlag, self.kernel.shape[1], self.kernel.shape[0]
        painter.setFont(theme.font(11))
        stride = max(1, math.ceil(15 / row))
        for k in range(units):
            middle = area.top() + (k + 0.5) * row
            dead = bool(self.dead[k])
            if dead:
                side = max(3.0, min(8.0, row))
                paint_cross(
                    painter, QRectF(area.left() - 18 - side / 2, middle - side / 2, side, side), theme.color("dead")
                )
            if k % stride == 0 or dead and row >= 13:
                painter.setPen(theme.color("dead" if dead else "ink 2"))
                painter.drawText(
                    QRectF(0, middle - 8, area.left() - 26, 16), flags.AlignRight | flags.AlignVCenter, str(k + 1)
                )
        painter.setPen(theme.color("ink 2"))
        painter.drawText(QPointF(16, area.top() - 8), self.noun)
        metrics = painter.fontMetrics()
        widest = (
            max((metrics.horizontalAdvance(name) for name in self.names[:: inputs // MEASURED + 1]), default=8) + 10
        )
        stride = max(1, math.ceil(min(widest, 90) / column))
        for k in range(0, inputs, stride):
            name = metrics.elidedText(self.names[k], Qt.TextElideMode.ElideRight, int(stride * column))
            span = max(column, metrics.horizontalAdvance(name) + 4.0)
            middle = area.left() + (k + 0.5) * column
            painter.drawText(QRectF(middle - span / 2, area.bottom() + 5, span, 16), flags.AlignHCenter, name)
        words = f"{self.what}; {int(self.dead.sum())} of {units} {self.noun}s dead" if self.dead.any() else self.what
        painter.drawText(QPointF(area.left(), area.bottom() + 34), words)


class UnitImages(WeightCanvas):
    """One image for each neuron of a first layer that is fed images; dead ones carry a cross and the word."""

    GAP, LABEL, EDGE = 12, 18, 16
    CROSS = 17  # px that it adds to a caption

    def __init__(self) -> None:
        super().__init__()
        self.images = np.zeros((0, 1, 1), np.float32)
        self.setAccessibleName("Weights of each neuron as an image")

    def show_units(self, images: np.ndarray, dead: np.ndarray, scale: float) -> None:
        changed = len(images) != len(self.images)
        self.images, self.dead, self.scale = images, dead, scale
        if changed:
            self._fit()
        self.update()

    def resizeEvent(self, event: object) -> None:
        self._fit()

    def _fit(self) -> None:
        columns, _, _, pitch = self._grid()
        self.setMinimumHeight(math.ceil(len(self.images) / columns) * pitch + self.EDGE)

    def _grid(self) -> tuple[int, int, int, int]:
        """(columns, width and height of an image, distance of the rows): whole pixels of the screen for each pixel."""
        count, (rows_of, pixels) = max(1, len(self.images)), self.images.shape[1:]
        width = max(1, self.width() - 2 * self.EDGE + self.GAP)
        holder = self.parentWidget()
        room = holder.height() if holder is not None else 0
        side = high = 24
        for zoom in range(max(1, 96 // pixels), 0, -1):  # the largest that shows all, else the smallest above 40 px
            side, high = max(zoom * pixels, 24), max(zoom * rows_of, 24)
            rows = math.ceil(count / max(1, width // (side + self.GAP)))
            if rows * (high + self.LABEL + self.GAP) <= room or (zoom - 1) * pixels < 40:
                break
        return max(1, width // (side + self.GAP)), side, high, high + self.LABEL + self.GAP - 4

    def place(self, unit: int) -> QRectF:
        columns, side, high, pitch = self._grid()
        return QRectF(self.EDGE + unit % columns * (side + self.GAP), 4 + unit // columns * pitch, side, high)

    def unit_at(self, place: QPointF) -> int | None:
        columns, side, _, pitch = self._grid()
        column, row = int((place.x() - self.EDGE) // (side + self.GAP)), int((place.y() - 4) // pitch)
        unit = row * columns + column
        inside = 0 <= column < columns and 0 <= unit < len(self.images)
        return unit if inside and self.place(unit).adjusted(0, 0, 0, self.LABEL).contains(place) else None

    def words_at(self, place: QPointF) -> str:
        unit = self.unit_at(place)
        if unit is None:
            return ""
        area, (rows, columns) = self.place(unit), self.images.shape[1:]
        column = int((place.x() - area.left()) / area.width() * columns)
        row = int((place.y() - area.top()) / area.height() * rows)
        state = ", dead" if self.dead[unit] else ""
        if not (0 <= row < rows and 0 <= column < columns):
            return f"{self.noun} {unit + 1}{state}"
        value = significant(float(self.images[unit, row, column]), 4)
        return f"{self.noun} {unit + 1}{state}, pixel row {row + 1}, column {column + 1}: weight {value}"

    def paintEvent(self, event: QPaintEvent) -> None:
        with self.painter(event) as painter:
            if not len(self.images):
                return
            columns, side, _, pitch = self._grid()
            first = max(0, (event.rect().top() - 4) // pitch) * columns
            last = min(len(self.images), ((event.rect().bottom() - 4) // pitch + 1) * columns)
            if last <= first:
                return
            colors = shade(self.images[first:last], -self.scale, self.scale, "diverging")
            painter.setFont(theme.font(11))
            flags, metrics = Qt.AlignmentFlag, painter.fontMetrics()
            word = self._word_fits(metrics, side)
            for unit in range(first, last):
                area, dead = self.place(unit), bool(self.dead[unit])
                painter.setOpacity(0.4 if self.faded else 1.0)
                painter.drawImage(area, to_image(colors[unit - first]))
                painter.setOpacity(1.0)
                painter.setPen(QPen(theme.color("dead" if dead else "control edge"), 2 if dead else 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(area)
                caption = QRectF(area.left() - 4, area.bottom() + 2, area.width() + 8, 16)
                if dead:
                    words = f"{unit + 1} dead" if word else str(unit + 1)
                    room = metrics.horizontalAdvance(words) / 2
                    paint_cross(
                        painter,
                        QRectF(area.center().x() - room - 7, caption.center().y() - 4, 8, 8),
                        theme.color("dead"),
                    )
                    painter.setPen(theme.color("dead"))
                    painter.drawText(caption.adjusted(8, 0, 12, 0), flags.AlignCenter, words)
                else:
                    painter.setPen(theme.color("ink 2"))
                    painter.drawText(caption, flags.AlignCenter, str(unit + 1))
                if unit == self.selected:
                    self.mark_selected(painter, area)

    def _word_fits(self, metrics: QFontMetrics, side: int) -> bool:
        """Whether the captions of dead neurons have room for the word; else the cross says it alone."""
        return metrics.horizontalAdvance(f"{len(self.images)} dead") + self.CROSS <= side + self.GAP - 4


def strongest(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """`values` with at most so many rows and columns; of merged cells the one with the largest |value|."""
    for axis, limit in ((0, rows), (1, columns)):
        size = values.shape[axis]
        if size <= max(limit, 1):
            continue
        starts = np.unique(np.linspace(0, size, max(limit, 1), endpoint=False).astype(np.int64))
        high, low = np.maximum.reduceat(values, starts, axis), np.minimum.reduceat(values, starts, axis)
        values = np.where(high >= -low, high, low)
    return values
