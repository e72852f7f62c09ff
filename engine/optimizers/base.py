"""Optimizers: PyTorch's formulas and defaults under Keras's argument names.

`rule(w, g, *slots, c)` gives the new weight and slots of one parameter, with c = `coefficients(t, *numbers)` for
step t (from 1). Both serve numpy and the compiled kernels alike.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from engine.fields import check_fields, field, to_plain


def rate(default: float) -> Any:
    return field(default, "float", "Learning rate", "Step size.", above=0, maximum=1e6)


def fraction(default: float, label: str, help: str) -> Any:
    return field(default, "float", label, help, minimum=0, below=1)


def epsilon(default: float) -> Any:
    return field(default, "float", "Epsilon", "Added to the root in the divisor.", minimum=1e-20, maximum=1e6)


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """Base of all optimizers; `kind` is the class name."""

    learning_rate: float = rate(1e-3)

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
