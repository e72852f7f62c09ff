"""Optimizers: PyTorch's formulas and defaults under Keras's argument names.

`rule(w, g, *slots, c)` gives the new weight and slots of one parameter, with c = `coefficients(t, *numbers)` for
step t (from 1). Both serve numpy and the compiled kernels alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from engine import maths
from engine.errors import RelumeError
from engine.fields import check_fields, field, from_plain, to_plain
from engine.maths import Numbers
from engine.registry import Registry


def _rate(default: float) -> Any:
    return field(default, "float", "Learning rate", "Step size.", above=0, maximum=1e6)


def _fraction(default: float, label: str, help: str) -> Any:
    return field(default, "float", label, help, minimum=0, below=1)


def _epsilon(default: float) -> Any:
    return field(default, "float", "Epsilon", "Added to the root in the divisor.", minimum=1e-20, maximum=1e6)


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """Base of all optimizers; `kind` is the class name."""

    learning_rate: float = _rate(1e-3)

    coefficients: ClassVar[Callable[..., Any]]

    def __post_init__(self) -> None:
        check_fields(self, self.kind)

    @property
    def kind(self) -> str:
        return type(self).__name__

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the values kept for each parameter."""
        raise NotImplementedError

    @property
    def rule(self) -> Callable[..., Any]:
        raise NotImplementedError

    def numbers(self) -> tuple[float, ...]:
        """The numbers that `coefficients` takes after the step."""
        return tuple(float(getattr(self, item.name)) for item in dataclasses.fields(self))

    def initial(self, slot: str) -> float:
        """What a slot starts with."""
        return 0.0

    def update(self, w: np.ndarray, g: np.ndarray, slots: Mapping[str, np.ndarray], step: int) -> Any:
        """(new weights, new slots) by numpy; `step` counts from 1."""
        c = type(self).coefficients(float(step), *self.numbers())
        new = self.rule(w, g, *(slots[name] for name in self.slots), c)
        return new[0], dict(zip(self.slots, new[1:], strict=True))

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **to_plain(self)}


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

    momentum: float = _fraction(0.0, "Momentum", "Share of the last step that goes on.")
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

    learning_rate: float = _rate(0.01)
    rho: float = _fraction(0.99, "Rho", "How long squared gradients are remembered.")
    momentum: float = _fraction(0.0, "Momentum", "Share of the last step that goes on.")
    epsilon: float = _epsilon(1e-8)

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

    learning_rate: float = _rate(0.01)
    initial_accumulator_value: float = field(
        0.0, "float", "Initial sum", "What the sum of squares starts with.", minimum=0, maximum=1e6
    )
    epsilon: float = _epsilon(1e-10)

    coefficients: ClassVar[Callable[..., Any]] = _adagrad_coefficients

    @property
    def slots(self) -> tuple[str, ...]:
        return ("sum",)

    @property
    def rule(self) -> Callable[..., Any]:
        return _adagrad

    def initial(self, slot: str) -> float:
        return self.initial_accumulator_value


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

    beta_1: float = _fraction(0.9, "Beta 1", "How long gradients are remembered.")
    beta_2: float = _fraction(0.999, "Beta 2", "How long squared gradients are remembered.")
    epsilon: float = _epsilon(1e-8)

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


@dataclasses.dataclass(frozen=True)
class OptimizerRecord:
    """An entry of the table: the class and its words."""

    name: str
    cls: type[Optimizer]
    title: str
    advice: str


OPTIMIZERS: Registry[OptimizerRecord] = Registry("optimizer")
OPTIMIZERS.add(OptimizerRecord("SGD", SGD, "SGD", "Plain gradient descent; momentum carries it through flat parts."))
OPTIMIZERS.add(OptimizerRecord("RMSprop", RMSprop, "RMSprop", "A step size for each weight, from recent gradients."))
OPTIMIZERS.add(OptimizerRecord("Adagrad", Adagrad, "Adagrad", "A step size for each weight that only shrinks."))
OPTIMIZERS.add(OptimizerRecord("Adam", Adam, "Adam", "Momentum and a step size for each weight; a good default."))
OPTIMIZERS.add(OptimizerRecord("AdamW", AdamW, "AdamW", "Adam with weight decay done right."))


def names() -> tuple[str, ...]:
    """Every optimizer, in the order of the menus."""
    return OPTIMIZERS.names()


def get(name: str) -> OptimizerRecord:
    """The optimizer called `name`. Raises RelumeError for an unknown name."""
    return OPTIMIZERS.get(name)


def optimizer_from_dict(data: Any) -> Optimizer:
    """The inverse of `Optimizer.to_dict`. Raises RelumeError for anything that is not such a mapping."""
    if not isinstance(data, Mapping) or "kind" not in data:
        raise RelumeError("An optimizer must be a mapping with its kind.", "optimizer", 'For example {"kind": "Adam"}.')
    fields = {key: value for key, value in data.items() if key != "kind"}
    return from_plain(get(data["kind"]).cls, fields, str(data["kind"]))
