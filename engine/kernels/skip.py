"""Blocks of a skip: "fork" keeps what comes in, "add" adds it, or its projection, to what was made of it.

Of both operations SKIP is the value that was kept, GSKIP its gradient on the way back, as wide as their outputs.
"""

from __future__ import annotations

from typing import Any

from engine.kernels.block import Block, block_kernel
from engine.kernels.layout import GSKIP, GY, OUTPUTS, SKIP, WORDS, X, Y
from engine.kernels.memory import floats, words


def _pass(op: Any, rows: Any, moment: Any) -> None:
    """The output is the input, where it lies."""


def _fork_backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    n = rows * o[OUTPUTS]
    g, skipped = floats(o[GY], n), floats(o[GSKIP], n)
    for i in range(n):
        g[i] += skipped[i]


def _add_forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    n = rows * o[OUTPUTS]
    x, skip, y = floats(o[X], n), floats(o[SKIP], n), floats(o[Y], n)
    for i in range(n):
        y[i] = x[i] + skip[i]


def _add_backward(op: Any, rows: Any, moment: Any) -> None:
    """Both ways get the same gradient: one where it lies, the other a copy, no number more than its own rows."""
    o = words(op, WORDS)
    n = rows * o[OUTPUTS]
    g, skipped = floats(o[GY], n), floats(o[GSKIP], n)
    for i in range(n):
        skipped[i] = g[i]


def fork() -> Block:
    return Block(block_kernel("fork", _pass), block_kernel("fork backward", _fork_backward), in_place=True)


def add() -> Block:
    return Block(block_kernel("add forward", _add_forward), block_kernel("add backward", _add_backward), in_place=True)
