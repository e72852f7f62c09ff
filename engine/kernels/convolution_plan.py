"""Where a convolution finds its rows: worked out once for a geometry, read by the kernels as words.

Output positions that see the same part of the kernel form a class. Within a class, position p is one row of a matrix
product: its inputs are runs that lie at a fixed distance from each other, so that nothing is copied and no
multiplication is wasted on padding. The gradient of the input is such a convolution of the gradient of the output,
with the kernel turned round (one smaller kernel for each phase of the stride). Dukhan 2019 calls it "indirect".

A geometry is that of `engine.layers.windows.Window.geometry`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

# A class: positions, whether rows of the table are of all samples, its table (word of the plan),
# runs, length of a run, from run to run in a; first number, from run to run, from row to row in b.
POSITIONS, JOINED, TABLE, RUNS, LENGTH, A_RUN, B_FIRST, B_RUN, B_STEP = range(9)
CLASS_WORDS = 9
# A strip of the kernel's gradient: rows, first number of the input, of the output's gradient, of the kernel's
# gradient, rows of the output, columns of the output.
STRIP_ROWS, STRIP_A, STRIP_B, STRIP_C, STRIP_HEIGHT, STRIP_WIDTH = range(6)
STRIP_WORDS = 6
FORWARD_CLASSES, FORWARD_AT, INPUT_CLASSES, INPUT_AT, STRIPS, STRIPS_AT, TURNS_AT = range(7)
HEADER = 8
CHANNELS = 8  # from which on one tap of the kernel has enough rows for a product
FEW = 24  # positions of a class below which the rows of all samples are joined


@dataclasses.dataclass(frozen=True)
class Seen:
    """What one position of an axis sees: the phase of the stride, and from where to where in the kernel."""

    phase: int
    first: int
    count: int


Axis = dict[Seen, list[tuple[int, int]]]  # what is seen -> (position, where it begins in the source)


def forward_axis(extent: int, positions: int, size: int, stride: int, before: int) -> Axis:
    """Classes of output positions along one axis."""
    axis: Axis = {}
    for position in range(positions):
        start = position * stride - before
        first, last = max(0, -start), min(size, extent - start)
        axis.setdefault(Seen(0, first, max(0, last - first)), []).append((position, start + first))
    return axis


def input_axis(extent: int, positions: int, size: int, stride: int, before: int) -> Axis:
    """Classes of input positions along one axis, as outputs of the convolution with the turned kernel."""
    axis: Axis = {}
    for position in range(extent):
        quotient, phase = divmod(position + before, stride)
        taps = -(-(size - phase) // stride) if phase < size else 0
        low, high = max(0, quotient - positions + 1), min(taps - 1, quotient)
        seen = Seen(phase, taps - 1 - high, high - low + 1) if high >= low else Seen(0, 0, 0)
        axis.setdefault(seen, []).append((position, quotient - high if high >= low else 0))
    return axis


def plan(geometry: tuple[int, ...], rows: int) -> np.ndarray:
    """The words of a plan for tiles of so many samples."""
    height, width, channels, filters, high, wide, size, stride, top, left = geometry
    y_axis, x_axis = forward_axis(height, high, size, stride, top), forward_axis(width, wide, size, stride, left)
    classes, tables = [], []
    for y_seen, y_places in y_axis.items():
        for x_seen, x_places in x_axis.items():
            record = [0] * CLASS_WORDS
            record[RUNS], record[LENGTH], record[A_RUN] = y_seen.count, x_seen.count * channels, width * channels
            record[B_FIRST] = (y_seen.first * size + x_seen.first) * channels * filters
            record[B_RUN], record[B_STEP] = size * channels * filters, filters
            places = [
                ((iy * width + ix) * channels, (oy * wide + ox) * filters) for oy, iy in y_places for ox, ix in x_places
            ]
            _add(classes, tables, record, places, rows, (height * width * channels, high * wide * filters))
    forward, forward_tables = classes, tables
    classes, tables = [], []
    taps = [-(-(size - phase) // stride) if phase < size else 0 for phase in range(stride)]
    block = channels * filters
    for y_seen, y_places in input_axis(height, high, size, stride, top).items():
        for x_seen, x_places in input_axis(width, wide, size, stride, left).items():
            across = taps[x_seen.phase]
            record = [0] * CLASS_WORDS
            record[RUNS], record[LENGTH], record[A_RUN] = y_seen.count, x_seen.count * filters, wide * filters
            record[B_FIRST] = _phase_start(taps, y_seen.phase, x_seen.phase, block)
            record[B_FIRST] += (y_seen.first * across + x_seen.first) * block
            record[B_RUN], record[B_STEP] = across * block, channels
            places = [
                ((oy * wide + ox) * filters, (iy * width + ix) * channels) for iy, oy in y_places for ix, ox in x_places
            ]
            _add(classes, tables, record, places, rows, (high * wide * filters, height * width * channels))
    strips = []
    for ky in range(size):
        low = max(0, -(-(top - ky) // stride))
        end = min(high, (height - 1 + top - ky) // stride + 1)
        for ox, ix, kx, taps_seen, columns in _row_strips(x_axis, width, wide, channels, size, stride, left):
            if end > low:
                iy = low * stride - top + ky
                strips.append(
                    (
                        taps_seen * channels, (iy * width + ix) * channels, (low * wide + ox) * filters,
                        (ky * size + kx) * block, end - low, columns,
                    )
                )  # fmt: skip
    turns = [_turned_place(taps, ky, kx, stride, block) for ky in range(size) for kx in range(size)]
    return _joined(forward, forward_tables, classes, tables, strips, turns)


def _row_strips(
    x_axis: Axis, width: int, wide: int, channels: int, size: int, stride: int, left: int
) -> list[tuple[int, int, int, int, int]]:
    """(first output column, its first input column, first tap, taps, output columns) of the strips of a kernel's row.

    With few channels a strip has all taps that a class of columns sees: its product needs rows. With more of them it
    has one tap and all columns that see it: the edges are no strips of their own, whose sums would be short.
    """
    if channels < CHANNELS or len(x_axis) == 1:
        return [
            (places[0][0], places[0][1], seen.first, seen.count, len(places))
            for seen, places in x_axis.items()
            if seen.count
        ]
    strips = []
    for kx in range(size):
        first = max(0, -(-(left - kx) // stride))
        end = min(wide, (width - 1 + left - kx) // stride + 1)
        if end > first:
            strips.append((first, first * stride - left + kx, kx, 1, end - first))
    return strips


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


def _phase_start(taps: list[int], y: int, x: int, block: int) -> int:
    """Where the turned kernel of a phase begins."""
    return (sum(taps[:y]) * sum(taps) + taps[y] * sum(taps[:x])) * block


def _turned_place(taps: list[int], ky: int, kx: int, stride: int, block: int) -> int:
    """Where the turned tap (ky, kx) lies."""
    y, x = ky % stride, kx % stride
    row, column = taps[y] - 1 - ky // stride, taps[x] - 1 - kx // stride
    return _phase_start(taps, y, x, block) + (row * taps[x] + column) * block


def _joined(
    forward: list[list[int]], forward_tables: list[np.ndarray], inputs: list[list[int]], input_tables: list[np.ndarray],
    strips: Sequence[tuple[int, ...]], turns: list[int],
) -> np.ndarray:  # fmt: skip
    header = np.zeros(HEADER, dtype=np.int64)
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
