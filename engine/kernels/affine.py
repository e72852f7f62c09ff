"""Affine: z = x kernel + bias."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir

from engine.kernels.block import Block, block_kernel
from engine.kernels.compiler import cgutils, intrinsic, register_jitable, types
from engine.kernels.jit import OPTIONS
from engine.kernels.layout import (
    DEFERRED,
    FRESH,
    G0,
    G1,
    GX,
    GY,
    INPUTS,
    LANE_WORDS,
    OUTPUTS,
    P0,
    P1,
    PRODUCT,
    RENEW,
    WORDS,
    WORK,
    ZEROS,
    X,
    Y,
)  # fmt: skip
from engine.kernels.memory import call_product, floats, words
from engine.kernels.product import (
    LANES,
    MATRIX_PRODUCT,
    column_mask,
    load_vector,
    pointer,
    store_vector,
    turn,
    vector,
    word,
)  # fmt: skip


@register_jitable(**OPTIONS)
def zero(address: Any, count: Any) -> None:
    """Clears float32 memory."""
    values = floats(address, count)
    for i in range(count):
        values[i] = np.float32(0.0)


@intrinsic
def _add_strip(typing: Any, rows: Any, columns: Any, source: Any, source_row: Any, target: Any) -> Any:
    """target += the sums of at most 2 LANES columns. Four rows at a time: a sum would wait for the one before it."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows, columns, source, source_row, target = arguments
        sums = [[cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in range(2)] for _ in range(4)]

        def add(row: Any, places: Any) -> None:
            first = builder.mul(row, source_row)
            for j, place in enumerate(places):
                value = load_vector(builder, pointer(builder, source, builder.add(first, word(j * LANES)), vector))
                builder.store(builder.fadd(builder.load(place), value), place)

        fours = builder.udiv(rows, word(4))
        with cgutils.for_range(builder, fours) as loop:
            for i, places in enumerate(sums):
                add(builder.add(builder.mul(loop.index, word(4)), word(i)), places)
        with cgutils.for_range(builder, builder.urem(rows, word(4))) as loop:
            add(builder.add(builder.mul(fours, word(4)), loop.index), sums[0])
        for j in range(2):
            total = builder.load(sums[0][j])
            for places in sums[1:]:
                total = builder.fadd(total, builder.load(places[j]))
            place = pointer(builder, target, word(j * LANES), vector)
            before = load_vector(builder, place)
            own = column_mask(builder, builder.sub(columns, word(j * LANES)))
            store_vector(builder, builder.select(own, builder.fadd(before, total), before), place)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), emit


@register_jitable(**OPTIONS)
def add_columns(rows: Any, columns: Any, source: Any, target: Any, fresh: Any) -> None:
    """target (columns,) = or += the sums of source's columns; addresses of float32 memory.

    Up to 2 LANES - 1 numbers after them are read, and those of target written back unchanged."""
    if fresh:
        zero(target, columns)
    for j in range(0, columns, 2 * LANES):
        _add_strip(rows, columns - j, source + 4 * j, columns, target + 4 * j)


def _forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    i, u = o[INPUTS], o[OUTPUTS]
    call_product(o[PRODUCT], rows, u, i, o[X], i, 1, o[P0], u, o[P1], 0, o[Y], u)


def _backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    i, u = o[INPUTS], o[OUTPUTS]
    m = words(moment, LANE_WORDS)
    fresh = m[FRESH] != 0
    if o[DEFERRED] == 0:
        start, stride = (o[ZEROS], 0) if fresh else (o[G0], u)
        call_product(o[PRODUCT], i, u, rows, o[X], 1, i, o[GY], u, start, stride, o[G0], u)
    add_columns(rows, u, o[GY], o[G1], fresh)
    if o[GX] != 0:
        if m[RENEW] != 0:
            turn(o[P0], i, u, o[WORK])
        call_product(o[PRODUCT], rows, i, u, o[GY], u, 1, o[WORK], i, o[ZEROS], 0, o[GX], i)


def affine() -> Block:
    return Block(
        block_kernel("affine forward", _forward),
        block_kernel("affine backward", _backward),
        product=MATRIX_PRODUCT,
        scratch=lambda inputs, outputs, geometry, rows: inputs * outputs,
    )
