"""Blocks that score outputs: losses (the sum of the values, the gradient for the outputs) and metrics."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import losses, maths
from engine.kernels import vector_maths  # noqa: F401  registers the functions of formulas
from engine.kernels.block import Block, block_kernel
from engine.kernels.elementwise import whole
from engine.kernels.jit import formula
from engine.kernels.layout import (
    CONSTANTS,
    CORRECT,
    GX,
    LANE_WORDS,
    LOSS_SUM,
    OUTPUTS,
    P0,
    SIZE,
    SQUARES,
    SUMS,
    WORDS,
    WORK,
    X,
)  # fmt: skip
from engine.kernels.memory import doubles, floats, words

F = np.float32


def _loss(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    n = whole(rows * u)
    y, t, g, w = floats(o[X], n), floats(o[P0], n), floats(o[GX], n), floats(o[WORK], n)
    scale = F(1.0 / np.float64(words(moment, LANE_WORDS)[SIZE] * u))
    for i in range(n):
        w[i] = value(y[i], t[i], F(0.0))  # type: ignore[name-defined] # noqa: F821
    for i in range(n):
        g[i] = gradient(y[i], t[i], F(0.0)) * scale  # type: ignore[name-defined] # noqa: F821
    total = F(0.0)
    for i in range(rows * u):
        total += w[i]
    doubles(o[SUMS], 1)[LOSS_SUM] += total / np.float64(u)


def _coupled_loss(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    n = whole(rows * u)
    y, t, g, w = floats(o[X], n), floats(o[P0], n), floats(o[GX], n), floats(o[WORK], n)
    for r in range(rows):
        k = r * u
        top = y[k]
        for j in range(k + 1, k + u):
            top = y[j] if y[j] > top else top
        for j in range(k, k + u):
            w[j] = top
    for i in range(n):
        w[i] = y[i] - w[i]
        g[i] = exp(w[i])  # type: ignore[name-defined] # noqa: F821
    for r in range(rows):
        k = r * u
        part = F(0.0)
        for j in range(k, k + u):
            part += g[j]
        row = F(np.log(np.float64(part)))
        for j in range(k, k + u):
            g[j] = row
    scale = F(1.0 / np.float64(words(moment, LANE_WORDS)[SIZE]))
    for i in range(n):
        row = g[i]
        g[i] = gradient(w[i], t[i], row) * scale  # type: ignore[name-defined] # noqa: F821
        w[i] = value(w[i], t[i], row)  # type: ignore[name-defined] # noqa: F821
    total = F(0.0)
    for i in range(rows * u):
        total += w[i]
    doubles(o[SUMS], 1)[LOSS_SUM] += np.float64(total)


def _accuracy_of_one(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    y, t, c = floats(o[X], rows), floats(o[P0], rows), floats(o[CONSTANTS], 1)[0]
    right = 0
    for r in range(rows):
        right += (y[r] > c) == (t[r] > F(0.5))
    doubles(o[SUMS], 2)[CORRECT] += np.float64(right)


def _accuracy(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    right = 0
    for r in range(rows):
        y, t = floats(o[X] + 4 * r * u, u), floats(o[P0] + 4 * r * u, u)
        best, said, label = y[0], t[0], t[0]  # the largest output, the target there, the largest target
        for j in range(1, u):
            more = y[j] > best
            best, said = (y[j] if more else best), (t[j] if more else said)
            label = t[j] if t[j] > label else label
        right += said == label
    doubles(o[SUMS], 2)[CORRECT] += np.float64(right)


def _squares(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    sums = doubles(o[SUMS], SQUARES + 3 * u)
    for r in range(rows):
        y, t = floats(o[X] + 4 * r * u, u), floats(o[P0] + 4 * r * u, u)
        for j in range(u):
            e, v = np.float64(y[j]) - np.float64(t[j]), np.float64(t[j])
            sums[SQUARES + j] += e * e
            sums[SQUARES + u + j] += v
            sums[SQUARES + 2 * u + j] += v * v


def _exp(x: Any) -> Any:
    return maths.exp(x)


def loss(name: str) -> Block:
    record = losses.get(name)
    value, gradient = lambda: formula(record.value), lambda: formula(record.gradient)  # noqa: E731
    if record.coupled:
        return Block(
            block_kernel(record.title, _coupled_loss, value=value, gradient=gradient, exp=lambda: formula(_exp))
        )
    return Block(block_kernel(record.title, _loss, value=value, gradient=gradient))


METRICS = {
    "accuracy": lambda: Block(block_kernel("accuracy", _accuracy)),
    "accuracy of one": lambda: Block(block_kernel("accuracy of one output", _accuracy_of_one)),
    "r2": lambda: Block(block_kernel("R squared", _squares)),
}
