"""A run that stopped because its numbers were no longer finite."""

from __future__ import annotations

from engine.diagnosis.finding import Finding, Remedy, lower_rate
from engine.telemetry import Snapshot


def find_diverged(snapshot: Snapshot) -> list[Finding]:
    """One finding for a run that diverged: where, and what may be done."""
    error = snapshot.error
    if error is None or snapshot.state != "diverged":
        return []
    optimizer = snapshot.training.optimizer
    cause = (
        "Steps larger than the slope allows overshoot, and each throws the weights further out, until a number is too "
        f"large for the machine. The learning rate is {optimizer.learning_rate:g}."
    )
    lower = lower_rate(snapshot.training)
    remedies = (
        Remedy(f"{lower.text} to {lower.arguments['value']:g}", lower.action, lower.arguments),
        Remedy("Reset", "reset"),
    )
    evidence = f"{error.where[:1].upper()}{error.where[1:]}. {error.fix}"
    return [Finding("diverged", 0, (), "serious", evidence, cause, remedies, error.what.removesuffix("."))]
