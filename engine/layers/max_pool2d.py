"""MaxPool2D: the largest value of each window."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from engine.layers import windows
from engine.layers.base import Call, Parameters, Shape
from engine.layers.pooling import Pool2D


@dataclasses.dataclass(frozen=True)
class MaxPool2D(Pool2D):
    """The largest value of each window; beyond the edges there is none.

    The gradient goes to the largest value; of equal ones to the first, row by row.
    """

    block: ClassVar[str] = "max pool"

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = max_pool(x, self.window(x.shape[1:]).steps)
        return a, a

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        steps = self.window(x.shape[1:]).steps
        wide = windows.padded(x, steps, -np.inf)
        wide_gradient, found = np.zeros_like(wide), np.zeros(a.shape, dtype=bool)
        for i in range(self.pool_size):
            for j in range(self.pool_size):
                first = (windows.seen(wide, steps, i, j) == a) & ~found
                found |= first
                windows.seen(wide_gradient, steps, i, j)[...] += np.where(first, gradient, 0.0)
        return windows.cropped(wide_gradient, steps, x.shape), {}

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("max_pool", max_pool, (self.window(input_shape).steps,)),)


def max_pool(x: np.ndarray, steps: tuple[int, ...]) -> np.ndarray:
    """The largest value of each window; steps: `Window.steps`."""
    wide = windows.padded(x, steps, -np.inf)
    largest = windows.seen(wide, steps, 0, 0)
    for i in range(steps[2]):
        for j in range(steps[2]):
            largest = np.maximum(largest, windows.seen(wide, steps, i, j))
    return largest
