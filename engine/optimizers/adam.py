"""Adam and its relatives: running means of gradients and of their squares."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

from engine import maths
from engine.fields import field
from engine.maths import Numbers
from engine.optimizers.base import Optimizer, epsilon, fraction, rate


def _adam(w: Numbers, g: Numbers, m: Numbers, v: Numbers, c: Any) -> Any:
    m = c[1] * m + c[2] * g
    v = c[3] * v + c[4] * g * g
    return w - c[0] * m / (maths.sqrt(v) * c[5] + c[6]), m, v


def _adam_coefficients(t: Numbers, learning_rate: Numbers, beta_1: Numbers, beta_2: Numbers, epsilon: Numbers) -> Any:
    rate = learning_rate / (1.0 - beta_1**t)
    return rate, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, 1.0 / (1.0 - beta_2**t) ** 0.5, epsilon


@dataclasses.dataclass(frozen=True)
class Adam(Optimizer):
    """m, v: running means of g and g^2, bias-corrected; w -= learning_rate m / (sqrt(v) + epsilon)."""

    beta_1: float = fraction(0.9, "Beta 1", "How long gradients are remembered.")
    beta_2: float = fraction(0.999, "Beta 2", "How long squared gradients are remembered.")
    epsilon: float = epsilon(1e-8)

    coefficients: ClassVar[Callable[..., Any]] = _adam_coefficients

    @property
    def slots(self) -> tuple[str, ...]:
        return ("mean", "square")

    @property
    def rule(self) -> Callable[..., Any]:
        return _adam


def _adamw(w: Numbers, g: Numbers, m: Numbers, v: Numbers, c: Any) -> Any:
    m = c[1] * m + c[2] * g
    v = c[3] * v + c[4] * g * g
    return w * c[7] - c[0] * m / (maths.sqrt(v) * c[5] + c[6]), m, v


def _adamw_coefficients(
    t: Numbers, learning_rate: Numbers, beta_1: Numbers, beta_2: Numbers, epsilon: Numbers, weight_decay: Numbers
) -> Any:
    rate = learning_rate / (1.0 - beta_1**t)
    root = 1.0 / (1.0 - beta_2**t) ** 0.5
    return rate, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, root, epsilon, 1.0 - learning_rate * weight_decay


@dataclasses.dataclass(frozen=True)
class AdamW(Adam):
    """Adam, and apart from it w -= learning_rate weight_decay w."""

    weight_decay: float = field(
        0.01, "float", "Weight decay", "Shrinks all parameters, apart from the gradient.", minimum=0, maximum=1e6
    )

    coefficients: ClassVar[Callable[..., Any]] = _adamw_coefficients

    @property
    def rule(self) -> Callable[..., Any]:
        return _adamw


def _amsgrad(w: Numbers, g: Numbers, m: Numbers, v: Numbers, top: Numbers, c: Any) -> Any:
    m = c[1] * m + c[2] * g
    v = c[3] * v + c[4] * g * g
    top = maths.maximum(top, v)
    return w - c[0] * m / (maths.sqrt(top) * c[5] + c[6]), m, v, top


@dataclasses.dataclass(frozen=True)
class AMSGrad(Adam):
    """Adam with the largest v so far in place of v: step sizes never grow again. Reddi et al. 2018."""

    @property
    def slots(self) -> tuple[str, ...]:
        return ("mean", "square", "largest")

    @property
    def rule(self) -> Callable[..., Any]:
        return _amsgrad


def _adamax(w: Numbers, g: Numbers, m: Numbers, u: Numbers, c: Any) -> Any:
    m = c[1] * m + c[2] * g
    u = maths.maximum(c[3] * u, maths.absolute(g) + c[4])
    return w - c[0] * m / u, m, u


def _adamax_coefficients(t: Numbers, learning_rate: Numbers, beta_1: Numbers, beta_2: Numbers, epsilon: Numbers) -> Any:
    return learning_rate / (1.0 - beta_1**t), beta_1, 1.0 - beta_1, beta_2, epsilon


@dataclasses.dataclass(frozen=True)
class Adamax(Adam):
    """u = max(beta_2 u, |g| + epsilon) in place of the root; w -= learning_rate m / u. Kingma and Ba 2015."""

    learning_rate: float = rate(2e-3)

    coefficients: ClassVar[Callable[..., Any]] = _adamax_coefficients

    @property
    def slots(self) -> tuple[str, ...]:
        return ("mean", "largest")

    @property
    def rule(self) -> Callable[..., Any]:
        return _adamax


def _nadam(w: Numbers, g: Numbers, m: Numbers, v: Numbers, shares: Numbers, c: Any) -> Any:
    m = c[1] * m + c[2] * g
    v = c[3] * v + c[4] * g * g
    shares = shares * c[7]
    ahead = c[8] * m / (1.0 - shares * c[8]) + (1.0 - c[7]) * g / (1.0 - shares)
    return w - c[0] * ahead / (maths.sqrt(v) * c[5] + c[6]), m, v, shares


def _nadam_coefficients(
    t: Numbers, learning_rate: Numbers, beta_1: Numbers, beta_2: Numbers, epsilon: Numbers, momentum_decay: Numbers
) -> Any:
    root = 1.0 / (1.0 - beta_2**t) ** 0.5
    now = beta_1 * (1.0 - 0.5 * 0.96 ** (t * momentum_decay))
    after = beta_1 * (1.0 - 0.5 * 0.96 ** ((t + 1.0) * momentum_decay))
    return learning_rate, beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, root, epsilon, now, after


@dataclasses.dataclass(frozen=True)
class NAdam(Adam):
    """Adam that looks ahead along its momentum; of it a share mu_t = beta_1 (1 - 0.96^(t momentum_decay) / 2) goes on.

    w -= learning_rate (mu_(t+1) m / (1 - mu_1 ... mu_(t+1)) + (1 - mu_t) g / (1 - mu_1 ... mu_t)) / (root + epsilon).
    Dozat 2016."""

    learning_rate: float = rate(2e-3)
    momentum_decay: float = field(
        4e-3, "float", "Momentum decay", "How soon the momentum is at its full share.", minimum=0, maximum=1e6
    )

    coefficients: ClassVar[Callable[..., Any]] = _nadam_coefficients

    @property
    def slots(self) -> tuple[str, ...]:
        return ("mean", "square", "shares")

    @property
    def rule(self) -> Callable[..., Any]:
        return _nadam

    def initial(self, slot: str) -> float:
        return 1.0 if slot == "shares" else 0.0


def _radam(w: Numbers, g: Numbers, m: Numbers, v: Numbers, c: Any) -> Any:
    m = c[1] * m + c[2] * g
    v = c[3] * v + c[4] * g * g
    return w - c[0] * m * maths.where(c[5] > 0.0, c[5] / (maths.sqrt(v) + c[6]), 1.0), m, v


def _radam_coefficients(t: Numbers, learning_rate: Numbers, beta_1: Numbers, beta_2: Numbers, epsilon: Numbers) -> Any:
    left, longest = 1.0 - beta_2**t, 2.0 / (1.0 - beta_2) - 1.0
    length = longest - 2.0 * t * beta_2**t / left
    rectified = 0.0
    if length > 5.0:
        share = (length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * length)
        rectified = (share * left) ** 0.5
    return learning_rate / (1.0 - beta_1**t), beta_1, 1.0 - beta_1, beta_2, 1.0 - beta_2, rectified, epsilon


@dataclasses.dataclass(frozen=True)
class RAdam(Adam):
    """Adam whose first steps, while too few squares are known, do not divide by their root; then it is eased in.

    Liu et al. 2020, arXiv 1908.03265."""

    coefficients: ClassVar[Callable[..., Any]] = _radam_coefficients

    @property
    def rule(self) -> Callable[..., Any]:
        return _radam
