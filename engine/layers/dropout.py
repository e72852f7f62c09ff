"""Dropout: in training, switches a random share of the values off; otherwise passes them on."""

from __future__ import annotations

import dataclasses

from engine.fields import field
from engine.layers.passing import PassingLayer


@dataclasses.dataclass(frozen=True)
class Dropout(PassingLayer):
    """Each value is 0 with probability `rate`; the kept ones are divided by 1 - rate. Training only."""

    rate: float = field(0.5, "float", "Rate", "Share of the values that are switched off.", minimum=0, below=1)

    def random_block(self) -> tuple[str, tuple[float, ...]]:
        return "dropout", (self.rate, 1.0 / (1.0 - self.rate))
