"""Dense: every unit sees every input."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from engine.errors import RelumeError
from engine.fields import field
from engine.layers.activated import activation_field, off_field, trainable_field
from engine.layers.base import Call, Operation, Shape
from engine.layers.weighted import WeightedLayer, initializer_field, l1_field, l2_field


@dataclasses.dataclass(frozen=True)
class Dense(WeightedLayer):
    """a = f(z), z = x kernel + bias; kernel (inputs, units), bias (units,)."""

    units: int = field(1, "int", "Units", "Neurons of the layer.", minimum=1, maximum=1_000_000)
    activation: Any = activation_field()
    initializer: Any = initializer_field()
    l1: float = l1_field()
    l2: float = l2_field()
    off: tuple[int, ...] = off_field()
    trainable: bool = trainable_field()

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise RelumeError(
                f"Dense takes flat inputs, not the shape {input_shape}.", "Dense", "Add a Flatten layer before it."
            )
        return (self.units,)

    def kernel_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0], self.units

    def weighted(self, input_shape: Shape) -> Call:
        return Call("affine", affine, ("kernel", "bias"))

    def weighted_backward(
        self, x: np.ndarray, gradient: np.ndarray, kernel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return gradient @ kernel.T, x.T @ gradient

    def weighted_operation(self, input_shape: Shape) -> Operation:
        return Operation("affine", input_shape[0], self.units, ("kernel", "bias"))


def affine(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return x @ kernel + bias
