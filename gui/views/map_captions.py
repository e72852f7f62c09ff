"""What stands around and on the tiles of a column of the network map: its head, names, frames and marks."""

from __future__ import annotations

import dataclasses
import functools

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from gui import marks, theme
from gui.views.map_layout import INPUTS, LEAST_PITCH, Column, bias_spot

BESIDE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
CENTER = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine
NUMBERED = 52  # px of a tile that has room for the number of a dead neuron


@dataclasses.dataclass(frozen=True)
class Caption:
    """A column and what is said of it; entries by tile where there are several."""

    column: Column
    title: str
    state: str
    dead: bool = False  # some unit of the layer is
    conditions: tuple[str, ...] = ()  # "off", "dead", "nearly dead", "always on" or ""
    biases: tuple[int, ...] = ()  # signs
    names: tuple[str, ...] = ()  # left of the first column, right of the last
    hidden_dead: int = 0  # of the units without a tile


def paint_caption(painter: QPainter, caption: Caption, strip: QRectF, pitch: float) -> None:
    """Draws a caption over its column; `strip` is the column's part of the map."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    _paint_head(painter, caption, max(LEAST_PITCH, pitch) - 4)
    ratio = painter.device().devicePixelRatio()
    for unit, rect, condition in zip(caption.column.shown, caption.column.rects, caption.conditions, strict=False):
        if condition:
            number = unit + 1 if condition == "dead" and rect.width() >= NUMBERED else 0
            painter.drawImage(rect.topLeft(), _mark_picture(condition, number, rect.width(), ratio, theme.name()))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.color("control edge"), 1))
    edges = QPainterPath()
    for rect in caption.column.rects:
        edges.addRoundedRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5), 3, 3)
    painter.drawPath(edges)
    _paint_biases(painter, caption)
    _paint_names(painter, caption, strip)
    if caption.column.more is not None:
        _paint_more(painter, caption.column.more, len(caption.column.hidden), caption.hidden_dead)


def _paint_head(painter: QPainter, caption: Caption, room: float) -> None:
    for words, font, top, color in (
        (caption.title, theme.font(12, 600), 6, "ink"),
        (caption.state, theme.font(11, 600 if caption.dead else 400), 23, "dead" if caption.dead else "ink 2"),
    ):
        painter.setFont(font)
        painter.setPen(theme.color(color))
        words = QFontMetricsF(font).elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(caption.column.center - room / 2, top, room, 18), CENTER, words)


def _paint_biases(painter: QPainter, caption: Caption) -> None:
    """A dot on each tile's corner: blue for minus, orange for plus, grey for 0."""
    painter.setPen(QPen(theme.color("panel"), 1.5))
    for sign, color in ((-1, theme.category(0)), (0, theme.color("control edge")), (1, theme.category(1))):
        spots = QPainterPath()
        for rect, bias in zip(caption.column.rects, caption.biases, strict=False):
            if bias == sign:
                spots.addEllipse(bias_spot(rect), 3.5, 3.5)
        painter.setBrush(color)
        painter.drawPath(spots)


def _paint_names(painter: QPainter, caption: Caption, strip: QRectF) -> None:
    if not caption.names:
        return
    painter.setFont(theme.font(12))
    painter.setPen(theme.color("ink"))
    metrics = QFontMetricsF(painter.font())
    for name, rect in zip(caption.names, caption.column.rects, strict=True):
        if caption.column.layer == INPUTS:
            place, side = QRectF(8, rect.top(), rect.left() - 16, rect.height()), Qt.AlignmentFlag.AlignRight
        else:
            place = QRectF(rect.right() + 8, rect.top(), strip.right() - rect.right() - 12, rect.height())
            side = Qt.AlignmentFlag.AlignLeft
        painter.drawText(place, BESIDE | side, metrics.elidedText(name, Qt.TextElideMode.ElideRight, place.width()))


@functools.lru_cache(maxsize=256)
def _mark_picture(condition: str, number: int, side: float, ratio: float, _theme: str) -> QImage:
    """What marks a tile; drawn once, for a wide network has hundreds."""
    picture = QImage(round(side * ratio), round(side * ratio), QImage.Format.Format_ARGB32_Premultiplied)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    rect = QRectF(0, 0, side, side)
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if condition == "dead":
            _paint_dead(painter, rect, f"{number} dead" if number else "dead")
        elif condition == "off":
            _paint_off(painter, rect)
        else:
            paint_condition(painter, QRectF(rect.right() - 13, rect.top() + 1, 12, 12), condition)
    return picture


def _paint_dead(painter: QPainter, rect: QRectF, words: str) -> None:
    """Solid dead fill, cross, and the word."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("dead"))
    painter.drawRoundedRect(rect, 3, 3)
    size = rect.width() * 0.34
    cross = QRectF(rect.center().x() - size / 2, rect.top() + rect.height() * 0.36 - size / 2, size, size)
    marks.paint_cross(painter, cross, theme.color("on dead"))
    painter.setPen(theme.color("on dead"))
    painter.setFont(theme.font(11, 600))
    painter.drawText(QRectF(rect.left() - 8, rect.bottom() - 17, rect.width() + 16, 16), CENTER, words)


def _paint_off(painter: QPainter, rect: QRectF) -> None:
    """An empty place with a broken edge, and the word."""
    painter.setPen(QPen(theme.color("ink 3"), 1, Qt.PenStyle.DashLine))
    painter.setBrush(theme.color("sunken"))
    painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
    painter.setPen(theme.color("ink 2"))
    painter.setFont(theme.font(11, 600))
    painter.drawText(rect, CENTER, "off")


def paint_condition(painter: QPainter, back: QRectF, condition: str) -> None:
    """The mark of a corner: hollow cross for nearly dead, a slash for always on."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("panel"))
    painter.drawRoundedRect(back, 2, 2)
    inner = back.adjusted(3, 3, -3, -3)
    painter.setPen(QPen(theme.color("ink 2"), 1.5))
    painter.drawLine(inner.bottomLeft(), inner.topRight())
    if condition == "nearly dead":
        painter.drawLine(inner.topLeft(), QPointF(inner.right(), inner.bottom()))


def _paint_more(painter: QPainter, rect: QRectF, hidden: int, dead: int) -> None:
    """The tile that counts the units without one."""
    painter.setPen(QPen(theme.color("control edge"), 1, Qt.PenStyle.DashLine))
    painter.setBrush(theme.color("sunken"))
    painter.drawRoundedRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5), 3, 3)
    middle = rect.center().y()
    wide = rect.adjusted(-16, 0, 16, 0)
    painter.setFont(theme.font(11, 600))
    painter.setPen(theme.color("ink"))
    painter.drawText(QRectF(wide.left(), middle - 16, wide.width(), 16), CENTER, f"+{hidden}")
    if dead:
        marks.paint_cross(painter, QRectF(rect.left() + 4, middle + 4, 7, 7), theme.color("dead"))
        painter.setPen(theme.color("dead"))
        painter.drawText(QRectF(rect.left() + 13, middle, rect.width() - 12, 16), BESIDE, f"{dead}")
    else:
        painter.setFont(theme.font(11))
        painter.setPen(theme.color("ink 2"))
        painter.drawText(QRectF(wide.left(), middle, wide.width(), 16), CENTER, "more")
