"""Where the rows and columns of the heatmap are: pure geometry and pooling, no drawing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from gui.views.cells import DEAD_LEVEL, levels, pool

HEAD = 28  # px above each layer's rows
SPACE = 12  # px below them
LARGEST_ROW = 36
FITTING_ROW = 6  # px of row height down to which everything is made to fit
SCROLLED_ROW, LEAST_ROW = 10, 2
SCROLLED_SHARE = 0.6  # of the window that one layer may take when all of them scroll
GAP_FROM = 4  # px of row height from which rows are 1 px apart
WORDS_FROM = 14
CLASS_GAP = 2
CROSSED_ROW = 5  # px of row height from which every dead row has a cross of its own
LARGEST_CROSS = 9.0


@dataclasses.dataclass(frozen=True)
class Block:
    """One layer's rows. `merged` units share one row of `row` px; the last row may hold fewer."""

    layer: int
    units: int
    top: int  # px of the head
    row: int
    merged: int

    @property
    def rows(self) -> int:
        return -(-self.units // self.merged)

    @property
    def rows_top(self) -> int:
        return self.top + HEAD

    @property
    def bottom(self) -> int:
        return self.rows_top + self.rows * self.row

    @property
    def starts(self) -> np.ndarray:
        """The first unit of every row."""
        return np.arange(0, self.units, self.merged)

    def units_of(self, row: int) -> range:
        return range(row * self.merged, min(self.units, (row + 1) * self.merged))

    def row_of(self, unit: int) -> int:
        return unit // self.merged

    def row_at(self, y: float) -> int | None:
        """The row under a height in px."""
        if self.rows_top <= y < self.bottom:
            return int((y - self.rows_top) // self.row)
        return None


def lay_out_blocks(layers: Sequence[tuple[int, int]], height: int) -> tuple[tuple[Block, ...], int]:
    """(blocks, content height) for (layer, units) pairs in a window of `height` px.

    All rows have one height, as large as fits. When that would be too little, the content scrolls and every layer
    has a height of its own; one layer alone never needs more than the window: its units are merged instead.
    """
    if not layers:
        return (), 0
    furniture = len(layers) * (HEAD + SPACE)
    total = sum(units for _, units in layers)
    row = min(LARGEST_ROW, (height - furniture) // max(1, total))
    most = max(80, height - HEAD - SPACE)
    blocks, top = [], 0
    for layer, units in layers:
        own, merged = row, 1
        if row < FITTING_ROW:
            own = int(np.clip(SCROLLED_SHARE * height // units, max(row, LEAST_ROW), SCROLLED_ROW))
        if units * own > most:  # only where rows are small already
            own, merged = 1, max(1, -(-units // most))
        block = Block(layer, units, top, own, merged)
        blocks.append(block)
        top = block.bottom + SPACE
    return tuple(blocks), top


@dataclasses.dataclass(frozen=True)
class Segment:
    """Columns `start` to `stop` of the data, drawn from `left` over `width` px; one class, or everything."""

    label: str
    group: int
    start: int
    stop: int
    left: int
    width: int


def lay_out_segments(groups: Sequence[tuple[str, int, int]], left: int, width: int) -> tuple[Segment, ...]:
    """Segments for (label, group, count) over `width` px, 2 px apart, as wide as their counts."""
    counts = np.array([count for _, _, count in groups], float)
    if not len(groups) or not counts.sum():
        return ()
    room = max(len(groups), width - CLASS_GAP * (len(groups) - 1))
    edges = np.round(np.concatenate([[0], np.cumsum(counts)]) / counts.sum() * room).astype(int)
    stops = np.concatenate([[0], np.cumsum(counts)]).astype(int)
    return tuple(
        Segment(label, group, int(stops[i]), int(stops[i + 1]), left + int(edges[i]) + CLASS_GAP * i,
                max(1, int(edges[i + 1] - edges[i])))
        for i, (label, group, _) in enumerate(groups)
    )  # fmt: skip


def column_at(segments: Sequence[Segment], x: float) -> int | None:
    """The data column under a place in px."""
    for segment in segments:
        if segment.left <= x < segment.left + segment.width:
            share = (x - segment.left) / segment.width
            return min(segment.stop - 1, segment.start + int(share * (segment.stop - segment.start)))
    return None


def block_cells(
    values: np.ndarray, dead: np.ndarray, block: Block, starts: np.ndarray | None, top: float, signed: bool
) -> np.ndarray:
    """Levels, uint8 (rows, columns), of a layer.

    Args:
        values: (columns, units).
        dead: bool (units,) for whole rows, or (columns, units) for single cells.
        starts: where the runs of columns begin that share a pixel (of which the largest value is shown), None for
            single columns.
    """
    if block.merged > 1:
        values = pool(values, block.starts, 1, signed)
        dead = np.minimum.reduceat(dead, block.starts, axis=-1)
    if starts is not None:
        values = pool(values, starts, 0, signed)
        dead = dead[starts] if dead.ndim == 2 else dead
    level = levels(values, top, signed)
    level[(..., dead) if dead.ndim == 1 else dead] = DEAD_LEVEL
    return level.T


@dataclasses.dataclass(frozen=True)
class DeadMark:
    """A cross in the margin, `size` px wide at the height `center`, for the dead rows between `top` and `bottom`."""

    center: float
    size: float
    top: int
    bottom: int
    merged: bool


def runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """(start, stop) of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def cross_size(block: Block) -> float:
    """Crosses one above the other must not touch."""
    return min(LARGEST_CROSS, 0.7 * block.row)


def dead_marks(block: Block, dead: np.ndarray) -> list[DeadMark]:
    """The crosses of a layer's dead rows (bool per row): one each, or one for several that are too thin."""
    gap = block.row >= GAP_FROM
    if block.row >= CROSSED_ROW:
        size = cross_size(block)
        tops = block.rows_top + np.flatnonzero(dead) * block.row
        return [DeadMark(top + (block.row - gap) / 2, size, top, top + block.row, False) for top in tops.tolist()]
    marks: list[DeadMark] = []
    for start, stop in runs(dead):
        top, bottom = block.rows_top + start * block.row, block.rows_top + stop * block.row - gap
        center = (top + bottom) / 2
        merged = stop - start > 1
        if marks and center - marks[-1].center < LARGEST_CROSS + 1:
            top, merged = marks.pop().top, True
        marks.append(DeadMark((top + bottom) / 2, min(LARGEST_CROSS, max(6.0, bottom - top)), top, bottom, merged))
    return marks


def spread_first(places: np.ndarray, first: np.ndarray, least: float) -> list[int]:
    """Like `spread`, but those of `first` (bool) come before the others, which fill the gaps."""
    numbers = np.flatnonzero(first)
    kept = [int(numbers[index]) for index in spread(places[numbers], least)]
    for index in range(len(places)):
        if all(abs(places[index] - places[other]) >= least for other in kept):
            kept.append(index)
    return sorted(kept)


def spread(places: np.ndarray, least: float) -> list[int]:
    """Indices of sorted `places` that keep `least` px from the one before."""
    kept: list[int] = []
    last = -np.inf
    for index, place in enumerate(places.tolist()):
        if place - last >= least:
            kept.append(index)
            last = place
    return kept
