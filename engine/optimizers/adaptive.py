"""A step size for each weight, from the squares of its gradients."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

from engine import maths
from engine.fields import field
from engine.maths import Numbers
from engine.optimizers.base import Optimizer, epsilon, fraction, rate


def _rmsprop(w: Numbers, g: Numbers, s: Numbers, c: Any) -> Any:
    s = c[1] * s + c[2] * g * g
    return w - c[0] * g / (maths.sqrt(s) + c[3]), s


def _rmsprop_momentum(w: Numbers, g: Numbers, s: Numbers, v: Numbers, c: Any) -> Any:
    s = c[1] * s + c[2] * g * g
    v = c[4] * v + g / (maths.sqrt(s) + c[3])
    return w - c[0] * v, s, v


def _rmsprop_coefficients(t: Numbers, learning_rate: Numbers, rho: Numbers, momentum: Numbers, epsilon: Numbers) -> Any:
    return learning_rate, rho, 1.0 - rho, epsilon, momentum


@dataclasses.dataclass(frozen=True)
class RMSprop(Optimizer):
    """s = rho s + (1 - rho) g^2; w -= learning_rate g / (sqrt(s) + epsilon)."""

    learning_rate: float = rate(0.01)
    rho: float = fraction(0.99, "Rho", "How long squared gradients are remembered.")
    momentum: float = fraction(0.0, "Momentum", "Share of the last step that goes on.")
    epsilon: float = epsilon(1e-8)

    coefficients: ClassVar[Callable[..., Any]] = _rmsprop_coefficients

    @property
    def slots(self) -> tuple[str, ...]:
        return ("square", "velocity") if self.momentum else ("square",)

    @property
    def rule(self) -> Callable[..., Any]:
        return _rmsprop_momentum if self.momentum else _rmsprop


def _adagrad(w: Numbers, g: Numbers, s: Numbers, c: Any) -> Any:
    s = s + g * g
    return w - c[0] * g / (maths.sqrt(s) + c[1]), s


def _adagrad_coefficients(t: Numbers, learning_rate: Numbers, start: Numbers, epsilon: Numbers) -> Any:
    return learning_rate, epsilon


@dataclasses.dataclass(frozen=True)
class Adagrad(Optimizer):
    """s += g^2; w -= learning_rate g / (sqrt(s) + epsilon)."""

    learning_rate: float = rate(0.01)
    initial_accumulator_value: float = field(
        0.0, "float", "Initial sum", "What the sum of squares starts with.", minimum=0, maximum=1e6
    )
    epsilon: float = epsilon(1e-10)

    coefficients: ClassVar[Callable[..., Any]] = _adagrad_coefficients

    @property
    def slots(self) -> tuple[str, ...]:
        return ("sum",)

    @property
    def rule(self) -> Callable[..., Any]:
        return _adagrad

    def initial(self, slot: str) -> float:
        return self.initial_accumulator_value


def _adadelta(w: Numbers, g: Numbers, s: Numbers, d: Numbers, c: Any) -> Any:
    s = c[1] * s + c[2] * g * g
    step = maths.sqrt(d + c[3]) / maths.sqrt(s + c[3]) * g
    return w - c[0] * step, s, c[1] * d + c[2] * step * step


def _adadelta_coefficients(t: Numbers, learning_rate: Numbers, rho: Numbers, epsilon: Numbers) -> Any:
    return learning_rate, rho, 1.0 - rho, epsilon


@dataclasses.dataclass(frozen=True)
class Adadelta(Optimizer):
    """s, d: running means of g^2 and of squared steps; step = sqrt(d + epsilon) / sqrt(s + epsilon) g.

    Zeiler 2012, arXiv 1212.5701."""

    learning_rate: float = rate(1.0)
    rho: float = fraction(0.9, "Rho", "How long squared gradients and steps are remembered.")
    epsilon: float = epsilon(1e-6)

    coefficients: ClassVar[Callable[..., Any]] = _adadelta_coefficients

    @property
    def slots(self) -> tuple[str, ...]:
        return ("square", "step")

    @property
    def rule(self) -> Callable[..., Any]:
        return _adadelta
