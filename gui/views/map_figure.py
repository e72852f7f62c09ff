"""The network map as plain data, for export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.files.figures import Figure, Line, Mark, Panel, Points, Segments, Text
from gui.views.map_layout import INPUTS
from gui.views.map_links import THICK, THIN, Links

MARK = 10.0  # px from a neuron's centre to its links

if TYPE_CHECKING:
    from gui.views.network_map import NetworkMap


def map_figure(view: NetworkMap) -> Figure:
    """Columns of neurons with the links that the window draws; y grows upwards, in px of the window."""
    canvas, snapshot = view.canvas, view.snapshot
    height = float(canvas.height())
    marks: list[Mark] = []
    links = Links()
    if snapshot is not None and snapshot.parameters is not None:
        dead_units = {words.index: snapshot.layers[words.index].dead for words in view.words}
        linked = [c for c in canvas.layout_of_map.columns if c.layer != INPUTS or not canvas.whole_image]
        links.update(linked, snapshot.parameters, dead_units)
    ends_at = {}  # tiles are drawn as small marks: links reach up to them
    for column in canvas.layout_of_map.columns:
        ends_at[column.left], ends_at[column.right] = column.center - MARK, column.center + MARK
    for gap in links.gaps:
        left, right = ends_at.get(gap.left, gap.left), ends_at.get(gap.right, gap.right)
        colors = np.where(gap.carries, np.where(gap.weight > 0, "category 1", "category 0"), "ink 3")
        ends = np.full(len(gap.weight), left), height - gap.y0, np.full(len(gap.weight), right), height - gap.y1
        widths = np.where(gap.carries, THIN + (THICK - THIN) * gap.strength, 0.5)
        marks.append(Segments(*ends, widths, tuple(colors.tolist()), f"weights {gap.key}"))
    places: dict[bool, list[np.ndarray]] = {False: [], True: []}  # dead: (x, y) of the neurons
    for column in canvas.layout_of_map.columns:
        x = np.full(len(column.shown), column.center)
        y = np.array([height - rect.center().y() for rect in column.rects])
        dead = np.zeros(len(column.shown), bool)
        inputs = len(view.input_names())
        kind = "pixel" if canvas.whole_image else "feature"
        title, state, any_dead = "Inputs", f"{inputs} {kind}{'s' * (inputs != 1)}", False
        if column.layer != INPUTS:
            words = next(w for w in view.words if w.index == column.layer)
            title, state = words.title, view.state_line(words)
            if snapshot is not None and len(snapshot.layers[column.layer].dead):
                dead = snapshot.layers[column.layer].dead[list(column.shown)]
                any_dead = bool(snapshot.layers[column.layer].dead.any())
        for which, found in places.items():
            found.append(np.stack([x, y])[:, dead == which])
        marks.append(Text(column.center, height - 10, title))
        marks.append(Text(column.center, height - 36, state, "dead" if any_dead else "ink 2"))
        if column.more is not None:
            marks.append(Text(column.center, height - column.more.center().y(), f"+{len(column.hidden)} more", "ink 2"))
    for which, name, color, marker in ((False, "neuron", "ink 2", "square"), (True, "dead", "dead", "plus")):
        x, y = np.concatenate(places[which], axis=1)
        if len(x):
            marks.append(Points(x, y, name, color, marker))
    nowhere = np.empty(0)
    for name, color in (("weight \u2212", "category 0"), ("weight +", "category 1"), ("carries nothing", "ink 3")):
        marks.append(Line(nowhere, nowhere, name, color))
    return Figure("Network map", (Panel(tuple(marks), axes=False),))
