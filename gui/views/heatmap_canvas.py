"""The rows of the heatmap, layer by layer, and what the mouse does on them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QRect, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from engine.telemetry import LayerSnapshot
from gui import marks, theme
from gui.numbers import number, percent
from gui.views.cells import cell_image, color_table
from gui.views.heatmap_rows import (
    GAP_FROM,
    WORDS_FROM,
    Block,
    Segment,
    block_cells,
    column_at,
    lay_out_blocks,
    lay_out_segments,
    spread,
)
from gui.views.layer_words import LayerWords, death_words, unit_state

if TYPE_CHECKING:
    from gui.views.heatmap import Heatmap

LEFT, RIGHT, EDGE = 64, 96, 16
BAR_LEFT, BAR_WIDTH = 12, 26
LABEL_STEP, CROSS_STEP, CROSS = 14, 11, 9
CROSS_MIDDLE = 21
LEFTWARDS = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
BESIDE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine


class HeatmapCanvas(QWidget):
    """Draws only the blocks that are in sight; their images are kept until the next snapshot."""

    def __init__(self, view: Heatmap) -> None:
        super().__init__()
        self.view = view
        self.blocks: tuple[Block, ...] = ()
        self.segments: tuple[Segment, ...] = ()
        self._images: dict[int, list[QImage]] = {}
        self._tables: dict[bool, list[int]] = {}
        self.setMouseTracking(True)

    def renew(self) -> None:
        """New numbers: places and images are made anew at the next paint."""
        self._images.clear()
        self._tables = {True: color_table(True), False: color_table(False)}
        self.arrange()
        self.update()

    def arrange(self) -> None:
        """Places for all blocks in the window as it is."""
        window = self.parentWidget() or self
        layers = [(words.index, words.units) for words in self.view.shown_layers()]
        self.blocks, height = lay_out_blocks(layers, window.height())
        data = self.view.data
        width = self.width() - LEFT - RIGHT
        self.segments = lay_out_segments(data.groups, LEFT, width) if data is not None and width > 20 else ()
        if self.minimumHeight() != height:
            self.setMinimumHeight(height)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self._images.clear()
        self.arrange()

    # drawing

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            painter.fillRect(event.rect(), theme.color("panel"))
            snapshot, data = self.view.snapshot, self.view.data
            if snapshot is None or data is None:
                return
            if snapshot.state == "diverged":
                painter.setOpacity(0.4)
            words = {entry.index: entry for entry in self.view.words}
            for block in self.blocks:
                if block.bottom >= event.rect().top() and block.top <= event.rect().bottom():
                    layer = snapshot.layers[block.layer]
                    self._paint_head(painter, block, words[block.layer], layer)
                    self._paint_cells(painter, block, words[block.layer])
                    if len(layer.dead) == block.units:
                        self._paint_margins(painter, block, words[block.layer], layer)
                        self._paint_deaths(painter, block, layer)
                    self._paint_selection(painter, block)

    def _paint_head(self, painter: QPainter, block: Block, words: LayerWords, layer: LayerSnapshot) -> None:
        painter.setFont(theme.font(12, 600))
        painter.setPen(theme.color("ink"))
        place = QRectF(EDGE, block.top + 4, self.width() - 2 * EDGE, 20)
        painter.drawText(place, BESIDE, words.title)
        x = max(118.0, EDGE + QFontMetricsF(painter.font()).horizontalAdvance(words.title) + 24)
        state, dead = self.view.state_line(words, layer), bool(layer.dead.any())
        painter.setFont(theme.font(12, 500 if dead else 400))
        painter.setPen(theme.color("dead" if dead else "ink 2"))
        if dead:
            marks.paint_cross(painter, QRectF(x, block.top + 9.5, CROSS, CROSS), theme.color("dead"))
            painter.setPen(theme.color("dead"))
            x += CROSS + 6
        painter.drawText(QRectF(x, block.top + 4, 240, 20), BESIDE, state)
        if block.merged > 1:
            painter.setFont(theme.font(11))
            painter.setPen(theme.color("ink 2"))
            notice = f"{block.merged} neurons a row, largest shown"
            painter.drawText(QRectF(LEFT, block.top + 4, self.width() - LEFT - RIGHT, 20), LEFTWARDS, notice)

    def _paint_cells(self, painter: QPainter, block: Block, words: LayerWords) -> None:
        data = self.view.data
        if data is None or block.layer >= len(data.values) or data.values[block.layer].shape[1] != block.units:
            return
        signed = self.view.is_signed(words)
        if block.layer not in self._images:
            cells = block_cells(
                data.values[block.layer], data.dead[block.layer], block, self.segments, self.view.top, signed
            )
            self._images[block.layer] = [cell_image(part, self._tables[signed]) for part in cells]
        for segment, image in zip(self.segments, self._images[block.layer], strict=True):
            painter.drawImage(QRect(segment.left, block.rows_top, segment.width, block.rows * block.row), image)
        if block.row >= GAP_FROM:
            for row in range(1, block.rows):
                y = block.rows_top + row * block.row - 1
                painter.fillRect(LEFT, y, self.width() - LEFT - RIGHT, 1, theme.color("panel"))

    def _paint_margins(self, painter: QPainter, block: Block, words: LayerWords, layer: LayerSnapshot) -> None:
        """Numbers, crosses and marks at the left; shares at the right."""
        starts = block.starts
        centers = block.rows_top + (np.arange(block.rows) + 0.5) * block.row - (block.row >= GAP_FROM) * 0.5
        any_dead = np.maximum.reduceat(layer.dead, starts)
        all_dead = np.minimum.reduceat(layer.dead, starts)
        share = np.maximum.reduceat(layer.active_share, starts)
        dead_rows = np.flatnonzero(any_dead)
        if block.row < CROSS_STEP:
            for row in dead_rows.tolist():
                top = block.rows_top + row * block.row
                painter.fillRect(QRect(LEFT - 6, top, 4, max(1, block.row)), theme.color("dead"))
        for place in spread(centers[dead_rows], CROSS_STEP):
            y = float(centers[dead_rows[place]])
            cross = QRectF(CROSS_MIDDLE - CROSS / 2, y - CROSS / 2, CROSS, CROSS)
            marks.paint_cross(painter, cross, theme.color("dead"))
        painter.setFont(theme.font(11))
        right = self.width() - RIGHT
        thick = max(1.0, min(6.0, block.row - 2.0))
        painter.setPen(Qt.PenStyle.NoPen)
        for row in range(block.rows):
            if share[row] > 0 and not all_dead[row]:
                length = max(1.0, BAR_WIDTH * float(min(1.0, share[row])))
                bar = QRectF(right + BAR_LEFT, centers[row] - thick / 2, length, thick)
                painter.fillRect(bar, theme.color("control edge"))
        for row in spread(centers, LABEL_STEP):
            y, unit = float(centers[row]), int(starts[row])
            painter.setPen(theme.color("dead" if all_dead[row] else "ink 2"))
            painter.drawText(QRectF(34, y - 8, 20, 16), LEFTWARDS, str(unit + 1))
            painter.drawText(QRectF(right + 36, y - 8, RIGHT - 36 - EDGE, 16), LEFTWARDS, percent(float(share[row])))
            condition = unit_state(words, layer, unit) if block.merged == 1 else ""
            if condition in ("nearly dead", "always on"):
                paint_row_mark(painter, QRectF(CROSS_MIDDLE - CROSS / 2, y - CROSS / 2, CROSS, CROSS), condition)

    def _paint_deaths(self, painter: QPainter, block: Block, layer: LayerSnapshot) -> None:
        if block.row < WORDS_FROM or not self.segments:
            return
        for unit in np.flatnonzero(layer.dead).tolist():
            if self.view.data is not None and self.view.data.mode == "epochs":
                continue
            head, largest = death_words(layer, unit)
            y = block.rows_top + unit * block.row
            painter.setPen(theme.color("on dead"))
            painter.setFont(theme.font(11, 600))
            room = sum(s.width for s in self.segments)
            place = QRectF(LEFT + 12, y, room - 16, block.row - 1)
            painter.drawText(place, BESIDE, head)
            x = QFontMetricsF(painter.font()).horizontalAdvance(head) + 16
            painter.setFont(theme.font(11))
            length = QFontMetricsF(painter.font()).horizontalAdvance(largest)
            back = QRectF(LEFT + 12 + x, y + 1, length, block.row - 3)
            painter.fillRect(back, theme.color("dead"))  # the gap between two classes must not cut a number
            painter.drawText(place.adjusted(x, 0, 0, 0), BESIDE, largest)

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
        """The numbers under the mouse, line by line."""
        hit, snapshot, data = self.hit(x, y), self.view.snapshot, self.view.data
        if hit is None or snapshot is None or data is None:
            return ""
        block, row, column = hit
        layer, units = snapshot.layers[block.layer], block.units_of(row)
        words = next(w for w in self.view.words if w.index == block.layer)
        name = "output" if words.last else f"layer {block.layer + 1}, neuron"
        lines = [f"{name} {units[0] + 1}" + (f" to {units[-1] + 1}" if len(units) > 1 else "")]
        lines[0] = lines[0][0].upper() + lines[0][1:]
        values = data.values[block.layer]
        if column is not None and values.shape[1] == block.units:
            part = values[column, units.start : units.stop]
            value = float(part[np.argmax(np.abs(part))])
            lines.append(self.view.column_words(column))
            lines.append(f"{self.view.value_words()} {number(value)}" + (" (largest)" if len(units) > 1 else ""))
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
                lines.append(state)
        return "\n".join(lines)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        place = event.position()
        self.view.hover.say(self.mapTo(self.view, place.toPoint()), self.words_at(place.x(), place.y()))

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        self.view.hover.hide()

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        self.view.setFocus()
        hit = self.hit(event.position().x(), event.position().y())
        if hit is not None and event.button() == Qt.MouseButton.LeftButton:
            self.view.session.select(hit[0].layer, hit[0].units_of(hit[1])[0])

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        hit, data = self.hit(event.position().x(), event.position().y()), self.view.data
        if hit is not None and hit[2] is not None and data is not None and data.mode == "samples":
            self.view.session.pick_sample("train", int(data.columns[hit[2]]))


def paint_row_mark(painter: QPainter, rect: QRectF, condition: str) -> None:
    """A hollow cross for nearly dead, a slash for always on; never in colour."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.color("ink 2"), 1.2))
    inner = rect.adjusted(1, 1, -1, -1)
    painter.drawLine(inner.bottomLeft(), inner.topRight())
    if condition == "nearly dead":
        painter.drawLine(inner.topLeft(), inner.bottomRight())
    painter.restore()
