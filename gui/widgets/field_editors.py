"""One editor for each kind of field in a spec's field table. All have `show_value`, `edited` and `rename`."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QWidget

from engine.errors import RelumeError
from engine.fields import FieldInfo, NamedOptions, checked_shape, name_of, options_of
from engine.initializers import INITIALIZERS
from gui.widgets.number_field import NumberField, QuietCombo, Tell, Value
from gui.widgets.rows import bare
from gui.words import error_words

OPTION_WIDTH, LEAST_WIDTH = 48, 36  # px


class Editor(Protocol):
    """What a card asks of an editor, whatever it looks like."""

    edited: Signal

    def show_value(self, value: Any) -> None: ...
    def rename(self, name: str) -> None: ...


class NumberEditor(NumberField):
    """A number; empty where it may be."""

    def __init__(self, declared: FieldInfo, tell: Tell) -> None:
        super().__init__(declared.label, tell, declared.kind == "int", declared.optional)
        self.setMinimumWidth(LEAST_WIDTH)

    def rename(self, name: str) -> None:
        self.setAccessibleName(name)


class ChoiceEditor(QuietCombo):
    """One of a few words."""

    edited = Signal(object)

    def __init__(self, declared: FieldInfo) -> None:
        super().__init__(declared.label)
        for word in declared.choices() if declared.choices else ():
            self.addItem(word, word)
        self.activated.connect(lambda row: self.edited.emit(self.itemData(row)))

    def show_value(self, value: Any) -> None:
        self.setCurrentIndex(self.findData(value))

    def rename(self, name: str) -> None:
        self.setAccessibleName(name)


class ShapeEditor(QLineEdit):
    """Extents, as in 28 × 28 × 1; taken with Enter or on leaving."""

    edited = Signal(object)

    def __init__(self, declared: FieldInfo, tell: Tell) -> None:
        super().__init__()
        self._declared, self._tell = declared, tell
        self._shown = ""
        self.setAccessibleName(declared.label)
        self.editingFinished.connect(self._take)

    def show_value(self, value: Any) -> None:
        self._shown = " × ".join(str(extent) for extent in value)
        self.setText(self._shown)

    def rename(self, name: str) -> None:
        self.setAccessibleName(name)

    @Slot()
    def _take(self) -> None:
        text = self.text()
        if text == self._shown:
            return
        self.setText(self._shown)
        try:
            self.edited.emit(checked_shape(text, self._declared))
        except RelumeError as error:
            self._tell(error_words(error))


class FlagEditor(QCheckBox):
    """Yes or no."""

    edited = Signal(object)

    def __init__(self, declared: FieldInfo) -> None:
        super().__init__(declared.label)
        self.clicked.connect(lambda on: self.edited.emit(on))

    def show_value(self, value: Any) -> None:
        self.setChecked(bool(value))

    def rename(self, name: str) -> None:
        self.setAccessibleName(name)


class InitializerEditor(QWidget):
    """An initializer, and its number where it has one."""

    edited = Signal(object)

    def __init__(self, declared: FieldInfo, tell: Tell) -> None:
        super().__init__()
        self.choice = QuietCombo(declared.label)
        for record in INITIALIZERS:
            self.choice.addItem(record.title, record.name)
        self.choice.activated.connect(lambda row: self.edited.emit(self.choice.itemData(row)))
        self.option = NumberField(declared.label, tell)
        self.option.setFixedWidth(OPTION_WIDTH)
        self.option.edited.connect(self._set_option)
        row = QHBoxLayout(self)
        bare(row, 6)
        row.addWidget(self.choice, 1)
        row.addWidget(self.option)
        self.setFocusProxy(self.choice)

    def show_value(self, value: Any) -> None:
        record = INITIALIZERS.get(name_of(value))
        self.choice.setCurrentIndex(self.choice.findData(record.name))
        self.choice.setToolTip(f"{record.formula}. {record.advice}")
        self.option.setVisible(bool(record.options))
        if record.options:
            name, default = record.options[0]
            self.option.setToolTip(name)
            self.option.show_value(options_of(value).get(name, default))

    def rename(self, name: str) -> None:
        self.choice.setAccessibleName(name)
        self.option.setAccessibleName(name.replace(" of layer", " option of layer"))

    @Slot(object)
    def _set_option(self, value: Value) -> None:
        record = INITIALIZERS.get(self.choice.currentData())
        self.edited.emit(NamedOptions(record.name, ((record.options[0][0], float(value or 0.0)),)))


def make_editor(name: str, declared: FieldInfo, tell: Tell) -> Any:
    """The editor (see `Editor`) of the field called `name`."""
    if declared.kind in ("int", "float"):
        made: Any = NumberEditor(declared, tell)
    elif declared.kind == "flag":
        made = FlagEditor(declared)
    elif declared.kind == "shape":
        made = ShapeEditor(declared, tell)
    elif name == "initializer":
        made = InitializerEditor(declared, tell)
    else:
        made = ChoiceEditor(declared)
    made.setToolTip(declared.help)
    return made
