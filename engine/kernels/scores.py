"""Blocks that score outputs: losses (the sum of the values, the gradient for the outputs) and metrics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine import losses, maths
from engine.kernels.block import Block, block_kernel
from engine.kernels.compiler import register_jitable
from engine.kernels.elementwise import whole
from engine.kernels.formulas import formula
from engine.kernels.jit import OPTIONS, jitable
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
from engine.kernels.memory import doubles, floats, floats_as_tuple, words

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


# The same, written for what is rare: losses with numbers of their own, and samples that count by their class.


@register_jitable(**OPTIONS)
def _weight(o: Any, row: Any, first: Any) -> Any:
    """What a sample counts: its class is that of the largest target."""
    u = o[OUTPUTS]
    t, weights = floats(o[P0] + 4 * row * u, u), floats(o[CONSTANTS] + 4 * first, u + 1)
    if u == 1:
        return weights[1] if t[0] > F(0.5) else weights[0]
    place = 0
    for j in range(1, u):
        place = j if t[j] > t[place] else place
    return weights[place]


def _loss_with_numbers(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    n = whole(rows * u)
    y, t, g, w = floats(o[X], n), floats(o[P0], n), floats(o[GX], n), floats(o[WORK], n)
    c = floats_as_tuple(o[CONSTANTS], COUNT)  # type: ignore[name-defined] # noqa: F821
    scale = F(1.0 / np.float64(words(moment, LANE_WORDS)[SIZE] * u))
    for i in range(n):
        w[i] = value(y[i], t[i], F(0.0), *c)  # type: ignore[name-defined] # noqa: F821
        g[i] = gradient(y[i], t[i], F(0.0), *c) * scale  # type: ignore[name-defined] # noqa: F821
    total = np.float64(0.0)
    for r in range(rows):
        weight = _weight(o, r, COUNT) if WEIGHTED else F(1.0)  # type: ignore[name-defined] # noqa: F821
        for k in range(r * u, r * u + u):
            g[k] *= weight
            total += np.float64(w[k] * weight)
    doubles(o[SUMS], 1)[LOSS_SUM] += total / np.float64(u)


def _coupled_loss_with_numbers(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[OUTPUTS]
    c = floats_as_tuple(o[CONSTANTS], COUNT)  # type: ignore[name-defined] # noqa: F821
    scale = F(1.0 / np.float64(words(moment, LANE_WORDS)[SIZE]))
    total = np.float64(0.0)
    for r in range(rows):
        y, t, g = floats(o[X] + 4 * r * u, u), floats(o[P0] + 4 * r * u, u), floats(o[GX] + 4 * r * u, u)
        top, part, pulled = y[0], F(0.0), F(0.0)
        for j in range(1, u):
            top = y[j] if y[j] > top else top
        for j in range(u):
            part += exp(y[j] - top)  # type: ignore[name-defined] # noqa: F821
        row = F(np.log(np.float64(part)))
        weight = _weight(o, r, COUNT) if WEIGHTED else F(1.0)  # type: ignore[name-defined] # noqa: F821
        for j in range(u):
            total += np.float64(value(y[j] - top, t[j], row, *c) * weight)  # type: ignore[name-defined] # noqa: F821
            g[j] = gradient(y[j] - top, t[j], row, *c)  # type: ignore[name-defined] # noqa: F821
            pulled += g[j]
        for j in range(u):
            if THROUGH:  # type: ignore[name-defined] # noqa: F821
                g[j] -= exp(y[j] - top - row) * pulled  # type: ignore[name-defined] # noqa: F821
            g[j] *= weight * scale
    doubles(o[SUMS], 1)[LOSS_SUM] += total


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


def _linked_squares(op: Any, rows: Any, moment: Any) -> None:
    """`_squares` of what the outputs predict; that lies in the working memory afterwards."""
    o = words(op, WORDS)
    u = o[OUTPUTS]
    y, said = floats(o[X], rows * u), floats(o[WORK], rows * u)
    for r in range(0, rows * u, u):
        part, top = F(0.0), F(0.0)
        if SHARES:  # type: ignore[name-defined] # noqa: F821
            top = y[r]
            for j in range(r + 1, r + u):
                top = y[j] if y[j] > top else top
        for j in range(r, r + u):
            said[j] = exp(y[j] - top)  # type: ignore[name-defined] # noqa: F821
            part += said[j]
        if SHARES:  # type: ignore[name-defined] # noqa: F821
            for j in range(r, r + u):
                said[j] /= part
    outputs, o[X] = o[X], o[WORK]
    squares(op, rows, moment)  # type: ignore[name-defined] # noqa: F821
    o[X] = outputs


def _exp(x: Any) -> Any:
    return maths.exp(x)


def weighted_loss(name: str) -> Block:
    """The loss with the numbers of its formula, then what samples of each class count."""
    return _with_numbers(losses.get(name), True)


def _with_numbers(record: losses.Loss, weighted: bool) -> Block:
    function = _coupled_loss_with_numbers if record.coupled else _loss_with_numbers
    names: dict[str, Callable[[], Any]] = {
        "value": lambda: formula(record.value), "gradient": lambda: formula(record.gradient),
        "WEIGHTED": lambda: weighted, "COUNT": lambda: len(record.constants({})),
    }  # fmt: skip
    if record.coupled:
        names |= {"exp": lambda: formula(_exp), "THROUGH": lambda: record.through_softmax}
    return Block(block_kernel(f"{record.title}, {'weighted' if weighted else 'with numbers'}", function, **names))


def loss(name: str) -> Block:
    record = losses.get(name)
    if record.constants({}) or record.through_softmax:
        return _with_numbers(record, False)
    value, gradient = lambda: formula(record.value), lambda: formula(record.gradient)  # noqa: E731
    if record.coupled:
        return Block(
            block_kernel(record.title, _coupled_loss, value=value, gradient=gradient, exp=lambda: formula(_exp))
        )
    return Block(block_kernel(record.title, _loss, value=value, gradient=gradient))


def _linked(link: str, shares: bool) -> Block:
    names = {"exp": lambda: formula(_exp), "SHARES": lambda: shares, "squares": lambda: jitable(_squares)}
    return Block(block_kernel(f"R squared after {link}", _linked_squares, **names))


METRICS = {
    "accuracy": lambda: Block(block_kernel("accuracy", _accuracy)),
    "accuracy of one": lambda: Block(block_kernel("accuracy of one output", _accuracy_of_one)),
    "r2": lambda: Block(block_kernel("R squared", _squares)),
    "r2 exp": lambda: _linked("exp", False),
    "r2 softmax": lambda: _linked("softmax", True),
}


def metric_name(task: str, outputs: int, loss: losses.LossName = "mean_squared_error") -> str:
    """The metric's block: R squared of what is predicted for a regression, else accuracy."""
    if task == "regression":
        record = losses.get(loss)
        return f"r2 {record.link}" if record.link == "exp" or record.distributions else "r2"
    return "accuracy of one" if outputs == 1 else "accuracy"


def loss_and_metric(sums: np.ndarray, samples: float, task: str, outputs: int) -> tuple[float, float]:
    """Mean loss, and accuracy or R squared (mean over outputs, as scikit-learn defines it), from sums."""
    if not samples:
        return math.nan, math.nan
    loss = float(sums[LOSS_SUM] / samples)
    if task != "regression":
        return loss, float(sums[CORRECT] / samples)
    numbers = sums[SQUARES : SQUARES + 3 * outputs].tolist()  # plain numbers: this is asked after every epoch
    scores = 0.0
    for residual, t, square in zip(numbers[:outputs], numbers[outputs:], numbers[2 * outputs :], strict=False):
        total = square - t * t / samples
        if total > 1e-12 * square:
            scores += 1.0 - residual / total
        elif not residual > 0.0:
            scores += 1.0
    return loss, scores / outputs
