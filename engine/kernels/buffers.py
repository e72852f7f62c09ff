"""Memory that compiled code knows by its address."""

from __future__ import annotations

import math

import numpy as np

from engine.kernels.elementwise import STRIDE


class Buffers:
    """Keeps memory alive that programs know by address; each starts at a cache line.

    Loops over floats may run on to the end of their last stride, so that there is room for it.
    """

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []

    def floats(self, *shape: int) -> np.ndarray:
        """Zeroed float32 memory."""
        return self._aligned(np.dtype(np.float32), shape)

    def doubles(self, *shape: int) -> np.ndarray:
        """Zeroed float64 memory."""
        return self._aligned(np.dtype(np.float64), shape)

    def _aligned(self, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        size = math.prod(shape) * dtype.itemsize
        raw = np.zeros(size + 64 + 4 * STRIDE, dtype=np.uint8)
        self._kept.append(raw)
        start = -raw.ctypes.data % 64
        return raw[start : start + size].view(dtype).reshape(shape)

    def words(self, values: np.ndarray) -> np.ndarray:
        """A copy of int64 words."""
        target = self._aligned(np.dtype(np.int64), values.shape)
        target[...] = values
        return target


def address(array: np.ndarray) -> int:
    """As `array.ctypes.data`, which costs an import each time: that counts in calls of 100 µs."""
    return array.__array_interface__["data"][0]
