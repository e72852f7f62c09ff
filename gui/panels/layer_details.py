"""What only the card of the chosen layer shows: the fields that are rarely changed, and the button that removes it."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from engine.fields import FieldInfo
from engine.layers.base import Layer
from gui import theme
from gui.widgets.field_editors import make_editor
from gui.widgets.number_field import Tell
from gui.widgets.rows import bare, label

NUMBERS = ("int", "float")
ROOM_FOR_REMOVE = 8  # letters of labels in a row that leave it room
LEFT = 22  # px, where the title's words begin


class LayerDetails(QWidget):
    """Editors of `fields` (name -> what is declared of it); "Remove" for all but the output. `edited` tells the field
    and its new value."""

    edited = Signal(str, object)

    def __init__(self, fields: dict[str, FieldInfo], removable: bool, tell: Tell) -> None:
        super().__init__()
        self._fields, self._removable = fields, removable
        self._editors: dict[str, Any] = {}
        self._rows = QVBoxLayout(self)
        bare(self._rows, 2)
        self._rows.setContentsMargins(LEFT, 0, 0, 0)
        row: QHBoxLayout | None = None
        numbers, letters = 0, 0  # in the row so far: two numbers stand side by side
        for name, declared in fields.items():
            is_number = declared.kind in NUMBERS
            if row is None or not (is_number and numbers == 1):
                row, numbers, letters = self._row(), 0, 0
            numbers, letters = (
                numbers + 1 if is_number else 2,
                letters + len(declared.label) * (declared.kind != "flag"),
            )
            editor = self._editors[name] = make_editor(name, declared, tell)
            editor.edited.connect(partial(self.edited.emit, name))
            if declared.kind != "flag":
                row.addWidget(label(declared.label, "label"))
            row.addWidget(editor, 1)
        if row is None or letters > ROOM_FOR_REMOVE:
            row = self._row()
            row.addStretch()
        self.remove = QPushButton()
        self.remove.setFixedSize(28, 28)
        self.remove.setIconSize(QSize(16, 16))
        self.remove.setStyleSheet("padding: 0")
        self.remove.setVisible(removable)
        row.addWidget(self.remove)
        theme.signals.changed.connect(self._dress)
        self._dress()

    def _row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        bare(row, 6)
        self._rows.addLayout(row)
        return row

    @Slot()
    def _dress(self) -> None:
        self.remove.setIcon(theme.icon("trash"))

    def set_number(self, number: str) -> None:
        """The layer's place, which the names of its controls carry."""
        self.remove.setAccessibleName(f"Remove layer {number}" if self._removable else "The output stays")
        self.remove.setToolTip(f"Remove layer {number} (Ctrl+Del)")
        for name, editor in self._editors.items():
            editor.rename(f"{self._fields[name].label} of layer {number}")

    def show_layer(self, layer: Layer) -> None:
        """Shows the document's values."""
        for name, editor in self._editors.items():
            editor.show_value(getattr(layer, name))
