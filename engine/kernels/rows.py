"""Blocks that look at all values of a row at once: softmax, and the largest of several pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import maths
from engine.kernels import vector_maths  # noqa: F401  registers the functions of formulas
from engine.kernels.block import Block, block_kernel
from engine.kernels.jit import formula
from engine.kernels.layout import GX, GY, INPUTS, OUTPUTS, UNITS, WORDS, X, Y
from engine.kernels.memory import floats, words

F = np.float32


def _softmax_forward(op: Any, rows: Any, moment: Any) -> None:
    """Twin: `engine.layers.softmax.shares`."""
    o = words(op, WORDS)
    u = o[UNITS]
    for r in range(rows * (o[OUTPUTS] // u)):
        x, y = floats(o[X] + 4 * r * u, u), floats(o[Y] + 4 * r * u, u)
        top = x[0]
        for j in range(u):
            top = top if x[j] <= top else x[j]
        total = F(0.0)
        for j in range(u):
            y[j] = exp(x[j] - top)  # type: ignore[name-defined] # noqa: F821
        for j in range(u):
            total += y[j]
        for j in range(u):
            y[j] = y[j] / total


def _softmax_backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    if o[GX] == 0:
        return
    u = o[UNITS]
    for r in range(rows * (o[OUTPUTS] // u)):
        y, gy, gx = floats(o[Y] + 4 * r * u, u), floats(o[GY] + 4 * r * u, u), floats(o[GX] + 4 * r * u, u)
        along = F(0.0)
        for j in range(u):
            along += y[j] * gy[j]
        for j in range(u):
            gx[j] = y[j] * (gy[j] - along)


def _exp(x: Any) -> Any:
    return maths.exp(x)


def softmax() -> Block:
    return Block(
        block_kernel("softmax forward", _softmax_forward, exp=lambda: formula(_exp)),
        block_kernel("softmax backward", _softmax_backward),
    )


def _largest_forward(op: Any, rows: Any, moment: Any) -> None:
    """Twin: `engine.layers.maxout.maxout`, of the sums."""
    o = words(op, WORDS)
    n, u = o[INPUTS], o[OUTPUTS]
    for r in range(rows):
        y = floats(o[Y] + 4 * r * u, u)
        first = floats(o[X] + 4 * r * n, u)
        for j in range(u):
            y[j] = first[j]
        for p in range(1, n // u):
            piece = floats(o[X] + 4 * (r * n + p * u), u)
            for j in range(u):
                y[j] = piece[j] if piece[j] > y[j] or piece[j] != piece[j] else y[j]


def _largest_backward(op: Any, rows: Any, moment: Any) -> None:
    """The gradient goes to the first piece that is the largest."""
    o = words(op, WORDS)
    if o[GX] == 0:
        return
    n, u = o[INPUTS], o[OUTPUTS]
    for r in range(rows):
        y, gy = floats(o[Y] + 4 * r * u, u), floats(o[GY] + 4 * r * u, u)
        for p in range(n // u):
            piece, gx = floats(o[X] + 4 * (r * n + p * u), u), floats(o[GX] + 4 * (r * n + p * u), u)
            for j in range(u):
                gx[j] = gy[j] if piece[j] == y[j] else F(0.0)
        for j in range(u):
            given = False
            for p in range(n // u):
                gx = floats(o[GX] + 4 * (r * n + p * u), u)
                if given:
                    gx[j] = F(0.0)
                given = given or floats(o[X] + 4 * (r * n + p * u), u)[j] == y[j]


def largest() -> Block:
    return Block(
        block_kernel("max of pieces forward", _largest_forward),
        block_kernel("max of pieces backward", _largest_backward),
    )
