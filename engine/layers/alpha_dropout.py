"""AlphaDropout: dropout for SELU networks, which keeps mean and variance."""

from __future__ import annotations

import dataclasses
import math

from engine.fields import field
from engine.layers.passing import PassingLayer

DROPPED = -1.7580993408473766  # the floor of SELU: -lambda alpha


@dataclasses.dataclass(frozen=True)
class AlphaDropout(PassingLayer):
    """Each value is `DROPPED` with probability `rate`, then all become a x + b. Training only.

    a = (q (1 + (1 - q) DROPPED^2))^-1/2 and b = -a (1 - q) DROPPED with q = 1 - rate keep mean 0 and variance 1.
    Klambauer et al. 2017.
    """

    rate: float = field(0.1, "float", "Rate", "Share of the values that are dropped.", minimum=0, below=1)

    def random_block(self) -> tuple[str, tuple[float, ...]]:
        kept = 1.0 - self.rate
        a = 1.0 / math.sqrt(kept * (1.0 + self.rate * DROPPED * DROPPED))
        b = -a * self.rate * DROPPED
        return "alpha dropout", (self.rate, a, b, a * DROPPED + b)
