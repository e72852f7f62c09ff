"""How the vector of parameters is dealt out when a step is taken: shares for threads, of pieces that stay near."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.kernels import layout as at

PIECE = 49_152  # numbers of a deferred kernel's gradient that are made and used at once: they stay near
FEWEST_ROWS = 24  # of such a piece: fewer make a slow product


class Kernel(NamedTuple):
    """A deferred kernel: its operation, where it begins in the vector, its inputs and units."""

    operation: int
    begin: int
    inputs: int
    units: int

    @property
    def end(self) -> int:
        return self.begin + self.inputs * self.units


def piece_numbers(kernels: Sequence[Kernel]) -> int:
    """Numbers of the largest piece of a deferred kernel."""
    return max((min(kernel.inputs, _rows(kernel)) * kernel.units for kernel in kernels), default=0)


def dealt_out(numbers: int, count: int, tensors: np.ndarray, kernels: Sequence[Kernel]) -> list[np.ndarray]:
    """The pieces of every share, int64 (pieces, at.PIECE_WORDS).

    Shares are about alike, and no row of a deferred kernel is in two of them. Without deferred kernels a share is one
    piece. Args: `tensors`: rows of (begin, end, ...).
    """
    share = -(-numbers // (64 * count)) * 64
    ends = [_whole_row(min(numbers, (k + 1) * share), kernels) for k in range(count)]
    begins = [0, *ends[:-1]]
    return [
        np.array(_pieces(begin, end, tensors, kernels), dtype=np.int64).reshape(-1, at.PIECE_WORDS)
        for begin, end in zip(begins, ends, strict=True)
    ]


def _rows(kernel: Kernel) -> int:
    return max(FEWEST_ROWS, PIECE // kernel.units)


def _whole_row(place: int, kernels: Sequence[Kernel]) -> int:
    for kernel in kernels:
        if kernel.begin < place < kernel.end:
            return kernel.begin + (place - kernel.begin) // kernel.units * kernel.units
    return place


def _pieces(begin: int, end: int, tensors: np.ndarray, kernels: Sequence[Kernel]) -> list[tuple[int, ...]]:
    if not kernels:
        return [(begin, end, -1, -1, 0, 0)]
    pieces: list[tuple[int, ...]] = []
    deferred = {kernel.begin: kernel for kernel in kernels}
    assert len(deferred) == len(kernels), "a kernel belongs to one operation"
    for number, (start, stop) in enumerate(tensors[:, :2].tolist()):
        low, high = max(begin, start), min(end, stop)
        kernel = deferred.get(start)
        if low >= high:
            continue
        if kernel is None:
            pieces.append((low, high, number, -1, 0, 0))
            continue
        units = kernel.units
        for row in range((low - start) // units, (high - start) // units, _rows(kernel)):
            rows = min(_rows(kernel), (high - start) // units - row)
            first = start + row * units
            pieces.append((first, first + rows * units, number, kernel.operation, row, rows))
    return pieces
