"""Dead units: z <= 0 on every training sample where the activation is flat, so that the gradient is exactly 0.

A filter is dead where that holds at every position of its maps.
"""

from __future__ import annotations

import numpy as np

from engine.diagnosis.finding import Finding, Remedy, lower_rate
from engine.fields import name_of
from engine.telemetry import Snapshot
from engine.units import unit_noun, weights_of


def find_dead(snapshot: Snapshot) -> list[Finding]:
    """One finding for each layer with dead units, the fullest evidence first."""
    return [
        _finding(snapshot, number)
        for number, layer in enumerate(snapshot.layers)
        if layer.dead.size and layer.dead.any()
    ]


def _finding(snapshot: Snapshot, number: int) -> Finding:
    layer = snapshot.layers[number]
    neurons = np.flatnonzero(layer.dead)
    part = snapshot.spec.parts[number]
    activation = name_of(part.layer.activation)  # type: ignore[attr-defined]
    count, total = len(neurons), len(layer.dead)
    since = int(layer.dead_since[neurons].max())
    born = bool((layer.dead_since[neurons] == 0).all())
    one = unit_noun(part.given)
    many, where = f"{one}s", "at every position of" if len(part.given) > 1 else "on"
    noun, them = (one, "it") if count == 1 else (many, "them")
    when = "from the start" if born else f"since epoch {since:,}"
    few = ", ".join(str(n + 1) for n in neurons[:6]) + (f" and {count - 6} more" if count > 6 else "")
    largest = float(layer.max_z[neurons].max())
    sure = "Provisional: not all samples were seen with these weights. " if layer.provisional else ""
    evidence = (
        f"{sure}{noun.capitalize()} {few}: z is at most {largest:.3g} {where} all training samples, "
        f"so no gradient reaches {them}{f'; only a change of the layers before can wake {them}' if number else ''}."
    ).replace("-", "\u2212")
    if born:
        cause = (
            f"The first weights put these {many} below 0 for every sample. "
            "Narrow or deep networks draw such weights often."
        )
    else:
        cause = (
            f"A step made the weights or the bias so negative that {activation} is off for every sample. "
            f"Large steps do this: the learning rate is {snapshot.training.optimizer.learning_rate:g}."
        )
    better = "linear" if number == len(snapshot.layers) - 1 else "leaky_relu"
    severity = "serious" if count * 4 >= total else "warning"
    remedies: tuple[Remedy, ...] = (Remedy(f"Use {better}", "activation", {"layer": number, "activation": better}),)
    if weights_of(snapshot.spec, number) is not None:
        units = tuple(int(n) for n in neurons)
        remedies += (Remedy("Draw these anew", "redraw", {"layer": number, "units": units}),)
    if not born:  # a rate has killed nothing before the first step
        remedies += (lower_rate(snapshot.training),)
    title = f"{count} of {total} {many} in layer {part.number} dead {when}"
    return Finding("dead", number, tuple(int(n) for n in neurons), severity, evidence, cause, remedies, title)
