"""An activation and its slope, large, with axes."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from engine.activations import Activation
from gui import theme
from gui.numbers import plain
from gui.widgets.curve_thumbnail import REACH, curves, draw, polylines

LEFT, TOP, RIGHT, BOTTOM = 32, 22, 8, 20


class CurvePlot(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Curve of the activation")
        self.setMinimumHeight(120)
        self.setMaximumHeight(190)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._activation: Activation | None = None
        self._values: tuple[float, ...] = ()
        theme.signals.changed.connect(self._dress)

    @Slot()
    def _dress(self) -> None:
        self.update()

    def show_curve(self, activation: Activation, values: tuple[float, ...]) -> None:
        self._activation, self._values = activation, values
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._activation is None:
            return
        z, f, slope = curves(self._activation, self._values)
        low, high = _limits(f, slope)
        area = QRectF(LEFT, TOP, self.width() - LEFT - RIGHT, self.height() - TOP - BOTTOM)
        with QPainter(self) as painter:
            painter.setFont(theme.font(11))
            self._axes(painter, area, low, high)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.save()
            painter.setClipRect(area.adjusted(-1, -1, 1, 1))
            draw(painter, polylines(z, slope, area, low, high), theme.category(1), 1.5, dashed=True)
            draw(painter, polylines(z, f, area, low, high), theme.color("ink"), 2.0)
            painter.restore()
            self._legend(painter, area)

    def _axes(self, painter: QPainter, area: QRectF, low: float, high: float) -> None:
        for tick in _ticks(low, high):
            y = round(area.bottom() - (tick - low) / (high - low) * area.height()) + 0.5
            painter.setPen(QPen(theme.color("control edge" if tick == 0 else "grid"), 1.0))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(theme.color("ink 2"))
            words = QRectF(0, y - 8, LEFT - 6, 16)
            painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, _tick_words(tick))
        middle = round(area.center().x()) + 0.5
        painter.setPen(QPen(theme.color("control edge"), 1.0))
        painter.drawLine(QPointF(middle, area.top()), QPointF(middle, area.bottom()))
        painter.setPen(theme.color("ink 2"))
        ends = ((-REACH, area.left()), (0.0, middle), (REACH, area.right()))
        for value, x in (*ends, (None, area.left() + 0.75 * area.width())):
            words = QRectF(x - 20, area.bottom() + 4, 40, 16)
            painter.drawText(words, Qt.AlignmentFlag.AlignHCenter, "z" if value is None else _tick_words(value))

    def _legend(self, painter: QPainter, area: QRectF) -> None:
        x, y = area.left(), 9.0
        for words, color, dashed in (("f(z)", theme.color("ink"), False), ("f\u2032(z)", theme.category(1), True)):
            pen = QPen(color, 2.0)
            if dashed:
                pen.setDashPattern([2.5, 1.5])
            painter.setPen(pen)
            painter.drawLine(QPointF(x, y), QPointF(x + 20, y))
            painter.setPen(theme.color("ink"))
            painter.drawText(QRectF(x + 26, 0, 40, 18), Qt.AlignmentFlag.AlignVCenter, words)
            x += 72


def _limits(f: np.ndarray, slope: np.ndarray) -> tuple[float, float]:
    """The range of both curves on whole or half numbers, cut at the reach of z."""
    both = np.concatenate([f, slope])
    both = np.clip(both[np.isfinite(both)], -REACH, REACH)
    step = 0.5 if np.ptp(both) < 2.0 else 1.0
    low, high = np.floor(both.min() / step) * step, np.ceil(both.max() / step) * step
    return float(min(low, 0.0)), float(max(high, low + 1.0))


def _ticks(low: float, high: float) -> np.ndarray:
    step = 0.5 if high - low <= 2.0 else 1.0 if high - low <= 4.0 else 2.0
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step


def _tick_words(value: float) -> str:
    return plain(value)
