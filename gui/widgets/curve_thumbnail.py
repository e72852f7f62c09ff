"""The curve of an activation, small or large enough to know it by."""

from __future__ import annotations

import functools

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QPolygonF

from engine.activations import Activation, resolve
from engine.fields import NamedOptions
from gui import theme

REACH = 3.0
POINTS = 241


@functools.lru_cache(maxsize=512)
def curves(activation: Activation, values: tuple[float, ...], reach: float = REACH) -> tuple[np.ndarray, ...]:
    """z, f(z), f'(z) for z from -reach to reach; NaN stands where a curve jumps, so that its ends are not joined."""
    z = np.linspace(-reach, reach, POINTS)
    f = activation.forward(z, *values)
    slope = activation.derivative(z, *values)
    return z, _cut(f), _cut(slope)


def _cut(y: np.ndarray) -> np.ndarray:
    """`y` with NaN at its jumps: a step far steeper than those on both sides of it."""
    steps = np.abs(np.diff(y))
    around = np.maximum(np.roll(steps, 2), np.roll(steps, -2))
    jumps = np.flatnonzero((steps > 0.04) & (steps > 4.0 * around + 1e-9))
    cut = y.copy()
    cut[jumps] = np.nan
    return cut


def polylines(x: np.ndarray, y: np.ndarray, area: QRectF, low: float, high: float) -> list[QPolygonF]:
    """The runs of (x, y) between NaN, mapped so that x fills `area` and y goes from `low` (bottom) to `high`."""
    across = area.left() + (x - x[0]) / (x[-1] - x[0]) * area.width()
    down = area.bottom() - (y - low) / (high - low) * area.height()
    lines, run = [], QPolygonF()
    for px, py in zip(across, down, strict=True):
        if np.isfinite(py):
            run.append(QPointF(float(px), float(py)))
        elif run.size():
            lines.append(run)
            run = QPolygonF()
    if run.size():
        lines.append(run)
    return lines


def draw(painter: QPainter, lines: list[QPolygonF], color: QColor, width: float, dashed: bool = False) -> None:
    pen = QPen(color, width)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    if dashed:
        pen.setDashPattern([2.5, 1.5])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for line in lines:
        painter.drawPolyline(line)


def paint(painter: QPainter, area: QRectF, activation: Activation, values: tuple[float, ...], slope: bool) -> None:
    """Axes, f as a solid line and, if wished, f' dashed, clipped to `area`."""
    z, f, fs = curves(activation, values)
    shown = f[np.isfinite(f)]
    low, high = float(shown.min()), float(shown.max())
    if slope:
        flat = fs[np.isfinite(fs)]
        low, high = min(low, float(flat.min())), max(high, float(flat.max()))
    low, high = max(low, -REACH), min(high, REACH)
    if high - low < 0.5:
        low, high = low - 0.5, high + 0.5
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipRect(area.adjusted(-1, -1, 1, 1))
    painter.setPen(QPen(theme.color("line"), 1.0))
    middle = area.center().x()
    painter.drawLine(QPointF(middle, area.top()), QPointF(middle, area.bottom()))
    if low < 0 < high:
        zero = area.bottom() + low / (high - low) * area.height()
        painter.drawLine(QPointF(area.left(), zero), QPointF(area.right(), zero))
    if slope:
        draw(painter, polylines(z, fs, area, low, high), theme.category(1), 1.2, dashed=True)
    draw(painter, polylines(z, f, area, low, high), theme.color("ink"), 1.6)
    painter.restore()


def picture(value: str | NamedOptions, size: QSize, slope: bool = False) -> QPixmap:
    """The curve of what a layer names, as a pixmap of logical size `size` for sharp screens."""
    activation, values = resolve(value)
    return _picture(activation, values, size.width(), size.height(), slope, theme.name())


@functools.lru_cache(maxsize=256)
def _picture(
    activation: Activation, values: tuple[float, ...], width: int, height: int, slope: bool, _theme: str
) -> QPixmap:
    made = QPixmap(2 * width, 2 * height)
    made.setDevicePixelRatio(2.0)
    made.fill(Qt.GlobalColor.transparent)
    with QPainter(made) as painter:
        paint(painter, QRectF(1, 2, width - 2, height - 4), activation, values, slope)
    return made


def icon(value: str | NamedOptions, size: QSize) -> QIcon:
    return QIcon(picture(value, size))
