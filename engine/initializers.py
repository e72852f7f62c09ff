"""Initial kernels: one record each. Nothing is truncated; biases start at 0."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping

import numpy as np

from engine.errors import RelumeError
from engine.fields import NamedOptions, name_of, options_of
from engine.registry import Registry

Shape = tuple[int, ...]


@dataclasses.dataclass(frozen=True, eq=False)
class Initializer:
    """`draw(rng, shape, gain, **options)` gives a float64 kernel; the last axis of the shape is the units.

    `gain` is the gain of the activation that feeds the layer; only "auto" uses it.
    """

    name: str
    title: str
    formula: str
    draw: Callable[..., np.ndarray]
    advice: str
    options: tuple[tuple[str, float], ...] = ()

    def values(self, options: Mapping[str, float]) -> dict[str, float]:
        """Option values, defaults filled in. Raises RelumeError for unknown names and negative numbers."""
        for name, value in options.items():
            if name not in dict(self.options):
                known = ", ".join(key for key, _ in self.options) or "none"
                raise RelumeError(f"{self.name} has no option {name!r}.", fix=f"Options: {known}.")
            if value < 0:
                raise RelumeError(f"{name} of {self.name} must not be negative, not {value!r}.")
        return {**dict(self.options), **options}


INITIALIZERS: Registry[Initializer] = Registry("initializer")


def names() -> tuple[str, ...]:
    """Every initializer, in the order of the menus."""
    return INITIALIZERS.names()


def get(name: str) -> Initializer:
    """The initializer called `name`. Raises RelumeError for an unknown name."""
    return INITIALIZERS.get(name)


def draw(value: str | NamedOptions, rng: np.random.Generator, shape: Shape, gain: float = 1.0) -> np.ndarray:
    """A float64 kernel of the given shape by the initializer that a layer names."""
    record = get(name_of(value))
    return record.draw(rng, shape, gain, **record.values(options_of(value)))


def fan_in(shape: Shape) -> int:
    """Inputs of one unit."""
    return math.prod(shape[:-1])


def fan_out(shape: Shape) -> int:
    """Units that one input feeds."""
    return math.prod(shape[:-2]) * shape[-1]


def _normal(rng: np.random.Generator, shape: Shape, std: float) -> np.ndarray:
    return rng.standard_normal(shape) * std


def _uniform(rng: np.random.Generator, shape: Shape, limit: float) -> np.ndarray:
    return rng.uniform(-1.0, 1.0, shape) * limit


def _orthogonal(rng: np.random.Generator, shape: Shape, scale: float) -> np.ndarray:
    rows, columns = fan_in(shape), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.where(np.diagonal(r) < 0, -1.0, 1.0)
    return scale * (q if rows >= columns else q.T).reshape(shape)


_ADD = INITIALIZERS.add
_ADD(Initializer(
    "auto", "Auto", "normal, std gain / sqrt(fan_in), gain of the activation that feeds the layer",
    lambda rng, shape, gain: _normal(rng, shape, gain / math.sqrt(fan_in(shape))),
    "Keeps the variance from layer to layer, whatever the activation.",
))  # fmt: skip
_ADD(Initializer(
    "zeros", "Zeros", "0", lambda rng, shape, gain: np.zeros(shape), "For a lesson: all units stay the same.",
))  # fmt: skip
_ADD(Initializer(
    "normal", "Normal", "normal, std 0.05", lambda rng, shape, gain, std: _normal(rng, shape, std),
    "One width for all layers; right for none in particular.", (("std", 0.05),),
))  # fmt: skip
_ADD(Initializer(
    "uniform", "Uniform", "uniform, -0.05 to 0.05", lambda rng, shape, gain, limit: _uniform(rng, shape, limit),
    "One width for all layers; right for none in particular.", (("limit", 0.05),),
))  # fmt: skip
_ADD(Initializer(
    "glorot_normal", "Glorot normal", "normal, std sqrt(2 / (fan_in + fan_out))",
    lambda rng, shape, gain: _normal(rng, shape, math.sqrt(2.0 / (fan_in(shape) + fan_out(shape)))),
    "Made for tanh and other zero-centred activations.",
))  # fmt: skip
_ADD(Initializer(
    "glorot_uniform", "Glorot uniform", "uniform, limit sqrt(6 / (fan_in + fan_out))",
    lambda rng, shape, gain: _uniform(rng, shape, math.sqrt(6.0 / (fan_in(shape) + fan_out(shape)))),
    "Made for tanh and other zero-centred activations.",
))  # fmt: skip
_ADD(Initializer(
    "he_normal", "He normal", "normal, std sqrt(2 / fan_in)",
    lambda rng, shape, gain: _normal(rng, shape, math.sqrt(2.0 / fan_in(shape))), "Made for ReLU.",
))  # fmt: skip
_ADD(Initializer(
    "he_uniform", "He uniform", "uniform, limit sqrt(6 / fan_in)",
    lambda rng, shape, gain: _uniform(rng, shape, math.sqrt(6.0 / fan_in(shape))), "Made for ReLU.",
))  # fmt: skip
_ADD(Initializer(
    "lecun_normal", "LeCun normal", "normal, std sqrt(1 / fan_in)",
    lambda rng, shape, gain: _normal(rng, shape, math.sqrt(1.0 / fan_in(shape))), "Made for SELU.",
))  # fmt: skip
_ADD(Initializer(
    "lecun_uniform", "LeCun uniform", "uniform, limit sqrt(3 / fan_in)",
    lambda rng, shape, gain: _uniform(rng, shape, math.sqrt(3.0 / fan_in(shape))), "Made for SELU.",
))  # fmt: skip
_ADD(Initializer(
    "orthogonal", "Orthogonal", "orthonormal columns (or rows) times scale",
    lambda rng, shape, gain, scale: _orthogonal(rng, shape, scale),
    "Keeps lengths exactly; good for deep networks.", (("scale", 1.0),),
))  # fmt: skip
