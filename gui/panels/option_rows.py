"""One row for each declared number or flag of something: an optimizer, a schedule, a loss."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from engine.fields import FieldInfo, info
from gui.widgets.number_field import NumberField, Tell
from gui.widgets.rows import Row, bare, empty

Item = tuple[str, FieldInfo, Any]  # name, declaration, value


class OptionRows(QWidget):
    """`edited` tells an option's name and its new value."""

    edited = Signal(str, object)

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self._tell = tell
        self._rows = QVBoxLayout(self)
        bare(self._rows, 4)
        self._kind: Any = None
        self._fields: dict[str, NumberField | QCheckBox] = {}

    def show_record(self, record: Any, without: tuple[str, ...] = ()) -> None:
        """The fields of a record, but for some that stand elsewhere; None: no rows."""
        named = dataclasses.fields(record) if record is not None else ()
        items = [(f.name, info(type(record), f.name), getattr(record, f.name)) for f in named if f.name not in without]
        self.show_items(type(record), items)

    def show_items(self, kind: Any, items: Sequence[Item]) -> None:
        """Options and their values; `kind` tells whose they are."""
        if kind != self._kind:
            self._kind = kind
            self._build(items)
        for name, _, value in items:
            field = self._fields[name]
            if isinstance(field, QCheckBox):
                field.setChecked(value)
            else:
                field.show_value(value)

    def _build(self, items: Sequence[Item]) -> None:
        empty(self._rows)
        self._fields = {}
        for name, declared, _ in items:
            field: NumberField | QCheckBox
            if declared.kind == "flag":
                field = QCheckBox()
                field.clicked.connect(lambda on, name=name: self.edited.emit(name, on))
            else:
                field = NumberField(declared.label, self._tell, declared.kind == "int", declared.optional)
                field.setPlaceholderText("automatic" if declared.optional else "")
                field.edited.connect(lambda value, name=name: self.edited.emit(name, value))
            self._fields[name] = field
            self._rows.addWidget(Row(declared.label, field, declared.help))
        self.setVisible(bool(items))
