"""Flatten: images become flat rows of values."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from engine.layers.base import Call, Layer, Operation, Parameters, Shape


@dataclasses.dataclass(frozen=True)
class Flatten(Layer):
    """(height, width, channels) -> (height width channels,), row by row, channels fastest. Nothing is computed."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = flat(x, math.prod(x.shape[1:]))
        return a, a

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return gradient.reshape(x.shape), {}

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("flat", flat, (math.prod(input_shape),)),)

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        return ()


def flat(x: np.ndarray, width: int) -> np.ndarray:
    return x.reshape(len(x), width)
