"""One layer of the design: what it is, how large, its activation, and how its neurons are."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QToolButton, QVBoxLayout, QWidget

from engine.layers import LAYERS, Dense, Dropout
from engine.layers.base import Layer
from engine.outputs import describe_output
from engine.telemetry import LayerSnapshot
from gui import edits, theme
from gui.panels.changes import change
from gui.panels.layer_details import LayerDetails
from gui.session import Session
from gui.widgets.curve_button import CurveButton
from gui.widgets.grip import Grip
from gui.widgets.rows import bare, label
from gui.widgets.stepper import Stepper
from gui.widgets.value_slider import ValueSlider

OUTPUT_TIP = "The data set how many outputs there are; the loss sets what is applied to them."


class LayerCard(QFrame):
    """A card; `kind` is the layer's kind, or "Output" for the last one. Values come through `show_layer`."""

    dragged = Signal(object, int)
    dropped = Signal(object, int)

    def __init__(self, session: Session, index: int, kind: str) -> None:
        super().__init__()
        self.session, self.index, self.kind = session, index, kind
        self.chosen = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._rows = QVBoxLayout(self)
        self._rows.setContentsMargins(4, 3, 8, 5)
        self._rows.setSpacing(4)
        self._named: list[tuple[QWidget, str]] = []
        self._top = QHBoxLayout()
        bare(self._top, 2)
        self._rows.addLayout(self._top)
        self.activation: CurveButton | None = None
        self.units: Stepper | None = None
        self.rate: ValueSlider | None = None
        self.details: LayerDetails | None = None
        self.title = label("", "name")
        self.words = label("", "label")
        if kind == "Output":
            self._build_output()
        else:
            self._build_hidden()
        self.show_chosen(False)
        self._rename()
        theme.signals.changed.connect(self._dress)
        self._dress()

    # ---- building -------------------------------------------------------------------------------

    def _build_hidden(self) -> None:
        self.grip = Grip("")
        self.grip.dragged.connect(self._drag)
        self.grip.dropped.connect(self._drop)
        self._name(self.grip, "Grip of layer {}")
        self._top.addWidget(self.grip)
        self._top.addSpacing(6)
        self._top.addWidget(self.title)
        self._top.addStretch()
        self._second = QHBoxLayout()
        bare(self._second, 8)
        self._second.setContentsMargins(22, 0, 0, 0)
        if self.kind == "Dense":
            self.units = Stepper("", self._tell)
            self.units.edited.connect(self._set_units)
            self._top.addWidget(self.units)
            self._top.addSpacing(2)
            self._add_activation(self._second)
            self.activation.setMaximumWidth(150)  # type: ignore[union-attr]
            self.cross = QLabel()
            self.cross.setFixedWidth(12)
            self.cross.hide()
            state = QHBoxLayout()
            bare(state, 4)
            state.addWidget(self.cross)
            state.addWidget(self.words)
            self._second.addLayout(state)
            self.words.setMinimumWidth(46)
        elif self.kind == "Dropout":
            self.rate = ValueSlider("", self._tell, 0.0, 0.95, 0.05)
            self._name(self.rate.slider, "Rate of layer {}")
            self._name(self.rate.field, "Rate of layer {}, value")
            self.rate.edited.connect(self._set_rate)
            self._second.addWidget(label("Rate", "label"))
            self._second.addWidget(self.rate, 1)
        self._top.addWidget(self._more_button())
        self._rows.addLayout(self._second)
        self._add_details()

    def _build_output(self) -> None:
        self.lock = QLabel()
        self.lock.setFixedWidth(20)
        self._top.setContentsMargins(2, 0, 0, 0)
        self._top.addWidget(self.lock)
        self._top.addWidget(self.title)
        self._top.addSpacing(8)
        self._top.addStretch()
        self._add_activation(self._top)
        self.activation.setMaximumWidth(128)  # type: ignore[union-attr]
        self.words.setProperty("role", "caption")
        self.words.setWordWrap(True)
        self.words.setToolTip(OUTPUT_TIP)
        below = QHBoxLayout()
        bare(below)
        below.setContentsMargins(22, 0, 0, 0)
        below.addWidget(self.words)
        self._rows.addLayout(below)
        self._add_details()

    def _add_activation(self, row: QHBoxLayout) -> None:
        self.activation = CurveButton("")
        self.activation.clicked.connect(self.pick_activation)
        self._name(self.activation, "Activation of layer {}")
        row.addWidget(self.activation, 1)

    def _add_details(self) -> None:
        """What only the chosen card shows."""
        self.details = LayerDetails(self.session, self.index, self.kind)
        self.details.remove.clicked.connect(self.remove)
        self._rows.addWidget(self.details)
        if self.kind == "Dropout":  # it has nothing else to show: no row of its own
            self._second.addWidget(self.details.remove)
            self.details.hide()

    def _more_button(self) -> QToolButton:
        self.more = QToolButton()
        self.more.setProperty("role", "flat")
        self.more.setFixedSize(24, 24)
        self.more.setIconSize(QSize(16, 16))
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._name(self.more, "More for layer {}")
        menu = QMenu(self.more)
        self._up = menu.addAction("Move up", self.move_up)
        self._down = menu.addAction("Move down", self.move_down)
        menu.addAction("Duplicate", self.duplicate)
        menu.addSeparator()
        menu.addAction("Remove", self.remove)
        menu.aboutToShow.connect(self._fit_menu)
        self.more.setMenu(menu)
        return self.more

    def _name(self, widget: QWidget, pattern: str) -> None:
        self._named.append((widget, pattern))

    def _rename(self) -> None:
        number = self.index + 1
        for widget, pattern in self._named:
            widget.setAccessibleName(pattern.format(number))
        if self.units is not None:
            self.units.rename(f"Units of layer {number}")
        if self.details is not None:
            self.details.set_index(self.index)
        self.setAccessibleName(f"Layer {number}")

    @Slot()
    def _dress(self) -> None:
        if self.kind == "Output":
            self.lock.setPixmap(theme.icon("lock", "ink 2").pixmap(14, 14))
        else:
            self.more.setIcon(theme.icon("more", "ink 2"))
        if self.kind == "Dense":
            self.cross.setPixmap(theme.icon("cross", "dead").pixmap(12, 12))

    # ---- what it shows --------------------------------------------------------------------------

    def show_layer(self, index: int, layer: Layer) -> None:
        """Shows the document's values."""
        if index != self.index:
            self.index = index
            self._rename()
        self.title.setText(f"{index + 1}\u2002{self.kind if self.kind not in LAYERS else LAYERS.get(self.kind).title}")
        if isinstance(layer, Dense) and self.activation is not None:
            self.activation.show_value(layer.activation)
            if self.units is not None:
                self.units.show_value(layer.units)
        if isinstance(layer, Dropout) and self.rate is not None:
            self.rate.show_value(layer.rate)
        if self.details is not None:
            self.details.show_layer(layer)
        if self.kind == "Output":
            self.words.setText(describe_output(self.session.document.spec, self.session.dataset))

    def show_chosen(self, chosen: bool) -> None:
        """The accent edge and the further rows of the layer that is looked at."""
        self.chosen = chosen
        flat = self.kind == "Output"
        role = "card on" if chosen else "card flat" if flat else "card"
        if self.property("role") != role:
            self.setProperty("role", role)
            self.style().unpolish(self)
            self.style().polish(self)
        if self.details is not None:
            (self.details.remove if self.kind == "Dropout" else self.details).setVisible(chosen)

    def show_state(self, state: LayerSnapshot | None) -> None:
        """Tells how many neurons are dead."""
        if self.kind != "Dense":
            return
        dead = 0 if state is None else int(np.count_nonzero(state.dead))
        known = state is not None and bool(np.isfinite(state.max_z).any())
        words = f"{dead} dead" if dead else "all alive" if known else ""
        if self.words.text() == words:
            return
        self.words.setText(words)
        self.words.setProperty("role", "dead" if dead else "label")
        self.words.style().unpolish(self.words)
        self.words.style().polish(self.words)
        self.cross.setVisible(bool(dead))

    # ---- what the user does ---------------------------------------------------------------------

    @Slot()
    def pick_activation(self) -> None:
        """Opens the picker over the centre."""
        from gui.dialogs.activation_picker import ActivationPicker

        ActivationPicker(self.session, self.index, self.activation).open_beside()

    @Slot()
    def remove(self) -> None:
        spec = edits.remove_layer(self.session.document.spec, self.index)
        self.session.edit(f"Remove layer {self.index + 1}", spec=spec)

    @Slot()
    def duplicate(self) -> None:
        spec = edits.duplicate_layer(self.session.document.spec, self.index)
        self.session.edit(f"Duplicate layer {self.index + 1}", spec=spec)

    @Slot()
    def move_up(self) -> None:
        self._move(self.index - 1)

    @Slot()
    def move_down(self) -> None:
        self._move(self.index + 1)

    def _move(self, to: int) -> None:
        last = edits.hidden_count(self.session.document.spec) - 1
        to = max(0, min(to, last))
        if to == self.index:
            return
        index, chosen = self.index, self.chosen
        spec = edits.move_layer(self.session.document.spec, index, to)
        self.session.edit(f"Move layer {index + 1} {'up' if to < index else 'down'}", spec=spec)
        if chosen:
            self.session.select(to)

    @Slot()
    def _fit_menu(self) -> None:
        self._up.setEnabled(self.index > 0)
        self._down.setEnabled(self.index < edits.hidden_count(self.session.document.spec) - 1)

    @Slot(object)
    def _set_units(self, units: int) -> None:
        self._set("Units", units=units)

    @Slot(float)
    def _set_rate(self, rate: float) -> None:
        self._set("Rate", rate=rate)

    def _set(self, what: str, **changes: Any) -> None:
        text = f"{what} of layer {self.index + 1}"
        spec = self.session.document.spec
        change(self.session, text, lambda: {"spec": edits.set_layer(spec, self.index, **changes)}, text)

    def _tell(self, words: str) -> None:
        self.session.notice.emit(words, "warning")

    @Slot(int)
    def _drag(self, y: int) -> None:
        self.dragged.emit(self, y)

    @Slot(int)
    def _drop(self, y: int) -> None:
        self.dropped.emit(self, y)

    def choose(self) -> None:
        """Looks at this layer; its chosen neuron stays where there is one."""
        if self.session.selection is None or self.session.selection[0] != self.index:
            self.session.select(self.index)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        # on release: cards fold and unfold, and nothing may move under a pressed button
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.choose()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.choose()
