"""The functions that formulas are written with.

Here they are numpy: any shape, float32 or float64. `engine.kernels.vector_maths` teaches the compiler the same
names for single float32 numbers, so that every formula is written once and lives twice.
Constants in formulas are float literals (2.0, not 2): the compiler takes them as float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Numbers = Any  # numpy arrays in Python, scalars in compiled code

_erfc = np.frompyfunc(math.erfc, 1, 1)

SQRT_HALF = 0.7071067811865476


def exp(x: Numbers) -> Numbers:
    """e^x"""
    return np.exp(x)


def expm1(x: Numbers) -> Numbers:
    """e^x - 1, exact near 0"""
    return np.expm1(x)


def log(x: Numbers) -> Numbers:
    """The natural logarithm; minus infinity at 0, NaN below."""
    return np.log(x)


def log1p(x: Numbers) -> Numbers:
    """ln(1 + x), exact near 0"""
    return np.log1p(x)


def tanh(x: Numbers) -> Numbers:
    """(e^x - e^-x) / (e^x + e^-x)"""
    return np.tanh(x)


def sigmoid(x: Numbers) -> Numbers:
    """1 / (1 + e^-x)"""
    return 1.0 / (1.0 + np.exp(-x))


def sigmoids(x: Numbers) -> tuple[Numbers, Numbers]:
    """(sigmoid(x), sigmoid(-x)): what is left to 1, where 1 - sigmoid(x) would be mere rounding."""
    e = np.exp(-np.abs(x))
    high, low = 1.0 / (1.0 + e), e / (1.0 + e)
    return np.where(x < 0.0, low, high), np.where(x < 0.0, high, low)


def swish(z: Numbers, u: Numbers) -> Numbers:
    """z sigmoid(u), u = beta z; compiled it is right to the last digit where z is large, for the sake of its slope."""
    return z * sigmoid(u)


def swish_slope(z: Numbers, a: Numbers, beta: Numbers) -> Numbers:
    """The slope of a = swish(z, beta z)."""
    return gate(z, a) * (1.0 + beta * (z - a))


def gate(z: Numbers, a: Numbers) -> Numbers:
    """a / z: what z was multiplied by to give a, for a gate that is 1/2 at 0."""
    tiny = np.abs(z) < 1e-30
    return np.where(tiny, 0.5, a / np.where(tiny, 1.0, z))


def softplus(x: Numbers) -> Numbers:
    """ln(1 + e^x)"""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def normal_cdf(x: Numbers) -> Numbers:
    """The share of a standard normal distribution below x."""
    return np.multiply(_erfc(-x * SQRT_HALF), 0.5, dtype=np.result_type(x), casting="unsafe")  # _erfc gives objects


def normal_density(x: Numbers) -> Numbers:
    """The density of a standard normal distribution at x."""
    return 0.3989422804014327 * np.exp(-0.5 * x * x)


def sin(x: Numbers) -> Numbers:
    """sine of x in radians"""
    return np.sin(x)


def cos(x: Numbers) -> Numbers:
    """cosine of x in radians"""
    return np.cos(x)


def sqrt(x: Numbers) -> Numbers:
    """square root"""
    return np.sqrt(x)


def absolute(x: Numbers) -> Numbers:
    """|x|"""
    return np.abs(x)


def sign(x: Numbers) -> Numbers:
    """-1, 0 or 1"""
    return np.sign(x)


def maximum(x: Numbers, y: Numbers) -> Numbers:
    """The larger one; NaN if either is."""
    return np.maximum(x, y)


def minimum(x: Numbers, y: Numbers) -> Numbers:
    """The smaller one; NaN if either is."""
    return np.minimum(x, y)


def where(condition: Numbers, yes: Numbers, no: Numbers) -> Numbers:
    """`yes` where the condition holds, `no` elsewhere."""
    return np.where(condition, yes, no)
