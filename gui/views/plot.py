"""The one plot of the program: a pyqtgraph view box with axes, grid and names painted around it in the theme's ink."""

from __future__ import annotations

import time
from collections.abc import Callable

import pyqtgraph as pg
from PySide6.QtCore import QMarginsF, QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPen, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QGraphicsView, QWidget

from gui import theme
from gui.numbers import tick
from gui.views import scales

Overlay = Callable[[QPainter, "Plot"], None]
Ticks = list[tuple[float, str]]


class Plot(pg.GraphicsView):
    """Left and bottom axis only, horizontal grid, no menu, no zooming: the data moves, the furniture does not.

    The scene is the widget in pixels. Items go into `box` in data units; names, ticks and `overlays` (painted last)
    are drawn straight onto the widget, so that nothing is rebuilt when a number changes.
    """

    hovered = Signal(object)  # (x, y) in data units, or None when the mouse leaves
    clicked = Signal(float, float)
    resized = Signal()
    stepped = Signal(int)  # Up and Down keys, where the plot takes the focus

    def __init__(self, parent: QWidget | None = None, *, square: bool = False, grid: bool = True) -> None:
        super().__init__(parent)
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)  # a kept background would show an old grid
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.square, self.grid, self.axis_line = square, grid, grid
        self.margins = QMarginsF(48, 12, 16, 40)
        self.overlays: list[Overlay] = []
        self.faded = False
        self.x_name = self.y_name = ""
        self.inline_names = square  # names among the ticks, where that saves a row
        self.x_ticks: Ticks = []
        self.y_ticks: Ticks = []
        self.box = pg.ViewBox(enableMenu=False, enableMouse=False, defaultPadding=0)
        self.scene().addItem(self.box)
        self.limits = (0.0, 1.0, 0.0, 1.0)
        self.set_range(0, 1, 0, 1)
        theme.signals.changed.connect(self._restyle)
        self._restyle()

    def add(self, item: pg.GraphicsObject, z: float = 0) -> pg.GraphicsObject:
        """Puts an item into the plot, above those with a smaller `z`, and gives it back."""
        item.setZValue(z)
        self.box.addItem(item, ignoreBounds=True)
        return item

    def set_range(self, left: float, right: float, bottom: float, top: float) -> None:
        """Shows exactly this part of the plane; does nothing when it already does."""
        wanted = (float(left), float(right), float(bottom), float(top))
        if wanted == self.limits and self.x_ticks:
            return
        self.limits = wanted
        self.box.setRange(xRange=wanted[:2], yRange=wanted[2:], padding=0)
        self.set_ticks()

    def set_ticks(self, x: Ticks | None = None, y: Ticks | None = None) -> None:
        """Marks the axes; without words of its own an axis gets round numbers."""
        left, right, bottom, top = self.limits
        self.x_ticks = numbered(left, right, self.square) if x is None else x
        self.y_ticks = numbered(bottom, top, self.square) if y is None else y
        self.viewport().update()

    def name_y(self, name: str) -> None:
        """Writes a name above the left axis, and makes room for it."""
        if name != self.y_name:
            self.y_name = name
            self.margins.setTop(26 if name else 12)
            self.box.setGeometry(self.frame())
            self.viewport().update()

    def fade(self, faded: bool) -> None:
        """Shows the picture at 40 %: it is the last good one of a run that failed."""
        if faded != self.faded:
            self.faded = faded
            self.viewport().update()

    def frame(self) -> QRectF:
        """The rectangle of the data, in pixels of the widget."""
        area = QRectF(self.rect()).marginsRemoved(self.margins)
        if self.square:
            side = max(min(area.width(), area.height()), 1)
            area = QRectF(area.left() + (area.width() - side) / 2, area.top(), side, side)
        return QRectF(round(area.left()), round(area.top()), max(round(area.width()), 1), max(round(area.height()), 1))

    def to_pixels(self, x: float, y: float) -> QPointF:
        frame, (left, right, bottom, top) = self.frame(), self.limits
        return QPointF(
            frame.left() + (x - left) / (right - left) * frame.width(),
            frame.bottom() - (y - bottom) / (top - bottom) * frame.height(),
        )

    def to_data(self, point: QPointF) -> tuple[float, float]:
        frame, (left, right, bottom, top) = self.frame(), self.limits
        return (
            left + (point.x() - frame.left()) / frame.width() * (right - left),
            bottom + (frame.bottom() - point.y()) / frame.height() * (top - bottom),
        )

    def sizeHint(self) -> QSize:
        return QSize(296, 240)

    def minimumSizeHint(self) -> QSize:
        return QSize(180, 140)

    # --- painting

    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:
        painter.fillRect(rect, theme.color("panel"))
        if not self.grid:
            return
        frame = self.frame()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(theme.color("grid"), 1))
        for value, _ in self.y_ticks:
            y = round(self.to_pixels(self.limits[0], value).y())
            painter.drawLine(QPointF(frame.left(), y), QPointF(frame.right(), y))

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        frame = self.frame()
        if self.faded:
            veil = theme.color("panel")
            veil.setAlphaF(0.6)
            painter.fillRect(frame.adjusted(-4, -4, 4, 4), veil)
        if self.axis_line:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setPen(QPen(theme.color("control edge"), 1))
            painter.drawLine(QPointF(frame.left(), frame.bottom()), QPointF(frame.right(), frame.bottom()))
        painter.setFont(theme.font(11))
        painter.setPen(theme.color("ink 2"))
        self._paint_words(painter, frame, QFontMetricsF(painter.font()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        if self.hasFocus():
            painter.setPen(QPen(theme.color("accent"), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(frame.adjusted(-2, -2, 2, 2), 4, 4)
        for overlay in self.overlays:
            painter.save()
            overlay(painter, self)
            painter.restore()

    def _paint_words(self, painter: QPainter, frame: QRectF, metrics: QFontMetricsF) -> None:
        flags = Qt.AlignmentFlag
        last = frame.left() - 100
        for value, text in self.x_ticks:
            x, half = self.to_pixels(value, 0).x(), metrics.horizontalAdvance(text) / 2
            if x - half > last + 6 and x + half <= self.width():
                painter.drawText(QRectF(x - half - 1, frame.bottom() + 5, 2 * half + 2, 16), flags.AlignHCenter, text)
                last = x + half
        for value, text in self.y_ticks:
            y = self.to_pixels(0, value).y()
            painter.drawText(QRectF(0, y - 8, frame.left() - 8, 16), flags.AlignRight | flags.AlignVCenter, text)
        if self.inline_names:
            self._paint_inline(painter, frame)
            return
        if self.x_name:
            painter.drawText(
                QRectF(frame.left(), frame.bottom() + 21, frame.width(), 16), flags.AlignHCenter, self.x_name
            )
        if self.y_name:
            painter.drawText(QPointF(max(4.0, frame.left() - 36), frame.top() - 10), self.y_name)

    def _paint_inline(self, painter: QPainter, frame: QRectF) -> None:
        """Names between the last two ticks; below or above them where a name is too long for that."""
        flags, metrics = Qt.AlignmentFlag, QFontMetricsF(painter.font())
        if len(self.x_ticks) > 1:
            a, b = self.x_ticks[-2][0], self.x_ticks[-1][0]
            here, there = self.to_pixels(a, 0).x(), self.to_pixels(b, 0).x()
            fits = metrics.horizontalAdvance(self.x_name) < there - here - 28
            row = QRectF(here, frame.bottom() + 5, there - here, 16)
            if not fits:
                row = QRectF(frame.left(), frame.bottom() + 19, frame.width(), 16)
            painter.drawText(
                row, flags.AlignHCenter, metrics.elidedText(self.x_name, Qt.TextElideMode.ElideRight, row.width())
            )
        if len(self.y_ticks) > 1:
            a, b = self.y_ticks[-2][0], self.y_ticks[-1][0]
            y = self.to_pixels(0, (a + b) / 2).y()
            if metrics.horizontalAdvance(self.y_name) < frame.left() - 12:
                row = QRectF(0, y - 8, frame.left() - 8, 16)
                painter.drawText(row, flags.AlignRight | flags.AlignVCenter, self.y_name)
            else:
                painter.save()
                painter.translate(frame.left() - 16, y)
                painter.rotate(-90)
                room = abs(self.to_pixels(0, a).y() - self.to_pixels(0, b).y()) - 20  # between the ticks' words
                name = metrics.elidedText(self.y_name, Qt.TextElideMode.ElideRight, room)
                painter.drawText(QRectF(-room / 2, -8, room, 16), flags.AlignCenter, name)
                painter.restore()

    # --- events

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        box = getattr(self, "box", None)
        if box is not None:  # pyqtgraph resizes while it is being built
            box.setGeometry(self.frame())
            self.resized.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        inside = self.frame().adjusted(-4, -4, 4, 4).contains(event.position())
        self.hovered.emit(self.to_data(event.position()) if inside else None)

    def leaveEvent(self, event: object) -> None:
        self.hovered.emit(None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.frame().contains(event.position()):
            self.clicked.emit(*self.to_data(event.position()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Nothing: pyqtgraph would start a drag."""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Nothing: a double click is two clicks that have already been told."""

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the column may scroll

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()))
        if step is None:
            event.ignore()  # the window's own keys
        else:
            self.stepped.emit(step)

    @Slot()
    def _restyle(self) -> None:
        self.setBackground(None)
        self.viewport().update()


class Pace:
    """Lets text change at most five times a second; pictures may be faster."""

    def __init__(self, seconds: float = 0.2) -> None:
        self.seconds = seconds
        self._last = -seconds

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < self.seconds:
            return False
        self._last = now
        return True

    def reset(self) -> None:
        self._last = -self.seconds


def numbered(low: float, high: float, few: bool = False) -> Ticks:
    """Round ticks with their words."""
    count = 4 if few else 5
    values = scales.ticks(low, high, count)
    while len(values) < 3 and count < 12:  # a range around one round number
        count += 2
        values = scales.ticks(low, high, count)
    step = scales.nice_step(high - low, count)
    return [(value, tick(value, step)) for value in values]
