"""GLU: one half of the values is let through by the other."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from engine import activations
from engine.errors import RelumeError
from engine.fields import field
from engine.layers.base import Call, Layer, Operation, Parameters, Shape

GATES = ("sigmoid", "tanh", "relu", "gelu", "silu", "linear")


@dataclasses.dataclass(frozen=True)
class GLU(Layer):
    """a = x1 f(x2), x1 and x2 the halves of the last axis: it becomes half as wide.

    f sigmoid: GLU (Dauphin et al. 2017); relu: ReGLU, gelu: GEGLU, silu: SwiGLU, linear: bilinear (Shazeer 2020).
    """

    gate: str = field("sigmoid", "choice", "Gate", "What the second half goes through.", choices=lambda: GATES)

    def output_shape(self, input_shape: Shape) -> Shape:
        if input_shape[-1] % 2:
            raise RelumeError(
                f"GLU takes an even number of values, not {input_shape[-1]}.", "GLU",
                "Give the layer before it twice as many units as should come out.",
            )  # fmt: skip
        return *input_shape[:-1], input_shape[-1] // 2

    def gain(self, fed: float, input_shape: Shape) -> float:
        return 1.0  # no number keeps the variance of a product: it is kept where x has variance 1

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = gated(x, x.shape[-1] // 2, activations.get(self.gate).forward)
        return a, a

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        first, second = np.split(x, 2, axis=-1)
        activation = activations.get(self.gate)
        through = gradient * first * activation.derivative(second)
        return np.concatenate([gradient * activation.forward(second), through], axis=-1), {}

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        gate = Call(f"activation_{self.gate}", activations.get(self.gate).function)
        return (Call("gated", gated, (input_shape[-1] // 2, gate)),)

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        values, units = math.prod(input_shape), input_shape[-1] // 2
        return (Operation(f"gate {self.gate}", values, values // 2, units=units),)


def gated(x: np.ndarray, width: int, gate: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    return x[..., :width] * gate(x[..., width:])
