"""Convolution: z[y, x] = sum of windows of x times the kernel, + bias; channels last.

Three blocks differ in what they call: whole rows of windows; windows of groups, or with gaps; one channel a filter.
"""

from __future__ import annotations

import functools
from typing import Any

from engine.kernels.affine import add_columns, zero
from engine.kernels.block import Block, block_kernel
from engine.kernels.compiler import intrinsic
from engine.kernels.convolution_plan import (
    A_RUN,
    B_FIRST,
    B_RUN,
    B_STEP,
    CLASS_WORDS,
    DEPTH,
    FORWARD_AT,
    FORWARD_CLASSES,
    FORWARD_COLUMNS,
    HEADER,
    INPUT_AT,
    INPUT_CLASSES,
    INPUT_COLUMNS,
    JOINED,
    LENGTH,
    POSITIONS,
    RUNS,
    STRIP_A,
    STRIP_B,
    STRIP_C,
    STRIP_HEIGHT,
    STRIP_ROWS,
    STRIP_WIDTH,
    STRIP_WORDS,
    STRIPS,
    STRIPS_AT,
    TABLE,
    TAPS,
    TURNS_AT,
    Run,
    plan,
)  # fmt: skip
from engine.kernels.jit import Kernel
from engine.kernels.layout import (
    FRESH,
    G0,
    G1,
    GEOMETRY,
    GX,
    GY,
    LANE_WORDS,
    P0,
    P1,
    PLAN,
    PRODUCT,
    RENEW,
    WORDS,
    WORK,
    ZEROS,
    X,
    Y,
)  # fmt: skip
from engine.kernels.memory import call_product, of_words, words
from engine.kernels.product import LANES, SIGNATURE_OF_PRODUCT, emit_tile, split_rows, tile_emitter, turn, word
from engine.kernels.spaced_windows import CELL_PRODUCT, NUMBER_PRODUCT, single_deep_tiles
from engine.layers.windows import GEOMETRY_WORDS

NEAR = 8192  # numbers of input and output that a sum of the kernel's gradient goes over at once: what L1 holds


def _window_body(b: Any, height: int, width: int, columns: Any, group: Any, values: Any) -> None:
    table, a, runs, length, a_run, kernel, b_run, b_step, start, c = values
    first = b.add(table, b.mul(group, word(16 * height)))
    a_rows, c_rows = [], []
    for i in range(height):
        places = [b.add(first, word(16 * i + 8 * side)) for side in (0, 1)]
        offsets = [b.load(b.inttoptr(place, word.as_pointer())) for place in places]
        a_rows.append((b.add(a, b.mul(offsets[0], word(4))), 0))
        c_rows.append(b.add(c, b.mul(offsets[1], word(4))))
    levels = [(runs, a_run, b_run), (length, word(1), b_step)]
    emit_tile(b, height, width, columns, levels, a_rows, kernel, [start] * height, c_rows)


_WINDOW = tile_emitter("window_tile", 10, _window_body)


@intrinsic
def _window_tiles(
    typing: Any, rows: Any, groups: Any, columns: Any, table: Any, a: Any, runs: Any, length: Any, a_run: Any, b: Any,
    b_run: Any, b_step: Any, start: Any, c: Any,
) -> Any:  # fmt: skip
    """Rows of c = start + a b, found through a table of (place in a, place in c)."""
    return of_words(13), _WINDOW


def _deep_body(b: Any, height: int, width: int, columns: Any, group: Any, values: Any) -> None:
    k0, a0, b0, k1, a1, b1, k2, a2, b2, a, _, g, c, c_row = values
    first = b.mul(group, word(height))
    rows = [b.add(first, word(i)) for i in range(height)]
    a_rows = [(b.add(a, b.mul(word(4), first)), i) for i in range(height)]
    c_rows = [b.add(c, b.mul(b.mul(word(4), row), c_row)) for row in rows]
    emit_tile(b, height, width, columns, [(k0, a0, b0), (k1, a1, b1), (k2, a2, b2)], a_rows, g, c_rows, c_rows)


_DEEP = tile_emitter("deep_tile", 14, _deep_body)


@intrinsic
def _deep_tiles(
    typing: Any, rows: Any, groups: Any, columns: Any, k0: Any, a0: Any, b0: Any, k1: Any, a1: Any, b1: Any, k2: Any,
    a2: Any, b2: Any, a: Any, a_row: Any, b: Any, c: Any, c_row: Any,
) -> Any:  # fmt: skip
    """Rows of c += a b, those of a side by side; the sum goes over three loops: (count, step in a, step in b) each."""
    return of_words(17), _DEEP


def _windows(
    plan: int, classes: int, at: int, rows: int, n: int, a: int, a_sample: int, b: int, start: int, start_step: int,
    c: int, c_sample: int,
) -> None:  # fmt: skip
    """Every row of every class: c (n columns) = start + its window of a times b. Compiled as a kernel."""
    for number in range(classes):
        k = words(plan + 8 * (at + number * CLASS_WORDS), CLASS_WORDS)
        samples, m = (1, rows * k[POSITIONS]) if k[JOINED] != 0 else (rows, k[POSITIONS])
        tiles, height, larger = split_rows(m)
        table, later = plan + 8 * k[TABLE], plan + 8 * (k[TABLE] + 2 * larger * (height + 1))
        for s in range(samples):
            a_s, c_s = a + 4 * s * a_sample, c + 4 * s * c_sample
            for j in range(0, n, 2 * LANES):
                first, begin = b + 4 * (k[B_FIRST] + j), start + 4 * j * start_step
                _window_tiles(
                    height + 1, larger, n - j, table, a_s, k[RUNS], k[LENGTH], k[A_RUN], first, k[B_RUN], k[B_STEP],
                    begin, c_s + 4 * j,
                )  # fmt: skip
                _window_tiles(
                    height, tiles - larger, n - j, later, a_s, k[RUNS], k[LENGTH], k[A_RUN], first, k[B_RUN],
                    k[B_STEP], begin, c_s + 4 * j,
                )  # fmt: skip


WINDOW_PRODUCT = Kernel("product of windows", lambda: _windows, SIGNATURE_OF_PRODUCT)


def _forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    p, g = words(o[PLAN], HEADER), words(o[GEOMETRY], GEOMETRY_WORDS)
    a_sample, c_sample = g[0] * g[1] * g[2], g[4] * g[5] * g[3]
    call_product(
        o[PRODUCT], o[PLAN], p[FORWARD_CLASSES], p[FORWARD_AT], rows, p[FORWARD_COLUMNS], o[X], a_sample, o[P0], o[P1],
        1, o[Y], c_sample,
    )  # fmt: skip


def _backward(op: Any, rows: Any, moment: Any) -> None:
    """`tiles` sum the kernel's gradient; OWN is 1 where every column has an a of its own."""
    o, m = words(op, WORDS), words(moment, LANE_WORDS)
    p, g = words(o[PLAN], HEADER), words(o[GEOMETRY], GEOMETRY_WORDS)
    channels, filters, stride, columns = g[2], g[3], g[7], p[FORWARD_COLUMNS]
    tap = p[DEPTH] * filters
    if m[FRESH] != 0:
        zero(o[G0], p[TAPS] * tap)
    a_row, b_row = g[1] * channels, g[5] * filters
    a_sample, b_sample = g[0] * a_row, g[4] * b_row
    near = max(1, NEAR // (stride * a_row + b_row))  # rows of the output
    together = max(1, NEAR // (a_sample + b_sample))  # samples
    beside = g[11] * channels if OWN else 1  # type: ignore[name-defined] # noqa: F821
    for s in range(0, rows, together):
        samples = min(together, rows - s)
        for y in range(0, g[4], near):
            for number in range(p[STRIPS]):
                k = words(o[PLAN] + 8 * (p[STRIPS_AT] + number * STRIP_WORDS), STRIP_WORDS)
                high = min(near, k[STRIP_HEIGHT] - y)
                if high <= 0:
                    continue
                a = o[X] + 4 * (s * a_sample + k[STRIP_A] + y * stride * a_row)
                b = o[GY] + 4 * (s * b_sample + k[STRIP_B] + y * b_row)
                count, height, larger = split_rows(k[STRIP_ROWS])
                i = 4 * larger * (height + 1)
                down, across, wide = stride * a_row, stride * channels, k[STRIP_WIDTH]
                b_down, b_across = b_row, filters
                if wide == 1:  # the innermost loop should be a long one
                    down, across, b_down, b_across, high, wide = across, down, b_across, b_down, 1, high
                for j in range(0, columns, 2 * LANES):
                    c = o[G0] + 4 * (k[STRIP_C] + j)
                    a_j = a + 4 * OWN * j  # type: ignore[name-defined] # noqa: F821
                    tiles(  # type: ignore[name-defined] # noqa: F821
                        height + 1, larger, columns - j, samples, a_sample, b_sample, high, down, b_down, wide, across,
                        b_across, a_j, beside, b + 4 * j, c, filters,
                    )  # fmt: skip
                    tiles(  # type: ignore[name-defined] # noqa: F821
                        height, count - larger, columns - j, samples, a_sample, b_sample, high, down, b_down, wide,
                        across, b_across, a_j + i * beside, beside, b + 4 * j, c + i * filters, filters,
                    )  # fmt: skip
    add_columns(rows * g[4] * g[5], filters, o[GY], o[G1], m[FRESH] != 0)
    if o[GX] == 0:
        return
    if m[RENEW] != 0:
        places = words(o[PLAN] + 8 * p[TURNS_AT], p[TAPS])
        for number in range(p[TAPS]):
            turn(o[P0] + 4 * number * tap, p[DEPTH], filters, o[WORK] + 4 * places[number])
    a_sample, c_sample = g[4] * g[5] * filters, g[0] * g[1] * channels
    call_product(
        o[PRODUCT], o[PLAN], p[INPUT_CLASSES], p[INPUT_AT], rows, p[INPUT_COLUMNS], o[GY], a_sample, o[WORK], o[ZEROS],
        0, o[GX], c_sample,
    )  # fmt: skip


def _turned_size(inputs: int, outputs: int, geometry: tuple[int, ...], rows: int) -> int:
    channels, filters, size, cells, groups = (geometry[place] for place in (2, 3, 6, 10, 12))
    return size * cells * channels // groups * filters


_FORWARD = block_kernel("convolution forward", _forward)


def _backward_kernel(words_of: str, tiles: Any, own: int) -> Kernel:
    return block_kernel(f"convolution backward{words_of}", _backward, tiles=lambda: tiles, OWN=lambda: own)


_BACKWARD = _backward_kernel("", _deep_tiles, 0)


def _block(run: Run, product: Kernel, backward: Kernel = _BACKWARD) -> Block:
    own_plan = functools.partial(plan, run=run)
    return Block(_FORWARD, backward, product=product, scratch=_turned_size, plan=own_plan)


def convolution() -> Block:
    return _block("row", WINDOW_PRODUCT)


def grouped_convolution() -> Block:
    """Of groups, or of windows with gaps."""
    return _block("cell", CELL_PRODUCT)


def depthwise_convolution() -> Block:
    """One filter a channel."""
    return _block("number", NUMBER_PRODUCT, _backward_kernel(" of single channels", single_deep_tiles, 1))
