"""Thousands of translucent curves as one image, drawn with numpy in small steps.

Qt needs 0.1 to 0.4 ms for one wide, translucent, smooth curve; a map has up to 2,000 of them, a few times a second.
Here every link is a vertical span in every pixel column: two fractional edges per column are added up, and a sum
down the column gives the covered depth of each colour. Depths add, so the order of the links does not matter:
alpha = 1 - exp(-depth), and the colour is the mean weighted by depth.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import numpy as np
from PySide6.QtGui import QColor, QImage

DOT_STEP = 4.5  # px from dot to dot
LEAST_DEPTH = 0.004  # invisible below
SPANS, CELLS, DOTTED = 12_000, 16_000, 60  # of one step: about a millisecond
_T = np.linspace(0.0, 1.0, 257)
_X = 1.5 * _T * (1 - _T) + _T**3  # the curve's way across: control points 0, 1/2, 1/2, 1
_S = 3 * _T**2 - 2 * _T**3  # the curve's way down: control points 0, 0, 1, 1


def share_at(x: np.ndarray | float) -> np.ndarray:
    """How far down a link is (0 to 1) where it is `x` (0 to 1) of its way across."""
    return np.asarray(np.interp(x, _X, _S))


@functools.lru_cache(maxsize=16)
def _ways(columns: int) -> tuple[np.ndarray, np.ndarray]:
    """(share, slope) in the middle of each pixel column."""
    x = (np.arange(columns) + 0.5) / columns
    share = share_at(x)
    return share.astype(np.float32), (np.gradient(share, x) / columns).astype(np.float32)


class LinkPicture:
    """The links of one gap on their way to an image of (rows, columns) pixels. All lengths in pixels.

    `lines` and `dots` yield after every small step; `image` yields likewise and returns the image.
    """

    def __init__(self, rows: int, columns: int, colors: Sequence[QColor]) -> None:
        self.rows, self.columns, self.colors = rows, columns, colors
        self.edges = np.zeros((len(colors), rows + 1, columns), np.float32)  # sums down a column give depths
        self.depths = np.zeros((len(colors), rows, columns), np.float32)

    def lines(self, color: int, y0: np.ndarray, y1: np.ndarray, width: np.ndarray, alpha: np.ndarray) -> Iterator[None]:
        """Adds links from y0 at the left to y1 at the right edge."""
        share, slope = _ways(self.columns)
        sums, across = self.edges[color].reshape(-1), np.arange(self.columns, dtype=np.intp)
        step = max(1, SPANS // self.columns)
        for first in range(0, len(y0), step):
            part = slice(first, first + step)
            start, fall = _column(y0[part]), _column(y1[part] - y0[part])
            depth = _column(-np.log1p(-np.minimum(alpha[part], 0.95)))
            middle, half = start + fall * share, _column(width[part] / 2) * np.sqrt(1 + (fall * slope) ** 2)
            for edge, sign in ((middle - half, 1), (middle + half, -1)):
                edge = np.clip(edge, 0, self.rows - 0.001, out=edge)
                whole = np.floor(edge)
                rest = (edge - whole) * (sign * depth)
                place = (whole.astype(np.intp) * self.columns + across).ravel()
                np.add.at(sums, place, (sign * depth - rest).ravel())
                np.add.at(sums, place + self.columns, rest.ravel())
            yield

    def dots(self, color: int, y0: np.ndarray, y1: np.ndarray, alpha: float, ratio: float) -> Iterator[None]:
        """Adds dotted links."""
        sums, x = self.depths[color].reshape(-1), _X * (self.columns - 2)
        depth = np.float32(-np.log1p(-alpha) * ratio**2)
        for first in range(0, len(y0), DOTTED):
            part = slice(first, first + DOTTED)
            y = y0[part, None] + (y1 - y0)[part, None] * _S
            way = np.cumsum(np.hypot(np.diff(x), np.diff(y, axis=1)), axis=1) / (DOT_STEP * ratio)
            link, place = np.nonzero(np.diff(np.floor(way), axis=1) > 0)
            px, py = x[place + 1], np.clip(y[link, place + 1] - 0.5, 0, self.rows - 1.01)
            ix, iy = px.astype(np.intp), py.astype(np.intp)
            fx, fy = px - ix, py - iy
            for down, across, covered in (
                (0, 0, (1 - fx) * (1 - fy)), (0, 1, fx * (1 - fy)), (1, 0, (1 - fx) * fy), (1, 1, fx * fy),
            ):  # fmt: skip
                np.add.at(sums, (iy + down) * self.columns + ix + across, covered.astype(np.float32) * depth)
            yield

    def image(self, ratio: float) -> Iterator[QImage | None]:
        """Yields None after every step and the image at last: transparent where there is no link."""
        pixels = np.zeros((self.rows, self.columns), np.uint32)
        above = np.zeros((len(self.colors), 1, self.columns), np.float32)
        step = max(8, CELLS // self.columns)
        rgb = [[getattr(color, name)() for color in self.colors] for name in ("blue", "green", "red")]
        half = np.float32(0.5)
        for first in range(0, self.rows, step):
            part = slice(first, min(first + step, self.rows))
            covered = np.cumsum(self.edges[:, part], axis=1, dtype=np.float32) + above
            above = covered[:, -1:]
            depths = covered + self.depths[:, part]
            total = np.add.reduce(depths)
            drawn = np.flatnonzero(total > LEAST_DEPTH)
            total = total.take(drawn)
            alpha = 1 - np.exp(-total)
            share = alpha / total
            shares = [depth.take(drawn) * share for depth in depths]
            argb = (alpha * 255 + half).astype(np.uint32) << 24
            for place, values in enumerate(rgb):
                mixed = sum(part * value for part, value in zip(shares, values, strict=True))
                argb |= mixed.astype(np.uint32) << 8 * place
            pixels[part].reshape(-1)[drawn] = argb
            yield None
        image = QImage(pixels.data, self.columns, self.rows, self.columns * 4,
                       QImage.Format.Format_ARGB32_Premultiplied).copy()  # fmt: skip
        image.setDevicePixelRatio(ratio)
        yield image


def _column(values: np.ndarray) -> np.ndarray:
    return values.astype(np.float32)[:, None]
