"""Fields that take a typed number; text that is none is told and the document's value comes back."""

from __future__ import annotations

import math
from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QStyle, QStyledItemDelegate, QStyleOptionComboBox, QWidget

TEXT_LEFT, TEXT_RIGHT = 9, 20  # px of a combo box beside its text; the chevron takes the right ones
SHORT_FORM = Qt.ItemDataRole.UserRole + 1
BESIDE = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
Value = int | float | None
Tell = Callable[[str], None]


def plain(value: Value) -> str:
    """A number as one types it: 0.04, 1e-05, 12; nothing for None."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.10g}"


def read(text: str, name: str, whole: bool = False, optional: bool = False) -> Value:
    """The number that `text` says; a comma for the point is understood. Raises ValueError in words."""
    cleaned = text.strip().replace("\u2212", "-").replace("\u2009", "").replace(" ", "").replace(",", ".")
    if not cleaned and optional:
        return None
    try:
        value = float(cleaned)
    except ValueError:
        raise ValueError(f"{name} must be a number, not {text.strip()!r}.") from None
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, not {text.strip()!r}.")
    if not whole:
        return value
    if value != int(value):
        raise ValueError(f"{name} must be a whole number, not {text.strip()!r}.")
    return int(value)


class NumberField(QLineEdit):
    """One number, taken with Enter or on leaving. `edited` tells it; a field that may be empty tells None."""

    edited = Signal(object)

    def __init__(self, name: str, tell: Tell, whole: bool = False, optional: bool = False) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self._tell, self._whole, self._optional = tell, whole, optional
        self._value: Value = None
        self.editingFinished.connect(self._take)

    def show_value(self, value: Value) -> None:
        """Shows the document's value."""
        self._value = value
        if self.text() != plain(value):
            self.setText(plain(value))

    @Slot()
    def _take(self) -> None:
        if self.text() == plain(self._value):
            return
        try:
            value = read(self.text(), self.accessibleName(), self._whole, self._optional)
        except ValueError as error:
            self.setText(plain(self._value))
            self._tell(str(error))
            return
        self.setText(plain(self._value))
        if value != self._value:
            self.edited.emit(value)


class QuietCombo(QComboBox):
    """A combo box that leaves the wheel to the panel it stands in."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setMinimumContentsLength(4)
        self.setItemDelegate(QStyledItemDelegate(self))  # the usual one leaves the style sheet's colours aside
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self.isEditable():
            super().paintEvent(event)
            return
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        with QPainter(self) as painter:
            self.style().drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option, painter, self)
            painter.setPen(self.palette().color(QPalette.ColorRole.Text))
            place = self.rect().adjusted(TEXT_LEFT, 0, -TEXT_RIGHT, 0)
            painter.drawText(place, BESIDE, self._fitting(place.width()))

    def _fitting(self, width: int) -> str:
        """The text, the short form that an item may have, or what there is room for."""
        metrics = self.fontMetrics()
        for text in (self.currentText(), self.currentData(SHORT_FORM)):
            if text and metrics.horizontalAdvance(text) <= width:
                return str(text)
        return metrics.elidedText(self.currentText(), Qt.TextElideMode.ElideRight, width)


class NumberCombo(QuietCombo):
    """A number to type or to pick from usual ones. `words` names values: {"whole set": 300}."""

    edited = Signal(object)

    def __init__(self, name: str, tell: Tell, values: tuple[Value, ...], whole: bool = False) -> None:
        super().__init__(name)
        self._name, self._tell, self._whole = name, tell, whole
        self._value: Value = None
        self._words: dict[str, Value] = {}
        self._values = values
        self._field = QLineEdit()
        self._field.setAccessibleName(name)
        self._field.setTextMargins(-3, 0, 0, 0)  # its text begins where the other combos' does
        self.setLineEdit(self._field)
        self.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.setCompleter(None)  # type: ignore[arg-type]
        self.set_words({})
        self._field.editingFinished.connect(self._take)
        self.activated.connect(self._take)

    def set_words(self, words: dict[str, Value]) -> None:
        """The words that stand for a number, after the usual values."""
        if words == self._words and self.count():
            return
        self._words = dict(words)
        self.blockSignals(True)
        self.clear()
        self.addItems([*(plain(value) for value in self._values), *words])
        self.blockSignals(False)
        self.show_value(self._value)

    def show_value(self, value: Value) -> None:
        """Shows the document's value."""
        self._value = value
        if self.currentText() != plain(value):
            self.setEditText(plain(value))

    @Slot()
    def _take(self) -> None:
        text = self.currentText()
        if text == plain(self._value):
            return
        try:
            value = self._words[text] if text in self._words else read(text, self._name, self._whole)
        except ValueError as error:
            self.setEditText(plain(self._value))
            self._tell(str(error))
            return
        self.setEditText(plain(self._value))
        if value != self._value:
            self.edited.emit(value)
