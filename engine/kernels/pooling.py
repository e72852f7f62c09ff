"""Pooling: the largest value or the mean of every window, channel by channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, register_jitable

from engine.kernels.affine import zero
from engine.kernels.block import Block, block_kernel
from engine.kernels.jit import OPTIONS
from engine.kernels.layout import GEOMETRY, GX, GY, WORDS, X, Y
from engine.kernels.memory import words
from engine.kernels.product import LANES, column_mask, load_vector, pointer, spread, store_vector, vector, word
from engine.layers.windows import GEOMETRY_WORDS


def _over_window(builder: Any, high: Any, wide: Any, down: Any, across: Any, body: Any) -> None:
    """body(offset) for every place of a window, row by row."""
    with cgutils.for_range(builder, high) as y, cgutils.for_range(builder, wide) as x:
        body(builder.add(builder.mul(y.index, down), builder.mul(x.index, across)))


@intrinsic
def _largest(
    typing: Any, columns: Any, high: Any, wide: Any, down: Any, across: Any, source: Any, target: Any
) -> Any:  # fmt: skip
    """target = the largest of a window of source, for at most LANES channels."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        columns, high, wide, down, across, source, target = arguments
        best = cgutils.alloca_once(builder, vector)
        builder.store(load_vector(builder, pointer(builder, source, word(0), vector)), best)

        def compare(offset: Any) -> None:
            value, top = load_vector(builder, pointer(builder, source, offset, vector)), builder.load(best)
            larger = builder.fcmp_ordered(">", value, top)
            wins = builder.or_(larger, builder.fcmp_unordered("uno", value, value))  # a NaN is passed on
            builder.store(builder.select(wins, value, top), best)

        _over_window(builder, high, wide, down, across, compare)
        mask = column_mask(builder, columns)
        store_vector(builder, builder.load(best), pointer(builder, target, word(0), vector), mask)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 7), emit


@intrinsic
def _to_largest(
    typing: Any, columns: Any, high: Any, wide: Any, down: Any, across: Any, source: Any, target: Any, given: Any,
    taken: Any,
) -> Any:  # fmt: skip
    """taken += given, at the first place of the window where source equals target; at most LANES channels."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        columns, high, wide, down, across, source, target, given, taken = arguments
        nothing = ir.Constant(vector, [0.0] * LANES)
        top = load_vector(builder, pointer(builder, target, word(0), vector))
        left = cgutils.alloca_once(builder, vector)
        gradient = load_vector(builder, pointer(builder, given, word(0), vector))
        builder.store(builder.select(column_mask(builder, columns), gradient, nothing), left)

        def give(offset: Any) -> None:
            value = load_vector(builder, pointer(builder, source, offset, vector))
            place, rest = pointer(builder, taken, offset, vector), builder.load(left)
            hit = builder.fcmp_ordered("==", value, top)
            after = builder.fadd(load_vector(builder, place), builder.select(hit, rest, nothing))
            builder.store(after, place).align = 4
            builder.store(builder.select(hit, nothing, rest), left)

        _over_window(builder, high, wide, down, across, give)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 9), emit


@intrinsic
def _mean(
    typing: Any, columns: Any, high: Any, wide: Any, down: Any, across: Any, scale: Any, source: Any, target: Any
) -> Any:  # fmt: skip
    """target = scale times the sum of a window of source, for at most LANES channels."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        columns, high, wide, down, across, scale, source, target = arguments
        total = cgutils.alloca_once(builder, vector)
        builder.store(ir.Constant(vector, [0.0] * LANES), total)

        def add(offset: Any) -> None:
            value = load_vector(builder, pointer(builder, source, offset, vector))
            builder.store(builder.fadd(builder.load(total), value), total)

        _over_window(builder, high, wide, down, across, add)
        result = builder.fmul(builder.load(total), spread(builder, scale, vector))
        store_vector(builder, result, pointer(builder, target, word(0), vector), column_mask(builder, columns))
        return context.get_dummy_value()

    whole = types.int64
    return types.void(whole, whole, whole, whole, whole, types.float32, whole, whole), emit


@intrinsic
def _to_all(
    typing: Any, columns: Any, high: Any, wide: Any, down: Any, across: Any, scale: Any, given: Any, taken: Any
) -> Any:  # fmt: skip
    """taken += scale times given at every place of a window, for at most LANES channels."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        columns, high, wide, down, across, scale, given, taken = arguments
        mask = column_mask(builder, columns)
        gradient = load_vector(builder, pointer(builder, given, word(0), vector))
        gradient = builder.fmul(gradient, spread(builder, scale, vector))

        def give(offset: Any) -> None:
            place = pointer(builder, taken, offset, vector)
            store_vector(builder, builder.fadd(load_vector(builder, place), gradient), place, mask)

        _over_window(builder, high, wide, down, across, give)
        return context.get_dummy_value()

    whole = types.int64
    return types.void(whole, whole, whole, whole, whole, types.float32, whole, whole), emit


@register_jitable(**OPTIONS)
def _span(position: Any, extent: Any, size: Any, stride: Any, before: Any) -> Any:
    """(first place of the source, places) of a window along one axis."""
    start = position * stride - before
    first = max(start, 0)
    return first, min(start + size, extent) - first


def _max_forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    g = words(o[GEOMETRY], GEOMETRY_WORDS)
    height, width, c = g[0], g[1], g[2]
    for r in range(rows):
        for y in range(g[4]):
            top, high = _span(y, height, g[6], g[7], g[8])
            for x in range(g[5]):
                left, wide = _span(x, width, g[6], g[7], g[9])
                source = o[X] + 4 * ((r * height + top) * width + left) * c
                target = o[Y] + 4 * ((r * g[4] + y) * g[5] + x) * c
                for j in range(0, c, LANES):
                    _largest(c - j, high, wide, width * c, c, source + 4 * j, target + 4 * j)


def _max_backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    g = words(o[GEOMETRY], GEOMETRY_WORDS)
    height, width, c = g[0], g[1], g[2]
    if o[GX] == 0:
        return
    zero(o[GX], rows * height * width * c)
    for r in range(rows):
        for y in range(g[4]):
            top, high = _span(y, height, g[6], g[7], g[8])
            for x in range(g[5]):
                left, wide = _span(x, width, g[6], g[7], g[9])
                source = 4 * ((r * height + top) * width + left) * c
                target = 4 * ((r * g[4] + y) * g[5] + x) * c
                for j in range(0, c, LANES):
                    _to_largest(
                        c - j, high, wide, width * c, c, o[X] + source + 4 * j, o[Y] + target + 4 * j,
                        o[GY] + target + 4 * j, o[GX] + source + 4 * j,
                    )  # fmt: skip


def _mean_forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    g = words(o[GEOMETRY], GEOMETRY_WORDS)
    height, width, c = g[0], g[1], g[2]
    for r in range(rows):
        for y in range(g[4]):
            top, high = _span(y, height, g[6], g[7], g[8])
            for x in range(g[5]):
                left, wide = _span(x, width, g[6], g[7], g[9])
                source = o[X] + 4 * ((r * height + top) * width + left) * c
                target = o[Y] + 4 * ((r * g[4] + y) * g[5] + x) * c
                scale = np.float32(1.0) / np.float32(high * wide)
                for j in range(0, c, LANES):
                    _mean(c - j, high, wide, width * c, c, scale, source + 4 * j, target + 4 * j)


def _mean_backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    g = words(o[GEOMETRY], GEOMETRY_WORDS)
    height, width, c = g[0], g[1], g[2]
    if o[GX] == 0:
        return
    zero(o[GX], rows * height * width * c)
    for r in range(rows):
        for y in range(g[4]):
            top, high = _span(y, height, g[6], g[7], g[8])
            for x in range(g[5]):
                left, wide = _span(x, width, g[6], g[7], g[9])
                source = o[GX] + 4 * ((r * height + top) * width + left) * c
                target = o[GY] + 4 * ((r * g[4] + y) * g[5] + x) * c
                scale = np.float32(1.0) / np.float32(high * wide)
                for j in range(0, c, LANES):
                    _to_all(c - j, high, wide, width * c, c, scale, target + 4 * j, source + 4 * j)


def max_pool() -> Block:
    return Block(block_kernel("max pool forward", _max_forward), block_kernel("max pool backward", _max_backward))


def average_pool() -> Block:
    return Block(
        block_kernel("average pool forward", _mean_forward), block_kernel("average pool backward", _mean_backward)
    )
