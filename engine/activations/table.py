"""Activations by name: those of the table, and own formulas."""

from __future__ import annotations

from engine.activations.base import ACTIVATIONS, Activation
from engine.activations.own import is_own, own
from engine.fields import NamedOptions, name_of, options_of


def names() -> tuple[str, ...]:
    """Every activation of the table, in the order of the menus."""
    return ACTIVATIONS.names()


def get(name: str) -> Activation:
    """The activation called `name`, or the one that "= formula" says. Raises RelumeError for an unknown name."""
    return own(name) if is_own(name) else ACTIVATIONS.get(name)


def resolve(value: str | NamedOptions) -> tuple[Activation, tuple[float, ...]]:
    """The record and the option values of what a layer names."""
    activation = get(name_of(value))
    return activation, activation.values(options_of(value))
