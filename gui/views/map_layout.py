"""Where everything of the network map is: pure geometry, no drawing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF

from engine.telemetry import MAX_TILES

INPUTS = -1  # the column of the inputs, where layers count from 0
HEAD_HEIGHT = 46
FOOT = 4
SMALLEST, LARGEST, TIGHT_GAP, WIDE_GAP = 36, 64, 5, 24
LEAST_PITCH = 84
MOST_WHOLE, LEAST_WHOLE = 12, 20
ROOMY_PITCH = 118


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of tiles. `hidden` units have no tile of their own; `more` is the tile that counts them."""

    layer: int
    center: float
    shown: tuple[int, ...]
    rects: tuple[QRectF, ...]
    hidden: tuple[int, ...] = ()
    more: QRectF | None = None

    @property
    def units(self) -> int:
        return len(self.shown) + len(self.hidden)

    @property
    def left(self) -> float:
        return self.center - self._half

    @property
    def right(self) -> float:
        return self.center + self._half

    @property
    def _half(self) -> float:
        return self.rects[0].width() / 2 if self.rects else 0.0

    def rect_of(self, unit: int) -> QRectF | None:
        return self.rects[self.shown.index(unit)] if unit in self.shown else None


@dataclasses.dataclass(frozen=True)
class Layout:
    columns: tuple[Column, ...]
    width: float
    pitch: float
    tile: float

    def column(self, layer: int) -> Column | None:
        return next((column for column in self.columns if column.layer == layer), None)

    def strip(self, column: Column) -> tuple[float, float, float]:
        """(left, top, width) of the part of the map that is nearest to a column."""
        place = self.columns.index(column)
        middles = [(a.center + b.center) // 2 for a, b in zip(self.columns, self.columns[1:], strict=False)]
        edges = [0.0, *middles, self.width]
        return edges[place], 0.0, edges[place + 1] - edges[place]

    def unit_at(self, point: QPointF) -> tuple[int, int] | None:
        """(layer, unit) of the tile under `point`; the inputs are layer -1."""
        for column in self.columns:
            if column.left <= point.x() <= column.right:
                for unit, rect in zip(column.shown, column.rects, strict=True):
                    if rect.contains(point):
                        return column.layer, unit
        return None

    def more_at(self, point: QPointF) -> Column | None:
        return next((c for c in self.columns if c.more is not None and c.more.contains(point)), None)

    def bias_at(self, point: QPointF) -> tuple[int, int] | None:
        """(layer, unit) whose bias dot is under `point`."""
        for column in self.columns:
            if column.layer == INPUTS or not column.left - 12 <= point.x() <= column.left + 8:
                continue
            for unit, rect in zip(column.shown, column.rects, strict=True):
                spot = bias_spot(rect) - point
                if max(abs(spot.x()), abs(spot.y())) <= 8:
                    return column.layer, unit
        return None


def bias_spot(rect: QRectF) -> QPointF:
    """The middle of a tile's bias dot."""
    return QPointF(rect.left() - 1, rect.bottom() - 3)


def shown_units(units: int, room: int, wanted: int | None = None) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """(shown, hidden): all when there is room, else one place fewer for the tile that counts the rest.

    `wanted` (the selected unit) takes the last place when it would be hidden.
    """
    if units <= room:
        return tuple(range(units)), ()
    count = max(1, room - 1)
    shown = list(range(count))
    if wanted is not None and count <= wanted < units:
        shown[-1] = wanted
    kept = set(shown)
    return tuple(shown), tuple(unit for unit in range(units) if unit not in kept)


def lay_out(
    widths: Sequence[tuple[int, int]],
    size: tuple[float, float],
    selection: tuple[int, int] | None = None,
    margins: tuple[float, float] = (0, 0),
    big: frozenset[int] = frozenset(),
    whole: int | None = None,
) -> Layout:
    """Columns for (layer, units) pairs in a window of `size`; wider than it when the columns need it.

    Args:
        margins: room in px for words left of the first and right of the last column.
        big: layers with one tile of the largest size.
        whole: a layer whose tiles become smaller rather than fewer, up to a dozen (the classes of the output).
    """
    width, height = size
    room_height = max(height - HEAD_HEIGHT - FOOT, SMALLEST)
    room = int(min(MAX_TILES, max(2, (room_height + TIGHT_GAP) // (SMALLEST + TIGHT_GAP))))
    rows = max((min(units, room) for _, units in widths), default=1)
    tile = float(min(LARGEST, max(SMALLEST, int(room_height / rows / 1.14))))
    first = max(16 + margins[0] + 8 + tile / 2, 82 if tile < 50 else 96)
    last = 16 + margins[1] + max(LARGEST / 2 if big else 0, tile / 2)
    last = max(last, 80)
    gaps = max(1, len(widths) - 1)
    pitch = max(LEAST_PITCH, (width - first - last) / gaps)
    middle = HEAD_HEIGHT + room_height / 2
    columns = []
    for place, (layer, units) in enumerate(widths):
        wanted = selection[1] if selection is not None and selection[0] == layer else None
        fits = layer == whole and units <= MOST_WHOLE and room_height >= units * (LEAST_WHOLE + 4)
        shown, hidden = shown_units(units, units if fits else room, wanted)
        side = float(LARGEST) if layer in big else tile
        if fits:
            side = min(side, float(int(room_height / units) - 4))
        places = len(shown) + bool(hidden)
        step = min(room_height / max(1, places), side + WIDE_GAP)
        center = first + place * pitch if len(widths) > 1 else width / 2
        top = middle - (places - 1) * step / 2 - side / 2
        rects = [QRectF(round(center - side / 2), round(top + i * step), side, side) for i in range(places)]
        more = rects.pop() if hidden else None
        columns.append(Column(layer, round(center - side / 2) + side / 2, shown, tuple(rects), hidden, more))
    return Layout(tuple(columns), max(width, first + gaps * pitch + last), pitch, tile)
