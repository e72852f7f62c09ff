"""Repeat: every channel as often as it has filters, side by side, so that a depthwise convolution has one each."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.kernels.block import Block, block_kernel
from engine.kernels.layout import GEOMETRY, GX, GY, INPUTS, WORDS, X, Y
from engine.kernels.memory import floats, words


def _forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    times, n = words(o[GEOMETRY], 1)[0], rows * o[INPUTS]
    x, y = floats(o[X], n), floats(o[Y], n * times)
    for i in range(n):
        for k in range(times):
            y[i * times + k] = x[i]


def _backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    if o[GX] == 0:
        return
    times, n = words(o[GEOMETRY], 1)[0], rows * o[INPUTS]
    gx, gy = floats(o[GX], n), floats(o[GY], n * times)
    for i in range(n):
        total = np.float32(0.0)
        for k in range(times):
            total += gy[i * times + k]
        gx[i] = total


def repeat_channels() -> Block:
    return Block(block_kernel("repeat forward", _forward), block_kernel("repeat backward", _backward))
