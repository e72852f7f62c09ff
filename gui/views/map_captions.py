"""What stands around the tiles of the network map: heads, names, frames and marks, as one picture for many frames."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen, QPixmap

from gui import marks, theme
from gui.views.map_layout import LEAST_PITCH, Column, bias_spot
from gui.views.map_tiles import paint_condition, paint_dead

BESIDE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
CENTER = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine


@dataclasses.dataclass(frozen=True)
class Caption:
    """A column and what is said of it; entries by tile where there are several."""

    column: Column
    title: str
    state: str
    dead: bool = False  # some unit of the layer is
    conditions: tuple[str, ...] = ()  # "dead", "nearly dead", "always on" or ""
    biases: tuple[int, ...] = ()  # signs
    names: tuple[str, ...] = ()  # left of the first column, right of the last
    hidden_dead: int = 0  # of the units without a tile


def captions_picture(captions: Sequence[Caption], size: QSize, ratio: float, pitch: float) -> QPixmap:
    """The captions on a clear ground, to be laid over the tiles."""
    picture = QPixmap(size * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(Qt.GlobalColor.transparent)
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, caption in enumerate(captions):
            _paint_head(painter, caption, max(LEAST_PITCH, pitch) - 4)
            _paint_tiles(painter, caption)
            _paint_names(painter, caption, size.width(), place == 0)
            if caption.column.more is not None:
                _paint_more(painter, caption.column.more, len(caption.column.hidden), caption.hidden_dead)
    return picture


def _paint_head(painter: QPainter, caption: Caption, room: float) -> None:
    for words, font, top, color in (
        (caption.title, theme.font(12, 600), 6, "ink"),
        (caption.state, theme.font(11, 600 if caption.dead else 400), 23, "dead" if caption.dead else "ink 2"),
    ):
        painter.setFont(font)
        painter.setPen(theme.color(color))
        words = QFontMetricsF(font).elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRectF(caption.column.center - room / 2, top, room, 18), CENTER, words)


def _paint_tiles(painter: QPainter, caption: Caption) -> None:
    column = caption.column
    edges, spots = QPainterPath(), {-1: QPainterPath(), 0: QPainterPath(), 1: QPainterPath()}
    for place, (unit, rect) in enumerate(zip(column.shown, column.rects, strict=True)):
        condition = caption.conditions[place] if caption.conditions else ""
        if condition == "dead":
            paint_dead(painter, rect, unit)
        elif condition:
            paint_condition(painter, rect, condition)
        edges.addRoundedRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5), 3, 3)
        if caption.biases:
            spots[caption.biases[place]].addEllipse(bias_spot(rect), 3.5, 3.5)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.color("control edge"), 1))
    painter.drawPath(edges)
    painter.setPen(QPen(theme.color("panel"), 1.5))
    for sign, path in spots.items():
        painter.setBrush(theme.category(1 if sign > 0 else 0) if sign else theme.color("control edge"))
        painter.drawPath(path)


def _paint_names(painter: QPainter, caption: Caption, width: int, left: bool) -> None:
    painter.setFont(theme.font(12))
    painter.setPen(theme.color("ink"))
    metrics = QFontMetricsF(painter.font())
    for name, rect in zip(caption.names, caption.column.rects, strict=False):
        if left:
            place, side = QRectF(8, rect.top(), rect.left() - 16, rect.height()), Qt.AlignmentFlag.AlignRight
        else:
            place = QRectF(rect.right() + 8, rect.top(), width - rect.right() - 12, rect.height())
            side = Qt.AlignmentFlag.AlignLeft
        painter.drawText(place, BESIDE | side, metrics.elidedText(name, Qt.TextElideMode.ElideRight, place.width()))


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
