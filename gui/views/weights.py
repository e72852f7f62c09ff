"""Weights: the kernel of a layer, as a heatmap or, for images, as one little image for each neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QScrollArea, QStackedLayout, QVBoxLayout

from engine.files.figures import Figure, Image, Panel
from engine.spec import NetworkSpec
from engine.telemetry import Snapshot
from engine.units import weights_of
from gui.numbers import significant, tick
from gui.views import scales
from gui.views.base import View
from gui.views.image_data import image_shape
from gui.views.kernels import Kernel, drawn_kernel
from gui.views.layer_words import LayerWords, layer_words
from gui.views.learned import learned_by
from gui.views.learned_strip import LearnedStrip
from gui.views.pieces import EmptyNote, Ground, Legend, layer_name
from gui.views.weight_pictures import KernelMap, UnitImages

if TYPE_CHECKING:
    from gui.session import Session

MOST_NAMES = 30  # of inputs, written under an exported picture


class Weights(View):
    """Blue pushes down, orange pushes up; the scale is symmetric and moves in steps."""

    name = "weights"
    title = "Weights"
    watches = frozenset({"parameters"})

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._layer = -1
        self._drawn: Kernel | None = None
        self._words: dict[int, LayerWords] = {}
        self._snapshot: Snapshot | None = None
        self._scale = 0.0
        self._choice = QComboBox()
        self._choice.setAccessibleName("Layer of the weights")
        self._choice.setMinimumHeight(28)
        self._choice.setMinimumWidth(150)
        self._choice.currentIndexChanged.connect(self._chosen)
        self._legend = Legend()
        self._legend.indent = 16
        self._map, self._images = KernelMap(), UnitImages()
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._images)
        for picture in (self._map, self._images):
            picture.unit_clicked.connect(self._select)
        drawing = Ground()
        column = QVBoxLayout(drawing)
        column.setContentsMargins(0, 8, 0, 0)
        column.setSpacing(4)
        row = QHBoxLayout()
        row.setContentsMargins(16, 0, 0, 0)
        row.addWidget(self._choice)
        row.addWidget(self._legend, 1)
        column.addLayout(row)
        self._inner = QStackedLayout()
        self._inner.addWidget(self._map)
        self._inner.addWidget(self._scroll)
        column.addLayout(self._inner, 1)
        self.learned = LearnedStrip(lambda words: session.notice.emit(words, "warning"))
        self.learned.edited.connect(self._set_parameter)
        self.learned.unit_clicked.connect(self._select)
        column.addWidget(self.learned)
        self._pages = QStackedLayout(self)
        self._empty = EmptyNote("The weights of each layer appear here as colours. Press Run or Step.")
        self._pages.addWidget(self._empty)
        self._pages.addWidget(drawing)
        session.selection_changed.connect(self._follow)
        self._list_layers(self.session.document.spec)

    # --- data in

    def reset(self) -> None:
        self._snapshot = self._drawn = None
        self._scale = 0.0
        self._list_layers(self.session.document.spec)
        self._pages.setCurrentIndex(0)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self._empty.follow(snapshot)
        if snapshot.parameters is None:
            return
        if self._snapshot is None or snapshot.spec is not self._snapshot.spec:
            self._list_layers(snapshot.spec)
        self._snapshot = snapshot
        self._draw()

    def _list_layers(self, spec: NetworkSpec) -> None:
        self._words = {words.index: words for words in layer_words(spec) if spec.parts[words.index].layer.has_kernel}
        layers = list(self._words)
        if [self._choice.itemData(row) for row in range(self._choice.count())] != layers:
            self._choice.blockSignals(True)
            self._choice.clear()
            for k in layers:
                self._choice.addItem(layer_name(spec, k), k)
            self._choice.setCurrentIndex(max(0, self._choice.findData(self._layer)))
            self._choice.blockSignals(False)
        self._layer = self._choice.currentData() if layers else -1

    @Slot()
    def _chosen(self) -> None:
        self._layer = self._choice.currentData() if self._choice.count() else -1
        self._scale = 0.0
        self._draw()

    @Slot()
    def _follow(self) -> None:
        """A neuron was selected somewhere: its layer comes up here."""
        selection = self.session.selection
        row = self._choice.findData(selection[0]) if selection is not None else -1
        if row >= 0 and row != self._choice.currentIndex():
            self._choice.setCurrentIndex(row)  # draws
        else:
            self._draw()
        if selection is not None and self._inner.currentWidget() is self._scroll:
            place = self._images.place(selection[1]).center().toPoint()
            self._scroll.ensureVisible(place.x(), place.y(), 0, 64)
        if selection is not None:
            self.learned.show_unit(selection[1])

    @Slot(int)
    def _select(self, unit: int) -> None:
        self.session.select(self._layer, unit)

    @Slot(str, object, float)
    def _set_parameter(self, key: str, index: tuple[int, ...], value: float) -> None:
        self.session.set_parameter(key, index, value)

    # --- drawing

    def _draw(self) -> None:
        snapshot = self._snapshot
        kernel = (
            None
            if snapshot is None or snapshot.parameters is None
            else snapshot.parameters.get(snapshot.spec.key(self._layer, "kernel"))
        )
        if snapshot is None or kernel is None or not np.isfinite(kernel).all():
            return  # the last good picture stays
        words, dataset = self._words[self._layer], self.session.dataset
        drawn = drawn_kernel(kernel, words, snapshot.spec, image_shape(dataset), dataset.feature_names)
        self._drawn = drawn
        self._rescale(float(np.abs(kernel).max(initial=0.0)))
        layer = snapshot.layers[self._layer] if self._layer < len(snapshot.layers) else None
        units = kernel.shape[-1]
        dead = layer.dead if layer is not None and len(layer.dead) == units else np.zeros(units, bool)
        picture = self._map if drawn.images is None else self._images
        picture.noun = words.noun
        selection = self.session.selection
        picture.faded = snapshot.state == "diverged"
        picture.selected = selection[1] if selection is not None and selection[0] == self._layer else None
        if drawn.images is None:
            self._map.show_kernel(drawn.matrix, dead, self._scale, drawn.names, drawn.what)
        else:
            self._images.show_units(drawn.images, dead, self._scale)
        self._inner.setCurrentWidget(self._map if drawn.images is None else self._scroll)
        fed = (k for k in range(len(snapshot.spec.parts)) if weights_of(snapshot.spec, k) == self._layer)
        rows = tuple(row for k in fed for row in learned_by(snapshot.spec.parts[k]))
        self.learned.show_numbers(
            words.number, words.noun, rows, snapshot.parameters or {}, snapshot.held, picture.selected
        )
        end = tick(self._scale)
        self._legend.show_entries((), ("diverging", f"\u2212{end}", "weight", f"+{end}"))
        if self._pages.currentIndex() != 1:
            self._pages.setCurrentIndex(1)

    def _rescale(self, largest: float) -> None:
        if largest > self._scale or largest < 0.3 * self._scale:
            self._scale = scales.stepped_ceiling(largest, scales.FINE_STEPS)

    # --- words and export

    def summary(self) -> str:
        if self._drawn is None:
            return "No weights yet."
        matrix, noun = self._drawn.matrix, self._words[self._layer].noun
        inputs, units = matrix.shape
        low, high = (significant(float(edge), 3) for edge in (matrix.min(), matrix.max()))
        return f"Weights of {self._choice.currentText()}: {inputs} inputs x {units} {noun}s, from {low} to {high}."

    def figure(self) -> Figure | None:
        if self._drawn is None:
            return None
        drawn, name, noun = self._drawn, self._choice.currentText(), self._words[self._layer].noun

        def image(values: np.ndarray, extent: tuple[float, float, float, float]) -> Image:
            return Image(values, extent, "diverging", -self._scale, self._scale, "weight", top_down=True)

        if drawn.images is not None:
            rows, columns = drawn.images.shape[1:]
            extent = (0.0, float(columns), 0.0, float(rows))
            panels = tuple(
                Panel((image(np.nan_to_num(values), extent),), f"{noun} {k + 1}", equal=True, axes=False)
                for k, values in enumerate(drawn.images)
            )
            return Figure(f"Weights of {name}", panels, columns=max(1, round(len(panels) ** 0.5)))
        inputs, units = drawn.matrix.shape
        whole = image(drawn.matrix.T, (0.5, inputs + 0.5, units + 0.5, 0.5))
        ticks = tuple(enumerate(drawn.names, 1)) if inputs <= MOST_NAMES else None
        panel = Panel((whole,), f"Weights of {name}", drawn.what, noun, x_ticks=ticks)
        return Figure(panel.title, (panel,))
