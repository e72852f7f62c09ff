"""One column of the network map as two pictures: the tiles, written in place, and the caption over them."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap

from gui.views import map_colors
from gui.views.map_captions import Caption, paint_caption
from gui.views.map_colors import EMPTY, PANEL
from gui.views.map_layout import Column
from gui.views.map_tiles import Art


class ColumnPicture:
    """Keeps what was drawn; only what changed is drawn anew."""

    def __init__(self, column: Column, strip: QRectF, pitch: float, ratio: float) -> None:
        self.column, self.strip, self.pitch, self.ratio = column, strip, pitch, ratio
        self._side = round(column.rects[0].width() * ratio)
        self._tops = [round(rect.top() * ratio) for rect in column.rects]
        self._pixels = np.empty((self._tops[-1] - self._tops[0] + self._side, self._side), np.uint32)
        self._place = QPointF(round(column.left * ratio), self._tops[0]) / ratio
        height, width = self._pixels.shape
        self._tiles = QImage(self._pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        self._tiles.setDevicePixelRatio(ratio)
        self._over: QPixmap | None = None
        self._caption: Caption | None = None
        self._shape = (0, 0)
        self._shown: tuple[object, ...] = (self, self, self)  # nothing yet

    @property
    def told(self) -> bool:
        """Whether it has a caption."""
        return self._caption is not None

    @property
    def conditions(self) -> tuple[str, ...]:
        """What is marked on its tiles, "" where nothing is."""
        return self._caption.conditions if self._caption is not None else ()

    def show_caption(self, caption: Caption) -> None:
        if caption == self._caption:
            return
        self._caption = caption
        self._over = QPixmap((self.strip.size() * self.ratio).toSize())
        self._over.setDevicePixelRatio(self.ratio)
        self._over.fill(Qt.GlobalColor.transparent)
        with QPainter(self._over) as painter:
            painter.translate(-self.strip.topLeft())
            paint_caption(painter, caption, self.strip, self.pitch)

    def show_tiles(self, art: Art | None) -> None:
        """Tiles without anything to show are empty; those of dead units have the panel's colour."""
        table, conditions = map_colors.table(), self.conditions
        shown = (art, conditions, table)
        if all(a is b for a, b in zip(shown, self._shown, strict=True)):
            return
        self._shown = shown
        found = art.colors(self._side, self.ratio) if art is not None else np.full((0, 1, 1), EMPTY, np.uint16)
        tiles = len(self._tops)
        found = found[:tiles]  # after divergence the last good art stays, and the column may have become shorter
        if found.shape[1:] != self._shape:
            self._shape = found.shape[1:]
            self._cell = _cells_of_pixels(self._pixels.shape, self._tops, self._side, self._shape)
        cells = np.full(tiles * self._shape[0] * self._shape[1] + 1, EMPTY, np.uint16)
        cells[: found.size] = found.ravel()
        cells[-1] = PANEL
        gone = [place for place, condition in enumerate(conditions) if condition == "dead"]
        cells[:-1].reshape(tiles, -1)[gone] = PANEL
        np.take(table, cells.take(self._cell), out=self._pixels, mode="clip")

    def paint(self, painter: QPainter) -> None:
        painter.drawImage(self._place, self._tiles)
        if self._over is not None:
            painter.drawPixmap(self.strip.topLeft(), self._over)


def _cells_of_pixels(shape: tuple[int, int], tops: list[int], side: int, cells: tuple[int, int]) -> np.ndarray:
    """For every pixel of a column the cell that it shows, nearest neighbour; -1 between the tiles."""
    rows, columns = cells
    middles = (np.arange(side) + 0.5) / side
    tile = (middles * rows).astype(np.intp)[:, None] * columns + (middles * columns).astype(np.intp)
    found = np.full(shape, -1, np.intp)
    for k, top in enumerate(tops):
        found[top - tops[0] : top - tops[0] + side] = tile + k * rows * columns
    return found
