"""AveragePool2D: the mean of each window."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from engine.layers import windows
from engine.layers.base import Call, Parameters, Shape
from engine.layers.pooling import Pool2D


@dataclasses.dataclass(frozen=True)
class AveragePool2D(Pool2D):
    """The mean of each window; what lies beyond the edges is not counted."""

    block: ClassVar[str] = "average pool"

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = average_pool(x, self.window(x.shape[1:]).steps)
        return a, a

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        steps = self.window(x.shape[1:]).steps
        share = gradient / window_sum(np.ones_like(x[:1]), steps)
        wide = np.zeros_like(windows.padded(x, steps, 0.0))
        for i in range(self.pool_size):
            for j in range(self.pool_size):
                windows.seen(wide, steps, i, j)[...] += share
        return windows.cropped(wide, steps, x.shape), {}

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("average_pool", average_pool, (self.window(input_shape).steps,)),)


def window_sum(x: np.ndarray, steps: tuple[int, ...]) -> np.ndarray:
    """The sum of each window; steps: `Window.steps`."""
    wide = windows.padded(x, steps, 0.0)
    total = np.zeros_like(windows.seen(wide, steps, 0, 0))
    for i in range(steps[2]):
        for j in range(steps[2]):
            total += windows.seen(wide, steps, i, j)
    return total


def average_pool(x: np.ndarray, steps: tuple[int, ...]) -> np.ndarray:
    """The mean of each window."""
    return window_sum(x, steps) / window_sum(np.ones((1, *x.shape[1:]), dtype=x.dtype), steps)
