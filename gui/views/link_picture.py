"""Thousands of translucent curves as one image, drawn with numpy.

Qt needs 0.1 to 0.4 ms for one wide, translucent, smooth curve; a map has up to 2,000 of them, 30 times a second.
Here every link is a vertical span in every pixel column: two fractional edges per column are added up, and a sum
down the column gives the covered depth of each colour. Depths add, so the order of the links does not matter:
alpha = 1 - exp(-depth), and the colour is the mean weighted by depth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PySide6.QtGui import QColor, QImage

DOT_STEP = 4.5  # px from dot to dot
LEAST_DEPTH = 0.004  # invisible below
_T = np.linspace(0.0, 1.0, 257)
_X = 1.5 * _T * (1 - _T) + _T**3  # the curve's way across: control points 0, 1/2, 1/2, 1
_S = 3 * _T**2 - 2 * _T**3  # the curve's way down: control points 0, 0, 1, 1


def share_at(x: np.ndarray | float) -> np.ndarray:
    """How far down a link is (0 to 1) where it is `x` (0 to 1) of its way across."""
    return np.asarray(np.interp(x, _X, _S))


def line_depth(
    y0: np.ndarray, y1: np.ndarray, width: np.ndarray, alpha: np.ndarray, columns: int, rows: int
) -> np.ndarray:
    """Depth (rows, columns) float32 of links from y0 at the left to y1 at the right edge; lengths in pixels."""
    if not len(y0):
        return np.zeros((rows, columns), np.float32)
    x = (np.arange(columns) + 0.5) / columns
    share = share_at(x)
    slope = np.gradient(share, x) / columns
    fall = (y1 - y0)[:, None]
    middle = y0[:, None] + fall * share
    half = width[:, None] / 2 * np.sqrt(1 + (fall * slope) ** 2)
    depth = -np.log1p(-np.minimum(alpha, 0.95))[:, None]
    edges = np.clip(np.stack([middle - half, middle + half]), 0, rows - 0.001)
    whole = edges.astype(np.int32)
    part = (edges - whole) * np.stack([depth, -depth])
    first = np.stack([np.broadcast_to(depth, half.shape), np.broadcast_to(-depth, half.shape)]) - part
    place = (whole * columns + np.arange(columns, dtype=np.int32)).ravel()
    sums = np.bincount(np.concatenate([place, place + columns]), np.concatenate([first.ravel(), part.ravel()]),
                       (rows + 1) * columns)  # fmt: skip
    return np.cumsum(sums.reshape(-1, columns)[:rows], axis=0, dtype=np.float32)


def dot_depth(y0: np.ndarray, y1: np.ndarray, alpha: float, ratio: float, columns: int, rows: int) -> np.ndarray:
    """Depth (rows, columns) float32 of dotted links."""
    if not len(y0):
        return np.zeros((rows, columns), np.float32)
    x = _X * (columns - 2)
    y = y0[:, None] + (y1 - y0)[:, None] * _S
    way = np.cumsum(np.hypot(np.diff(x), np.diff(y, axis=1)), axis=1) / (DOT_STEP * ratio)
    link, place = np.nonzero(np.diff(np.floor(way), axis=1) > 0)
    px, py = x[place + 1], np.clip(y[link, place + 1] - 0.5, 0, rows - 1.01)
    ix, iy = px.astype(np.int64), py.astype(np.int64)
    fx, fy = px - ix, py - iy
    at = iy * columns + ix
    places = np.concatenate([at, at + 1, at + columns, at + columns + 1])
    shares = np.concatenate([(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy])
    sums = np.bincount(places, shares * (-np.log1p(-alpha) * ratio**2), rows * columns)
    return sums.reshape(rows, columns).astype(np.float32)


def depth_image(depths: Sequence[np.ndarray], colors: Sequence[QColor], ratio: float) -> QImage:
    """The image of depths (rows, columns), one colour each, transparent where there is none."""
    rows, columns = depths[0].shape
    total = np.add.reduce(depths)
    drawn = np.flatnonzero(total.ravel() > LEAST_DEPTH)
    parts = [depth.ravel()[drawn] for depth in depths]
    total = total.ravel()[drawn]
    alpha = -np.expm1(-total)
    share = alpha / total
    packed = (alpha * 255 + 0.5).astype(np.uint32) << 24
    for shift, name in ((0, "blue"), (8, "green"), (16, "red")):
        mixed = sum(part * getattr(color, name)() for part, color in zip(parts, colors, strict=True))
        packed |= np.minimum(mixed * share + 0.5, packed >> 24).astype(np.uint32) << shift
    pixels = np.zeros(rows * columns, np.uint32)
    pixels[drawn] = packed
    image = QImage(pixels.data, columns, rows, columns * 4, QImage.Format.Format_ARGB32_Premultiplied).copy()
    image.setDevicePixelRatio(ratio)
    return image
