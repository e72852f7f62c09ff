"""Affine: z = x kernel + bias."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba.extending import register_jitable

from engine.kernels.block import Block, block_kernel
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
from engine.kernels.product import MATRIX_PRODUCT, turn


@register_jitable(**OPTIONS)
def zero(address: Any, count: Any) -> None:
    """Clears float32 memory."""
    values = floats(address, count)
    for i in range(count):
        values[i] = np.float32(0.0)


@register_jitable(**OPTIONS)
def add_columns(rows: Any, columns: Any, source: Any, target: Any, fresh: Any) -> None:
    """target (columns,) = or += the sums of source's columns; addresses of float32 memory."""
    t = floats(target, columns)
    if fresh:
        zero(target, columns)
    for r in range(rows):
        s = floats(source + 4 * r * columns, columns)
        for j in range(columns):
            t[j] += s[j]


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
