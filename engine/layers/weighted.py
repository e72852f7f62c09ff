"""What layers with weights and an activation have in common: a = f(z), z a weighted sum + bias."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import initializers
from engine.fields import field
from engine.layers.activated import ActivatedLayer, per_unit, without
from engine.layers.base import Call, Operation, Parameters, Shape


def initializer_field() -> Any:
    return field("auto", "named", "Initializer", "How the kernel starts.", choices=lambda: initializers.names())


def l1_field() -> Any:
    return field(0.0, "float", "L1", "Penalty on the size of kernel weights.", minimum=0, maximum=1e6)


def l2_field() -> Any:
    return field(0.0, "float", "L2", "Penalty on the squares of kernel weights.", minimum=0, maximum=1e6)


class WeightedLayer(ActivatedLayer):
    """Base of layers with a kernel (..., inputs, units) and a bias (units,).

    A kind declares these fields after its own, and says how z comes from x.
    """

    initializer: Any
    l1: float
    l2: float

    def __post_init__(self) -> None:
        super().__post_init__()
        self.check_named("initializer", initializers)

    @property
    def has_kernel(self) -> bool:
        return True

    # ---- what a kind says ---------------------------------------------------------------------

    def kernel_shape(self, input_shape: Shape) -> Shape:
        """(..., inputs, units)"""
        raise NotImplementedError

    def weighted(self, input_shape: Shape) -> Call:
        """z from x, kernel and bias."""
        raise NotImplementedError

    def weighted_backward(
        self, x: np.ndarray, gradient: np.ndarray, kernel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """(gradient of x, gradient of the kernel) from the gradient of z."""
        raise NotImplementedError

    def weighted_operation(self, input_shape: Shape) -> Operation:
        """The compiled block that gives z."""
        raise NotImplementedError

    # ---- what follows -------------------------------------------------------------------------

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel = self.kernel_shape(input_shape)
        return {"kernel": kernel, "bias": kernel[-1:], **super().parameter_shapes(input_shape)}

    def initial(self, input_shape: Shape, rng: np.random.Generator, gain: float) -> dict[str, np.ndarray]:
        kernel, bias = initializers.draw_with_bias(self.initializer, rng, self.kernel_shape(input_shape), gain)
        return {"kernel": kernel, "bias": bias, **super().initial(input_shape, rng, gain)}

    def penalties(self) -> dict[str, tuple[float, float]]:
        return {"kernel": (self.l1, self.l2)} if self.l1 or self.l2 else {}

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        z = self.weighted(x.shape[1:])(x, parameters)
        return z, without(self.activated(z, parameters), self.switched_off(x.shape[1:]))

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        off = self.switched_off(x.shape[1:])
        gradient, gradients = self.activation_backward(z, a, gradient, parameters, off)
        gradients["bias"] = per_unit(gradient)
        before, gradients["kernel"] = self.weighted_backward(x, gradient, parameters["kernel"])
        return before, gradients

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return self.weighted(input_shape), *self.activation_calls(self.switched_off(input_shape))

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        summing, units = self.weighted_operation(input_shape), self.kernel_shape(input_shape)[-1]
        return summing, *self.activation_operations(summing.outputs, units, self.switched_off(input_shape))
