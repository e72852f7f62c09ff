"""The colours of tiles as one table: what a tile shows is a number in it."""

from __future__ import annotations

import functools

import numpy as np
from PySide6.QtGui import QColor

from gui import theme

SIGNED, PLAIN, CURVE = 0, 256, 512  # where the colour scales begin, and the shades of a curve on its ground
EMPTY, PANEL, AXIS = 768, 769, 770


def table() -> np.ndarray:
    """The colours of the shown theme as QRgb numbers, uint32."""
    return _table(theme.name())


@functools.lru_cache(maxsize=4)
def _table(_theme: str) -> np.ndarray:
    scales = [theme.lut("diverging")[:, :3], theme.lut("sequential")[:, :3]]
    ground, ink = _rgb(theme.color("sunken")), _rgb(theme.category(0))
    shades = ground + (ink - ground) * np.linspace(0, 1, 256)[:, None]
    single = [ground, _rgb(theme.color("panel")), _rgb(theme.color("grid"))]
    rgb = np.concatenate([*scales, shades.round(), np.stack(single)]).astype(np.uint32)
    return 0xFF000000 | rgb[:, 0] << 16 | rgb[:, 1] << 8 | rgb[:, 2]


def _rgb(color: QColor) -> np.ndarray:
    return np.array([color.red(), color.green(), color.blue()], float)
