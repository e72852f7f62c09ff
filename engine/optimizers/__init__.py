"""The table of optimizers. A new one is a class in a file here and one line below."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from engine.errors import RelumeError
from engine.fields import from_plain
from engine.optimizers.adam import Adam, Adamax, AdamW, AMSGrad, NAdam, RAdam
from engine.optimizers.adaptive import Adadelta, Adagrad, RMSprop
from engine.optimizers.base import Optimizer
from engine.optimizers.descent import SGD, Lion
from engine.registry import Registry

__all__ = [
    "OPTIMIZERS", "SGD", "AMSGrad", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "Lion", "NAdam", "Optimizer",
    "OptimizerRecord", "RAdam", "RMSprop", "get", "names", "optimizer_from_dict",
]  # fmt: skip


@dataclasses.dataclass(frozen=True)
class OptimizerRecord:
    """An entry of the table: the class and its words."""

    name: str
    cls: type[Optimizer]
    title: str
    advice: str


OPTIMIZERS: Registry[OptimizerRecord] = Registry("optimizer")
_ADD = OPTIMIZERS.add
_ADD(OptimizerRecord("SGD", SGD, "SGD", "Plain gradient descent; momentum carries it through flat parts."))
_ADD(OptimizerRecord("RMSprop", RMSprop, "RMSprop", "A step size for each weight, from recent gradients."))
_ADD(OptimizerRecord("Adagrad", Adagrad, "Adagrad", "A step size for each weight that only shrinks."))
_ADD(OptimizerRecord("Adam", Adam, "Adam", "Momentum and a step size for each weight; a good default."))
_ADD(OptimizerRecord("AdamW", AdamW, "AdamW", "Adam with weight decay done right."))
_ADD(OptimizerRecord("AMSGrad", AMSGrad, "AMSGrad", "Adam whose step sizes never grow again."))
_ADD(OptimizerRecord("Adamax", Adamax, "Adamax", "Adam by the largest gradient: calm where gradients are rare."))
_ADD(OptimizerRecord("NAdam", NAdam, "NAdam", "Adam that looks ahead along its momentum."))
_ADD(OptimizerRecord("RAdam", RAdam, "RAdam", "Adam that warms itself up: small steps until squares are known."))
_ADD(OptimizerRecord("Adadelta", Adadelta, "Adadelta", "A step size for each weight, without a rate to choose."))
_ADD(OptimizerRecord("Lion", Lion, "Lion", "Equal steps by the sign of the momentum; wants a small rate."))


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
