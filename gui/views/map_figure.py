"""The network map as plain data, for export: what the window shows, and the columns out of sight too."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF

from engine.files.figures import Figure, Image, Line, Mark, Panel, Points, Segments, Text
from gui.views.map_captions import Caption
from gui.views.map_layout import INPUTS, bias_spot
from gui.views.map_links import FAINT, STRONG, THICK, THIN, Gap, Links, direct_lines
from gui.views.map_tiles import Art, Cells, Tiles

if TYPE_CHECKING:
    from gui.views.network_map import NetworkMap

PX_PER_INCH = 96
FOOT = 34  # px below the map, for the colour scale
ROOM = 0.8  # inches for title and legend
MOST_CELLS = 200_000  # of all tiles together
NOWHERE = np.empty(0)


def map_figure(view: NetworkMap) -> Figure:
    """All columns; y grows upwards, in px of the window."""
    canvas = view.canvas
    height, layout = float(canvas.height()), canvas.layout_of_map
    tiles = _tiles(view)
    cells = sum(art.values.size for art in tiles.values() if isinstance(art, Cells))
    step = math.ceil(math.sqrt(max(1.0, cells / MOST_CELLS)))
    marks: list[Mark] = [*_direct(view, height), *(_links(gap, height) for gap in _gaps(view))]
    biases: dict[int, list[tuple[float, float]]] = {-1: [], 1: []}
    for column in layout.columns:
        caption, art = canvas.caption(column), tiles.get(column.layer)
        marks += _head(caption, height)
        for place, (unit, rect) in enumerate(zip(column.shown, column.rects, strict=True)):
            whole = column.layer == INPUTS and canvas.whole_image
            name = "inputs" if whole else view.unit_name(column.layer, unit)
            dead = bool(caption.conditions) and caption.conditions[place] == "dead"
            marks += _dead_tile(name, rect, height) if dead else _tile(name, art, place, step, rect, height)
            if caption.biases and caption.biases[place]:
                spot = bias_spot(rect)
                biases[caption.biases[place]].append((spot.x(), height - spot.y()))
    for sign, name, color in ((-1, "bias \u2212", "category 0"), (1, "bias +", "category 1")):
        if biases[sign]:
            x, y = np.array(biases[sign]).T
            marks.append(Points(x, y, name, color))
    for name, color in (("weight \u2212", "category 0"), ("weight +", "category 1"), ("carries nothing", "ink 3")):
        marks.append(Line(NOWHERE, NOWHERE, name, color, dashed=color == "ink 3"))
    if any(isinstance(mark, Image) and mark.dead_rows for mark in marks):
        marks.append(Points(NOWHERE, NOWHERE, "dead", "dead", "plus"))
    if any(isinstance(art, Cells) for art in tiles.values()):
        marks += _scale(not all(words.signed for words in view.words if not words.last))
    panel = Panel(tuple(marks), axes=False, equal=True, extent=(0.0, layout.width, -float(FOOT), height))
    size = layout.width / PX_PER_INCH, (height + FOOT) / PX_PER_INCH + ROOM
    return Figure("Network map", (panel,), size=size)


def _tiles(view: NetworkMap) -> dict[int, Art]:
    canvas, snapshot, data = view.canvas, view.snapshot, view.session.dataset
    tiles = Tiles()
    if snapshot is not None and snapshot.state != "diverged":
        words = {words.index: words for words in view.words}
        tiles.update(snapshot, canvas.layout_of_map.columns, words, data)
    found = dict(tiles.art or canvas.tiles.art)
    if canvas.whole_image and data is not None:
        scene = canvas.tiles.scene(data, canvas.picked_sample())
        found.pop(INPUTS, None)
        if scene is not None:
            found[INPUTS] = scene
    return found


def _gaps(view: NetworkMap) -> tuple[Gap, ...]:
    canvas, snapshot, links = view.canvas, view.snapshot, Links()
    if snapshot is not None and snapshot.parameters is not None:
        dead = {words.index: snapshot.layers[words.index].dead for words in view.words}
        linked = [c for c in canvas.layout_of_map.columns if c.layer != INPUTS or not canvas.whole_image]
        links.update(linked, view.kernels(), dead)
    return links.gaps


def _direct(view: NetworkMap, height: float) -> Iterator[Segments]:
    lines = list(direct_lines(view.canvas.layout_of_map.columns, view.words))
    if lines:
        x0, y0, x1, y1 = np.array([(a.x(), height - a.y(), b.x(), height - b.y()) for a, b in lines]).T
        yield Segments(x0, y0, x1, y1, np.ones(len(lines)), ("ink 3",) * len(lines), "one to one")


def _links(gap: Gap, height: float) -> Segments:
    colors = np.where(gap.carries, np.where(gap.weight > 0, "category 1", "category 0"), "ink 3")
    ends = np.full(len(gap.weight), gap.left), height - gap.y0, np.full(len(gap.weight), gap.right), height - gap.y1
    widths = np.where(gap.carries, THIN + (THICK - THIN) * gap.strength, 1.0)
    opacity = np.where(gap.carries, FAINT + (STRONG - FAINT) * gap.strength, 1.0)
    return Segments(*ends, widths, tuple(colors.tolist()), f"weights of layer {gap.layer}", opacity, True, ~gap.carries)


def _head(caption: Caption, height: float) -> Iterator[Mark]:
    column = caption.column
    yield Text(column.center, height - 15, caption.title, bold=True)
    yield Text(column.center, height - 32, caption.state, "dead" if caption.dead else "ink 2", bold=caption.dead)
    for name, rect in zip(caption.names, column.rects, strict=False):
        left = column.layer == INPUTS
        x = rect.left() - 8 if left else rect.right() + 8
        yield Text(x, height - rect.center().y(), name, align="right" if left else "left")
    if column.more is not None:
        middle, dead = height - column.more.center().y(), caption.hidden_dead
        yield Text(column.center, middle + 8, f"+{len(column.hidden)}", bold=True)
        yield Text(column.center, middle - 8, f"{dead} dead" if dead else "more", "dead" if dead else "ink 2")


def _tile(name: str, art: Art | None, place: int, step: int, rect: QRectF, height: float) -> Iterator[Mark]:
    left, right, bottom, top = extent = _extent(rect, height)
    if isinstance(art, Cells) and place < len(art.values):
        values, low = art.values[place], -art.top if art.signed else 0.0
        thin = step if len(values) > 1 else 1
        colors = "diverging" if art.signed else "sequential"
        yield Image(values[::thin, ::step], extent, colors, low, art.top, name, top_down=True, tile=True)
        return
    sides = np.array([left, left, right, right, left]), np.array([bottom, top, top, bottom, bottom])
    yield Line(*sides, "", "control edge", width=1.0)
    if art is not None and not isinstance(art, Cells) and place < len(art.y):
        x, y = left + art.x * (right - left), top - art.y[place] * (top - bottom)
        yield Line(np.array([left + 2, right - 2]), np.full(2, top - art.zero * (top - bottom)), "", "grid", width=1.0)
        yield Line(x, y, "", "category 0", width=1.5)


def _dead_tile(name: str, rect: QRectF, height: float) -> Iterator[Mark]:
    yield Image(np.zeros((1, 1)), _extent(rect, height), label=name, dead_rows=(0,), tile=True)
    yield Text(rect.center().x(), height - rect.bottom() + 8, "dead", "on dead")


def _extent(rect: QRectF, height: float) -> tuple[float, float, float, float]:
    return rect.left(), rect.right(), height - rect.bottom(), height - rect.top()


def _scale(plain: bool) -> Iterator[Mark]:
    """The colours of the tiles, at the foot."""
    low, high = ("activation 0", "max") if plain else ("activation \u2212", "+")
    values = np.linspace(0.0 if plain else -1.0, 1.0, 64)[None, :]
    yield Text(96, -20, low, "ink 2", align="right")
    yield Image(values, (102, 182, -24, -16), "sequential" if plain else "diverging", values[0, 0], label="activation",
                tile=True)  # fmt: skip
    yield Text(188, -20, high, "ink 2", align="left")
