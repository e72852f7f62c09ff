"""What an activation learns: which parameters hold it, and where they begin. Plain data, no drawing."""

from __future__ import annotations

import dataclasses

from engine import activations
from engine.fields import name_of, options_of
from engine.spec import Part


@dataclasses.dataclass(frozen=True)
class Learned:
    """One learned option: `key` as in `Network.parameters()`, one number for each unit, which begins at `start`."""

    name: str
    key: str
    start: float


def learned_by(part: Part) -> tuple[Learned, ...]:
    """What the activation of a part learns; nothing of layers without one."""
    value = getattr(part.layer, "activation", None)
    if value is None:
        return ()
    given = options_of(value)
    return tuple(
        Learned(option.name.replace("_", " "), f"{part.path}.activation.{option.name}",
                float(given.get(option.name, option.default)))
        for option in activations.get(name_of(value)).learned
    )  # fmt: skip
