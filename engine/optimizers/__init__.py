"""The table of optimizers. A new one is a class in a file here and one line below."""

from __future__ import annotations

from typing import Any

from engine.kinds import Kind, from_kind
from engine.optimizers.adam import Adam, Adamax, AdamW, AMSGrad, NAdam, RAdam
from engine.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from engine.optimizers.base import Optimizer
from engine.optimizers.descent import SGD, Lion
from engine.registry import Registry

__all__ = [
    "OPTIMIZERS", "SGD", "AMSGrad", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Lion", "NAdam", "Optimizer",
    "RAdam", "RMSprop", "get", "names", "optimizer_from_dict",
]  # fmt: skip


OPTIMIZERS: Registry[Kind] = Registry("optimizer")
_ADD = OPTIMIZERS.add
_ADD(Kind("SGD", SGD, "SGD", "Plain gradient descent; momentum carries it through flat parts."))
_ADD(Kind("RMSprop", RMSprop, "RMSprop", "A step size for each weight, from recent gradients."))
_ADD(Kind("Adagrad", Adagrad, "Adagrad", "A step size for each weight that only shrinks."))
_ADD(Kind("Adam", Adam, "Adam", "Momentum and a step size for each weight; a good default."))
_ADD(Kind("AdamW", AdamW, "AdamW", "Adam with weight decay done right."))
_ADD(Kind("AMSGrad", AMSGrad, "AMSGrad", "Adam whose step sizes never grow again."))
_ADD(Kind("Adamax", Adamax, "Adamax", "Adam by the largest gradient: calm where gradients are rare."))
_ADD(Kind("NAdam", NAdam, "NAdam", "Adam that looks ahead along its momentum."))
_ADD(Kind("RAdam", RAdam, "RAdam", "Adam that warms itself up: small steps until squares are known."))
_ADD(Kind("Adadelta", Adadelta, "Adadelta", "A step size for each weight, without a rate to choose."))
_ADD(Kind("Lion", Lion, "Lion", "Equal steps by the sign of the momentum; wants a small rate."))


def names() -> tuple[str, ...]:
    """Every optimizer, in the order of the menus."""
    return OPTIMIZERS.names()


def get(name: str) -> Kind:
    """The optimizer called `name`. Raises RelumeError for an unknown name."""
    return OPTIMIZERS.get(name)


def optimizer_from_dict(data: Any) -> Optimizer:
    """The inverse of `Optimizer.to_dict`. Raises RelumeError for anything that is not such a mapping."""
    made: Optimizer = from_kind(OPTIMIZERS, data, "an optimizer", "Adam")
    return made
