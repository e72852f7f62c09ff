"""The record of one trouble: what, where, how sure, why, and what helps."""

from __future__ import annotations

import dataclasses
from typing import Any

from engine.spec import TrainingSpec

SEVERITIES = ("serious", "warning", "info")


@dataclasses.dataclass(frozen=True)
class Remedy:
    """One cure. `action` with its arguments is what a session can do:

    "activation" {layer, activation}; "learning_rate" {value}; "redraw" {layer, units}; "reset" {}.
    """

    text: str
    action: str
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Finding:
    """One trouble. Layers and neurons count from 0; `severity` is one of SEVERITIES.

    `layer` is an index in `spec.parts`: without blocks, that of the layer."""

    kind: str
    layer: int
    neurons: tuple[int, ...]
    severity: str
    evidence: str
    cause: str
    remedies: tuple[Remedy, ...]
    title: str  # the trouble in a few words, without a full stop


def lower_rate(training: TrainingSpec) -> Remedy:
    """A tenth of the learning rate, at most a hundred times what its optimizer usually has."""
    optimizer = training.optimizer
    value = min(optimizer.learning_rate / 10, 100 * type(optimizer)().learning_rate)
    return Remedy("Lower the rate", "learning_rate", {"value": float(f"{value:.3g}")})
