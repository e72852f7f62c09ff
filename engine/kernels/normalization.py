"""Batch normalisation: a = gamma (x - mean) / sqrt(variance + epsilon) + beta, unit by unit.

Ioffe and Szegedy 2015. In training the mean and the biased variance are the batch's own; the moving ones take the
unbiased variance, once the step is taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.kernels.block import Block, block_kernel
from engine.kernels.compiler import register_jitable
from engine.kernels.jit import OPTIONS
from engine.kernels.layout import (
    CONSTANTS,
    G0,
    G1,
    GX,
    GY,
    OUTPUTS,
    P0,
    P1,
    P2,
    P3,
    UNITS,
    WORDS,
    WORK,
    X,
    Y,
)  # fmt: skip
from engine.kernels.memory import doubles, floats, words

F = np.float32
PART = 64  # rows that are summed in float32 before they join a sum in float64


@register_jitable(**OPTIONS)
def _sums(address: Any, rows: Any, u: Any, mean: Any, power: Any, total: Any, part: Any) -> None:
    """total (float64) = sums over rows of (x - mean)^power; part: memory for u numbers."""
    for j in range(u):
        total[j] = 0.0
    for begin in range(0, rows, PART):
        for j in range(u):
            part[j] = F(0.0)
        for r in range(begin, min(begin + PART, rows)):
            x = floats(address + 4 * r * u, u)
            if power == 1:
                for j in range(u):
                    part[j] += x[j] - mean[j]
            else:
                for j in range(u):
                    part[j] += (x[j] - mean[j]) * (x[j] - mean[j])
        for j in range(u):
            total[j] += np.float64(part[j])


def _forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[UNITS]
    n = rows * (o[OUTPUTS] // u)
    total = doubles(o[WORK], u)
    mean, variance = floats(o[WORK] + 8 * u, u), floats(o[WORK] + 12 * u, u)
    scale, part = floats(o[WORK] + 16 * u, u), floats(o[WORK] + 20 * u, u)
    floats(o[WORK] + 24 * u, 1)[0] = F(n)
    for j in range(u):
        mean[j] = F(0.0)
    _sums(o[X], n, u, mean, 1, total, part)
    for j in range(u):
        mean[j] = F(total[j] / n)
    _sums(o[X], n, u, mean, 2, total, part)
    gamma, beta, epsilon = floats(o[P0], u), floats(o[P1], u), floats(o[CONSTANTS], 2)[1]
    for j in range(u):
        variance[j] = F(total[j] / n)
        scale[j] = F(1.0) / np.sqrt(variance[j] + epsilon)
    for r in range(n):
        x, y = floats(o[X] + 4 * r * u, u), floats(o[Y] + 4 * r * u, u)
        for j in range(u):
            y[j] = gamma[j] * ((x[j] - mean[j]) * scale[j]) + beta[j]


def _backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[UNITS]
    n = rows * (o[OUTPUTS] // u)
    mean, scale = floats(o[WORK] + 8 * u, u), floats(o[WORK] + 16 * u, u)
    gamma, of_gamma, of_beta = floats(o[P0], u), floats(o[G0], u), floats(o[G1], u)
    total, part = doubles(o[WORK], u), floats(o[WORK] + 20 * u, u)
    zeros = floats(o[WORK] + 24 * u + 4, u)
    _sums(o[GY], n, u, zeros, 1, total, part)
    for j in range(u):
        of_beta[j] = F(total[j])
        total[j] = 0.0
    for begin in range(0, n, PART):
        for j in range(u):
            part[j] = F(0.0)
        for r in range(begin, min(begin + PART, n)):
            x, gy = floats(o[X] + 4 * r * u, u), floats(o[GY] + 4 * r * u, u)
            for j in range(u):
                part[j] += gy[j] * ((x[j] - mean[j]) * scale[j])
        for j in range(u):
            total[j] += np.float64(part[j])
    for j in range(u):
        of_gamma[j] = F(total[j])
    if o[GX] == 0:
        return
    share = F(1.0 / np.float64(n))
    for r in range(n):
        x, gy, gx = floats(o[X] + 4 * r * u, u), floats(o[GY] + 4 * r * u, u), floats(o[GX] + 4 * r * u, u)
        for j in range(u):
            standard = (x[j] - mean[j]) * scale[j]
            along = gy[j] - share * of_beta[j] - standard * (share * of_gamma[j])
            gx[j] = gamma[j] * scale[j] * along


def _commit(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[UNITS]
    mean, variance, n = floats(o[WORK] + 8 * u, u), floats(o[WORK] + 12 * u, u), floats(o[WORK] + 24 * u, 1)[0]
    momentum = floats(o[CONSTANTS], 2)[0]
    moving_mean, moving_variance = floats(o[P2], u), floats(o[P3], u)
    unbiased = n / (n - F(1.0) if n > F(1.0) else F(1.0))
    for j in range(u):
        moving_mean[j] = momentum * moving_mean[j] + (F(1.0) - momentum) * mean[j]
        moving_variance[j] = momentum * moving_variance[j] + (F(1.0) - momentum) * (variance[j] * unbiased)


def _moving_forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[UNITS]
    gamma, beta, mean, variance = floats(o[P0], u), floats(o[P1], u), floats(o[P2], u), floats(o[P3], u)
    scale, epsilon = floats(o[WORK], u), floats(o[CONSTANTS], 2)[1]
    for j in range(u):
        scale[j] = F(1.0) / np.sqrt(variance[j] + epsilon)
    for r in range(rows * (o[OUTPUTS] // u)):
        x, y = floats(o[X] + 4 * r * u, u), floats(o[Y] + 4 * r * u, u)
        for j in range(u):
            y[j] = gamma[j] * ((x[j] - mean[j]) * scale[j]) + beta[j]


def batch_norm() -> Block:
    return Block(
        block_kernel("batch norm forward", _forward),
        block_kernel("batch norm backward", _backward),
        block_kernel("batch norm commit", _commit),
        whole_batch=True,
        scratch=lambda inputs, outputs, geometry, rows: 8 * outputs + 16,
    )


def moving_norm() -> Block:
    return Block(
        block_kernel("moving norm forward", _moving_forward),
        scratch=lambda inputs, outputs, geometry, rows: outputs,
    )
