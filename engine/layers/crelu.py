"""CReLU: both sides of every value, each through a ReLU."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from engine.layers.base import Call, Layer, Operation, Parameters, Shape


@dataclasses.dataclass(frozen=True)
class CReLU(Layer):
    """a = [max(0, x), max(0, -x)]: the last axis becomes twice as wide. Shang et al. 2016."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return *input_shape[:-1], 2 * input_shape[-1]

    def gain(self, fed: float, input_shape: Shape) -> float:
        return math.sqrt(2.0)  # half of what it gives is 0, as after a ReLU

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = both_sides(x)
        return a, a

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        units = x.shape[-1]
        return gradient[..., :units] * (x > 0) - gradient[..., units:] * (x < 0), {}

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("both_sides", both_sides),)

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        values = math.prod(input_shape)
        return (Operation("crelu", values, 2 * values, units=2 * input_shape[-1]),)


def both_sides(x: np.ndarray) -> np.ndarray:
    return np.concatenate([np.maximum(x, 0.0), np.maximum(-x, 0.0)], axis=-1)
