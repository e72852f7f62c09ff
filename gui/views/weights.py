"""Weights: the kernel of a layer, as a heatmap or, for images, as one little image for each neuron."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QScrollArea, QStackedLayout, QVBoxLayout

from engine.files.figures import Figure, Image, Panel
from engine.spec import NetworkSpec
from engine.telemetry import Snapshot
from gui.numbers import significant, tick
from gui.views import scales
from gui.views.base import View
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
        self._kernel: np.ndarray | None = None
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
        self._pages = QStackedLayout(self)
        self._empty = EmptyNote("The weights of each layer appear here as colours. Press Run or Step.")
        self._pages.addWidget(self._empty)
        self._pages.addWidget(drawing)
        session.selection_changed.connect(self._follow)
        self._list_layers(self.session.document.spec)

    # --- data in

    def reset(self) -> None:
        self._snapshot = self._kernel = None
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
        layers = [k for k, layer in enumerate(spec.layers) if getattr(layer, "units", 0)]
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

    @Slot(int)
    def _select(self, unit: int) -> None:
        self.session.select(self._layer, unit)

    # --- drawing

    def _draw(self) -> None:
        snapshot = self._snapshot
        kernel = (
            None
            if snapshot is None or snapshot.parameters is None
            else snapshot.parameters.get(f"{self._layer}.kernel")
        )
        if snapshot is None or kernel is None or kernel.ndim != 2:
            return
        if not np.isfinite(kernel).all():
            return  # the last good picture stays
        self._kernel = kernel
        self._rescale(float(np.abs(kernel).max(initial=0.0)))
        layer = snapshot.layers[self._layer] if self._layer < len(snapshot.layers) else None
        dead = (
            layer.dead if layer is not None and len(layer.dead) == kernel.shape[1] else np.zeros(kernel.shape[1], bool)
        )
        shape = self._image_shape(kernel)
        picture = self._map if shape is None else self._images
        selection = self.session.selection
        picture.faded = snapshot.state == "diverged"
        picture.selected = selection[1] if selection is not None and selection[0] == self._layer else None
        if shape is None:
            self._map.show_kernel(kernel, dead, self._scale, *self._names(kernel))
        else:
            self._images.show_units(kernel.T.reshape(-1, *shape), dead, self._scale)
        self._inner.setCurrentWidget(self._map if shape is None else self._scroll)
        end = tick(self._scale)
        self._legend.show_entries((), ("diverging", f"\u2212{end}", "weight", f"+{end}"))
        if self._pages.currentIndex() != 1:
            self._pages.setCurrentIndex(1)

    def _rescale(self, largest: float) -> None:
        if largest > self._scale or largest < 0.3 * self._scale:
            self._scale = scales.stepped_ceiling(largest, scales.FINE_STEPS)

    def _image_shape(self, kernel: np.ndarray) -> tuple[int, int] | None:
        shape = self.session.dataset.image_shape
        if self._layer != 0 or shape is None or shape[0] * shape[1] != kernel.shape[0]:
            return None
        return shape[0], shape[1]

    def _names(self, kernel: np.ndarray) -> tuple[list[str], str]:
        """Names of the inputs of the layer, and what they are."""
        spec = self.session.document.spec
        before = [k for k in range(self._layer) if getattr(spec.layers[k], "units", 0)]
        if before:
            return [str(i + 1) for i in range(kernel.shape[0])], f"neurons of layer {before[-1] + 1}"
        names = list(self.session.dataset.feature_names)  # may be newer than the weights for a frame
        return (names if len(names) == kernel.shape[0] else [str(i + 1) for i in range(kernel.shape[0])]), "inputs"

    # --- words and export

    def summary(self) -> str:
        if self._kernel is None:
            return "No weights yet."
        inputs, units = self._kernel.shape
        low, high = (significant(float(edge), 3) for edge in (self._kernel.min(), self._kernel.max()))
        return f"Weights of {self._choice.currentText()}: {inputs} inputs x {units} neurons, from {low} to {high}."

    def figure(self) -> Figure | None:
        if self._kernel is None:
            return None
        kernel, name = self._kernel, self._choice.currentText()
        shape = self._image_shape(kernel)

        def image(values: np.ndarray, extent: tuple[float, float, float, float]) -> Image:
            return Image(values, extent, "diverging", -self._scale, self._scale, "weight", top_down=True)

        if shape is not None:
            extent = (0.0, float(shape[1]), 0.0, float(shape[0]))
            panels = tuple(
                Panel((image(kernel[:, k].reshape(shape), extent),), f"neuron {k + 1}", equal=True, axes=False)
                for k in range(kernel.shape[1])
            )
            return Figure(f"Weights of {name}", panels, columns=max(1, round(len(panels) ** 0.5)))
        whole = image(kernel.T, (0.5, kernel.shape[0] + 0.5, kernel.shape[1] + 0.5, 0.5))
        names, inputs = self._names(kernel)
        ticks = tuple(enumerate(names, 1)) if len(names) <= MOST_NAMES else None
        panel = Panel((whole,), f"Weights of {name}", inputs, "neuron", x_ticks=ticks)
        return Figure(panel.title, (panel,))
