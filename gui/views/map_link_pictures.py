"""The pictures of the network map's links, drawn anew a few times a second, a few milliseconds at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence

from PySide6.QtCore import QObject, QRectF, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QPainter

from gui import theme
from gui.views.link_picture import LinkPicture
from gui.views.map_links import FAINT, STRONG, THICK, THIN, Gap, Links, Pair

DOTS = 0.85
LEAST_WIDTH = 8  # px of a gap with links
SLICE_SECONDS = 0.003  # of drawing at once
REST_MS = 8  # between two slices


class LinkPictures(QObject):
    """One picture per gap. Until a new one is ready the last one stands, stretched to the gap."""

    drawn = Signal(QRectF)  # the area with a new picture

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._images: dict[int, QImage] = {}
        self._places: dict[int, QRectF] = {}
        self._work: Iterator[None] = iter(())
        self.busy = False
        self._timer = QTimer(self, interval=REST_MS, singleShot=True)
        self._timer.timeout.connect(self._go_on)

    def forget(self) -> None:
        """No picture stays."""
        self._images.clear()
        self._places.clear()
        self._end()

    def begin(self, links: Links, ratio: float) -> None:
        """Starts to draw all gaps, at `ratio` device pixels per pixel; those without a picture first."""
        places = {layer: _place(pair, ratio) for layer, pair in links.pairs.items()}
        self._places = {layer: place for layer, place in places.items() if place.width() >= LEAST_WIDTH}
        self._images = {layer: image for layer, image in self._images.items() if layer in self._places}
        self._work = self._draw_all(links, sorted(self._places, key=lambda layer: layer in self._images), ratio)
        self.busy = True
        self._timer.start()

    def finish(self) -> None:
        """Draws all that is begun at once."""
        for _ in self._work:
            pass
        self._end()

    def paint(self, painter: QPainter, seen: QRectF) -> None:
        for layer, image in self._images.items():
            place = self._places[layer]
            if place.intersects(seen):
                if image.deviceIndependentSize() == place.size():
                    painter.drawImage(place.topLeft(), image)
                else:
                    painter.drawImage(place, image)

    @Slot()
    def _go_on(self) -> None:
        end = time.perf_counter() + SLICE_SECONDS
        for _ in self._work:
            if time.perf_counter() > end:
                self._timer.start()
                return
        self._end()

    def _end(self) -> None:
        self._work, self.busy = iter(()), False
        self._timer.stop()

    def _draw_all(self, links: Links, layers: Sequence[int], ratio: float) -> Iterator[None]:
        for layer in layers:
            place = self._places[layer]
            for image in _drawn(links.gap(layer), place, ratio):
                if image is not None:
                    self._images[layer] = image
                    self.drawn.emit(place)
                yield


def _place(pair: Pair, ratio: float) -> QRectF:
    """The area of a gap's picture, in whole device pixels."""
    left, right = pair.first.right, pair.second.left
    ends = [rect.center().y() for column in (pair.first, pair.second) for rect in column.rects]
    top = math.floor(min(ends) - THICK)
    columns, rows = round((right - left) * ratio), round((max(ends) + THICK - top) * ratio) + 1
    return QRectF(left, top, columns / ratio, rows / ratio)


def _drawn(gap: Gap, place: QRectF, ratio: float) -> Iterator[QImage | None]:
    """Yields None after every small step, and the picture at last."""
    y0, y1 = (gap.y0 - place.top()) * ratio, (gap.y1 - place.top()) * ratio
    width = (THIN + (THICK - THIN) * gap.strength) * ratio
    alpha = FAINT + (STRONG - FAINT) * gap.strength
    colors = (theme.category(0), theme.category(1), theme.color("control edge"))
    picture = LinkPicture(round(place.height() * ratio), round(place.width() * ratio), colors)
    for color, chosen in enumerate((gap.carries & (gap.weight <= 0), gap.carries & (gap.weight > 0))):
        yield from picture.lines(color, y0[chosen], y1[chosen], width[chosen], alpha[chosen])
    yield from picture.dots(2, y0[~gap.carries], y1[~gap.carries], DOTS, ratio)
    yield from picture.image(ratio)
