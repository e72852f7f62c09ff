"""Blocks that change how wide a row of units is: CReLU, and gated linear units."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import activations
from engine.kernels.block import Block, block_kernel
from engine.kernels.formulas import formula
from engine.kernels.layout import GX, GY, OUTPUTS, UNITS, WORDS, X, Y
from engine.kernels.memory import floats, words

F = np.float32


def _crelu_forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[UNITS] // 2
    for r in range(rows * (o[OUTPUTS] // o[UNITS])):
        x, y, other = floats(o[X] + 4 * r * u, u), floats(o[Y] + 8 * r * u, u), floats(o[Y] + 8 * r * u + 4 * u, u)
        for j in range(u):
            y[j] = F(0.0) if x[j] < F(0.0) else x[j]
            other[j] = F(0.0) if x[j] > F(0.0) else -x[j]


def _crelu_backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    if o[GX] == 0:
        return
    u = o[UNITS] // 2
    for r in range(rows * (o[OUTPUTS] // o[UNITS])):
        x, gx = floats(o[X] + 4 * r * u, u), floats(o[GX] + 4 * r * u, u)
        gy, other = floats(o[GY] + 8 * r * u, u), floats(o[GY] + 8 * r * u + 4 * u, u)
        for j in range(u):
            gx[j] = gy[j] if x[j] > F(0.0) else (-other[j] if x[j] < F(0.0) else F(0.0))


def crelu() -> Block:
    return Block(block_kernel("crelu forward", _crelu_forward), block_kernel("crelu backward", _crelu_backward))


def _gate_forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[UNITS]
    for r in range(rows * (o[OUTPUTS] // u)):
        first, second = floats(o[X] + 8 * r * u, u), floats(o[X] + 8 * r * u + 4 * u, u)
        y = floats(o[Y] + 4 * r * u, u)
        for j in range(u):
            y[j] = first[j] * function(second[j])  # type: ignore[name-defined] # noqa: F821


def _gate_backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    if o[GX] == 0:
        return
    u = o[UNITS]
    for r in range(rows * (o[OUTPUTS] // u)):
        first, second = floats(o[X] + 8 * r * u, u), floats(o[X] + 8 * r * u + 4 * u, u)
        of_first, of_second = floats(o[GX] + 8 * r * u, u), floats(o[GX] + 8 * r * u + 4 * u, u)
        gy = floats(o[GY] + 4 * r * u, u)
        for j in range(u):
            let = function(second[j])  # type: ignore[name-defined] # noqa: F821
            of_first[j] = gy[j] * let
            of_second[j] = gy[j] * first[j] * slope(second[j], let)  # type: ignore[name-defined] # noqa: F821


def gate(name: str) -> Block:
    """One half of a row times an activation, without options, of the other."""
    record = activations.get(name)
    function, slope = lambda: formula(record.function), lambda: formula(record.slope)  # noqa: E731
    return Block(
        block_kernel(f"{name} gate forward", _gate_forward, function=function),
        block_kernel(f"{name} gate backward", _gate_backward, function=function, slope=slope),
    )
