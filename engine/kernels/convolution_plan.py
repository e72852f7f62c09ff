"""Where a convolution finds its rows: worked out once for a geometry, read by the kernels as words.

Output positions that see the same part of the kernel form a class. Within a class, position p is one row of a matrix
product: its inputs are runs that lie at a fixed distance from each other, so that nothing is copied and no
multiplication is wasted on padding. The gradient of the input is such a convolution of the gradient of the output,
with the kernel turned round (one smaller kernel for each phase of the stride). Dukhan 2019 calls it "indirect".

Where the cells of a window are apart, or see the channels of one group, a run is of one cell; where every channel has
a filter of its own, it is one number.

A geometry is that of `engine.layers.windows.Window.geometry`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

# A class: positions, whether rows of the table are of all samples, its table (word of the plan),
# runs, length of a run, from run to run in a; first number, from run to run, from row to row in b;
# then, where a cell of the window is a run of its own: cells of a row, from cell to cell in a and in b; groups, from
# group to group in a, in b and in c.
POSITIONS, JOINED, TABLE, RUNS, LENGTH, A_RUN, B_FIRST, B_RUN, B_STEP = range(9)
CELLS, A_CELL, B_CELL, GROUPS, A_GROUP, B_GROUP, C_GROUP = range(9, 16)
CLASS_WORDS = 16
# A strip of the kernel's gradient: rows, first number of the input, of the output's gradient, of the kernel's
# gradient, rows of the output, columns of the output.
STRIP_ROWS, STRIP_A, STRIP_B, STRIP_C, STRIP_HEIGHT, STRIP_WIDTH = range(6)
STRIP_WORDS = 6
# Then cells of the window, channels that a filter sees, columns of the products.
FORWARD_CLASSES, FORWARD_AT, INPUT_CLASSES, INPUT_AT, STRIPS, STRIPS_AT, TURNS_AT = range(7)
TAPS, DEPTH, FORWARD_COLUMNS, INPUT_COLUMNS = range(7, 11)
HEADER = 11
Run = Literal["row", "cell", "number"]
CHANNELS = 8  # from which on one tap of the kernel has enough rows for a product
FEW = 24  # positions of a class below which the rows of all samples are joined


@dataclasses.dataclass(frozen=True)
class Seen:
    """What one position of an axis sees: the phase of the stride, and from where to where in the kernel."""

    phase: int
    first: int
    count: int


Axis = dict[Seen, list[tuple[int, int]]]  # what is seen -> (position, where it begins in the source)


@dataclasses.dataclass(frozen=True)
class Side:
    """The window along one axis."""

    extent: int
    positions: int
    size: int
    stride: int
    before: int
    dilation: int

    @property
    def common(self) -> int:
        return math.gcd(self.stride, self.dilation)

    @property
    def apart(self) -> int:
        """From output to output that an input position sees."""
        return self.dilation // self.common

    @property
    def every(self) -> int:
        """From cell to cell of the window that it sees them through: a phase has every so many cells."""
        return self.stride // self.common

    @property
    def phases(self) -> list[int]:
        """Cells of every phase."""
        return [max(0, -(-(self.size - phase) // self.every)) for phase in range(self.every)]

    def forward(self) -> Axis:
        """Classes of output positions."""
        axis: Axis = {}
        for position in range(self.positions):
            start = position * self.stride - self.before
            first = max(0, -(start // self.dilation))
            last = min(self.size, -((start - self.extent) // self.dilation))
            seen = Seen(0, first, max(0, last - first))
            axis.setdefault(seen, []).append((position, start + first * self.dilation))
        return axis

    def backward(self) -> Axis:
        """Classes of input positions, as outputs of the convolution with the turned kernel."""
        axis: Axis = {}
        phases = self.phases
        for position in range(self.extent):
            place = position + self.before
            seen, begin = Seen(0, 0, 0), 0
            for phase in range(min(self.every, self.size)):
                quotient, rest = divmod(place - phase * self.dilation, self.stride)
                low = max(0, -((self.positions - 1 - quotient) // self.apart))
                high = min(phases[phase] - 1, quotient // self.apart)
                if rest == 0 and high >= low:
                    seen, begin = Seen(phase, phases[phase] - 1 - high, high - low + 1), quotient - high * self.apart
            axis.setdefault(seen, []).append((position, begin))
        return axis

    def span(self, cell: int) -> tuple[int, int, int]:
        """(first output position that sees something through a cell, behind the last, where the first sees it)."""
        start = cell * self.dilation - self.before
        first = max(0, -(start // self.stride))
        end = min(self.positions, (self.extent - 1 - start) // self.stride + 1)
        return first, end, first * self.stride + start


def plan(geometry: tuple[int, ...], rows: int, run: Run = "row") -> np.ndarray:
    """The words of a plan for tiles of so many samples.

    run: what lies together of the inputs of a sum: a row of the window, the channels of a cell, or nothing.
    """
    height, width, channels, filters, high, wide, size, stride, top, left, cells, dilation, groups = geometry
    y_side = Side(height, high, cells, stride, top, dilation)
    x_side = Side(width, wide, size, stride, left, dilation)
    whole, single = run == "row", run == "number"
    depth, units = channels // groups, filters // groups  # of a group
    products = 1 if single else groups
    block = depth * filters
    inputs, outputs = (height, width, channels), (high, wide, filters)

    x_axis = x_side.forward()
    classes, tables = [], []
    for y_seen, y_places in y_side.forward().items():
        for x_seen, x_places in x_axis.items():
            record = [0] * CLASS_WORDS
            record[RUNS], record[A_RUN], record[B_RUN] = y_seen.count, dilation * width * channels, size * block
            record[CELLS], record[A_CELL], record[B_CELL] = x_seen.count, dilation * channels, block
            record[LENGTH] = x_seen.count * channels if whole else depth
            record[B_FIRST], record[B_STEP] = (y_seen.first * size + x_seen.first) * block, filters
            record[GROUPS], record[A_GROUP], record[B_GROUP], record[C_GROUP] = products, depth, units, units
            places = [
                ((iy * width + ix) * channels, (oy * wide + ox) * filters) for oy, iy in y_places for ox, ix in x_places
            ]
            _add(classes, tables, record, places, rows, (math.prod(inputs), math.prod(outputs)))
    forward, forward_tables = classes, tables
    classes, tables = [], []
    for y_seen, y_places in y_side.backward().items():
        for x_seen, x_places in x_side.backward().items():
            across = x_side.phases[x_seen.phase]
            record = [0] * CLASS_WORDS
            record[RUNS], record[A_RUN], record[B_RUN] = y_seen.count, y_side.apart * wide * filters, across * block
            record[CELLS], record[A_CELL], record[B_CELL] = x_seen.count, x_side.apart * filters, block
            record[LENGTH] = x_seen.count * filters if whole else units
            record[B_FIRST] = _phase_start(y_side, x_side, y_seen.phase, x_seen.phase) * block
            record[B_FIRST] += (y_seen.first * across + x_seen.first) * block
            record[B_STEP] = depth
            record[GROUPS], record[A_GROUP], record[B_GROUP], record[C_GROUP] = products, units, units * depth, depth
            places = [
                ((oy * wide + ox) * filters, (iy * width + ix) * channels) for iy, oy in y_places for ix, ox in x_places
            ]
            _add(classes, tables, record, places, rows, (math.prod(outputs), math.prod(inputs)))
    strips = []
    together = single or (whole and (channels < CHANNELS or len(x_axis) == 1))
    for ky in range(cells):
        low, end, iy = y_side.span(ky)
        for ox, ix, kx, seen, columns in _row_strips(x_side, together):
            strips += [
                (
                    seen * depth, (iy * width + ix) * channels + group * depth,
                    (low * wide + ox) * filters + group * units, (ky * size + kx) * block + group * units, end - low,
                    columns,
                )
                for group in range(products)
                if end > low
            ]  # fmt: skip
    turns = [_turned_place(y_side, x_side, ky, kx) * block for ky in range(cells) for kx in range(size)]
    header = np.zeros(HEADER, dtype=np.int64)
    header[TAPS], header[DEPTH] = cells * size, depth
    header[FORWARD_COLUMNS], header[INPUT_COLUMNS] = filters // products, channels // products
    return _joined(header, forward, forward_tables, classes, tables, strips, turns)


def _row_strips(side: Side, together: bool) -> list[tuple[int, int, int, int, int]]:
    """(first output column, its first input column, first tap, taps, output columns) of the strips of a kernel's row.

    With few channels a strip has all taps that a class of columns sees: its product needs rows. With more of them it
    has one tap and all columns that see it: the edges are no strips of their own, whose sums would be short.
    """
    if together:
        return [
            (places[0][0], places[0][1], seen.first, seen.count, len(places))
            for seen, places in side.forward().items()
            if seen.count
        ]
    spans = [(kx, *side.span(kx)) for kx in range(side.size)]
    return [(first, begin, kx, 1, end - first) for kx, first, end, begin in spans if end > first]


def _add(
    classes: list[list[int]], tables: list[np.ndarray], record: list[int], places: list[tuple[int, int]], rows: int,
    sample: tuple[int, int],
) -> None:  # fmt: skip
    table = np.array(places, dtype=np.int64)
    record[POSITIONS], record[JOINED] = len(table), int(len(table) < FEW)
    if record[JOINED]:
        table = (table[None] + np.arange(rows)[:, None, None] * np.array(sample)).reshape(-1, 2)
    classes.append(record)
    tables.append(table)


def _phase_start(y_side: Side, x_side: Side, y: int, x: int) -> int:
    """Cells before the turned kernel of a phase."""
    high, wide = y_side.phases, x_side.phases
    return sum(high[:y]) * sum(wide) + high[y] * sum(wide[:x])


def _turned_place(y_side: Side, x_side: Side, ky: int, kx: int) -> int:
    """Cells before the turned tap (ky, kx)."""
    high, wide = y_side.phases, x_side.phases
    y, x = ky % y_side.every, kx % x_side.every
    row, column = high[y] - 1 - ky // y_side.every, wide[x] - 1 - kx // x_side.every
    return _phase_start(y_side, x_side, y, x) + row * wide[x] + column


def _joined(
    header: np.ndarray, forward: list[list[int]], forward_tables: list[np.ndarray], inputs: list[list[int]],
    input_tables: list[np.ndarray], strips: Sequence[tuple[int, ...]], turns: list[int],
) -> np.ndarray:  # fmt: skip
    parts, end = [header], HEADER
    for count, at, records, tables in (
        (FORWARD_CLASSES, FORWARD_AT, forward, forward_tables),
        (INPUT_CLASSES, INPUT_AT, inputs, input_tables),
    ):
        header[count], header[at] = len(records), end
        table_at = end + len(records) * CLASS_WORDS
        for record, table in zip(records, tables, strict=True):
            record[TABLE] = table_at
            table_at += table.size
        parts += [np.array(records, dtype=np.int64).ravel(), *(table.ravel() for table in tables)]
        end = table_at
    header[STRIPS], header[STRIPS_AT] = len(strips), end
    header[TURNS_AT] = end + len(strips) * STRIP_WORDS
    parts += [np.array(strips, dtype=np.int64).ravel(), np.array(turns, dtype=np.int64)]
    return np.concatenate(parts)
