"""A slope by rule beside central differences of the formula itself, in float64, on a grid."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

STEPS = (1e-5, 1e-6, 1e-7)  # the first that is small enough for the formula to be nearly straight
TOLERANCE = 1e-3  # times 1 + |slope|
FEWEST = 0.5  # of the grid must have a slope that differences can find

Function = Callable[..., Any]


@dataclasses.dataclass(frozen=True)
class SlopeCheck:
    """At how many points both were compared; the point nearest to 0 where they differ, with both slopes."""

    points: int
    enough: bool
    differs: tuple[float, float, float] | None = None  # x, by rule, by differences


def check_slope(
    function: Function, slope: Function, grid: np.ndarray, values: Sequence[float] = (), by: int = 0
) -> SlopeCheck:
    """Compares `slope` with the central differences of `function`, both called with x and `values`.

    Points beside a kink or jump, where the differences to the left and to the right are not alike, are left out, as are
    those where rounding hides the differences.

    Args:
        grid: (points,) float64, values of x.
        by: 0 for the slope by x, k for the one by `values[k - 1]`.
    """

    def at(change: float) -> np.ndarray:
        given: list[Any] = [grid, *values]
        given[by] = given[by] + change
        return np.broadcast_to(np.asarray(function(*given), np.float64), grid.shape)

    with np.errstate(all="ignore"):
        told = np.broadcast_to(np.asarray(slope(grid, *values), np.float64), grid.shape)
        middle, open_points = at(0.0), np.ones(len(grid), dtype=bool)
        wrong = np.zeros(len(grid), dtype=bool)
        found = np.full(len(grid), np.nan)
        for step in STEPS:
            left, right = at(-step), at(step)
            numeric, nearer = (right - left) / (2.0 * step), (at(0.5 * step) - at(-0.5 * step)) / step
            allowed = TOLERANCE * (1.0 + np.abs(numeric))
            even = np.abs((right - middle) - (middle - left)) < step * allowed
            even &= np.abs(numeric - nearer) < 0.5 * allowed  # else it is the differences that are wrong
            seen = open_points & even & (4.0 * np.spacing(np.abs(middle)) < step * allowed)
            found[seen] = numeric[seen]
            wrong |= seen & ~(np.abs(numeric - told) <= allowed)
            open_points &= ~seen
    points = int(np.count_nonzero(~open_points))
    enough = points >= FEWEST * len(grid)
    if not wrong.any():
        return SlopeCheck(points, enough)
    place = min(np.flatnonzero(wrong), key=lambda k: abs(grid[k]))
    return SlopeCheck(points, enough, (float(grid[place]), float(told[place]), float(found[place])))
