"""What stands above the heatmap's rows: the band of classes, or the epochs; and its colour scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.numbers import MINUS, count as whole, plain
from gui.views.cells import cell_image, color_table, levels, paint_scale_bar
from gui.views.heatmap_margin import BAR_LEFT, EDGE, LEFT, RIGHT
from gui.views.heatmap_rows import Segment

if TYPE_CHECKING:
    from gui.views.heatmap import Heatmap

BAND = 6
MIDDLE = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine
CATEGORIES = 7
BARS, SCALE_WIDTH = (104, 56, 24), 88  # px; the bar gives way first, then the words


class HeatmapBand(QWidget):
    """Names and counts of the classes over their columns."""

    def __init__(self, view: Heatmap) -> None:
        super().__init__()
        self.view = view
        self._shown: tuple[object, ...] = ()
        self.setFixedHeight(28)

    def renew(self) -> None:
        """Draws itself anew where it has something else to say."""
        data = self.view.data
        columns = () if data is None else (data.mode, data.columns, data.targets)
        shown = (*columns, self.view.canvas.segments, theme.name())
        if len(shown) != len(self._shown) or any(a is not b for a, b in zip(shown, self._shown, strict=True)):
            self._shown = shown
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setFont(theme.font(11))
            painter.setPen(theme.color("ink 2"))
            data, segments = self.view.data, self.view.canvas.segments
            if data is None or not segments:
                return
            right = self.view.canvas.width() - RIGHT
            painter.drawText(
                QRectF(right + BAR_LEFT, 0, RIGHT - BAR_LEFT, 18), Qt.AlignmentFlag.AlignVCenter, "active on"
            )
            if data.mode == "epochs":
                self._paint_epochs(painter, segments[0])
            elif data.targets is not None:
                self._words(painter, segments[0].label, segments[0], "ink")
                top = float(np.abs(data.targets).max()) or 1.0
                cells = cell_image(levels(data.targets[None, :], top, True), color_table(True))
                painter.drawImage(QRectF(segments[0].left, 20, segments[0].width, BAND), cells)
            else:
                for segment, words in zip(segments, headings(segments, QFontMetricsF(painter.font())), strict=True):
                    self._words(painter, words, segment, "ink")
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(theme.category(segment.group % CATEGORIES))
                    painter.drawRoundedRect(QRectF(segment.left, 20, segment.width, BAND), 2, 2)

    def _words(self, painter: QPainter, words: str, segment: Segment, color: str) -> None:
        painter.setPen(theme.color(color))
        painter.drawText(QRectF(segment.left, 0, segment.width, 18), MIDDLE, words)

    def _paint_epochs(self, painter: QPainter, segment: Segment) -> None:
        data = self.view.data
        if data is None:
            return
        painter.setPen(theme.color("ink 2"))
        painter.drawText(QRectF(EDGE, 0, LEFT - EDGE - 10, 18), Qt.AlignmentFlag.AlignVCenter, "epoch")
        count = segment.stop - segment.start
        ticks = min(count, max(2, segment.width // 90))
        for column in np.unique(np.linspace(0, count - 1, ticks).round().astype(int)).tolist():
            x = segment.left + (column + 0.5) / count * segment.width
            painter.drawText(QRectF(x - 40, 0, 80, 18), MIDDLE, whole(int(data.columns[segment.start + column])))
            painter.drawLine(QPointF(x, 20), QPointF(x, 25))


def headings(segments: Sequence[Segment], metrics: QFontMetricsF) -> list[str]:
    """Every class and how many samples it has, as far as there is room for all; at last a part of their names."""
    short = [segment.label.removeprefix("class ") for segment in segments]
    counts = [segment.stop - segment.start for segment in segments]
    for form in ("{0}, {2} samples", "{0}, {2}", "{0}", "{1}"):
        words = [form.format(s.label, name, count) for s, name, count in zip(segments, short, counts, strict=True)]
        if all(metrics.horizontalAdvance(w) <= s.width for w, s in zip(words, segments, strict=True)):
            return words
    return [
        metrics.elidedText(name, Qt.TextElideMode.ElideRight, segment.width)
        for name, segment in zip(short, segments, strict=True)
    ]


class HeatmapScale(QWidget):
    """The colour scale with its numbers."""

    def __init__(self, view: Heatmap) -> None:
        super().__init__()
        self.view = view
        self._shown: object = None
        self.setFixedHeight(28)
        self.setMinimumWidth(SCALE_WIDTH)

    def renew(self) -> None:
        """Draws itself anew where it has something else to say."""
        shown = (self._scales(), theme.name())
        if shown != self._shown:
            self._shown = shown
            self.update()

    def _scales(self) -> list[tuple[str, bool, str, str]]:
        """(name, signed, the words at both ends) of every scale, from the right; the leftmost of a name has it."""
        view = self.view
        if view.data is None:
            return []
        kinds = sorted(
            {(view.value_words(words.maps), view.is_signed(words), words.maps) for words in view.shown_layers()}
        )
        found: list[tuple[str, bool, str, str]] = []
        for name, signed, maps in kinds:
            scale = (f"{name}  ", signed, *view.scale_words(signed, maps))
            if scale not in found:
                found.append(scale)
        after = [name for name, *_ in found[1:]] + [""]
        return [("" if s[0] == other else s[0], *s[1:]) for s, other in zip(found, after, strict=True)]

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        scales = self._scales()
        if not scales:
            return
        with QPainter(self) as painter:
            painter.setFont(theme.font(11))
            metrics = QFontMetricsF(painter.font())
            bar, named = self._fit(scales, metrics)
            x = float(self.width())
            for name, signed, low, high in scales:
                painter.setPen(theme.color("ink 2"))
                slot = number_slot(high, metrics)
                painter.drawText(QPointF(x - slot, 18), high)
                x -= slot + 8
                paint_scale_bar(painter, QRectF(x - bar, 10, bar, 8), signed)
                x -= bar + 8
                words = name + low if named else low
                x -= metrics.horizontalAdvance(words)
                painter.drawText(QPointF(x, 18), words)
                x -= 14

    def _fit(self, scales: list[tuple[str, bool, str, str]], metrics: QFontMetricsF) -> tuple[int, bool]:
        """The longest bar that there is room for, and whether there is room for names."""
        ends = sum(number_slot(high, metrics) + metrics.horizontalAdvance(low) + 30 for _, _, low, high in scales) - 14
        names = sum(metrics.horizontalAdvance(name) for name, *_ in scales)
        for room, named in ((names, True), (0, False)):
            for bar in BARS[len(scales) > 1 :]:
                if ends + room + bar * len(scales) <= self.width() - 8:
                    return bar, named
        return BARS[-1], False


def number_slot(high: str, metrics: QFontMetricsF) -> float:
    """px for the number at a scale's end; another number does not move the bar."""
    return max(26.0, metrics.horizontalAdvance(high))


def scale_numbers(top: float, signed: bool, clipped: bool) -> tuple[str, str]:
    """The words at both ends of a scale; "≥" where larger values share the last colour."""
    high = f"{'≥ ' if clipped else ''}{plain(top, 3)}"
    low = f"{'≤ ' if clipped else ''}{MINUS}{plain(top, 3)}"
    return low if signed else "0", high
