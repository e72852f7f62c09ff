"""Maxout: every unit gives the largest of several weighted sums."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np

from engine import initializers, maths
from engine.activations.base import normal_mean
from engine.errors import RelumeError
from engine.fields import field
from engine.layers.activated import off_field, trainable_field, without
from engine.layers.base import Call, Operation, Parameters, Shape
from engine.layers.weighted import WeightedLayer, initializer_field, l1_field, l2_field


@dataclasses.dataclass(frozen=True)
class Maxout(WeightedLayer):
    """a_u = max over j of (x kernel_ju + bias_ju); kernel (inputs, pieces, units), bias (pieces, units).

    A unit learns its own convex activation, of straight pieces: relu, leaky relu and abs are among what two pieces can
    be. Of equal pieces the first gets the gradient. Every piece is drawn as a Dense kernel.

    Source: Goodfellow et al. 2013, Maxout networks, arXiv:1302.4389.
    """

    units: int = field(1, "int", "Units", "Neurons of the layer.", minimum=1, maximum=1_000_000)
    pieces: int = field(2, "int", "Pieces", "Weighted sums of which a unit gives the largest.", minimum=1, maximum=1000)
    initializer: Any = initializer_field()
    l1: float = l1_field()
    l2: float = l2_field()
    off: tuple[int, ...] = off_field()
    trainable: bool = trainable_field()
    activation = "linear"  # the pieces are all that there is

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise RelumeError(
                f"Maxout takes flat inputs, not the shape {input_shape}.", "Maxout", "Add a Flatten layer before it."
            )
        return (self.units,)

    def kernel_shape(self, input_shape: Shape) -> Shape:
        return input_shape[0], self.pieces, self.units

    def window_axes(self, parameter: Shape) -> int:
        return 0

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        kernel = self.kernel_shape(input_shape)
        return {"kernel": kernel, "bias": kernel[1:]}

    def initial(self, input_shape: Shape, rng: np.random.Generator, gain: float) -> dict[str, np.ndarray]:
        shape = input_shape[0], self.units
        drawn = [initializers.draw_with_bias(self.initializer, rng, shape, gain) for _ in range(self.pieces)]
        kernels, biases = zip(*drawn, strict=True)
        return {"kernel": np.stack(kernels, axis=1), "bias": np.stack(biases)}

    def gain(self, fed: float, input_shape: Shape) -> float:
        """1 / sqrt(E m^2), m the largest of so many standard normal numbers: E m^2 is 1 for one and for two of them."""
        return _gain(self.pieces)

    def weighted(self, input_shape: Shape) -> Call:
        return Call("maxout", maxout, ("kernel", "bias"))

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        kernel, bias = parameters["kernel"], parameters["bias"]
        winner = pieces_of(x, kernel, bias).argmax(axis=1)
        gradient = without(gradient, self.switched_off(x.shape[1:]))
        routed = gradient[:, None, :] * (winner[:, None, :] == np.arange(self.pieces)[:, None])
        gradients = {"kernel": np.einsum("ni,npu->ipu", x, routed), "bias": routed.sum(axis=0)}
        return np.einsum("npu,ipu->ni", routed, kernel), gradients

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        sums, off = self.pieces * self.units, self.switched_off(input_shape)
        return (
            Operation("affine", input_shape[0], sums, ("kernel", "bias"), prepares=True),
            Operation("max of pieces", sums, self.units),
            *self.activation_operations(self.units, self.units, off),
        )


def pieces_of(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The weighted sums, (samples, pieces, units)."""
    sums = x @ kernel.reshape(len(kernel), -1) + bias.reshape(-1)
    return sums.reshape(len(x), *bias.shape)


def maxout(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return pieces_of(x, kernel, bias).max(axis=1)


@functools.lru_cache(maxsize=64)
def _gain(pieces: int) -> float:
    square = pieces * normal_mean(lambda z: z * z * maths.normal_cdf(z) ** (pieces - 1))
    return float(1.0 / np.sqrt(square))
