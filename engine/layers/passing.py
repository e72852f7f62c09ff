"""Layers that change values in training only: in prediction they pass everything on."""

from __future__ import annotations

import math

import numpy as np

from engine.layers.base import Call, Layer, Operation, Parameters, Shape


class PassingLayer(Layer):
    """Base of layers that are random in training; a kind names its compiled block and its numbers."""

    def random_block(self) -> tuple[str, tuple[float, ...]]:
        """(name, constants) of the block that acts in training."""
        raise NotImplementedError

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
        values, (block, constants) = math.prod(input_shape), self.random_block()
        return (Operation(block, values, values, constants=constants, trains_only=True),)
