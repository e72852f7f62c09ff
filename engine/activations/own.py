"""Own formulas as activations: the name is "= " and the formula, for example "= x*sigmoid(a*x)".

Letters other than x and e are learned, one number per unit, and start at 1 unless told otherwise. All that a record
says of itself is found on a grid. Raises FormulaError for what cannot be an activation.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from engine import maths  # noqa: F401  named by the source of formulas
from engine.activations.base import Activation, Option
from engine.formula import FormulaError, Reading, read, steps, tree
from engine.formula.slope_check import check_slope
from engine.formula.tree import Node

MARK = "="
FAMILY = "Own formula"
GRID = np.linspace(-8.0, 8.0, 1601)
BESIDE = GRID + 1.2345e-4  # jumps and corners are mostly at round numbers: between two of these
FAR = 1e6
OTHER_START = 0.7  # slopes are checked there too


def is_own(name: object) -> bool:
    """Whether a name is a formula of its own."""
    return isinstance(name, str) and name.lstrip().startswith(MARK)


def own_name(name: str) -> str:
    """The name as it is kept. Raises FormulaError."""
    return own(name).name


def own(name: str) -> Activation:
    """The record of "= formula". Raises FormulaError."""
    return _record(" ".join(name.split()).removeprefix(MARK).strip())


class Written:
    """A formula of x and letters, called with numbers."""

    def __init__(self, node: Node, letters: tuple[str, ...]) -> None:
        self.node, self.letters = node, letters
        self.__name__ = self.__qualname__ = "formula"

    def __call__(self, x: Any, *letters: Any) -> Any:
        return tree.evaluate(self.node, {"x": x, **dict(zip(self.letters, letters, strict=True))})

    @property
    def source(self) -> str:
        """The same as a Python function."""
        return f"def formula({', '.join(('x', *self.letters))}):\n    return {tree.source(self.node)}\n"

    __globals__ = globals()  # where the names of `source` are found


@functools.lru_cache(maxsize=256)
def _record(expression: str) -> Activation:
    reading = read(expression)
    node, letters = reading.node, reading.letters
    made = steps.program(node, letters)
    if made is None:
        raise FormulaError("The formula takes too many steps.", reading.expression, None, "Shorten it.")
    function, slope = Written(node, letters), Written(tree.derivative(node, "x"), letters)
    gradients = [Written(tree.derivative(node, letter), letters) for letter in letters]
    ones = (1.0,) * len(letters)
    checked = _check(reading, function, slope, gradients, ones)
    kinks = _kinks(function, slope, ones)
    far = np.concatenate([GRID, np.geomspace(8.0, FAR, 200), -np.geomspace(8.0, FAR, 200)])
    with np.errstate(all="ignore"):
        values = np.broadcast_to(function(np.sort(far), *ones), far.shape)
        steep = np.broadcast_to(slope(np.array([-50.0, 0.0, 50.0]), *ones), (3,))
        mirrored = np.broadcast_to(function(GRID, *ones) + function(-GRID, *ones), GRID.shape)
    low, high = _end(values, -1.0), _end(values, 1.0)
    steady = values[np.isfinite(values)]
    rise = np.diff(steady)
    return Activation(
        f"{MARK} {reading.expression}", reading.expression, FAMILY, reading.expression,
        function, lambda z, a, *options: slope(z, *options),
        "all numbers" if (low, high) == ("minus infinity", "infinity") else f"{low} to {high}",
        f"{steep[1] + 0.0:.3g}", "Your own formula. What is said of it here was found on a grid.",
        options=tuple(
            Option(letter, 1.0, True, functools.partial(_without_a, gradient))
            for letter, gradient in zip(letters, gradients, strict=True)
        ),
        smooth=not kinks,
        monotone=bool((rise >= -1e-12).all() or (rise <= 1e-12).all()),
        bounded="infinity" not in low + high,
        zero_centred=bool((np.abs(mirrored) < 1e-9).all()),
        saturates=bool((np.abs(steep[[0, 2]]) < 1e-2).all()),
        signed=bool((steady < 0.0).any()),
        kinks=kinks,
        steps=made,
        checked=checked,
    )  # fmt: skip


def _without_a(gradient: Written, z: Any, a: Any, *options: Any) -> Any:
    return gradient(z, *options)


def _check(reading: Reading, function: Written, slope: Written, gradients: list[Written], ones: Any) -> int:
    """Numbers everywhere from -8 to 8, and slopes that central differences confirm; returns at how many points those
    of x were compared."""
    named = [("It", function), ("Its slope", slope)]
    named += [(f"Its slope by {letter}", each) for letter, each in zip(reading.letters, gradients, strict=True)]
    with np.errstate(all="ignore"):
        for what, each in named:
            values = np.broadcast_to(each(GRID, *ones), GRID.shape)
            lost = GRID[~np.isfinite(values) | (np.abs(values) > 1e30)]
            if len(lost):
                place = min(lost, key=abs)
                fix = "Guard it: sqrt(abs(x) + 0.01), log(1 + abs(x)), x / (1 + abs(x)), where(x > 0, ..., ...)."
                raise FormulaError(f"{what} is no finite number at x = {place:.4g}.", reading.expression, None, fix)
    other = tuple(OTHER_START**k for k, _ in enumerate(ones, 1))  # at 1 a factor a that is missing would not be seen
    checked = 0
    for start in (ones, other) if ones else (ones,):
        for by, (what, each) in enumerate(named[1:]):
            check = check_slope(function, each, BESIDE, start, by)
            if check.differs is not None:
                x, told, found = check.differs
                raise FormulaError(
                    f"{what} by rule is {told:.4g} at x = {x:.3g}, but differences give {found:.4g}.",
                    reading.expression, None, "Write it another way, with smaller numbers.",
                )  # fmt: skip
            if start is ones and not check.enough:
                what = f"{what} cannot be checked: the formula changes too fast, or its numbers are too large."
                raise FormulaError(what, reading.expression, None, "Write it with smaller numbers.")
            checked = checked or check.points
    return checked


def _kinks(function: Written, slope: Written, ones: Any) -> tuple[float, ...]:
    """Where slope or values jump: what stays a jump however near both sides come."""

    def both(x: np.ndarray) -> np.ndarray:
        return np.stack([np.broadcast_to(each(x, *ones), x.shape) for each in (function, slope)])

    with np.errstate(all="ignore"):
        values = both(BESIDE)
        change = np.abs(np.diff(values)).max(axis=0)
        found = change > 1e-4
        left, right = BESIDE[:-1][found], BESIDE[1:][found]
        for _ in range(30):
            middle = 0.5 * (left + right)
            a, b, c = both(left), both(middle), both(right)
            nearer = np.abs(b - a).max(axis=0) > np.abs(c - b).max(axis=0)
            left, right = np.where(nearer, left, middle), np.where(nearer, middle, right)
        jumps = (np.abs(both(right) - both(left)).max(axis=0) > 1e-4) if len(left) else np.zeros(0, dtype=bool)
    return tuple(sorted({round(float(place), 6) + 0.0 for place in (0.5 * (left + right))[jumps]}))


def _end(values: np.ndarray, side: float) -> str:
    """The least (side -1) or largest value in words."""
    finite = values[np.isfinite(values)]
    top = float((side * finite).max())
    endless = np.isinf(values) & (np.sign(values) == side)
    if endless.any() or top > 1e4 or _grows(values, side, top):
        return "infinity" if side > 0.0 else "minus infinity"
    return f"{side * top + 0.0:.3g}"


def _grows(values: np.ndarray, side: float, top: float) -> bool:
    """Whether it still moves that way at the ends."""
    ends = (side * values[0], side * values[60]), (side * values[-1], side * values[-61])
    return any(end >= top and end - before > 0.01 * max(1.0, abs(end)) for end, before in ends)
