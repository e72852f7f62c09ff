"""Layer norm: every row of units by its own mean and variance. Its twin is `engine.layers.layer_norm`."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.kernels.block import Block, block_kernel
from engine.kernels.compiler import register_jitable
from engine.kernels.jit import OPTIONS
from engine.kernels.layout import CONSTANTS, FRESH, G0, G1, GX, GY, LANE_WORDS, OUTPUTS, P0, P1, UNITS, WORDS, X, Y
from engine.kernels.memory import floats, words

F = np.float32


@register_jitable(**OPTIONS)
def _measured(x: Any, u: Any, epsilon: Any) -> Any:
    """(mean, 1 / sqrt(variance + epsilon)) of u numbers."""
    total = F(0.0)
    for j in range(u):
        total += x[j]
    mean = total / F(u)
    squares = F(0.0)
    for j in range(u):
        squares += (x[j] - mean) * (x[j] - mean)
    return mean, F(1.0) / np.sqrt(squares / F(u) + epsilon)


def _forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[UNITS]
    gamma, beta, epsilon = floats(o[P0], u), floats(o[P1], u), floats(o[CONSTANTS], 1)[0]
    for r in range(rows * (o[OUTPUTS] // u)):
        x, y = floats(o[X] + 4 * r * u, u), floats(o[Y] + 4 * r * u, u)
        mean, scale = _measured(x, u, epsilon)
        for j in range(u):
            y[j] = gamma[j] * ((x[j] - mean) * scale) + beta[j]


def _backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[UNITS]
    gamma, of_gamma, of_beta = floats(o[P0], u), floats(o[G0], u), floats(o[G1], u)
    epsilon = floats(o[CONSTANTS], 1)[0]
    if words(moment, LANE_WORDS)[FRESH] != 0:
        for j in range(u):
            of_gamma[j] = F(0.0)
            of_beta[j] = F(0.0)
    for r in range(rows * (o[OUTPUTS] // u)):
        x, gy = floats(o[X] + 4 * r * u, u), floats(o[GY] + 4 * r * u, u)
        mean, scale = _measured(x, u, epsilon)
        total, along = F(0.0), F(0.0)
        for j in range(u):
            standard = (x[j] - mean) * scale
            of_gamma[j] += gy[j] * standard
            of_beta[j] += gy[j]
            total += gy[j] * gamma[j]
            along += gy[j] * gamma[j] * standard
        if o[GX] != 0:
            gx = floats(o[GX] + 4 * r * u, u)
            total, along = total / F(u), along / F(u)
            for j in range(u):  # rounded as it was in the total: of a single unit nothing is left but 0
                gx[j] = gy[j] * gamma[j]
            for j in range(u):
                gx[j] = (gx[j] - total - (x[j] - mean) * scale * along) * scale


def layer_norm() -> Block:
    return Block(block_kernel("layer norm forward", _forward), block_kernel("layer norm backward", _backward))
