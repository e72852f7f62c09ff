"""What stands beside the heatmap's rows: crosses and numbers at the left, how often a neuron is active at the right."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from engine.telemetry import LayerSnapshot
from gui import marks, theme
from gui.numbers import percent
from gui.views.heatmap_rows import CROSSED_ROW, GAP_FROM, Block, cross_size, dead_marks, spread, spread_first
from gui.views.layer_words import LayerWords, unit_state

LEFT, RIGHT, EDGE = 64, 96, 16  # px
BAR_LEFT, BAR_WIDTH = 12, 26
LABEL_STEP, CROSS_MIDDLE, BRACKET = 14, 20.5, 27.5
CONDITIONS_FROM = 9  # px of row height from which what is no death has a mark
RAIL_BELOW = 11  # px of row height below which a rail leads from the marks to the rows
LEFTWARDS = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine


def paint_margins(painter: QPainter, block: Block, words: LayerWords, layer: LayerSnapshot, right: int) -> None:
    """Everything beside a layer's rows, which end at `right`."""
    starts = block.starts
    centers = block.rows_top + (np.arange(block.rows) + 0.5) * block.row - (block.row >= GAP_FROM) * 0.5
    any_dead = np.maximum.reduceat(layer.dead, starts)
    all_dead = np.minimum.reduceat(layer.dead, starts)
    share = np.maximum.reduceat(layer.active_share, starts)
    _paint_crosses(painter, block, any_dead)
    _paint_bars(painter, block, centers, np.where(all_dead, 0, share), right)
    if block.merged == 1 and block.row >= CONDITIONS_FROM:
        _paint_conditions(painter, block, words, layer, centers)
    painter.setFont(theme.font(11))
    own_crosses = block.row >= CROSSED_ROW
    for row in spread_first(centers, any_dead, LABEL_STEP) if own_crosses else spread(centers, LABEL_STEP):
        y = float(centers[row])
        painter.setPen(theme.color("dead" if all_dead[row] else "ink 2"))
        painter.drawText(QRectF(28, y - 8, 27, 16), LEFTWARDS, str(int(starts[row]) + 1))
        painter.drawText(QRectF(right + 36, y - 8, RIGHT - 36 - EDGE, 16), LEFTWARDS, share_words(float(share[row])))


def share_words(share: float) -> str:
    """A share in whole percents; a little is not none."""
    return "< 1\u2009%" if 0 < share < 0.005 else percent(share)


def _paint_crosses(painter: QPainter, block: Block, dead: np.ndarray) -> None:
    """A cross for every dead row; where rows are thin one for several, with a bracket that says which."""
    color = theme.color("dead")
    for mark in dead_marks(block, dead):
        half = mark.size / 2
        cross = QRectF(CROSS_MIDDLE - half, mark.center - half, mark.size, mark.size)
        marks.paint_cross(painter, cross, color, 1.5 if mark.size >= 6 else 1.2)
        if mark.merged:
            painter.setPen(QPen(color, 1))
            painter.drawLine(QPointF(BRACKET, mark.top + 0.5), QPointF(BRACKET, mark.bottom - 0.5))
    if block.row < RAIL_BELOW:
        gap = block.row >= GAP_FROM
        for row in np.flatnonzero(dead).tolist():
            painter.fillRect(QRect(LEFT - 6, block.rows_top + row * block.row, 4, max(1, block.row - gap)), color)


def _paint_bars(painter: QPainter, block: Block, centers: np.ndarray, share: np.ndarray, right: int) -> None:
    thick, rows = max(1.0, min(6.0, block.row - 2.0)), np.flatnonzero(share > 0)
    lengths = np.clip(BAR_WIDTH * share[rows], 1.0, BAR_WIDTH).tolist()
    tops = (centers[rows] - thick / 2).tolist()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("control edge"))
    painter.drawRects([QRectF(right + BAR_LEFT, y, x, thick) for y, x in zip(tops, lengths, strict=True)])
    painter.setBrush(Qt.BrushStyle.NoBrush)


def _paint_conditions(
    painter: QPainter, block: Block, words: LayerWords, layer: LayerSnapshot, centers: np.ndarray
) -> None:
    """A hollow cross for nearly dead, a slash for always on, a ring for switched off; never in colour."""
    size = cross_size(block)
    for unit in range(block.units):
        condition = unit_state(words, layer, unit)
        if condition not in ("nearly dead", "always on", "off"):
            continue
        inner = QRectF(CROSS_MIDDLE - size / 2, centers[unit] - size / 2, size, size).adjusted(1, 1, -1, -1)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("ink 2"), 1.2))
        if condition == "off":
            painter.drawEllipse(inner)
        else:
            painter.drawLine(inner.bottomLeft(), inner.topRight())
        if condition == "nearly dead":
            painter.drawLine(inner.topLeft(), inner.bottomRight())
        painter.restore()
