"""Inputs made from the x and y of a 2-D data set."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from engine.registry import Registry


@dataclasses.dataclass(frozen=True)
class Feature:
    """One input: its name, its title on the screen, the same as numpy source, and the function itself."""

    name: str
    title: str
    source: str
    make: Callable[[np.ndarray, np.ndarray], np.ndarray]


FEATURES: Registry[Feature] = Registry("input")
FEATURES.add(Feature("x", "x", "x", lambda x, y: x))
FEATURES.add(Feature("y", "y", "y", lambda x, y: y))
FEATURES.add(Feature("x^2", "x²", "x * x", lambda x, y: x * x))
FEATURES.add(Feature("y^2", "y²", "y * y", lambda x, y: y * y))
FEATURES.add(Feature("xy", "xy", "x * y", lambda x, y: x * y))
FEATURES.add(Feature("sin x", "sin x", "np.sin(x)", lambda x, y: np.sin(x)))
FEATURES.add(Feature("sin y", "sin y", "np.sin(y)", lambda x, y: np.sin(y)))


def make_features(raw: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """(n, 2) points -> (n, len(names)) inputs, float64."""
    x, y = raw[:, 0].astype(np.float64), raw[:, 1].astype(np.float64)
    return np.stack([FEATURES.get(name).make(x, y) for name in names], axis=1)
