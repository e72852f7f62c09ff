"""The heatmap's cells as one picture, written pixel by pixel: nothing is scaled when it is painted.

What belongs to the window (which pixel shows which row and column) is found once; a new snapshot costs a few array
operations for each layer.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QImage

from gui import theme
from gui.views.heatmap_rows import GAP_FROM, Block, Segment
from gui.views.map_colors import PANEL, PLAIN, SIGNED, table


class CellPixels:
    """The picture of `place` (in px of the canvas), kept until place, window or theme become others."""

    def __init__(self) -> None:
        self._key: object = None
        self._ratio = 1.0
        self._pixels = np.empty((1, 1), np.uint32)
        self.image = QImage()

    def fit(self, place: QRect, segments: tuple[Segment, ...], blocks: tuple[Block, ...], ratio: float) -> bool:
        """Makes room. True where nothing is drawn yet."""
        key = (place, segments, blocks, ratio, theme.name())
        if key == self._key:
            return False
        self._key, self._place, self._ratio = key, place, ratio
        self._left = round(place.left() * ratio)
        self._top = round(place.top() * ratio)
        width, height = (max(1, round(size * ratio)) for size in (place.width(), place.height()))
        self._pixels = np.full((height, width), table()[PANEL], np.uint32)
        self.image = QImage(self._pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32)
        self.image.setDevicePixelRatio(ratio)
        self._columns = pixel_columns(segments, self._left, width, ratio)
        return True

    def draw(self, block: Block, level: np.ndarray, signed: bool) -> None:
        """One layer's cells; `level` (rows, columns) as `heatmap_rows.block_cells` gives them."""
        first = round(block.rows_top * self._ratio) - self._top
        rows = pixel_rows(block, self._ratio)
        start, stop = max(0, -first), min(len(rows), len(self._pixels) - first)
        if stop <= start:
            return
        colors = np.full((level.shape[0] + 1, level.shape[1] + 1), PANEL, np.uint16)  # the last of both: the gaps
        np.add(level, np.uint16(SIGNED if signed else PLAIN), out=colors[:-1, :-1])
        wide = table().take(colors).take(self._columns, axis=1)
        self._pixels[first + start : first + stop] = wide.take(rows[start:stop], axis=0)


@functools.lru_cache(maxsize=64)
def pixel_rows(block: Block, ratio: float) -> np.ndarray:
    """For every pixel from the block's first row down the row that it shows, -1 between rows."""
    middles = (np.arange(round(block.rows * block.row * ratio)) + 0.5) / ratio
    rows = np.minimum(middles // block.row, block.rows - 1).astype(np.intp)
    if block.row >= GAP_FROM:
        rows[middles % block.row >= block.row - 1] = -1
    return rows


def pixel_columns(segments: Sequence[Segment], left: int, width: int, ratio: float) -> np.ndarray:
    """For `width` pixels from `left` on the column of `run_starts` that each shows, -1 between the segments."""
    found = np.full(width, -1, np.intp)
    before = 0
    for segment in segments:
        start, stop = (round(x * ratio) - left for x in (segment.left, segment.left + segment.width))
        count = min(segment.width, segment.stop - segment.start)
        middles = (np.arange(stop - start) + 0.5) / max(1, stop - start)
        inside = before + (middles * count).astype(np.intp)
        begin, end = max(0, start), min(width, stop)
        if end > begin:
            found[begin:end] = inside[begin - start : end - start]
        before += count
    return found


def run_starts(segments: Sequence[Segment]) -> np.ndarray | None:
    """Where the runs of columns begin that share a pixel; None where there is a pixel for every column."""
    if all(segment.stop - segment.start <= segment.width for segment in segments):
        return None
    parts = []
    for segment in segments:
        columns = segment.stop - segment.start
        shown = min(segment.width, columns)
        parts.append(segment.start + np.arange(shown) * columns // shown)
    return np.concatenate(parts)
