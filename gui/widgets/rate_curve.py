"""The learning rate from the first epoch to the last, and where the run stands on it."""

from __future__ import annotations

import functools

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from engine.schedules import rate_at
from engine.spec import TrainingSpec
from gui import theme
from gui.numbers import number
from gui.widgets.curve_thumbnail import draw, polylines

POINTS, HEIGHT, WORDS = 160, 40, 60


@functools.lru_cache(maxsize=32)
def rates(training: TrainingSpec) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and rates."""
    epochs = np.linspace(0.0, max(1, training.epochs), POINTS)
    return epochs, np.array([rate_at(training, t, t + epochs[1]) for t in epochs])


class RateCurve(QWidget):
    """A small picture of the schedule with a dot at the present rate, and that rate in words."""

    def __init__(self) -> None:
        super().__init__()
        self._training = TrainingSpec()
        self._epoch, self._rate = 0.0, float("nan")
        self.setFixedHeight(HEIGHT)
        self.setAccessibleName("Learning rate over the epochs")

    def show_training(self, training: TrainingSpec) -> None:
        self._training = training
        self.update()

    def show_rate(self, epoch: float, rate: float) -> None:
        """The run stands at this epoch, whose next step has this rate."""
        if (epoch, rate) != (self._epoch, self._rate):
            self._epoch, self._rate = epoch, rate
            self.setToolTip(f"The learning rate is now {number(rate)}.")
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        epochs, values = rates(self._training)
        top = max(float(values.max()), 1e-30)
        area = QRectF(self.rect()).adjusted(4, 6, -WORDS, -5)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(theme.color("line"), 1.0))
            painter.drawLine(area.bottomLeft(), area.bottomRight())
            draw(painter, polylines(epochs, values, area, 0.0, top), theme.color("ink 2"), 1.4)
            if not np.isfinite(self._rate):
                return
            x = area.left() + min(1.0, self._epoch / epochs[-1]) * area.width()
            y = area.bottom() - min(1.0, self._rate / top) * area.height()
            painter.setPen(QPen(theme.color("panel"), 1.0))
            painter.setBrush(theme.color("accent"))
            painter.drawEllipse(QPointF(x, y), 3.5, 3.5)
            painter.setPen(theme.color("ink 2"))
            beside = QRectF(area.right() + 8, 0, WORDS - 8, self.height())
            painter.drawText(beside, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number(self._rate))
