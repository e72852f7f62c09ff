"""Findings: what is wrong with a network, with the evidence. Pure functions of specs and snapshots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.diagnosis.finding import Finding, Remedy
from engine.errors import expect

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from engine.spec import NetworkSpec
    from engine.telemetry import Snapshot
    from engine.trainer import Trainer

__all__ = ["Finding", "Remedy", "check_design", "examine", "examine_snapshot"]


def examine(trainer: Trainer) -> tuple[Finding, ...]:
    """Everything found in the trainer's design and in its network as it is now."""
    from engine.trainer import Trainer

    expect(trainer, Trainer, "examine")
    return (*check_design(trainer.spec, trainer.data), *examine_snapshot(trainer.snapshot()))


def examine_snapshot(snapshot: Snapshot) -> tuple[Finding, ...]:
    """What one snapshot shows, the most severe first."""
    from engine.diagnosis.dead import find_dead

    order = {"serious": 0, "warning": 1, "info": 2}
    return tuple(sorted(find_dead(snapshot), key=lambda finding: order[finding.severity]))


def check_design(spec: NetworkSpec, data: Dataset) -> tuple[Finding, ...]:
    """What the design alone shows, before training."""
    from engine.data.dataset import Dataset
    from engine.diagnosis.design import check_design as check
    from engine.spec import NetworkSpec

    expect(spec, NetworkSpec, "check_design, spec")
    expect(data, Dataset, "check_design, data")
    return check(spec, data)
