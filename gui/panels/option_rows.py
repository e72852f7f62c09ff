"""One row for each field of a record with a field table, as its declaration says."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from engine.fields import info
from gui.widgets.number_field import NumberField, Tell
from gui.widgets.rows import Row, bare, empty


class OptionRows(QWidget):
    """Numbers and flags. `edited` tells the field's name and its new value.

    Args:
        without: names of fields that stand elsewhere.
    """

    edited = Signal(str, object)

    def __init__(self, tell: Tell, without: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._tell, self._without = tell, without
        self._rows = QVBoxLayout(self)
        bare(self._rows, 4)
        self._kind: type | None = None
        self.fields: dict[str, NumberField | QCheckBox] = {}

    def show_record(self, record: Any) -> None:
        """Shows another record's values; None: no rows."""
        if type(record) is not self._kind:
            self._build(record)
        for name, field in self.fields.items():
            value = getattr(record, name)
            if isinstance(field, QCheckBox):
                field.setChecked(value)
            else:
                field.show_value(value)

    def _build(self, record: Any) -> None:
        empty(self._rows)
        self.fields, self._kind = {}, type(record)
        named = dataclasses.fields(record) if record is not None else ()
        for name in [field.name for field in named if field.name not in self._without]:
            declared = info(type(record), name)
            field: NumberField | QCheckBox
            if declared.kind == "flag":
                field = QCheckBox()
                field.clicked.connect(lambda on, name=name: self.edited.emit(name, on))
            else:
                field = NumberField(declared.label, self._tell, declared.kind == "int", declared.optional)
                field.setPlaceholderText("automatic" if declared.optional else "")
                field.edited.connect(lambda value, name=name: self.edited.emit(name, value))
            self.fields[name] = field
            self._rows.addWidget(Row(declared.label, field, declared.help))
        self.setVisible(bool(self.fields))
