"""What is rarely changed of a layer: how it starts, its penalties, and the button that removes it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSize, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from engine.fields import NamedOptions, info, name_of, options_of
from engine.initializers import INITIALIZERS
from engine.layers import Dense
from engine.layers.base import Layer
from gui import edits, theme
from gui.panels.changes import change
from gui.session import Session
from gui.widgets.number_field import NumberField, QuietCombo, Value
from gui.widgets.rows import bare, label


class LayerDetails(QWidget):
    """Initializer, L1 and L2 of a dense layer; "Remove" for all but the output."""

    def __init__(self, session: Session, index: int, kind: str) -> None:
        super().__init__()
        self.session, self.index = session, index
        self._removable = kind != "Output"
        self._dense = kind in ("Dense", "Output")
        rows = QVBoxLayout(self)
        bare(rows, 2)
        rows.setContentsMargins(22, 0, 0, 0)
        last = QHBoxLayout()
        bare(last, 6)
        self._numbers: dict[str, NumberField] = {}
        if self._dense:
            first = QHBoxLayout()
            bare(first, 6)
            self.initializer = QuietCombo("")
            for record in INITIALIZERS:
                self.initializer.addItem(record.title, record.name)
            self.initializer.activated.connect(self._set_initializer)
            first.addWidget(label("Initializer", "label"))
            first.addWidget(self.initializer, 1)
            self.option = NumberField("", self._tell)
            self.option.setFixedWidth(48)
            self.option.edited.connect(self._set_option)
            first.addWidget(self.option)
            rows.addLayout(first)
            for name in ("l1", "l2"):
                field = self._numbers[name] = NumberField("", self._tell)
                field.setToolTip(info(Dense, name).help)
                last.addWidget(label(name.upper(), "label"))
                last.addWidget(field, 1)
            self._numbers["l1"].edited.connect(self._set_l1)
            self._numbers["l2"].edited.connect(self._set_l2)
        else:
            last.addStretch()
        self.remove = QPushButton()
        self.remove.setFixedSize(28, 28)
        self.remove.setIconSize(QSize(16, 16))
        self.remove.setStyleSheet("padding: 0")
        if not self._removable:
            self.remove.hide()
        last.addWidget(self.remove)
        rows.addLayout(last)
        theme.signals.changed.connect(self._dress)
        self._dress()
        self.set_index(index)

    @Slot()
    def _dress(self) -> None:
        self.remove.setIcon(theme.icon("trash"))

    def set_index(self, index: int) -> None:
        """The layer's place, which its names carry."""
        self.index = index
        number = index + 1
        self.remove.setAccessibleName(f"Remove layer {number}" if self._removable else "The output stays")
        self.remove.setToolTip(f"Remove layer {number} (Ctrl+Del)")
        if self._dense:
            self.initializer.setAccessibleName(f"Initializer of layer {number}")
            self.option.setAccessibleName(f"Initializer option of layer {number}")
            for name, field in self._numbers.items():
                field.setAccessibleName(f"{name.upper()} of layer {number}")

    def show_layer(self, layer: Layer) -> None:
        """Shows the document's values."""
        if not isinstance(layer, Dense):
            return
        record = INITIALIZERS.get(name_of(layer.initializer))
        self.initializer.setCurrentIndex(self.initializer.findData(record.name))
        self.initializer.setToolTip(f"{record.formula}. {record.advice}")
        self.option.setVisible(bool(record.options))
        if record.options:
            name, default = record.options[0]
            self.option.setToolTip(name)
            self.option.show_value(options_of(layer.initializer).get(name, default))
        for name, field in self._numbers.items():
            field.show_value(getattr(layer, name))

    @Slot(int)
    def _set_initializer(self, row: int) -> None:
        self._set("Initializer", initializer=self.initializer.itemData(row))

    @Slot(object)
    def _set_option(self, value: Value) -> None:
        record = INITIALIZERS.get(self.initializer.currentData())
        chosen = NamedOptions(record.name, ((record.options[0][0], float(value or 0.0)),))
        self._set("Initializer", initializer=chosen)

    @Slot(object)
    def _set_l1(self, value: Value) -> None:
        self._set("L1", l1=value)

    @Slot(object)
    def _set_l2(self, value: Value) -> None:
        self._set("L2", l2=value)

    def _set(self, what: str, **changes: Any) -> None:
        spec = self.session.document.spec
        text = f"{what} of layer {self.index + 1}"
        change(self.session, text, lambda: {"spec": edits.set_layer(spec, self.index, **changes)})

    def _tell(self, words: str) -> None:
        self.session.notice.emit(words, "warning")
