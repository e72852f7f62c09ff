"""BatchNorm: every channel is centred and scaled by what the batch measures."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from engine.fields import field
from engine.layers.base import Call, Layer, Operation, Parameters, Shape


@dataclasses.dataclass(frozen=True)
class BatchNorm(Layer):
    """a = gamma (x - mean) / sqrt(variance + epsilon) + beta; a channel is an index of the last axis.

    In training mean and (biased) variance are the batch's, over samples and places; every step moves
    moving = momentum moving + (1 - momentum) batch, there with the unbiased variance (a single value has variance 0).
    Prediction uses the moving ones. gamma, beta, moving_mean, moving_variance (channels,).

    Source: Ioffe and Szegedy 2015, Batch normalization, arXiv:1502.03167.
    """

    momentum: float = field(
        0.9, "float", "Momentum", "Share of the moving mean and variance that a step keeps.", minimum=0, below=1
    )
    epsilon: float = field(
        1e-5, "float", "Epsilon", "Added to the variance: nothing is divided by 0.", above=0, maximum=1
    )

    @property
    def measured(self) -> tuple[str, ...]:
        return "moving_mean", "moving_variance"

    def output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        return {name: input_shape[-1:] for name in ("gamma", "beta", *self.measured)}

    def initial(self, input_shape: Shape, rng: np.random.Generator, gain: float) -> dict[str, np.ndarray]:
        zeros, ones = np.zeros(input_shape[-1]), np.ones(input_shape[-1])
        return {"gamma": ones, "beta": zeros, "moving_mean": zeros, "moving_variance": ones}

    def gain(self, fed: float, input_shape: Shape) -> float:
        return 1.0

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        mean, variance = parameters["moving_mean"], parameters["moving_variance"]
        if by_batch:
            mean, variance = _mean(x), _variance(x)
        a = normalized(x, parameters["gamma"], parameters["beta"], mean, variance, x.dtype.type(self.epsilon))
        return a, a

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        scale = 1.0 / np.sqrt(_variance(x) + x.dtype.type(self.epsilon))
        standard = (x - _mean(x)) * scale
        along = gradient - _mean(gradient) - standard * _mean(gradient * standard)
        gradients = {"gamma": _flat(gradient * standard).sum(axis=0), "beta": _flat(gradient).sum(axis=0)}
        return parameters["gamma"] * scale * along, gradients

    def moved(self, x: np.ndarray, parameters: Parameters) -> dict[str, np.ndarray]:
        """The moving mean and variance after a training step that is fed x."""
        count = _flat(x).shape[0]
        measured = {"moving_mean": _mean(x), "moving_variance": _variance(x) * count / max(count - 1, 1)}
        return {
            name: self.momentum * parameters[name] + (1.0 - self.momentum) * value for name, value in measured.items()
        }

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("normalized", normalized, ("gamma", "beta", *self.measured, self.epsilon)),)

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        values, block = math.prod(input_shape), "batch norm" if by_batch else "moving norm"
        parameters, constants = ("gamma", "beta", *self.measured), (self.momentum, self.epsilon)
        return (Operation(block, values, values, parameters, constants, units=input_shape[-1]),)


def normalized(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, mean: np.ndarray, variance: np.ndarray, epsilon: float
) -> np.ndarray:
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def _flat(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, x.shape[-1])


def _mean(x: np.ndarray) -> np.ndarray:
    return _flat(x).mean(axis=0)


def _variance(x: np.ndarray) -> np.ndarray:
    return _flat(x).var(axis=0)
