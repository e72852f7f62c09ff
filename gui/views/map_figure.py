"""The network map as plain data, for export."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.files.figures import Figure, Mark, Panel, Points, Segments, Text
from gui.views.map_layout import INPUTS
from gui.views.map_links import THICK, THIN, Links

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
        links.update(canvas.layout_of_map.columns, snapshot.parameters, dead_units)
    for gap in links.gaps:
        colors = np.where(gap.carries, np.where(gap.weight > 0, "category 1", "category 0"), "ink 3")
        ends = np.full(len(gap.weight), gap.left), height - gap.y0, np.full(len(gap.weight), gap.right), height - gap.y1
        widths = np.where(gap.carries, THIN + (THICK - THIN) * gap.strength, 0.5)
        marks.append(Segments(*ends, widths, tuple(colors.tolist()), f"weights {gap.key}"))
    for column in canvas.layout_of_map.columns:
        x = np.full(len(column.shown), column.center)
        y = np.array([height - rect.center().y() for rect in column.rects])
        dead = np.zeros(len(column.shown), bool)
        title, state = "Inputs", f"{len(view.input_names())} features"
        if column.layer != INPUTS:
            words = next(w for w in view.words if w.index == column.layer)
            title, state = words.title, view.state_line(words)
            if snapshot is not None and len(snapshot.layers[column.layer].dead):
                dead = snapshot.layers[column.layer].dead[list(column.shown)]
        marks.append(Points(x[~dead], y[~dead], f"{title}, alive", "ink 2", "square"))
        if dead.any():
            marks.append(Points(x[dead], y[dead], f"{title}, dead", "dead", "plus"))
        marks.append(Text(column.center, height - 14, title))
        marks.append(Text(column.center, height - 32, state, "dead" if dead.any() else "ink 2"))
        if column.more is not None:
            marks.append(Text(column.center, height - column.more.center().y(), f"+{len(column.hidden)} more", "ink 2"))
    return Figure("Network map", (Panel(tuple(marks), axes=False),))
