"""Dropout: in training, switches a random share of the values off; otherwise passes them on."""

from __future__ import annotations

import dataclasses

import numpy as np

from engine.fields import field
from engine.layers.base import Call, Layer, Operation, Parameters, Shape


@dataclasses.dataclass(frozen=True)
class Dropout(Layer):
    """Each value is 0 with probability `rate`; the kept ones are divided by 1 - rate. Training only."""

    rate: float = field(0.5, "float", "Rate", "Share of the values that are switched off.", minimum=0, below=1)

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        return x, x

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return gradient, {}

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return ()

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        values = int(np.prod(input_shape))
        return (Operation("dropout", values, values, constants=(self.rate, 1.0 / (1.0 - self.rate)), trains_only=True),)
