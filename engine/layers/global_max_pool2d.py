"""GlobalMaxPool2D: the largest value of each map."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

import numpy as np

from engine.layers.base import Call, Parameters, Shape
from engine.layers.pooling import GlobalPool2D


@dataclasses.dataclass(frozen=True)
class GlobalMaxPool2D(GlobalPool2D):
    """The largest value of each map: as many values as channels, whatever the size of the map.

    The gradient goes to the largest value; of equal ones to the first, row by row.
    """

    block: ClassVar[str] = "max pool"

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = global_max(x)
        return a, a

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        maps = x.reshape(len(x), -1, x.shape[-1])
        given = np.zeros_like(maps)
        np.put_along_axis(given, maps.argmax(axis=1)[:, None, :], gradient[:, None, :], axis=1)
        return given.reshape(x.shape), {}

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("global_max", global_max),)


def global_max(x: np.ndarray) -> np.ndarray:
    """The largest value of each map."""
    return x.max(axis=(1, 2))
