"""Softmax: the values of every sample, or position, as shares of 1."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from engine.layers.base import Call, Layer, Operation, Parameters, Shape


@dataclasses.dataclass(frozen=True)
class Softmax(Layer):
    """a_i = exp(z_i) / sum_j exp(z_j) over the last axis, z what it is fed; rows sum to 1.

    The slope is a matrix, da_i/dz_j = a_i (delta_ij - a_j), so that it is a layer and no activation. The losses with
    "softmax" in their name take the scores before it, and apply it themselves.
    """

    @property
    def has_units(self) -> bool:
        return True

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def gain(self, fed: float, input_shape: Shape) -> float:
        return 1.0

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        return x, shares(x)

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return a * (gradient - (a * gradient).sum(axis=-1, keepdims=True)), {}

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("shares", shares),)

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        values = math.prod(input_shape)
        return (Operation("softmax", values, values, units=input_shape[-1], fed_z=True),)


def shares(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)
