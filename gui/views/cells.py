"""Numbers as coloured cells: levels of the 256-entry tables, images of them, and scales that do not jump."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from gui import theme

DEAD_LEVEL = 255
TOP_LEVEL = 254
QUANTILE = 0.99  # of the sizes: a few hot cells must not wash out the rest
ENOUGH = 5_000
STEPS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0)


def step_above(value: float) -> float:
    """The smallest of 1, 1.5, 2, 3, 5, 7 times a power of ten that is not below `value`; 1 for 0 and non-finite."""
    if not np.isfinite(value) or value <= 0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(value))
    return next(step * power for step in STEPS if step * power >= value * (1 - 1e-6))


class StepScale:
    """The upper end of a colour scale: grows at once to the next step, shrinks only after a long calm."""

    CALM = 90  # updates, about three seconds

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.top = 0.0
        self._calm = 0

    def update(self, largest: float) -> float:
        """The scale for data whose largest size is `largest`."""
        if not np.isfinite(largest):
            return self.top or 1.0
        step = step_above(largest) if largest > 0 else 0.0
        if step > self.top:
            self.top, self._calm = step, 0
        elif step and step < self.top / 3:
            self._calm += 1
            if self._calm > self.CALM:
                self.top, self._calm = step, 0
        else:
            self._calm = 0
        return self.top or 1.0


def large_size(values: np.ndarray) -> float:
    """The 99 % quantile of |values|, from at most some 5,000 of them; the largest one when that is 0."""
    flat = values.reshape(-1)
    if len(flat) > ENOUGH:
        flat = flat[:: len(flat) // ENOUGH + 1 | 1]  # an odd step meets every unit of most widths
    flat = np.abs(flat[np.isfinite(flat)])
    if not len(flat):
        return 0.0
    place = min(len(flat) - 1, int(QUANTILE * len(flat)))
    return float(np.partition(flat, place)[place]) or float(flat.max())


def levels(values: np.ndarray, top: float, signed: bool) -> np.ndarray:
    """Levels 0 to 254 (uint8): 0 to `top`, or -`top` to `top` when `signed`. NaN becomes the lowest level."""
    scaled = np.multiply(values, (TOP_LEVEL / 2 if signed else TOP_LEVEL) / top, dtype=np.float32)
    if signed:
        scaled += TOP_LEVEL / 2
    scaled += 0.5
    np.clip(scaled, 0, TOP_LEVEL, out=scaled)
    if not np.isfinite(scaled).all():
        np.nan_to_num(scaled, copy=False)
    return scaled.astype(np.uint8)


def color_table(signed: bool) -> list[int]:
    """The 256 colours as QRgb numbers; entry 255 is the dead colour."""
    rgba = np.ascontiguousarray(theme.lut("diverging" if signed else "sequential")).astype(np.uint32)
    return ((rgba[:, 3] << 24) | (rgba[:, 0] << 16) | (rgba[:, 1] << 8) | rgba[:, 2]).tolist()


def cell_image(cells: np.ndarray, table: list[int]) -> QImage:
    """An indexed image of `cells` (rows, columns) uint8, row 0 at the top. It owns its memory."""
    cells = np.ascontiguousarray(cells)
    rows, columns = cells.shape
    image = QImage(cells.data, columns, rows, columns, QImage.Format.Format_Indexed8)
    image.setColorTable(table)
    return image.copy()


def pool(values: np.ndarray, starts: np.ndarray, axis: int, signed: bool) -> np.ndarray:
    """The largest value of every run that begins at `starts`; by size, keeping its sign, when `signed`."""
    high = np.maximum.reduceat(values, starts, axis=axis)
    if not signed:
        return high
    low = np.minimum.reduceat(values, starts, axis=axis)
    return np.where(high >= -low, high, low)


def paint_scale_bar(painter: QPainter, rect: QRectF, signed: bool) -> None:
    """The colour map from left to right."""
    ramp = np.arange(DEAD_LEVEL, dtype=np.uint8)[None, :]
    painter.drawImage(rect, cell_image(ramp, color_table(signed)))
