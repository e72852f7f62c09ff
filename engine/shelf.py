"""Runs as changes of their network left them: while nothing is trained, undoing a change brings one back to the bit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from engine.checkpoint import Checkpoint
from engine.spec import NetworkSpec, TrainingSpec

MOST_BYTES = 1 << 28  # of all of them; the oldest go
COPIES = 4  # of the parameters, that a checkpoint has at most: weights and what the optimizer keeps
NUMBER = 32  # bytes of a number in a list


class Shelf:
    """Checkpoints by the names that who asked for a change gave them; each fits its own spec and training only."""

    def __init__(self) -> None:
        self._kept: dict[object, tuple[NetworkSpec, TrainingSpec, Checkpoint]] = {}

    @staticmethod
    def takes(parameters: int) -> bool:
        """Whether there is room for a run of so many parameters."""
        return 4 * COPIES * parameters <= MOST_BYTES

    def put(self, name: object, spec: NetworkSpec, training: TrainingSpec, checkpoint: Checkpoint) -> None:
        self._kept.pop(name, None)
        self._kept[name] = spec, training, checkpoint
        sizes = [_size(kept) for _, _, kept in self._kept.values()]
        while sum(sizes) > MOST_BYTES:
            del self._kept[next(iter(self._kept))]
            sizes.pop(0)

    def find(self, name: object, spec: NetworkSpec, training: TrainingSpec) -> Checkpoint | None:
        """What was put there under this name, where it fits."""
        kept = self._kept.get(name)
        return kept[2] if kept is not None and kept[:2] == (spec, training) else None

    def clear(self) -> None:
        """Something was trained: none of them is the run of before any more."""
        self._kept.clear()


def _size(checkpoint: Checkpoint) -> int:
    return sum(_bytes(getattr(checkpoint, item.name)) for item in dataclasses.fields(checkpoint))


def _bytes(value: Any) -> int:
    if isinstance(value, Mapping):
        return sum(_bytes(each) for each in value.values())
    return NUMBER * len(value) if isinstance(value, list) else int(getattr(value, "nbytes", 0))
