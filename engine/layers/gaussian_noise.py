"""GaussianNoise: in training, adds a normal number to every value; otherwise passes them on."""

from __future__ import annotations

import dataclasses

from engine.fields import field
from engine.layers.passing import PassingLayer


@dataclasses.dataclass(frozen=True)
class GaussianNoise(PassingLayer):
    """a = x + stddev n, n ~ N(0, 1) drawn for every value and step. Training only."""

    stddev: float = field(0.1, "float", "Std", "Standard deviation of what is added.", minimum=0, maximum=1e6)

    def random_block(self) -> tuple[str, tuple[float, ...]]:
        return "gaussian noise", (self.stddev,)
