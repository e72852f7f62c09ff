"""Forward passes of the same few samples over and over: only the activations are kept, in memory that is there."""

from __future__ import annotations

import itertools
import math

import numpy as np

from engine.kernels import loops
from engine.kernels.buffers import address
from engine.kernels.program import Program


class LiveForward:
    """Activations of a program's parts on `x`, float32 (samples, *input_shape), with the parameters of the moment.

    What `Program.forward` gives, but for those that have no units of their own: those are left out. For the one
    thread that trains.
    """

    def __init__(self, program: Program, x: np.ndarray) -> None:
        self._program, self._x = program, np.ascontiguousarray(x, np.float32)
        self._program.make()
        parts = program.network.spec.parts
        self._own = [part.layer.has_units for part in parts]
        shapes = [(len(x), *part.given) for part, own in zip(parts, self._own, strict=True) if own]
        ends = list(itertools.accumulate(map(math.prod, shapes), initial=0))
        self._parts = [(slice(*part), shape) for part, shape in zip(itertools.pairwise(ends), shapes, strict=True)]
        self._kept = np.empty(ends[-1], np.float32)
        sources = [a for (_, _, *a), own in zip(self._program.values[0], self._own, strict=True) if own]
        begin = address(self._kept)
        copies = [(source, begin + 4 * start, width) for (source, width), start in zip(sources, ends, strict=False)]
        self._copies = np.array(copies, np.int64).reshape(-1, 3)

    def __call__(self) -> list[np.ndarray | None]:
        """A new array (samples, *shape) for each part, None for one without units."""
        program = self._program
        loops.PREDICT(
            address(program.lane_table), program.operations.shape[1], program.tile, len(self._x), address(self._x),
            program.inputs, address(self._copies), len(self._copies),
        )  # fmt: skip
        kept = self._kept.copy()
        arrays = (kept[part].reshape(shape) for part, shape in self._parts)
        return [next(arrays) if own else None for own in self._own]
