"""Forward passes of the same few samples over and over: only their units are kept, in memory that is there."""

from __future__ import annotations

import itertools
import time

import numpy as np

from engine.kernels import loops
from engine.kernels.buffers import address
from engine.kernels.program import Program
from engine.units import by_unit, unit_widths


class LiveForward:
    """What the units of a program's parts give on `x`, float32 (samples, *input_shape), of feature maps their mean.

    A call renews so many samples `at_once`, by turns, with the parameters of the moment; the first one all of them.
    For the one thread that trains.
    """

    def __init__(self, program: Program, x: np.ndarray, at_once: int) -> None:
        self._program, self._x = program, np.ascontiguousarray(x, np.float32)
        self._program.make()
        self._at_once, self._turn = min(at_once, len(x)), 0
        self._times = np.zeros(len(x))
        spec = program.network.spec
        shapes = [(len(x), width) for width in unit_widths(spec)]
        ends = itertools.accumulate((samples * width for samples, width in shapes), initial=0)
        self._places = [(slice(*place), shape) for place, shape in zip(itertools.pairwise(ends), shapes, strict=True)]
        self._units = np.zeros(self._places[-1][0].stop, np.float32)
        self._maps: list[tuple[np.ndarray, np.ndarray]] = []  # of some samples, and where their means go
        copies = []
        for part, units, (_, _, source, size) in zip(spec.parts, self._parts(), program.values[0], strict=True):
            if len(part.given) > 1 and units.size:
                self._maps.append((np.empty((self._at_once, *part.given), np.float32), units))
                copies.append((source, address(self._maps[-1][0]), size, 0))
            elif units.size:
                copies.append((source, address(units), size, 4 * size))
        self._copies = np.array(copies, np.int64).reshape(-1, 4)
        for _ in range(self._at_once, len(x), self._at_once):
            self._renew()

    def __call__(self) -> list[np.ndarray]:
        """A new array (samples, units) for each part, without units for one that has none of its own."""
        self._renew()
        return self._parts(self._units.copy())

    @property
    def oldest(self) -> float:
        """When the sample was renewed for which that is longest ago, as `time.monotonic` has it."""
        return float(self._times.min())

    def _parts(self, units: np.ndarray | None = None) -> list[np.ndarray]:
        units = self._units if units is None else units
        return [units[place].reshape(shape) for place, shape in self._places]

    def _renew(self) -> None:
        """The next samples; the last of a turn may be some that were just renewed."""
        program, count = self._program, self._at_once
        first = min(self._turn, len(self._x) - count)
        self._turn = (first + count) % len(self._x)
        copies = self._copies[:, :3].copy()
        copies[:, 1] += first * self._copies[:, 3]
        loops.PREDICT(
            address(program.lane_table), program.operations.shape[1], program.tile, count, address(self._x[first:]),
            program.inputs, address(copies), len(copies),
        )  # fmt: skip
        self._times[first : first + count] = time.monotonic()
        for maps, units in self._maps:
            units[first : first + count] = by_unit(maps)
