"""Activation: a function of every value, as a layer of its own."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from engine.layers.activated import ActivatedLayer, activation_field, off_field, trainable_field, without
from engine.layers.base import Call, Operation, Parameters, Shape


@dataclasses.dataclass(frozen=True)
class Activation(ActivatedLayer):
    """a = f(z), z what it is fed: for what stands between the weights and the activation, as batch norm does."""

    activation: Any = activation_field("relu")
    off: tuple[int, ...] = off_field()
    trainable: bool = trainable_field()

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        return x, without(self.activated(x, parameters), self.switched_off(x.shape[1:]))

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return self.activation_backward(z, a, gradient, parameters, self.switched_off(x.shape[1:]))

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return self.activation_calls(self.switched_off(input_shape))

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        off = self.switched_off(input_shape)
        operations = self.activation_operations(math.prod(input_shape), input_shape[-1], off)
        always = next((i for i, operation in enumerate(operations) if not operation.trains_only), len(operations))
        return tuple(dataclasses.replace(each, fed_z=i <= always) for i, each in enumerate(operations))
