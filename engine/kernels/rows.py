"""Blocks that look at all values of a row at once: softmax, and the largest of several pieces."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import maths
from engine.kernels.block import Block, block_kernel
from engine.kernels.formulas import formula
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
    u = o[UNITS]
    for r in range(rows * (o[OUTPUTS] // u)):
        y, g = floats(o[Y] + 4 * r * u, u), floats(o[GY] + 4 * r * u, u)
        along = F(0.0)
        for j in range(u):
            along += y[j] * g[j]
        for j in range(u):
            g[j] = y[j] * (g[j] - along)


def _exp(x: Any) -> Any:
    return maths.exp(x)


def softmax() -> Block:
    return Block(
        block_kernel("softmax forward", _softmax_forward, exp=lambda: formula(_exp)),
        block_kernel("softmax backward", _softmax_backward),
        in_place=True,
    )


def _largest_forward(op: Any, rows: Any, moment: Any) -> None:
    """Twin: `engine.layers.maxout.maxout`, of the sums. The pieces lie side by side, each with all units."""
    o = words(op, WORDS)
    wide, u = o[INPUTS], o[OUTPUTS]
    for r in range(rows):
        x, y = floats(o[X] + 4 * r * wide, u), floats(o[Y] + 4 * r * u, u)
        for i in range(u):
            y[i] = x[i]
        for first in range(u, wide, u):
            piece = floats(o[X] + 4 * (r * wide + first), u)
            for i in range(u):
                y[i] = y[i] if piece[i] <= y[i] or y[i] != y[i] else piece[i]


def _largest_backward(op: Any, rows: Any, moment: Any) -> None:
    """What a piece has taken of the gradient is gone for the others: of equal ones the first gets all."""
    o = words(op, WORDS)
    if o[GX] == 0:
        return
    wide, u = o[INPUTS], o[OUTPUTS]
    for r in range(rows):
        y, g = floats(o[Y] + 4 * r * u, u), floats(o[GY] + 4 * r * u, u)
        for first in range(0, wide, u):
            place = 4 * (r * wide + first)
            x, gx = floats(o[X] + place, u), floats(o[GX] + place, u)
            for i in range(u):
                won = x[i] == y[i]
                gx[i] = g[i] if won else F(0.0)
                g[i] = F(0.0) if won else g[i]


def largest() -> Block:
    return Block(
        block_kernel("max of pieces forward", _largest_forward),
        block_kernel("max of pieces backward", _largest_backward),
    )
