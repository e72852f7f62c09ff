"""Findings: what is wrong with a network, with the evidence. Pure functions of specs and snapshots."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from engine.data.dataset import Dataset
from engine.diagnosis import dead, design, diverged
from engine.diagnosis.finding import SEVERITIES, Finding, Remedy
from engine.errors import expect
from engine.spec import NetworkSpec
from engine.telemetry import Snapshot

if TYPE_CHECKING:
    from engine.trainer import Trainer

__all__ = ["SEVERITIES", "Finding", "Remedy", "by_severity", "check_design", "examine", "examine_snapshot"]

#: What looks at a design, before training.
DESIGN_FINDERS: tuple[Callable[[NetworkSpec, Dataset], Iterable[Finding]], ...] = (design.check_design,)
#: What looks at a run.
RUN_FINDERS: tuple[Callable[[Snapshot], Iterable[Finding]], ...] = (diverged.find_diverged, dead.find_dead)


def examine(trainer: Trainer) -> tuple[Finding, ...]:
    """Everything found in the trainer's design and in its network as it is now, the most severe first."""
    from engine.trainer import Trainer

    expect(trainer, Trainer, "examine")
    return by_severity((*check_design(trainer.spec, trainer.data), *examine_snapshot(trainer.snapshot())))


def examine_snapshot(snapshot: Snapshot) -> tuple[Finding, ...]:
    """What one snapshot shows, the most severe first."""
    return by_severity(finding for find in RUN_FINDERS for finding in find(snapshot))


def check_design(spec: NetworkSpec, data: Dataset) -> tuple[Finding, ...]:
    """What the design alone shows, before training, the most severe first."""
    expect(spec, NetworkSpec, "check_design, spec")
    expect(data, Dataset, "check_design, data")
    return by_severity(finding for find in DESIGN_FINDERS for finding in find(spec, data))


def by_severity(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The most severe first; those of one severity stay in their order."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))
