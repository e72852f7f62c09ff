"""The activation heatmap: neurons down, samples or epochs across, dead ones marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from engine.files.figures import Figure, Image, Panel
from engine.telemetry import LayerSnapshot, Snapshot
from gui import theme
from gui.numbers import count as whole, preparing_words
from gui.views.base import View
from gui.views.cells import StepScale, large_size
from gui.views.heatmap_band import HeatmapBand, HeatmapScale, scale_numbers
from gui.views.heatmap_canvas import HeatmapCanvas
from gui.views.heatmap_data import HeatmapData, epochs_data, samples_data
from gui.views.heatmap_margin import EDGE, LEFT
from gui.views.hover_box import HoverBox
from gui.views.layer_words import LayerWords, layer_words, output_words, state_choices, state_words
from gui.views.pieces import EmptyNote
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.number_field import QuietCombo

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from gui.session import Session

ALL = -1
VALUES = (("Active share", "active_share"), ("Mean activation", "mean"))
STALE_AFTER = 0.5  # s


class Scale:
    """The upper end of a colour scale, and whether larger values share its last colour."""

    def __init__(self) -> None:
        self.steps, self.top, self.clipped = StepScale(), 1.0, False

    def follow(self, shown: list[np.ndarray]) -> None:
        large, reaches = 0.0, [_reach(values) for values in shown]
        for values, reach in zip(shown, reaches, strict=True):
            if not reach <= large:  # else it has nothing larger
                large = max(large, large_size(values))
        self.top = self.steps.update(large)
        self.clipped = any(reach > self.top * 1.001 for reach in reaches)


class Heatmap(View):
    name = "heatmap"
    title = "Heatmap"
    watches = frozenset({"activations"})

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.mode, self.value, self.layer = "samples", "active_share", ALL
        self.snapshot: Snapshot | None = None
        self.data: HeatmapData | None = None
        self._dataset: Dataset | None = None
        self.words: tuple[LayerWords, ...] = ()
        self.scales = {maps: Scale() for maps in (False, True)}  # of neurons, and of the means of filters' maps
        self._build()
        self.hover = HoverBox(self)
        session.selection_changed.connect(self._selected)
        theme.signals.changed.connect(self._recolor)
        self.reset()

    def _build(self) -> None:
        self.canvas, self.band, self.scale = HeatmapCanvas(self), HeatmapBand(self), HeatmapScale(self)
        self._modes = QButtonGroup(self, exclusive=True)
        bar = QHBoxLayout()
        bar.setContentsMargins(16, 8, 16, 8)
        bar.setSpacing(0)
        for place, words in enumerate(("Samples", "Epochs")):
            button = QPushButton(words)
            button.setCheckable(True)
            button.setChecked(place == 0)
            button.setAccessibleName(f"Heatmap by {words.lower()}")
            inner = "right" if place == 0 else "left"
            button.setStyleSheet(f"border-top-{inner}-radius: 0; border-bottom-{inner}-radius: 0;")
            self._modes.addButton(button, place)
            bar.addWidget(button)
        self._layers, self._values = QuietCombo("Layers of the heatmap"), QuietCombo("Value of the heatmap")
        for combo, width in ((self._layers, 128), (self._values, 144)):
            combo.setMinimumWidth(80)
            combo.setMaximumWidth(width)
        self._values.addItems([words for words, _ in VALUES])
        self._values.hide()
        bar.addSpacing(8)
        bar.addWidget(self._layers, 2)
        bar.addSpacing(8)
        bar.addWidget(self._values, 2)
        bar.addWidget(self.scale, 1)
        self._scroll = QScrollArea(widgetResizable=True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self.canvas)
        self._foot = ElidedLabel()
        self._foot.setProperty("role", "caption")
        self._foot.setFixedHeight(20)
        foot = QHBoxLayout()
        foot.setContentsMargins(LEFT, 0, EDGE, 4)
        foot.addWidget(self._foot)
        self._empty = EmptyNote("")
        rows = QWidget()
        column = QVBoxLayout(rows)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.band)
        column.addWidget(self._scroll, 1)
        column.addLayout(foot)
        self._pages = QStackedLayout()
        self._pages.addWidget(rows)
        self._pages.addWidget(self._empty)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(bar)
        whole.addLayout(self._pages, 1)
        self._modes.idClicked.connect(self._choose_mode)
        self._layers.activated.connect(self._choose_layer)
        self._values.activated.connect(self._choose_value)

    # what is shown

    def show_snapshot(self, snapshot: Snapshot) -> None:
        new_run = self.snapshot is None or snapshot.run != self.snapshot.run
        if new_run:
            self._reset_scales()
        if self.snapshot is None or snapshot.spec is not self.snapshot.spec:
            self._name_layers(layer_words(snapshot.spec))
            self.data = None if new_run else self.data
        kept = self.snapshot
        self.snapshot = snapshot
        if snapshot.state != "diverged" or kept is None:
            self._take(snapshot)
        self._renew()

    def _take(self, snapshot: Snapshot) -> None:
        """Keeps the last picture when this snapshot brings none."""
        by_epochs = self.mode == "epochs"
        known = self.data.known if self.data is not None else None
        dataset = self.session.dataset
        data = epochs_data(snapshot, self.value) if by_epochs else samples_data(snapshot, dataset, known)
        if data is not None and len(data.values) == len(snapshot.layers):
            self.data = data
        elif self.data is not None and len(self.data.values) != len(snapshot.layers):
            self.data = None
        if self.data is None:
            return
        layers = [words for words in self.shown_layers() if words.index < len(self.data.values)]
        for maps, scale in self.scales.items():
            shown = [self.data.values[words.index] for words in layers if words.maps == maps]
            if by_epochs and self.value == "active_share":
                scale.top, scale.clipped = 1.0, False
            elif shown:
                scale.follow(shown)

    def reset(self) -> None:
        document, dataset = self.session.document, self.session.dataset
        if self.snapshot is not None and self.snapshot.spec == document.spec and dataset is self._dataset:
            return
        self._dataset = dataset
        self.snapshot = self.data = None
        self._reset_scales()
        self._name_layers(layer_words(document.spec))
        self._renew()

    def _name_layers(self, words: tuple[LayerWords, ...]) -> None:
        self.words = words
        choices = [("All layers", ALL)] + [(entry.title, entry.index) for entry in words]
        if [(self._layers.itemText(i), self._layers.itemData(i)) for i in range(self._layers.count())] == choices:
            return
        self._layers.clear()
        for text, index in choices:
            self._layers.addItem(text, index)
        place = self._layers.findData(self.layer)
        self.layer = self.layer if place >= 0 else ALL
        self._layers.setCurrentIndex(max(0, place))

    def _renew(self) -> None:
        words = self.status()
        self._empty.say(words)
        self._pages.setCurrentIndex(0 if self.data is not None else 1)
        self._foot.setText(self._caption())
        self.canvas.renew()
        self.band.renew()
        self.scale.renew()

    def shown_layers(self) -> list[LayerWords]:
        """All layers means the hidden ones; the output is a choice of its own."""
        if self.layer != ALL:
            return [words for words in self.words if words.index == self.layer]
        return [words for words in self.words if not words.last] or list(self.words)

    def is_signed(self, words: LayerWords) -> bool:
        return False if self.mode == "epochs" and self.value == "active_share" else words.signed

    # words

    def state_lines(self, words: LayerWords, layer: LayerSnapshot) -> tuple[str, ...]:
        """How a layer's units are, the longest words first; for the output what it gives."""
        if words.last and not layer.dead.any() and self.snapshot is not None:
            return (output_words(self.snapshot.spec, words),)
        return state_choices(words, layer)

    def _reset_scales(self) -> None:
        for scale in self.scales.values():
            scale.steps.reset()

    def top_of(self, words: LayerWords) -> float:
        """Where a layer's colours end."""
        return self.scales[words.maps].top

    def value_words(self, maps: bool = False) -> str:
        if self.mode == "samples":
            return "mean of map" if maps else "activation"
        return "active share" if self.value == "active_share" else "mean activation"

    def scale_words(self, signed: bool, maps: bool = False) -> tuple[str, str]:
        if self.mode == "epochs" and self.value == "active_share":
            return "0", "100 %"
        return scale_numbers(self.scales[maps].top, signed, self.scales[maps].clipped)

    def column_words(self, column: int) -> str:
        """Which sample or epoch a column is."""
        data, dataset = self.data, self.session.dataset
        if data is None:
            return ""
        if data.mode == "epochs":
            return f"epoch {whole(int(data.columns[column]))}"
        place = 0
        for label, _, count in data.groups:
            place += count
            if column < place:
                label = "" if dataset.task == "regression" else f", {label}"
                return f"sample {int(data.columns[column]) + 1}{label}"
        return ""

    def status(self) -> str:
        """The sentence of the empty page."""
        snapshot = self.snapshot
        if snapshot is not None and snapshot.preparing is not None:
            return preparing_words(snapshot.preparing)
        if self.mode == "epochs":
            return "Press Run: after the first epoch, every neuron's activity appears here, epoch by epoch."
        return "Press Run or Step: every neuron's activation on the training samples appears here, dead ones marked."

    def _caption(self) -> str:
        if self.data is None or self.snapshot is None:
            return ""
        words = self.data.caption
        if self.mode == "samples" and any(layer.maps for layer in self.shown_layers()):
            words += "; of a filter the mean of its map"
        if self.snapshot.state == "diverged":
            words = f"The last good picture, before it diverged in epoch {self.snapshot.epoch}: {words}"
        elif self.snapshot.state == "running" and self.snapshot.taken - self.data.taken > STALE_AFTER:
            words += f". {self.snapshot.taken - self.data.taken:.1f} s old"
        return words

    def summary(self) -> str:
        if self.snapshot is None or self.data is None:
            return self.status()
        parts = [f"Heatmap of activations by {self.mode}, {self.data.caption}"]
        for words in self.words:
            layer = self.snapshot.layers[words.index]
            line = f"{words.title}: {state_words(words, layer)}"
            dead = np.flatnonzero(layer.dead)
            if len(dead):
                names = ", ".join(str(unit + 1) for unit in dead[:12].tolist())
                line += f" ({words.noun}s {names}{' and more' if len(dead) > 12 else ''})"
            parts.append(line)
        return ". ".join(parts) + "."

    def figure(self) -> Figure | None:
        snapshot, data = self.snapshot, self.data
        if snapshot is None or data is None:
            return None
        panels = []
        for words in self.shown_layers():
            values, dead = data.values[words.index].T, snapshot.layers[words.index].dead
            units, columns = values.shape
            signed = self.is_signed(words)
            x_label = "epoch" if data.mode == "epochs" else data.caption
            image = Image(
                values, (0, columns, units + 0.5, 0.5), "diverging" if signed else "sequential",
                -self.top_of(words) if signed else 0.0, self.top_of(words), self.value_words(words.maps), True,
                tuple(np.flatnonzero(dead).tolist()) if data.mode == "samples" else (),
            )  # fmt: skip
            title = f"{words.title}: {state_words(words, snapshot.layers[words.index])}"
            ticks = None
            if data.mode == "epochs":
                places = np.unique(np.linspace(0, columns - 1, 6).round().astype(int)).tolist()
                ticks = tuple((place + 0.5, str(int(data.columns[place]))) for place in places)
            panels.append(Panel((image,), title, x_label, words.noun, x_ticks=ticks))
        return Figure("Activation heatmap", tuple(panels))

    # what the user does

    @Slot(int)
    def _choose_mode(self, place: int) -> None:
        self.mode = ("samples", "epochs")[place]
        self.watches = frozenset({"activations" if place == 0 else "epochs"})
        self._values.setVisible(self.mode == "epochs")
        self._redo()

    @Slot(int)
    def _choose_layer(self, place: int) -> None:
        self.layer = int(self._layers.itemData(place))
        self._redo()

    @Slot(int)
    def _choose_value(self, place: int) -> None:
        self.value = VALUES[place][1]
        self._redo()

    def _redo(self) -> None:
        self._reset_scales()
        if self.data is not None and self.data.mode != self.mode:
            self.data = None
        if self.snapshot is not None:
            self._take(self.snapshot)
        self._renew()

    @Slot()
    def _selected(self) -> None:
        chosen = self.session.selection
        place = None if chosen is None else self.canvas.place_of(*chosen)
        if place is not None and self.isVisible():
            self._scroll.ensureVisible(0, place + 8, 0, 32)
        self.canvas.update()

    @Slot()
    def _recolor(self) -> None:
        self._renew()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Up and Down move the selection through the rows."""
        if event.key() not in (Qt.Key.Key_Up, Qt.Key.Key_Down) or not self.words:
            super().keyPressEvent(event)
            return
        rows = [(words.index, unit) for words in self.shown_layers() for unit in range(words.units)]
        chosen = self.session.selection
        step = 1 if event.key() == Qt.Key.Key_Down else -1
        place = rows.index(chosen) + step if chosen in rows else 0
        self.session.select(*rows[min(max(place, 0), len(rows) - 1)])


def _reach(values: np.ndarray) -> float:
    """The largest size."""
    return max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))
