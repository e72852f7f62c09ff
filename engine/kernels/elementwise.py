"""Blocks that work number by number: activations and dropout."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from engine import activations
from engine.errors import RelumeError
from engine.kernels.block import Block, block_kernel
from engine.kernels.compiler import register_jitable
from engine.kernels.formulas import formula
from engine.kernels.jit import OPTIONS
from engine.kernels.layout import (
    CONSTANTS,
    FRESH,
    G0,
    GX,
    GY,
    LANE_WORDS,
    OUTPUTS,
    P0,
    UNITS,
    WORDS,
    X,
    Y,
)  # fmt: skip
from engine.kernels.memory import each_at, floats, floats_as_tuple, memories, words
from engine.kernels.product import LANES

F = np.float32
STRIDE = 4 * LANES  # numbers that a compiled loop takes at once; buffers end at a multiple of it


@register_jitable(**OPTIONS)
def whole(n: Any) -> Any:
    """The count up to the end of the last stride: what is left over would be slow number by number."""
    return (n + STRIDE - 1) // STRIDE * STRIDE


# Activations: a = f(z), by the number and kind of their options.


def _forward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    n = whole(rows * o[OUTPUTS])
    z, a = floats(o[X], n), floats(o[Y], n)
    for i in range(n):
        a[i] = function(z[i])  # type: ignore[name-defined] # noqa: F821


def _backward(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    n = whole(rows * o[OUTPUTS])
    z, a, g = floats(o[X], n), floats(o[Y], n), floats(o[GY], n)
    for i in range(n):
        g[i] = g[i] * slope(z[i], a[i])  # type: ignore[name-defined] # noqa: F821


def _forward_constant(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    n = whole(rows * o[OUTPUTS])
    z, a, c = floats(o[X], n), floats(o[Y], n), floats_as_tuple(o[CONSTANTS], COUNT)  # type: ignore[name-defined] # noqa: F821
    for i in range(n):
        a[i] = function(z[i], *c)  # type: ignore[name-defined] # noqa: F821


def _backward_constant(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    n = whole(rows * o[OUTPUTS])
    z, a, g = floats(o[X], n), floats(o[Y], n), floats(o[GY], n)
    c = floats_as_tuple(o[CONSTANTS], COUNT)  # type: ignore[name-defined] # noqa: F821
    for i in range(n):
        g[i] = g[i] * slope(z[i], a[i], *c)  # type: ignore[name-defined] # noqa: F821


def _forward_learned(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[UNITS]
    p = floats(o[P0], u)
    for r in range(rows * (o[OUTPUTS] // u)):
        z, a = floats(o[X] + 4 * r * u, u), floats(o[Y] + 4 * r * u, u)
        for j in range(u):
            a[j] = function(z[j], p[j])  # type: ignore[name-defined] # noqa: F821


def _backward_learned(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[UNITS]
    p, gp = floats(o[P0], u), floats(o[G0], u)
    if words(moment, LANE_WORDS)[FRESH] != 0:
        for j in range(u):
            gp[j] = F(0.0)
    for r in range(rows * (o[OUTPUTS] // u)):
        z, a = floats(o[X] + 4 * r * u, u), floats(o[Y] + 4 * r * u, u)
        g = floats(o[GY] + 4 * r * u, u)
        for j in range(u):
            gp[j] += g[j] * option_gradient(z[j], a[j], p[j])  # type: ignore[name-defined] # noqa: F821
            g[j] = g[j] * slope(z[j], a[j], p[j])  # type: ignore[name-defined] # noqa: F821


def _forward_several(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u, p = o[UNITS], memories(op + 8 * P0, COUNT)  # type: ignore[name-defined] # noqa: F821
    for r in range(rows * (o[OUTPUTS] // u)):
        z, a = floats(o[X] + 4 * r * u, u), floats(o[Y] + 4 * r * u, u)
        for j in range(u):
            a[j] = function(z[j], *each_at(p, j))  # type: ignore[name-defined] # noqa: F821


def _backward_several(op: Any, rows: Any, moment: Any) -> None:
    """Two learned options, or four."""
    o = words(op, WORDS)
    u, p, gp = o[UNITS], memories(op + 8 * P0, COUNT), memories(op + 8 * G0, COUNT)  # type: ignore[name-defined] # noqa: F821
    if words(moment, LANE_WORDS)[FRESH] != 0:
        for k in range(COUNT):  # type: ignore[name-defined] # noqa: F821
            for j in range(u):
                gp[k][j] = F(0.0)
    for r in range(rows * (o[OUTPUTS] // u)):
        z, a = floats(o[X] + 4 * r * u, u), floats(o[Y] + 4 * r * u, u)
        g = floats(o[GY] + 4 * r * u, u)
        for j in range(u):
            c = each_at(p, j)
            gp[0][j] += g[j] * gradient_0(z[j], a[j], *c)  # type: ignore[name-defined] # noqa: F821
            gp[1][j] += g[j] * gradient_1(z[j], a[j], *c)  # type: ignore[name-defined] # noqa: F821
            if COUNT == 4:  # type: ignore[name-defined] # noqa: F821
                gp[2][j] += g[j] * gradient_2(z[j], a[j], *c)  # type: ignore[name-defined] # noqa: F821
                gp[3][j] += g[j] * gradient_3(z[j], a[j], *c)  # type: ignore[name-defined] # noqa: F821
            g[j] = g[j] * slope(z[j], a[j], *c)  # type: ignore[name-defined] # noqa: F821


def _of_several(record: activations.Activation) -> Block:
    """An activation that learns all of its two or four options."""
    gradients = [option.gradient for option in record.learned if option.gradient is not None]
    if len(gradients) not in (2, 4) or len(gradients) != len(record.options):
        raise RelumeError(f"{record.name} learns options that no kernel takes.", fix="Learn one, two or four options.")
    names = {f"gradient_{k}": functools.partial(formula, gradient) for k, gradient in enumerate(gradients)}
    count = lambda: len(gradients)  # noqa: E731
    return Block(
        block_kernel(
            f"{record.name} forward", _forward_several, function=lambda: formula(record.function), COUNT=count
        ),
        block_kernel(
            f"{record.name} backward", _backward_several, slope=lambda: formula(record.slope), COUNT=count, **names
        ),
        in_place=True,
    )


def activation(name: str) -> Block:
    record = activations.get(name)
    function, slope = lambda: formula(record.function), lambda: formula(record.slope)  # noqa: E731
    if record.learned:
        if len(record.options) > 1:
            return _of_several(record)
        gradient = record.learned[0].gradient
        assert gradient is not None
        return Block(
            block_kernel(f"{name} forward", _forward_learned, function=function),
            block_kernel(f"{name} backward", _backward_learned, slope=slope, option_gradient=lambda: formula(gradient)),
            in_place=True,
        )
    if record.options:
        count = lambda: len(record.options)  # noqa: E731
        return Block(
            block_kernel(f"{name} forward", _forward_constant, function=function, COUNT=count),
            block_kernel(f"{name} backward", _backward_constant, slope=slope, COUNT=count),
            in_place=True,
        )
    return Block(
        block_kernel(f"{name} forward", _forward, function=function),
        block_kernel(f"{name} backward", _backward, slope=slope),
        in_place=True,
    )


# Units that are switched off give 0, and nothing comes back through them.


def _switched(op: Any, rows: Any, moment: Any) -> None:
    o = words(op, WORDS)
    u = o[UNITS]
    kept = floats(o[CONSTANTS], u)
    for r in range(rows * (o[OUTPUTS] // u)):
        source, target = floats(o[FROM] + 4 * r * u, u), floats(o[TO] + 4 * r * u, u)  # type: ignore[name-defined] # noqa: F821
        for j in range(u):
            target[j] = source[j] if kept[j] != F(0.0) else F(0.0)


def switch() -> Block:
    return Block(
        block_kernel("switch forward", _switched, FROM=lambda: X, TO=lambda: Y),
        block_kernel("switch backward", _switched, FROM=lambda: GY, TO=lambda: GX),
    )
