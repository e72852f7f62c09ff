"""The rows of the heatmap, layer by layer, and what the mouse does on them."""

from __future__ import annotations

import operator
import time
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QRect, QRectF, Qt
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetricsF,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from engine.telemetry import LayerSnapshot, Snapshot
from gui import marks, theme
from gui.numbers import number, percent
from gui.views.heatmap_margin import EDGE, LEFT, LEFTWARDS, RIGHT, paint_margins
from gui.views.heatmap_pixels import CellPixels, run_starts
from gui.views.heatmap_rows import (
    GAP_FROM,
    HEAD,
    WORDS_FROM,
    Block,
    Segment,
    block_cells,
    column_at,
    lay_out_blocks,
    lay_out_segments,
    runs,
)
from gui.views.layer_words import LayerWords, death_words, run_words, unit_state
from gui.views.unit_menu import show_unit_menu

if TYPE_CHECKING:
    from gui.views.heatmap import Heatmap

CROSS = 9
WORDS_SECONDS = 0.2
BESIDE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine


class HeatmapCanvas(QWidget):
    """Draws only the blocks that are in sight: their cells anew with every snapshot, what is said of them as often as
    one can read."""

    def __init__(self, view: Heatmap) -> None:
        super().__init__()
        self.view = view
        self.blocks: tuple[Block, ...] = ()
        self.segments: tuple[Segment, ...] = ()
        self._starts: np.ndarray | None = None
        self._arranged: object = None
        self._pixels, self._drawn = CellPixels(), False
        self._shown: tuple[tuple[object, ...], object] = ((), None)
        self._words, self._told = QPixmap(), 0.0
        self._words_key: object = None
        self._words_taken: tuple[object, ...] = ()
        self._plates: list[QRect] = []  # of words that stand on rows
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # else the panels behind are drawn with every frame

    def renew(self) -> None:
        """New numbers: the cells are made anew at the next paint, the rest when it says something else."""
        self.arrange()
        same = self._shows_the_same()
        self._drawn = self._drawn and same
        if not self._says_the_same():
            self.update()
        elif not same:
            self.update(self._cells_rect())

    def _shows_the_same(self) -> bool:
        """Whether the newest numbers are those that the cells show already: a picture may be older than a snapshot."""
        view, data = self.view, self.view.data
        state = view.snapshot.state if view.snapshot is not None else ""
        parts = () if data is None else (*data.values, *data.dead)
        tops = [scale.top for scale in view.scales.values()]
        known, scale = self._shown, (tops, view.layer, view.mode, state == "diverged")
        self._shown = (parts, scale)
        old_parts, old_scale = known
        return scale == old_scale and len(parts) == len(old_parts) and all(map(operator.is_, parts, old_parts))

    def arrange(self) -> None:
        """Places for all blocks in the window as it is."""
        window, data = self.parentWidget() or self, self.view.data
        layers = [(words.index, words.units) for words in self.view.shown_layers()]
        groups = data.groups if data is not None else ()
        key = (layers, groups, window.height(), self.width())
        if key == self._arranged:
            return
        self._arranged = key
        self.blocks, height = lay_out_blocks(layers, window.height())
        width = self.width() - LEFT - RIGHT
        self.segments = lay_out_segments(groups, LEFT, width) if data is not None and width > 20 else ()
        self._starts = run_starts(self.segments) if self.segments else None
        if self.minimumHeight() != height:
            self.setMinimumHeight(height)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.arrange()
        self._drawn = False

    # drawing

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            snapshot, data, cells = self.view.snapshot, self.view.data, self._cells_rect()
            whole = not cells.contains(event.rect())
            if whole or not self.segments:
                painter.fillRect(event.rect(), theme.color("panel"))
            if snapshot is None or data is None:
                return
            if snapshot.state == "diverged":
                painter.fillRect(event.rect(), theme.color("panel"))
                painter.setOpacity(0.4)
            if self.segments:
                painter.drawImage(cells.topLeft(), self._cells(cells))
            seen = self.visibleRegion().boundingRect()
            words = self._words_of(snapshot, seen)
            if whole:
                painter.drawPixmap(seen.topLeft(), words)
            ratio = self.devicePixelRatioF()
            for plate in () if whole else self._plates:
                plate = plate.intersected(seen)
                offset = plate.translated(-seen.topLeft())
                source = QRectF(offset.x() * ratio, offset.y() * ratio, plate.width() * ratio, plate.height() * ratio)
                painter.drawPixmap(QRectF(plate), words, source)
            for block in self._blocks_within(event.rect()):
                self._paint_selection(painter, block)

    def _blocks_within(self, rect: QRect) -> list[Block]:
        return [block for block in self.blocks if block.bottom >= rect.top() and block.top <= rect.bottom()]

    def _cells_rect(self) -> QRect:
        """The cells in sight, with the heads between them."""
        seen = self.visibleRegion().boundingRect()
        return seen.intersected(QRect(LEFT, seen.top(), self.width() - LEFT - RIGHT, seen.height()))

    def _cells(self, place: QRect) -> QImage:
        """The picture of all cells in sight."""
        data = self.view.data
        fresh = self._pixels.fit(place, self.segments, self.blocks, self.devicePixelRatioF())
        if data is not None and (fresh or not self._drawn):
            self._drawn = True
            words = {entry.index: entry for entry in self.view.words}
            for block in self._blocks_within(place):
                if block.layer < len(data.values) and data.values[block.layer].shape[1] == block.units:
                    signed = self.view.is_signed(words[block.layer])
                    values, dead = data.values[block.layer], data.dead[block.layer]
                    level = block_cells(values, dead, block, self._starts, self.view.top_of(words[block.layer]), signed)
                    self._pixels.draw(block, level, signed)
        return self._pixels.image

    def _key_of_words(self) -> object:
        seen = self.visibleRegion().boundingRect()
        return self.blocks, self.segments, seen, self.view.words, theme.name(), self.devicePixelRatioF()

    def _says_the_same(self) -> bool:
        """Whether heads and margins stay as they are; while it trains they are told as often as one can read."""
        snapshot = self.view.snapshot
        if snapshot is None or self._key_of_words() != self._words_key:
            return False
        waits = snapshot.state == "running" and time.monotonic() - self._told < WORDS_SECONDS
        return waits or all(map(operator.is_, _told_of(snapshot), self._words_taken))

    def _words_of(self, snapshot: Snapshot, seen: QRect) -> QPixmap:
        """Heads, margins and what stands on dead rows, on a clear ground."""
        if self._says_the_same():
            return self._words
        self._words_key, self._words_taken, self._told = self._key_of_words(), _told_of(snapshot), time.monotonic()
        ratio = self.devicePixelRatioF()
        self._words = QPixmap(seen.size() * ratio)
        self._words.setDevicePixelRatio(ratio)
        self._words.fill(Qt.GlobalColor.transparent)
        self._plates = []
        with QPainter(self._words) as painter:
            painter.translate(-seen.topLeft())
            words = {entry.index: entry for entry in self.view.words}
            for block in self._blocks_within(seen):
                layer = snapshot.layers[block.layer]
                self._paint_head(painter, block, words[block.layer], layer)
                self._plates.append(QRect(0, block.top, self.width(), HEAD))
                if len(layer.dead) == block.units:
                    paint_margins(painter, block, words[block.layer], layer, self.width() - RIGHT)
                    self._paint_deaths(painter, block, layer, words[block.layer].noun)
        return self._words

    def _paint_head(self, painter: QPainter, block: Block, words: LayerWords, layer: LayerSnapshot) -> None:
        painter.setFont(theme.font(12, 600))
        painter.setPen(theme.color("ink"))
        right = float(self.width() - EDGE)
        place = QRectF(EDGE, block.top + 4, right - EDGE, 20)
        painter.drawText(place, BESIDE, words.title)
        x = max(118.0, EDGE + QFontMetricsF(painter.font()).horizontalAdvance(words.title) + 24)
        if block.merged > 1:
            painter.setFont(theme.font(11))
            painter.setPen(theme.color("ink 2"))
            painter.drawText(place, LEFTWARDS, merged_words(block, words))
            right -= QFontMetricsF(painter.font()).horizontalAdvance(merged_words(block, words)) + 16
        dead = bool(layer.dead.any())
        painter.setFont(theme.font(12, 500 if dead else 400))
        if dead:
            marks.paint_cross(painter, QRectF(x, block.top + 9.5, CROSS, CROSS), theme.color("dead"))
            x += CROSS + 6
        painter.setPen(theme.color("dead" if dead else "ink 2"))
        state = fitting(self.view.state_lines(words, layer), QFontMetricsF(painter.font()), right - x)
        painter.drawText(QRectF(x, block.top + 4, right - x, 20), BESIDE, state)

    def _paint_deaths(self, painter: QPainter, block: Block, layer: LayerSnapshot, noun: str) -> None:
        """Words on the dead rows: one line each, or one for a run of rows that is high enough together."""
        if not self.segments or block.merged > 1 or (self.view.data is not None and self.view.data.mode == "epochs"):
            return
        for start, stop in runs(layer.dead):
            step = 1 if block.row >= WORDS_FROM else stop - start
            if step * block.row < WORDS_FROM:
                continue
            for unit in range(start, stop, step):
                top, height = block.rows_top + unit * block.row, step * block.row - (block.row >= GAP_FROM)
                self._paint_words(painter, QRect(LEFT, top, self.width() - LEFT - RIGHT, height), *(
                    death_words(layer, unit) if step == 1 else run_words(layer, start, stop, noun)
                ))  # fmt: skip

    def _paint_words(self, painter: QPainter, row: QRect, head: str, tail: str) -> None:
        """Words on a plate of the dead colour: the gaps between rows and classes must not cut them."""
        parts, x = [], row.left() + 12.0
        for text, weight in ((head, 600), (tail, 400)):
            font = theme.font(11, weight)
            length = QFontMetricsF(font).horizontalAdvance(text)
            if text and x + length + 8 <= row.right():
                parts.append((text, font, QRectF(x, row.top(), length + 4, row.height())))
                x += length + 16
        if parts:
            self._plates.append(row)
            painter.fillRect(QRectF(row.left(), row.center().y() - 6, x - 8 - row.left(), 13), theme.color("dead"))
        painter.setPen(theme.color("on dead"))
        for text, font, place in parts:
            painter.setFont(font)
            painter.drawText(place, BESIDE, text)

    def _paint_selection(self, painter: QPainter, block: Block) -> None:
        chosen = self.view.session.selection
        if chosen is None or chosen[0] != block.layer or not 0 <= chosen[1] < block.units:
            return
        y = block.rows_top + block.row_of(chosen[1]) * block.row
        height = block.row - (block.row >= GAP_FROM)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("accent"), 2))
        ring = QRectF(LEFT, y, self.width() - LEFT - RIGHT, height)
        painter.drawRoundedRect(ring.adjusted(-3, -2, 3, 2), 3, 3)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    # the mouse

    def place_of(self, layer: int, unit: int) -> int | None:
        """The height in px of a unit's row."""
        block = next((b for b in self.blocks if b.layer == layer), None)
        return None if block is None else block.rows_top + block.row_of(unit) * block.row

    def hit(self, x: float, y: float) -> tuple[Block, int, int | None] | None:
        """(block, row, data column or None) under a place in px."""
        for block in self.blocks:
            row = block.row_at(y)
            if row is not None:
                return block, row, column_at(self.segments, x)
        return None

    def words_at(self, x: float, y: float) -> str:
        """The numbers under the mouse, line by line; on a head all that it would say with more room."""
        hit, snapshot, data = self.hit(x, y), self.view.snapshot, self.view.data
        headed = next((block for block in self.blocks if block.top <= y < block.rows_top), None)
        if headed is not None and snapshot is not None:
            return self._head_words(headed, snapshot.layers[headed.layer])
        if hit is None or snapshot is None or data is None:
            return ""
        block, row, column = hit
        layer, units = snapshot.layers[block.layer], block.units_of(row)
        words = next(w for w in self.view.words if w.index == block.layer)
        name = words.noun if words.last else f"layer {words.number}, {words.noun}"
        lines = [f"{name} {units[0] + 1}" + (f" to {units[-1] + 1}" if len(units) > 1 else "")]
        lines[0] = lines[0][0].upper() + lines[0][1:]
        values = data.values[block.layer]
        if column is not None and values.shape[1] == block.units:
            part = values[column, units.start : units.stop]
            value = float(part[np.argmax(np.abs(part))])
            lines.append(self.view.column_words(column))
            lines.append(
                f"{self.view.value_words(words.maps)} {number(value)}" + (" (largest)" if len(units) > 1 else "")
            )
        if len(layer.dead) != block.units:
            return "\n".join(lines)
        if len(units) > 1:
            gone = int(layer.dead[units.start : units.stop].sum())
            lines.append(f"{gone} of {len(units)} dead")
        else:
            state = unit_state(words, layer, units[0])
            lines.append(f"active on {percent(float(layer.active_share[units[0]]))} of the samples")
            if state == "dead":
                lines.extend(part for part in death_words(layer, units[0]) if part)
            elif state:
                lines.append("switched off" if state == "off" else state)
        return "\n".join(lines)

    def _head_words(self, block: Block, layer: LayerSnapshot) -> str:
        words = next(w for w in self.view.words if w.index == block.layer)
        lines = [words.title, self.view.state_lines(words, layer)[0]]
        return "\n".join(lines + [merged_words(block, words)] * (block.merged > 1))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        place = event.position()
        self.view.hover.say(self.mapTo(self.view, place.toPoint()), self.words_at(place.x(), place.y()))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        self.view.hover.hide()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        hit, session = self.hit(event.pos().x(), event.pos().y()), self.view.session
        if hit is None:
            return
        layer, unit = hit[0].layer, hit[0].units_of(hit[1])[0]
        self.view.hover.hide()
        session.select(layer, unit)
        show_unit_menu(session, layer, unit, self.view, event.globalPos())

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self.view.setFocus()
        hit = self.hit(event.position().x(), event.position().y())
        if hit is not None and event.button() == Qt.MouseButton.LeftButton:
            self.view.session.select(hit[0].layer, hit[0].units_of(hit[1])[0])

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        hit, data = self.hit(event.position().x(), event.position().y()), self.view.data
        if hit is not None and hit[2] is not None and data is not None and data.mode == "samples":
            self.view.session.pick_sample("train", int(data.columns[hit[2]]))


def _told_of(snapshot: Snapshot) -> tuple[object, ...]:
    """What heads and margins are of: as many parts for every snapshot of a network."""
    return tuple(part for layer in snapshot.layers for part in (layer.dead, layer.active_share))


def merged_words(block: Block, words: LayerWords) -> str:
    return f"{block.merged} {words.noun}s a row, largest shown"


def fitting(choices: tuple[str, ...], metrics: QFontMetricsF, room: float) -> str:
    """The first of `choices` that there is room for; the last one always."""
    return next((text for text in choices if metrics.horizontalAdvance(text) <= room), choices[-1])
