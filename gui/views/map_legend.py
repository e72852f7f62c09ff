"""The legend at the foot of the network map."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from gui import theme
from gui.numbers import count
from gui.views.cells import paint_scale_bar
from gui.views.map_links import dotted_pen

if TYPE_CHECKING:
    from gui.views.network_map import NetworkMap

EDGE, BAR = 16, 80
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
        shown = (self.sentence(), bool(tiles.art), tiles.kind, self.view.words)
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
        if snapshot is not None and snapshot.taken - tiles.taken > STALE_AFTER:
            return f"{snapshot.taken - tiles.taken:.1f} s old"
        if links.drawn < links.total:
            return f"strongest {count(links.drawn)} of {count(links.total)} links"
        if tiles.kind == "curve":
            return "tiles: activation against the input"
        if tiles.weights_shown:
            return f"layer {view.words[0].index + 1}: weights"
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
            x = float(EDGE)
            if tiles.kind != "curve":
                hidden = [w for w in self.view.words if not w.last]
                plain = any(not w.signed for w in hidden)
                if plain:
                    x = self._scale(painter, metrics, x, "activation 0", "max", False)
                if not plain or any(w.signed for w in hidden):
                    x = self._scale(
                        painter, metrics, x + (16 if plain else 0), "−" if plain else "activation −", "+", True
                    )
            right = self._links(painter, metrics)
            room = right - x - 32
            if sentence and room > 60:
                text = metrics.elidedText(sentence, Qt.TextElideMode.ElideRight, room)
                painter.setPen(theme.color("ink 2"))
                painter.drawText(QRectF(x + 16, 0, room, 32), BESIDE | Qt.AlignmentFlag.AlignHCenter, text)

    def _scale(self, painter: QPainter, metrics: QFontMetricsF, x: float, low: str, high: str, signed: bool) -> float:
        painter.setPen(theme.color("ink 2"))
        painter.drawText(QPointF(x, 20), low)
        x += metrics.horizontalAdvance(low) + 6
        paint_scale_bar(painter, QRectF(x, 12, BAR, 8), signed)
        x += BAR + 6
        painter.drawText(QPointF(x, 20), high)
        return x + metrics.horizontalAdvance(high)

    def _links(self, painter: QPainter, metrics: QFontMetricsF) -> float:
        """The three kinds of links, right-aligned; returns their left end."""
        x = float(self.width() - EDGE)
        for words, pen in (
            ("carries nothing", dotted_pen()),
            ("weight +", QPen(theme.category(1), 2.5)),
            ("weight −", QPen(theme.category(0), 2.5)),
        ):
            x -= metrics.horizontalAdvance(words)
            painter.setPen(theme.color("ink 2"))
            painter.drawText(QPointF(x, 20), words)
            painter.setPen(pen)
            painter.drawLine(QPointF(x - 26, 16), QPointF(x - 6, 16))
            x -= 42
        return x + 16
