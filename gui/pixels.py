"""A sample that is an image, as a picture in the theme's colours."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter

from gui import theme
from gui.views.pieces import to_image


def pixel_image(pixels: np.ndarray) -> QImage:
    """The picture of (rows, columns) or (rows, columns, channels).

    Three channels are red, green and blue; else the smallest value (of the channels' mean) is the paper, the largest
    the ink.
    """
    if pixels.ndim > 2 and pixels.shape[2] != 3:
        pixels = pixels.mean(axis=2)
    low, high = float(pixels.min()), float(pixels.max())
    share = (pixels.astype(np.float64) - low) / (high - low or 1.0)
    if pixels.ndim == 2:
        paper, ink = (np.array(_rgb(name)) for name in ("sunken", "ink"))
        colors = paper + (ink - paper) * share[..., None]
    else:
        colors = 255 * share
    return to_image(np.dstack([colors.round(), np.full(pixels.shape[:2], 255)]))


def _rgb(name: str) -> tuple[int, int, int]:
    color = theme.color(name)
    return color.red(), color.green(), color.blue()


def fitted(square: QRectF, image: QImage) -> QRectF:
    """The largest place for an image in the middle of a square, its pixels square."""
    scale = min(square.width() / image.width(), square.height() / image.height())
    place = QRectF(0, 0, image.width() * scale, image.height() * scale)
    place.moveCenter(square.center())
    return place


def paint_pixels(painter: QPainter, square: QRectF, pixels: np.ndarray) -> None:
    """An image in a square, never smoothed."""
    painter.fillRect(square, theme.color("sunken"))
    image = pixel_image(pixels)
    painter.drawImage(fitted(square, image), image)
