"""LayerNorm: every sample's units are centred and scaled by their own mean and variance."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from engine.fields import field
from engine.layers.base import Call, Layer, Operation, Parameters, Shape


@dataclasses.dataclass(frozen=True)
class LayerNorm(Layer):
    """a = gamma (x - mean) / sqrt(variance + epsilon) + beta, over the last axis; the biased variance.

    gamma, beta (units,) are learned. Ba, Kiros, Hinton 2016. The same in training and in prediction: samples are not
    mixed. Of maps every position has its own mean over the channels, as in Keras.
    """

    epsilon: float = field(
        1e-5, "float", "Epsilon", "Added to the variance: nothing is divided by 0.", above=0, maximum=1
    )

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return {"gamma": input_shape[-1:], "beta": input_shape[-1:]}

    def initial(self, input_shape: Shape, rng: np.random.Generator, gain: float) -> dict[str, np.ndarray]:
        return {"gamma": np.ones(input_shape[-1]), "beta": np.zeros(input_shape[-1])}

    def gain(self, fed: float, input_shape: Shape) -> float:
        return 1.0

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = layer_normalized(x, parameters["gamma"], parameters["beta"], x.dtype.type(self.epsilon))
        return a, a

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        scale = 1.0 / np.sqrt(x.var(axis=-1, keepdims=True) + x.dtype.type(self.epsilon))
        standard = (x - x.mean(axis=-1, keepdims=True)) * scale
        axes = tuple(range(x.ndim - 1))
        gradients = {"gamma": (gradient * standard).sum(axis=axes), "beta": gradient.sum(axis=axes)}
        along = gradient * parameters["gamma"]
        shared = along.mean(axis=-1, keepdims=True) + standard * (along * standard).mean(axis=-1, keepdims=True)
        return (along - shared) * scale, gradients

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("layer_normalized", layer_normalized, ("gamma", "beta", self.epsilon)),)

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        values = math.prod(input_shape)
        return (Operation("layer norm", values, values, ("gamma", "beta"), (self.epsilon,), units=input_shape[-1]),)


def layer_normalized(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, epsilon: float) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return gamma * (centred / np.sqrt(variance + epsilon)) + beta
