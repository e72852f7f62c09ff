"""GlobalAveragePool2D: the mean of each map."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from engine.layers.base import Call, Parameters, Shape
from engine.layers.pooling import GlobalPool2D


@dataclasses.dataclass(frozen=True)
class GlobalAveragePool2D(GlobalPool2D):
    """The mean of each map: as many values as channels, whatever the size of the map."""

    block: ClassVar[str] = "average pool"

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = global_average(x)
        return a, a

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        height, width = x.shape[1:3]
        return np.broadcast_to(gradient[:, None, None, :] / (height * width), x.shape).astype(gradient.dtype), {}

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("global_average", global_average),)


def global_average(x: np.ndarray) -> np.ndarray:
    """The mean of each map."""
    return x.mean(axis=(1, 2))
