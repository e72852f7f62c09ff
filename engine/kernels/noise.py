"""Blocks that are random in training. What is drawn depends on seed, layer, step and element only."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import maths
from engine.kernels import vector_maths  # noqa: F401  registers the functions of formulas
from engine.kernels.block import Block, block_kernel
from engine.kernels.compiler import register_jitable
from engine.kernels.jit import OPTIONS
from engine.kernels.layout import CONSTANTS, FIRST, GX, GY, KEY, LANE_WORDS, OUTPUTS, TIME, WORDS, X, Y
from engine.kernels.memory import floats, words

F = np.float32


@register_jitable(**OPTIONS)
def mixed(x: Any) -> Any:
    """splitmix64: 64 random bits from any 64."""
    x = np.uint64(x) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@register_jitable(**OPTIONS)
def _scattered(x: Any) -> Any:
    """32 random bits from any 32 (Wellons's lowbias32)."""
    x = (x ^ (x >> np.uint32(16))) * np.uint32(0x7FEB352D)
    x = np.uint32(x) ^ (np.uint32(x) >> np.uint32(15))
    x = np.uint32(x * np.uint32(0x846CA68B))
    return np.uint32(x ^ (x >> np.uint32(16)))


@register_jitable(**OPTIONS)
def _stream(o: Any, m: Any) -> Any:
    """64 bits for the first element of a tile: they make those of every element."""
    return mixed(np.uint64(o[KEY]) ^ mixed(np.uint64(m[TIME]))) + np.uint64(m[FIRST] * o[OUTPUTS])


@register_jitable(**OPTIONS)
def _drawn(i: Any, stream: Any) -> Any:
    """32 random bits of element i."""
    key, spread = np.uint32(stream), np.uint32(stream >> np.uint64(32))
    return _scattered(np.uint32(_scattered(np.uint32(np.uint32(i) + key)) ^ spread))


def _masked(op: Any, rows: Any, moment: Any) -> None:
    """Zero with probability rate, else scaled."""
    o, m = words(op, WORDS), words(moment, LANE_WORDS)
    n = rows * o[OUTPUTS]
    source, target, numbers = floats(o[FROM], n), floats(o[TO], n), floats(o[CONSTANTS], 2)  # type: ignore[name-defined] # noqa: F821
    rate, scale, stream = np.uint32(np.float64(numbers[0]) * 4294967296.0), numbers[1], _stream(o, m)
    for i in range(n):
        target[i] = F(0.0) if _drawn(i, stream) < rate else source[i] * scale


def dropout() -> Block:
    return Block(
        block_kernel("dropout forward", _masked, FROM=lambda: X, TO=lambda: Y),
        block_kernel("dropout backward", _masked, FROM=lambda: GY, TO=lambda: GX),
    )


def _alpha_forward(op: Any, rows: Any, moment: Any) -> None:
    """a x + b, or with probability rate a number of its own."""
    o, m = words(op, WORDS), words(moment, LANE_WORDS)
    n = rows * o[OUTPUTS]
    x, y, numbers = floats(o[X], n), floats(o[Y], n), floats(o[CONSTANTS], 4)
    rate, stream = np.uint32(np.float64(numbers[0]) * 4294967296.0), _stream(o, m)
    a, b, dropped = numbers[1], numbers[2], numbers[3]
    for i in range(n):
        y[i] = dropped if _drawn(i, stream) < rate else a * x[i] + b


def alpha_dropout() -> Block:
    return Block(
        block_kernel("alpha dropout forward", _alpha_forward),
        block_kernel("alpha dropout backward", _masked, FROM=lambda: GY, TO=lambda: GX),
    )


def _noisy(op: Any, rows: Any, moment: Any) -> None:
    """x + stddev n; n by Box and Muller from two uniform numbers."""
    o, m = words(op, WORDS), words(moment, LANE_WORDS)
    n = rows * o[OUTPUTS]
    x, y, stddev, stream = floats(o[X], n), floats(o[Y], n), floats(o[CONSTANTS], 1)[0], _stream(o, m)
    for i in range(n):
        first = _drawn(i, stream)
        second = _scattered(first ^ np.uint32(0x9E3779B9))
        u = F(np.int32(first >> np.uint32(8))) * F(5.9604645e-08)  # 24 bits, 0 to just below 1
        turn = F(np.int32(second >> np.uint32(8))) * F(3.7450702e-07)  # 2 pi of them
        y[i] = x[i] + stddev * maths.sqrt(F(-2.0) * maths.log1p(-u)) * maths.cos(turn)


def _sloped(op: Any, rows: Any, moment: Any) -> None:
    """Below 0 times a number from lower to upper, over their mean: the activation after it multiplies by that."""
    o, m = words(op, WORDS), words(moment, LANE_WORDS)
    n = rows * o[OUTPUTS]
    x, source, target = floats(o[X], n), floats(o[FROM], n), floats(o[TO], n)  # type: ignore[name-defined] # noqa: F821
    numbers, stream = floats(o[CONSTANTS], 2), _stream(o, m)
    mean = F(0.5) * (numbers[0] + numbers[1])
    low, span = numbers[0] / mean, (numbers[1] - numbers[0]) / mean
    for i in range(n):
        share = F(np.int32(_drawn(i, stream) >> np.uint32(8))) * F(5.9604645e-08)
        target[i] = source[i] if x[i] > F(0.0) else source[i] * (low + span * share)


def random_slopes() -> Block:
    return Block(
        block_kernel("random slopes forward", _sloped, FROM=lambda: X, TO=lambda: Y),
        block_kernel("random slopes backward", _sloped, FROM=lambda: GY, TO=lambda: GX),
    )


def gaussian_noise() -> Block:
    return Block(block_kernel("gaussian noise", _noisy), in_place=True)  # the gradient passes as it is
