"""What the views say about a layer: its name, its activation, how its units are."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from engine import activations
from engine.fields import name_of, options_of
from engine.layers import LAYERS
from engine.losses import LOSSES
from engine.spec import NetworkSpec
from engine.telemetry import LayerSnapshot
from gui.numbers import count, number

NEARLY_DEAD_SHARE = 0.01

LONGEST = 20  # characters of an activation's name: own formulas are cut


@dataclasses.dataclass(frozen=True)
class LayerWords:
    """One layer that has units of its own.

    `index` is that of `NetworkSpec.parts`, `number` what a person calls it ("4", "4.1"); `previous` is the index of the
    layer with units that feeds it, -1 for the inputs; `between` names what lies between, such as "dropout". Where
    `maps`, a unit is a filter and gives a map for every sample.
    """

    index: int
    number: str
    kind: str
    activation: str
    signed: bool
    dies: bool
    units: int
    last: bool
    previous: int
    between: str = ""
    maps: bool = False
    off: tuple[int, ...] = ()  # units that are switched off
    trains: bool = True
    direct: bool = False  # each unit is fed by the one of the same number before it, without a weight

    @property
    def noun(self) -> str:
        """What one of its units is called."""
        return "output" if self.last else "filter" if self.maps else "neuron"

    @property
    def title(self) -> str:
        frozen = "" if self.trains else ", frozen"
        return f"Output{frozen}" if self.last else f"{self.number}  {self._words}{frozen}"

    @property
    def short_title(self) -> str:
        return "Output" if self.last else f"{self.number}  {self.activation or self.kind}"

    @property
    def _words(self) -> str:
        return f"{self.kind}, {self.activation}" if self.activation else self.kind


def layer_words(spec: NetworkSpec) -> tuple[LayerWords, ...]:
    """Every layer with units, in order. The last one is the output."""
    found: list[LayerWords] = []
    between: list[str] = []
    for index, part in enumerate(spec.parts):
        layer, kind = part.layer, part.layer.kind
        if part.skips:
            continue
        if not layer.has_units:
            between.append(LAYERS.get(kind).title.lower() if kind in LAYERS else kind.lower())
            continue
        chosen = any(item.name == "activation" for item in dataclasses.fields(layer))
        given = layer.activation if chosen else ""  # type: ignore[attr-defined]
        name = name_of(given)
        record: Any = activations.get(name) if given else None
        previous = found[-1].index if found else -1
        found.append(
            LayerWords(
                index,
                part.number,
                kind,
                name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}\u2026",
                record is None or bool(record.signed),
                record is not None and record.dies(options_of(given)),
                part.given[-1],
                index == len(spec.parts) - 1,
                previous,
                between[0] if len(between) == 1 else f"{len(between)} layers" if between else "",
                len(part.given) > 1,
                getattr(layer, "off", ()),
                part.trains,
                not layer.has_kernel and bool(found) and found[-1].units == part.given[-1],
            )
        )
        between = []
    return tuple(found)


def output_words(spec: NetworkSpec, words: LayerWords) -> str:
    """What the output gives: its activation, or the link that its loss applies to a linear one."""
    if words.activation == "linear":
        link = LOSSES.get(spec.loss).link
        return "linear" if link == "identity" else link
    return words.activation


def dead_count(layer: LayerSnapshot | None) -> int:
    return 0 if layer is None else int(np.count_nonzero(layer.dead))


def state_words(words: LayerWords, layer: LayerSnapshot | None) -> str:
    """ "2 of 8 dead", "8 of 8 alive", "1 of 8 off", or the number of units while nothing is known."""
    dead = dead_count(layer)
    if layer is None or not np.isfinite(layer.max_z).any():
        return f"{words.units} {'filter' if words.maps else 'unit'}{'s' * (words.units != 1)}"
    if dead:
        return f"{dead} of {words.units} dead"
    return f"{len(words.off)} of {words.units} off" if words.off else f"{words.units} of {words.units} alive"


def state_choices(words: LayerWords, layer: LayerSnapshot) -> tuple[str, ...]:
    """What a head says, the longest first: "3 of 16 dead since epoch 12", "3 of 16 dead", "3 dead"."""
    short, dead = state_words(words, layer), dead_count(layer)
    if not dead:
        return (short,)
    since = layer.dead_since[layer.dead] if len(layer.dead_since) == len(layer.dead) else np.array([-1])
    last = int(since.max())
    when = "from the start" if last == 0 else f"since epoch {count(last)}"
    return (*((f"{short} {when}",) if last >= 0 else ()), short, f"{dead} dead")


def death_words(layer: LayerSnapshot, unit: int) -> tuple[str, str]:
    """("dead since epoch 20", "largest z −0.07")."""
    since = int(layer.dead_since[unit]) if unit < len(layer.dead_since) else -1
    head = f"dead since epoch {since}" if since > 0 else "dead from the start" if since == 0 else "dead"
    largest = float(layer.max_z[unit])
    return head, f"largest z {number(largest)}" if np.isfinite(largest) else ""


def run_words(layer: LayerSnapshot, start: int, stop: int, noun: str = "neuron") -> tuple[str, str]:
    """("7 dead since epoch 20", "neurons 12 to 18") for units in a row that are all dead."""
    last = int(layer.dead_since[start:stop].max())
    when = f" since epoch {count(last)}" if last > 0 else " from the start" if last == 0 else ""
    return f"{stop - start} dead{when}", f"{noun}s {start + 1} to {stop}"


def unit_state(words: LayerWords, layer: LayerSnapshot, unit: int) -> str:
    """One word on a unit: "off" (switched off), "dead", "nearly dead", "always on" or ""."""
    if unit in words.off:
        return "off"
    if bool(layer.dead[unit]):
        return "dead"
    share = float(layer.active_share[unit])
    if words.dies and 0 <= share < NEARLY_DEAD_SHARE:
        return "nearly dead"
    if words.dies and share >= 1:
        return "always on"
    return ""


def silent_units(words: LayerWords, layer: LayerSnapshot) -> np.ndarray:
    """bool: units that give 0 for every sample, dead or switched off."""
    silent = layer.dead.copy()
    silent[[unit for unit in words.off if unit < len(silent)]] = True
    return silent
