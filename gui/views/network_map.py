"""The network map: every neuron a tile, every weight a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QScrollArea, QVBoxLayout

from engine.files.figures import Figure
from engine.layers import Residual
from engine.spec import NetworkSpec
from engine.telemetry import Snapshot
from gui import theme
from gui.numbers import number, percent, plain, preparing_words
from gui.views.base import View
from gui.views.hover_box import HoverBox
from gui.views.layer_words import (
    LayerWords,
    death_words,
    layer_words,
    output_words,
    state_words,
    unit_state,
)
from gui.views.learned import learned_by
from gui.views.map_canvas import MapCanvas
from gui.views.map_figure import map_figure
from gui.views.map_layout import INPUTS
from gui.views.map_legend import MapLegend
from gui.views.map_links import Link
from gui.views.parameter_editor import Choice, ParameterEditor

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from gui.session import Session

MOST_CHOICES = 400
ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class NetworkMap(View):
    name = "map"
    title = "Map"
    watches = frozenset({"plane", "parameters", "activations"})

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.snapshot: Snapshot | None = None
        self._data: Dataset | None = None
        self.words: tuple[LayerWords, ...] = ()
        self.canvas = MapCanvas(self)
        self.legend = MapLegend(self)
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self.canvas)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._scroll, 1)
        column.addWidget(self.legend)
        self.hover = HoverBox(self)
        self.editor = ParameterEditor(self)
        self.editor.edited.connect(self._set_parameter)
        self.editor.frozen.connect(self._freeze)
        session.selection_changed.connect(self._selected)
        theme.signals.changed.connect(self._recolor)
        self.reset()

    # what is shown

    def show_snapshot(self, snapshot: Snapshot) -> None:
        if self.snapshot is not None and snapshot.run != self.snapshot.run:
            self.canvas.forget()
        elif self.snapshot is not None and snapshot.spec is self.snapshot.spec:
            self.canvas.mark_deaths(self.snapshot, snapshot)
        if self.snapshot is None or snapshot.spec is not self.snapshot.spec:
            self.words = layer_words(snapshot.spec)
        self.snapshot = snapshot
        self.canvas.renew()

    def reset(self) -> None:
        data, document = self.session.dataset, self.session.document
        plane = data is not None and data.raw_train is not None and data.raw_train.shape[1:] == (2,)
        maps = any(words.maps for words in layer_words(document.spec))
        self.watches = frozenset({"parameters", "plane" if plane else "activations", *(["sample"] if maps else [])})
        if self.snapshot is not None and (self.snapshot.spec != document.spec or data is not self._data):
            self.snapshot = None
        self._data = data
        if self.snapshot is None:
            self.words = layer_words(document.spec)
            self.canvas.forget()
        self.editor.hide()
        self.hover.hide()
        self.canvas.renew()
        self.legend.update()

    @Slot()
    def _recolor(self) -> None:
        self.canvas.recolor()
        self.legend.update()

    @Slot()
    def _selected(self) -> None:
        self.canvas.selection_moved()
        chosen = self.session.selection
        column = None if chosen is None else self.canvas.layout_of_map.column(chosen[0])
        if column is not None and self.isVisible():
            self._scroll.ensureVisible(int(column.center), 0, 80, 0)

    # words

    @property
    def spec(self) -> NetworkSpec:
        return self.snapshot.spec if self.snapshot is not None else self.session.document.spec

    def input_names(self) -> tuple[str, ...]:
        data = self.session.dataset
        names = tuple(data.feature_names) if data is not None else ()
        count = int(np.prod(self.spec.input_shape))
        return names if len(names) == count else tuple(f"input {i + 1}" for i in range(count))

    def unit_name(self, layer: int, unit: int) -> str:
        if layer == INPUTS:
            return self.input_names()[unit]
        words = next(w for w in self.words if w.index == layer)
        return f"{words.noun} {unit + 1}" if words.last else f"{words.noun} {unit + 1} of layer {words.number}"

    def state_line(self, words: LayerWords) -> str:
        if words.last:
            return output_words(self.spec, words)
        if isinstance(self.spec.parts[words.index].layer, Residual):
            return self._sum_words(words.index)
        layer = self.snapshot.layers[words.index] if self.snapshot is not None else None
        return state_words(words, layer)

    def _sum_words(self, block: int) -> str:
        """ "+ layer 2": what the skip of a block adds."""
        parts = self.spec.parts
        feeder, projected = parts[block].feeder, any(part.skips and part.block == parts[block].path for part in parts)
        source = "the inputs" if feeder < 0 else f"layer {parts[feeder].number}"
        return f"+ {source}, projected" if projected else f"+ {source}"

    def unit_numbers(self, layer: int, unit: int) -> str:
        """All that is known of a neuron, line by line."""
        if layer == INPUTS:
            return self.unit_name(layer, unit)
        name = self.unit_name(layer, unit)
        lines = [name[0].upper() + name[1:]]
        bias = self.biases(layer)
        if bias is not None:
            lines.append(f"bias {number(float(bias[unit]))}")
        for learned in learned_by(self.spec.parts[layer]):
            values = self.values(learned.key)
            if values is not None:
                lines.append(f"{learned.name} {number(float(values[unit]))}, learned from {plain(learned.start, 4)}")
        snapshot = self.snapshot
        held = snapshot.held.get(self.spec.key(layer, "kernel")) if snapshot is not None else None
        if held is not None and held[..., unit].any():
            lines.append("frozen" if held[..., unit].all() else "some weights frozen")
        if snapshot is not None and unit < len(snapshot.layers[layer].dead):
            seen = snapshot.layers[layer]
            words = next(w for w in self.words if w.index == layer)
            lines.append(f"mean activation {number(float(seen.mean[unit]))}")
            lines.append(f"active on {percent(float(seen.active_share[unit]))} of the samples")
            if np.isfinite(seen.max_z[unit]):
                lines.append(f"largest z {number(float(seen.max_z[unit]))}")
            state = unit_state(words, seen, unit)
            if state == "off":
                lines.append("switched off")
            elif state:
                lines.append(death_words(seen, unit)[0] if state == "dead" else state)
            if seen.provisional:
                lines.append("not all samples seen yet")
        return "\n".join(lines)

    def link_numbers(self, link: Link) -> str:
        lines = [f"{self.source_name(link.layer, link.source)} → {self.unit_name(link.layer, link.target)}"]
        lines.append(f"weight {number(link.weight)}")
        lines.append("click to change it" if link.carries else "carries nothing: a neuron is dead or switched off")
        return "\n".join(lines)

    def source_name(self, layer: int, source: int) -> str:
        previous = next(w for w in self.words if w.index == layer).previous
        kernel = self.parameter(layer, "kernel")
        if kernel is not None and previous != INPUTS:
            fed = next(w for w in self.words if w.index == previous)
            if fed.maps:  # one value for every place of every map
                place, unit = divmod(source, fed.units)
                return f"place {place + 1} of {self.unit_name(previous, unit)}"
        return self.unit_name(previous, source)

    def summary(self) -> str:
        parts = [f"Network map: {len(self.input_names())} inputs"]
        for words in self.words:
            parts.append(f"{words.title}: {words.units} units, {self.state_line(words)}")
        return ". ".join(parts) + "."

    def figure(self) -> Figure | None:
        return None if self.snapshot is None else map_figure(self)

    def status(self) -> str:
        """One sentence instead of pictures, or on why they stand still."""
        snapshot = self.snapshot
        if snapshot is None:
            return "Press Run or Step: every tile then shows what its neuron responds to."
        if snapshot.preparing is not None:
            return preparing_words(snapshot.preparing)
        if snapshot.state == "diverged":
            return "last good picture"
        if not self.canvas.tiles.art:
            return "Press Run or Step: every tile then shows what its neuron responds to."
        return ""

    # what is changed

    def values(self, key: str) -> np.ndarray | None:
        if self.snapshot is None or self.snapshot.parameters is None:
            return None
        return self.snapshot.parameters.get(key)

    def parameter(self, layer: int, name: str) -> np.ndarray | None:
        return self.values(self.spec.key(layer, name))

    def biases(self, layer: int) -> np.ndarray | None:
        """(units,), where each has one."""
        bias = self.parameter(layer, "bias")
        return bias if bias is not None and bias.ndim == 1 else None

    def kernels(self) -> dict[int, np.ndarray]:
        """Those of the layers shown."""
        found = {words.index: self.parameter(words.index, "kernel") for words in self.words}
        return {layer: kernel for layer, kernel in found.items() if kernel is not None}

    def edit_unit(self, layer: int, unit: int, place: QPoint, source: int | None = None) -> None:
        """Opens the editor on a neuron's bias, or on its weight from `source`."""
        bias, kernel = self.parameter(layer, "bias"), self.parameter(layer, "kernel")
        choices = []
        if bias is not None:
            for piece in np.ndindex(bias.shape[:-1]):
                words = f"bias of piece {piece[0] + 1}" if piece else "bias"
                choices.append(self._choice(words, self.spec.key(layer, "bias"), (*piece, unit), bias))
        for learned in learned_by(self.spec.parts[layer]):
            values = self.values(learned.key)
            if values is not None:
                choices.append(self._choice(f"{learned.name} of its activation", learned.key, (unit,), values))
        chosen = 0
        if kernel is not None and kernel.ndim == 2:
            sources = list(range(min(len(kernel), MOST_CHOICES)))
            if source is not None and source not in sources:
                sources.append(source)
            for i in sources:
                if i == source:
                    chosen = len(choices)
                name = f"weight from {self.source_name(layer, i)}"
                choices.append(self._choice(name, self.spec.key(layer, "kernel"), (i, unit), kernel))
        name = self.unit_name(layer, unit)
        self.hover.hide()
        if not choices:
            self.editor.hide()  # it is of another unit
        self.editor.open_at(place, name[0].upper() + name[1:], choices, (layer, unit), chosen)

    def _choice(self, words: str, key: str, index: tuple[int, ...], values: np.ndarray) -> Choice:
        held = self.snapshot.held.get(key) if self.snapshot is not None else None
        return Choice(words, key, index, float(values[index]), held is not None and bool(held[index]))

    @Slot(str, object, float)
    def _set_parameter(self, key: str, index: tuple[int, ...], value: float) -> None:
        self.session.set_parameter(key, index, value)

    @Slot(object, object, bool)
    def _freeze(self, what: int | str, index: tuple[int, ...], on: bool) -> None:
        self.session.freeze(what, index, on)

    def event(self, event: QEvent) -> bool:
        """While a neuron is selected and the map has the focus, the arrows are its own and no shortcuts."""
        if (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() in ARROWS
            and event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
            and self.session.selection is not None
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Arrows move the selection; B edits the bias and weights of the selected neuron."""
        chosen = self.session.selection
        if event.key() in ARROWS and self.words:
            self._move_selection(*ARROWS[Qt.Key(event.key())])
        elif event.key() in (Qt.Key.Key_B, Qt.Key.Key_Return, Qt.Key.Key_Enter) and chosen is not None:
            column = self.canvas.layout_of_map.column(chosen[0])
            rect = column.rect_of(chosen[1]) if column is not None else None
            spot = rect.bottomRight() if rect is not None else QPointF(40, 40)
            self.edit_unit(chosen[0], chosen[1], self.canvas.mapTo(self, spot.toPoint()))
        else:
            super().keyPressEvent(event)

    def _move_selection(self, across: int, down: int) -> None:
        layers = [w.index for w in self.words]
        chosen = self.session.selection
        if chosen is None or chosen[0] not in layers:
            self.session.select(layers[0], 0)
            return
        place = min(max(layers.index(chosen[0]) + across, 0), len(layers) - 1)
        self.session.select(layers[place], min(max(chosen[1] + down, 0), self.words[place].units - 1))
