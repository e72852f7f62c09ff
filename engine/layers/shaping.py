"""Layers that give the same values another shape."""

from __future__ import annotations

import numpy as np

from engine.layers.base import Call, Layer, Operation, Parameters, Shape


class ShapingLayer(Layer):
    """Base of layers that compute nothing; a kind says by `output_shape` what the shape becomes."""

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = shaped(x, self.output_shape(x.shape[1:]))
        return a, a

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return gradient.reshape(x.shape), {}

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("shaped", shaped, (self.output_shape(input_shape),)),)

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        return ()


def shaped(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return x.reshape((len(x), *shape))
