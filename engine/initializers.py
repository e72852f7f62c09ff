"""Initial kernels: one record each. Only "truncated_normal" is truncated; biases start at 0 but for "asymmetric"."""

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

    Attributes:
        with_bias: draws (fan_in + 1, units) instead; the last row is the bias.
        by_samples: when training begins, kernels are scaled by what the samples make of them (`engine.lsuv`).
        signed: options may be negative.
    """

    name: str
    title: str
    formula: str
    draw: Callable[..., np.ndarray]
    advice: str
    options: tuple[tuple[str, float], ...] = ()
    with_bias: bool = False
    by_samples: bool = False
    signed: bool = False

    def values(self, options: Mapping[str, float]) -> dict[str, float]:
        """Option values, defaults filled in. Raises RelumeError for unknown names and negative numbers."""
        for name, value in options.items():
            if name not in dict(self.options):
                known = ", ".join(key for key, _ in self.options) or "none"
                raise RelumeError(f"{self.name} has no option {name!r}.", fix=f"Options: {known}.")
            if value < 0 and not self.signed:
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
    return draw_with_bias(value, rng, shape, gain)[0]


def draw_with_bias(
    value: str | NamedOptions, rng: np.random.Generator, shape: Shape, gain: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """A float64 kernel of the given shape, and the bias (units,)."""
    record = get(name_of(value))
    drawn = record.draw(rng, shape, gain, **record.values(options_of(value)))
    if not record.with_bias:
        return drawn, np.zeros(shape[-1])
    return drawn[:-1].reshape(shape), drawn[-1]


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


def _truncated(rng: np.random.Generator, shape: Shape, std: float) -> np.ndarray:
    values = rng.standard_normal(shape)
    while (far := np.abs(values) > 2.0).any():
        values[far] = rng.standard_normal(int(far.sum()))
    return values * std


def _identity(shape: Shape, scale: float) -> np.ndarray:
    kernel = np.zeros(shape)
    middle = tuple(extent // 2 for extent in shape[:-2])
    kernel[middle] = scale * np.eye(shape[-2], shape[-1])
    return kernel


def _asymmetric(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    inputs, units = fan_in(shape), shape[-1]
    drawn = rng.standard_normal((inputs + 1, units)) * (0.6007 / math.sqrt(inputs))
    drawn[rng.integers(0, inputs + 1, units), np.arange(units)] = rng.beta(2.0, 1.0, units)
    return drawn


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
_ADD(Initializer(
    "truncated_normal", "Truncated normal", "normal, std 0.05, drawn again beyond 2 std",
    lambda rng, shape, gain, std: _truncated(rng, shape, std),
    "No weight begins far out.", (("std", 0.05),),
))  # fmt: skip
_ADD(Initializer(
    "constant", "Constant", "every weight the same", lambda rng, shape, gain, value: np.full(shape, value),
    "For a lesson: all units stay the same.", (("value", 0.1),), signed=True,
))  # fmt: skip
_ADD(Initializer(
    "identity", "Identity", "scale where input and unit have the same number (the middle of a window), else 0",
    lambda rng, shape, gain, scale: _identity(shape, scale),
    "Hands its inputs on; for layers of one width.", (("scale", 1.0),), signed=True,
))  # fmt: skip
_ADD(Initializer(
    "lsuv", "LSUV", "orthogonal, then divided by the std of z over training samples, layer after layer",
    lambda rng, shape, gain: _orthogonal(rng, shape, 1.0),
    "Unit variance whatever the activation, by measuring it.", by_samples=True,
))  # fmt: skip
_ADD(Initializer(
    "asymmetric", "Asymmetric (RAI)",
    "normal, std 0.6007 / sqrt(fan_in), one of each unit (or its bias) from Beta(2, 1)",
    lambda rng, shape, gain: _asymmetric(rng, shape),
    "Fewer ReLU networks are born dead.", with_bias=True,
))  # fmt: skip
