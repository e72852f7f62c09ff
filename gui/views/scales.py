"""Axis arithmetic: steps of 1, 2 and 5, and ticks. Pure numpy, no Qt."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

STEPS = (1.0, 2.0, 5.0)
FINE_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0)  # for colour scales, where a coarse step wastes colours


def nice_step(span: float, count: int = 5, steps: tuple[float, ...] = STEPS) -> float:
    """The smallest of `steps` x 10^k that cuts `span` into at most `count` pieces."""
    if not math.isfinite(span) or span <= 0:
        return 1.0
    rough = span / count
    power = 10.0 ** math.floor(math.log10(rough))
    for factor in (*steps, 10.0):
        if factor * power >= rough * (1 - 1e-9):
            return factor * power
    return 10.0 * power


def stepped_ceiling(value: float, steps: tuple[float, ...] = STEPS) -> float:
    """The smallest of `steps` x 10^k that is at least `value`; 1 for anything that has none."""
    return nice_step(value, 1, steps) if value > 0 else 1.0


def stepped_range(low: float, high: float, count: int = 5) -> tuple[float, float]:
    """The range of whole steps that holds low to high, so that an axis moves in steps and not with every value."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return 0.0, 1.0
    if high <= low:
        low, high = low - max(abs(low) * 0.1, 0.5), high + max(abs(high) * 0.1, 0.5)
    step = nice_step(high - low, count)
    return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round values in [low, high], at most about `count` steps apart."""
    if not high > low:
        return [low]
    step = nice_step(high - low, count)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def log_range(low: float, high: float) -> tuple[float, float]:
    """Exponents of the range in steps of 1 and 3 per decade that holds the positive values low to high."""
    if not (0 < low <= high and math.isfinite(high)):
        return -1.0, 0.0
    bottom, top = _log_step(math.log10(low), math.floor), _log_step(math.log10(high), math.ceil)
    return bottom, max(top, bottom + 0.5)


def log_ticks(bottom: float, top: float, count: int = 5) -> list[float]:
    """Exponents to mark between two exponents: 1 and 3 per decade, or whole decades where those are too many."""
    third = math.log10(3)
    fine = [k + part for k in range(math.floor(bottom), math.ceil(top) + 1) for part in (0.0, third)]
    fine = [value for value in fine if bottom - 1e-9 <= value <= top + 1e-9]
    if len(fine) <= count:
        return fine
    stride = max(1, math.ceil((top - bottom) / (count - 1)))
    first = math.ceil(bottom - 1e-9)
    return [float(k) for k in range(first, math.floor(top + 1e-9) + 1, stride)]


def decimate(x: np.ndarray, y: np.ndarray, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """At most 4 points for each of `columns` equal stretches of rows: first, lowest, highest, last, in order."""
    n = len(x)
    if n <= 4 * max(columns, 1):
        return x, y
    width = -(-n // max(columns, 1))
    padded = np.full(-(-n // width) * width, np.nan)
    padded[:n] = y
    blocks = padded.reshape(-1, width)
    start = np.arange(len(blocks)) * width
    lowest = start + np.argmin(np.where(np.isnan(blocks), np.inf, blocks), axis=1)
    highest = start + np.argmax(np.where(np.isnan(blocks), -np.inf, blocks), axis=1)
    rows = np.unique(np.concatenate([start, lowest, highest, np.minimum(start + width, n) - 1]))
    return x[rows], y[rows]


def apart(positions: list[float], gap: float, low: float, high: float) -> list[float]:
    """Moves labels so that neighbours are at least `gap` apart and all stay within [low, high], in order."""
    order = np.argsort(positions, kind="stable")
    placed: list[float] = []
    for index in order:
        value = max(positions[index], low)
        placed.append(max(value, placed[-1] + gap) if placed else value)
    limit = high
    for k in range(len(placed) - 1, -1, -1):
        placed[k] = min(placed[k], limit)
        limit = placed[k] - gap
    result = [0.0] * len(positions)
    for k, index in enumerate(order):
        result[int(index)] = placed[k]
    return result


def _log_step(exponent: float, rounding: Callable[[float], int]) -> float:
    """The nearest exponent of 1 or 3 x 10^k in the direction of `rounding`."""
    third = math.log10(3)
    whole = math.floor(exponent + 1e-9)
    choices = (whole, whole + third, whole + 1)
    if rounding is math.floor:
        return max(choice for choice in choices if choice <= exponent + 1e-9)
    return min(choice for choice in choices if choice >= exponent - 1e-9)
