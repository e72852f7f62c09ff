"""Everything of a run that a project file keeps, so that training goes on as if it had never stopped."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Checkpoint:
    """A run at rest.

    `parameters` are those of `Network.parameters()`; `stepper` holds optimizer slots and positions;
    `history` is `History.to_dict()`; `monitor` is `Monitor.state()`; `units` is `UnitHistory.state()`;
    `counters` holds plain numbers of the trainer.
    """

    parameters: dict[str, np.ndarray]
    stepper: dict[str, Any]
    history: dict[str, Any]
    monitor: dict[str, Any] = dataclasses.field(default_factory=dict)
    units: dict[str, np.ndarray] = dataclasses.field(default_factory=dict)
    counters: dict[str, Any] = dataclasses.field(default_factory=dict)
