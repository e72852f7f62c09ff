"""One layer of the design: what it is, how large, its activation, and how its units are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from engine.fields import FieldInfo
from engine.layers import LAYERS, Dense, Residual
from engine.outputs import describe_output
from engine.spec import NetworkSpec, Part
from engine.telemetry import LayerSnapshot
from gui import edits, theme
from gui.panels.changes import change
from gui.panels.kinds_menu import kinds_menu
from gui.panels.layer_details import LEFT, LayerDetails
from gui.panels.layer_menu import LayerMenu
from gui.panels.layer_rows import ShapeRow, UnitState
from gui.panels.layer_words import ACTIVATION, MAIN, declared_fields, size_words
from gui.session import Session
from gui.widgets.curve_button import CurveButton
from gui.widgets.grip import Grip
from gui.widgets.rows import bare, label
from gui.widgets.stepper import Stepper
from gui.widgets.value_slider import ValueSlider

OUTPUT = "Output"
STEP_IN = 14  # px, of a layer within a block
OUTPUT_TIP = "The data set how many outputs there are; the loss sets what is applied to them."


class LayerCard(QFrame):
    """A card; `kind` is the layer's kind, or "Output" for the last one. Its rows come from the kind's field table:
    the units beside the title, then the activation or the one share that there is; the others when it is chosen.
    Values come through `show_part`."""

    dragged = Signal(object, int)
    dropped = Signal(object, int)

    def __init__(self, session: Session, kind: str) -> None:
        super().__init__()
        self.session, self.kind = session, kind
        self.index, self.number = 0, ""  # in `NetworkSpec.parts`, and as a person counts
        self.chosen = self.retired = False
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
        self._main = self._share = ""  # the fields that these two show
        self.state: UnitState | None = None
        self.shape: ShapeRow | None = None
        self.title = label("", "name")
        self.words = label("", "label")
        cls = Dense if kind == OUTPUT else LAYERS.get(kind).cls
        self._fields, self._holds = declared_fields(cls), issubclass(cls, Residual)
        if kind == OUTPUT:
            self._build_output()
        else:
            self._build_hidden()
        self.show_chosen(False)
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
        rest = dict(self._fields)
        second = QHBoxLayout()
        bare(second, 8)
        second.setContentsMargins(LEFT, 0, 0, 0)
        self._main = next((name for name in MAIN if name in rest), "")
        if self._main:
            declared = rest.pop(self._main)
            self.units = Stepper("", self._tell, int(declared.minimum or 1))
            self.units.edited.connect(self._set_units)
            self.units.setToolTip(declared.help)
            self._top.addWidget(self.units)
            self._top.addSpacing(2)
        if rest.pop(ACTIVATION, None) is not None:
            self._add_activation(second)
            self.activation.setMaximumWidth(150)  # type: ignore[union-attr]
            self.state = UnitState()
            self.words = self.state.words
            second.addWidget(self.state)
        elif len(rest) == 1 and _is_share(next(iter(rest.values()))):
            self._add_share(second, *rest.popitem())
        if self._holds:
            self._add_within(second)
        self.more = LayerMenu((self.move_up, self.move_down, self.duplicate, self.remove), self._moves)
        self._name(self.more, "More for layer {}")
        self._top.addWidget(self.more)
        self._rows.addLayout(second)
        self.shape = ShapeRow()
        self._rows.addWidget(self.shape)
        self._add_details(rest, second if second.count() and not rest else None)

    def _add_share(self, row: QHBoxLayout, name: str, declared: FieldInfo) -> None:
        self._share = name
        self.rate = ValueSlider("", self._tell, 0.0, 0.95, 0.05)
        self._name(self.rate.slider, f"{declared.label} of layer {{}}")
        self._name(self.rate.field, f"{declared.label} of layer {{}}, value")
        self.rate.setToolTip(declared.help)
        self.rate.edited.connect(self._set_share)
        row.addWidget(label(declared.label, "label"))
        row.addWidget(self.rate, 1)

    def _add_within(self, row: QHBoxLayout) -> None:
        within = QToolButton()
        within.setText("Add layer within")
        within.setToolTip("Add a layer at the end of those that the skip goes around")
        within.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        within.setMenu(kinds_menu(within, self.add_within))
        self._name(within, "Add layer within layer {}")
        row.addWidget(within)
        row.addStretch()

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
        below.setContentsMargins(LEFT, 0, 0, 0)
        below.addWidget(self.words)
        self._rows.addLayout(below)
        self._add_details({name: self._fields[name] for name in self._fields if name not in (*MAIN, ACTIVATION)}, None)

    def _add_activation(self, row: QHBoxLayout) -> None:
        self.activation = CurveButton("")
        self.activation.clicked.connect(self.pick_activation)
        self._name(self.activation, "Activation of layer {}")
        row.addWidget(self.activation, 1)

    def _add_details(self, fields: dict[str, FieldInfo], room: QHBoxLayout | None) -> None:
        """What only the chosen card shows; a button that is alone finds `room` in another row."""
        self.details = LayerDetails(fields, self.kind != OUTPUT, self._tell)
        self.details.edited.connect(self._set_field)
        self.details.remove.clicked.connect(self.remove)
        self._rows.addWidget(self.details)
        self._folds: QWidget = self.details
        if room is not None:
            room.addWidget(self.details.remove)
            self.details.hide()
            self._folds = self.details.remove

    def _name(self, widget: QWidget, pattern: str) -> None:
        self._named.append((widget, pattern))

    def _rename(self) -> None:
        for widget, pattern in self._named:
            widget.setAccessibleName(pattern.format(self.number))
        if self.units is not None:
            self.units.rename(f"{self._fields[self._main].label} of layer {self.number}")
        self.details.set_number(self.number)
        self.setAccessibleName(f"Layer {self.number}")
        self.setContentsMargins(0, 0, 0, 0)
        self.setStyleSheet(f"LayerCard {{ margin-left: {STEP_IN * self.number.count('.')}px }}")

    @Slot()
    def _dress(self) -> None:
        if self.kind == OUTPUT:
            self.lock.setPixmap(theme.icon("lock", "ink 2").pixmap(14, 14))

    # ---- what it shows --------------------------------------------------------------------------

    def show_part(self, index: int, part: Part) -> None:
        """Shows the document's values."""
        layer, self.index = part.layer, index
        if part.number != self.number:
            self.number = part.number
            self._rename()
        self.title.setText(f"{self.number}\u2002{self.kind}")
        if self.activation is not None:
            self.activation.show_value(getattr(layer, ACTIVATION))
        if self.units is not None:
            self.units.show_value(getattr(layer, self._main))
        if self.rate is not None:
            self.rate.show_value(getattr(layer, self._share))
        self.details.show_layer(layer)
        size = size_words(part)
        self.title.setToolTip(size)
        self.setAccessibleDescription(size)
        if self.shape is not None:
            self.shape.show_part(part)
        else:
            self.words.setText(describe_output(self.session.document.spec, self.session.dataset))

    def retire(self) -> None:
        """The layer is gone, and the card soon: what was half typed, and is taken as the field loses the focus, changes
        no other layer."""
        self.retired = True
        self.setEnabled(False)

    def show_chosen(self, chosen: bool) -> None:
        """The accent edge and the further rows of the layer that is looked at."""
        self.chosen = chosen
        flat = self.kind == OUTPUT
        role = "card on" if chosen else "card flat" if flat else "card"
        if self.property("role") != role:
            self.setProperty("role", role)
            self.style().unpolish(self)
            self.style().polish(self)
        self._folds.setVisible(chosen)
        if self.shape is not None:
            self.shape.show_chosen(chosen)

    def show_state(self, state: LayerSnapshot | None) -> None:
        """Tells how many units are dead; the output tells what the data set instead."""
        if self.state is not None:
            self.state.show_state(state)

    # ---- what the user does ---------------------------------------------------------------------

    @Slot()
    def pick_activation(self) -> None:
        """Opens the picker over the centre."""
        from gui.dialogs.activation_picker import ActivationPicker

        ActivationPicker(self.session, self.index, self.activation).open_beside()

    @Slot()
    def remove(self) -> None:
        self._edit(f"Remove layer {self.number}", edits.remove_layer)

    @Slot()
    def duplicate(self) -> None:
        self._edit(f"Duplicate layer {self.number}", edits.duplicate_layer, wanted=self.kind)

    @Slot()
    def move_up(self) -> None:
        self._move(-1)

    @Slot()
    def move_down(self) -> None:
        self._move(1)

    def _move(self, by: int) -> None:
        chosen, before = self.chosen, self.session.document.spec
        block, place, count = edits.place_of(before, self.index)
        if not 0 <= place + by < count:
            return
        self._edit(f"Move layer {self.number} {'up' if by < 0 else 'down'}", edits.move_layer, place + by)
        if chosen and self.session.document.spec is not before:
            self.session.select(edits.index_of(self.session.document.spec, block, place + by))

    def add_within(self, kind: str) -> None:
        """Adds a layer of this kind to a block."""
        layer = edits.new_layer(self.session.document.spec, kind)
        self._edit(f"Add layer within layer {self.number}", edits.add_within, layer, wanted=kind)

    def _edit(self, text: str, act: Callable[..., NetworkSpec], *arguments: Any, wanted: str = "") -> None:
        spec, index = self.session.document.spec, self.index
        if not self.retired:
            change(self.session, text, lambda: {"spec": act(spec, index, *arguments)}, wanted=wanted)

    def _moves(self) -> tuple[bool, bool]:
        """Whether it can go up, and down."""
        _, place, count = edits.place_of(self.session.document.spec, self.index)
        return place > 0, place < count - 1

    @Slot(object)
    def _set_units(self, units: int) -> None:
        self._set_field(self._main, units, merge=True)

    @Slot(float)
    def _set_share(self, share: float) -> None:
        self._set_field(self._share, share, merge=True)

    @Slot(str, object)
    def _set_field(self, name: str, value: Any, merge: bool = False) -> None:
        if self.retired:
            return
        text = f"{self._fields[name].label} of layer {self.number}"
        spec = self.session.document.spec
        make = lambda: {"spec": edits.set_layer(spec, self.index, **{name: value})}  # noqa: E731
        change(self.session, text, make, text if merge else None)

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


def _is_share(declared: FieldInfo) -> bool:
    """Whether a slider suits the field."""
    return declared.kind == "float" and declared.minimum == 0 and 1 in (declared.below, declared.maximum)
