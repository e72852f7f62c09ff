"""The marks of neurons and lists, painted the same everywhere."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from gui import theme


def paint_cross(painter: QPainter, rect: QRectF, color: QColor, width: float = 1.5) -> None:
    """A cross that fills `rect`: the mark of a dead neuron."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(color, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawLine(rect.topLeft(), rect.bottomRight())
    painter.drawLine(rect.topRight(), rect.bottomLeft())
    painter.restore()


def paint_ring(painter: QPainter, rect: QRectF, radius: float = 3.0) -> None:
    """The accent ring of the selection: 2 px wide, 2 px outside `rect`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.color("accent"), 2.0))
    painter.drawRoundedRect(rect.adjusted(-3, -3, 3, 3), radius + 2, radius + 2)
    painter.restore()


def paint_dot(painter: QPainter, center: QPointF, color: QColor, radius: float = 4.0) -> None:
    """A filled dot: the sign of a run that trains."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(color)
    painter.drawEllipse(center, radius, radius)
    painter.restore()
