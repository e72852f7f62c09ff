"""The legend at the foot of the network map."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.numbers import count
from gui.views.cells import paint_scale_bar
from gui.views.map_captions import paint_condition
from gui.views.map_links import dotted_pen

if TYPE_CHECKING:
    from gui.views.network_map import NetworkMap

EDGE, GAP = 16, 16
BAR, SHORT_BAR = 80, 48
LINE = 26  # px of a link's sample and what follows it
MARK = 14  # px of a corner mark and what follows it
KINDS = ("weight −", "weight +", "carries nothing")  # of links; the last goes first where there is no room
CONDITIONS = ("nearly dead", "always on")  # of neurons, marked in the corner of a tile
STALE_AFTER = 0.5  # s
BESIDE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine


class MapLegend(QWidget):
    """What colours, widths and dots mean; how many links are drawn; how old the picture is."""

    def __init__(self, view: NetworkMap) -> None:
        super().__init__()
        self.view = view
        self._shown: tuple[object, ...] = ()
        self.setFixedHeight(32)

    def renew(self) -> None:
        """Draws the legend anew where it has something else to say."""
        tiles = self.view.canvas.tiles
        shown = (self.sentence(), bool(tiles.art), tiles.kind, self.view.words, self.conditions())
        if shown != self._shown:
            self._shown = shown
            self.update()

    def sentence(self) -> str:
        """What must be said about the picture, "" when nothing."""
        view = self.view
        words = view.status()
        if words:
            return words
        snapshot, tiles, links = view.snapshot, view.canvas.tiles, view.canvas.links
        running = snapshot is not None and snapshot.state == "running"  # at rest a picture is of this very step
        if snapshot is not None and running and snapshot.taken - tiles.taken > STALE_AFTER:
            return f"{snapshot.taken - tiles.taken:.1f} s old"
        if tiles.mapped is not None:
            return f"maps of {'test' if tiles.mapped[0] == 'test' else 'training'} sample {count(tiles.mapped[1] + 1)}"
        if links.drawn < links.total:
            return f"strongest {count(links.drawn)} of {count(links.total)} links"
        if tiles.kind == "curve":
            return "tiles: activation against the input"
        if tiles.weights_shown:
            return f"layer {view.words[0].number}: weights"
        if tiles.kind == "samples":
            return "tiles: training samples"
        return ""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(self.rect(), theme.color("panel"))
            painter.setFont(theme.font(11))
            painter.setPen(theme.color("ink 2"))
            metrics = QFontMetricsF(painter.font())
            sentence, tiles = self.sentence(), self.view.canvas.tiles
            if not tiles.art:
                painter.drawText(QRectF(EDGE, 0, self.width() - 2 * EDGE, 32), BESIDE, sentence)
                return
            scales = self.scales()
            room, ends = self.width() - 2 * EDGE, [low + high for low, high, _ in scales]
            bar, kinds, marked, sentence = plan(room, metrics.horizontalAdvance, ends, self.conditions(), sentence)
            x = float(EDGE)
            for low, high, signed in scales:
                x = self._scale(painter, metrics, x, bar, low, high, signed) + GAP
            for condition in marked:
                x = self._condition(painter, metrics, x, condition) + GAP
            right = self._links(painter, metrics, kinds)
            painter.setPen(theme.color("ink 2"))
            painter.drawText(QRectF(x, 0, right - x, 32), BESIDE | Qt.AlignmentFlag.AlignHCenter, sentence)

    def scales(self) -> list[tuple[str, str, bool]]:
        """The words at both ends of each colour scale, and whether it has a sign."""
        if self.view.canvas.tiles.kind == "curve":
            return []
        hidden = [w for w in self.view.words if not w.last]
        plain = any(not w.signed for w in hidden)
        shown = [("activation 0", "max", False)] if plain else []
        if not plain or any(w.signed for w in hidden):
            shown.append(("−" if plain else "activation −", "+", True))
        return shown

    def conditions(self) -> tuple[str, ...]:
        """The conditions that are marked on some tile."""
        said = self.view.canvas.conditions()
        return tuple(condition for condition in CONDITIONS if condition in said)

    def _condition(self, painter: QPainter, metrics: QFontMetricsF, x: float, condition: str) -> float:
        paint_condition(painter, QRectF(x, 10, 12, 12), condition)
        painter.setPen(theme.color("ink 2"))
        painter.drawText(QPointF(x + MARK, 20), condition)
        return x + MARK + metrics.horizontalAdvance(condition)

    def _scale(
        self, painter: QPainter, metrics: QFontMetricsF, x: float, bar: int, low: str, high: str, signed: bool
    ) -> float:
        painter.setPen(theme.color("ink 2"))
        painter.drawText(QPointF(x, 20), low)
        x += metrics.horizontalAdvance(low) + 6
        paint_scale_bar(painter, QRectF(x, 12, bar, 8), signed)
        x += bar + 6
        painter.drawText(QPointF(x, 20), high)
        return x + metrics.horizontalAdvance(high)

    def _links(self, painter: QPainter, metrics: QFontMetricsF, kinds: int) -> float:
        """So many kinds of links, right-aligned; returns where what stands before them must end."""
        x = float(self.width() - EDGE)
        pens = (QPen(theme.category(0), 2.5), QPen(theme.category(1), 2.5), dotted_pen())
        for words, pen in reversed(list(zip(KINDS[:kinds], pens[:kinds], strict=True))):
            x -= metrics.horizontalAdvance(words)
            painter.setPen(theme.color("ink 2"))
            painter.drawText(QPointF(x, 20), words)
            painter.setPen(pen)
            painter.drawLine(QPointF(x - LINE, 16), QPointF(x - 6, 16))
            x -= LINE + GAP
        return x


def plan(
    room: float, width: Callable[[str], float], scales: list[str], marked: tuple[str, ...], sentence: str
) -> tuple[int, int, tuple[str, ...], str]:
    """(length of a colour bar, kinds of links, corner marks, sentence) that fit into `room`. The bars become short
    first; then the dotted links go, the sentence, the marks, and all links."""
    for bar, kinds, conditions, words in (
        (BAR, 3, marked, sentence), (SHORT_BAR, 3, marked, sentence), (SHORT_BAR, 2, marked, sentence),
        (SHORT_BAR, 2, marked, ""), (SHORT_BAR, 2, (), ""), (SHORT_BAR, 0, (), ""),
    ):  # fmt: skip
        parts = [width(ends) + bar + 12 for ends in scales] + [LINE + width(kind) for kind in KINDS[:kinds]]
        parts += [MARK + width(condition) for condition in conditions] + ([width(words)] if words else [])
        if sum(parts) + GAP * (len(parts) - 1) <= room:
            return bar, kinds, conditions, words
    return SHORT_BAR, 0, (), ""
