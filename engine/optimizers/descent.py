"""Gradient descent: one step size for all weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

from engine import maths
from engine.fields import field
from engine.maths import Numbers
from engine.optimizers.base import Optimizer, fraction, rate


def _sgd(w: Numbers, g: Numbers, c: Any) -> Any:
    return (w - c[0] * g,)


def _momentum(w: Numbers, g: Numbers, v: Numbers, c: Any) -> Any:
    v = c[1] * v + g
    return w - c[0] * v, v


def _nesterov(w: Numbers, g: Numbers, v: Numbers, c: Any) -> Any:
    v = c[1] * v + g
    return w - c[0] * (g + c[1] * v), v


def _sgd_coefficients(t: Numbers, learning_rate: Numbers, momentum: Numbers, nesterov: Numbers) -> Any:
    return learning_rate, momentum


@dataclasses.dataclass(frozen=True)
class SGD(Optimizer):
    """v = momentum v + g; w -= learning_rate v (Nesterov: g + momentum v in place of v)."""

    momentum: float = fraction(0.0, "Momentum", "Share of the last step that goes on.")
    nesterov: bool = field(False, "flag", "Nesterov", "Looks ahead along the momentum.")

    coefficients: ClassVar[Callable[..., Any]] = _sgd_coefficients

    @property
    def slots(self) -> tuple[str, ...]:
        return ("velocity",) if self.momentum else ()

    @property
    def rule(self) -> Callable[..., Any]:
        if not self.momentum:
            return _sgd
        return _nesterov if self.nesterov else _momentum


def _lion(w: Numbers, g: Numbers, m: Numbers, c: Any) -> Any:
    return w * c[4] - c[0] * maths.sign(c[1] * m + (1.0 - c[1]) * g), c[2] * m + c[3] * g


def _lion_coefficients(t: Numbers, learning_rate: Numbers, beta_1: Numbers, beta_2: Numbers, decay: Numbers) -> Any:
    return learning_rate, beta_1, beta_2, 1.0 - beta_2, 1.0 - learning_rate * decay


@dataclasses.dataclass(frozen=True)
class Lion(Optimizer):
    """w -= learning_rate (sign(beta_1 m + (1 - beta_1) g) + weight_decay w), then m = beta_2 m + (1 - beta_2) g.

    Chen et al. 2023, "Symbolic discovery of optimization algorithms"."""

    learning_rate: float = rate(1e-4)
    beta_1: float = fraction(0.9, "Beta 1", "Share of the remembered gradients in a step.")
    beta_2: float = fraction(0.99, "Beta 2", "How long gradients are remembered.")
    weight_decay: float = field(
        0.0, "float", "Weight decay", "Shrinks all parameters, apart from the gradient.", minimum=0, maximum=1e6
    )

    coefficients: ClassVar[Callable[..., Any]] = _lion_coefficients

    @property
    def slots(self) -> tuple[str, ...]:
        return ("mean",)

    @property
    def rule(self) -> Callable[..., Any]:
        return _lion
