"""A slider with its value beside it, to drag or to type."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from gui.widgets.number_field import NumberField, Tell, Value


class QuietSlider(QSlider):
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class ValueSlider(QWidget):
    """From `low` to `high` in steps of `step`. `edited` tells the value once a drag ends, or when it is typed."""

    edited = Signal(float)

    def __init__(self, name: str, tell: Tell, low: float, high: float, step: float, percent: bool = False) -> None:
        super().__init__()
        self._step, self._percent = step, percent
        self._value = low
        self.slider = QuietSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(name)
        self.slider.setRange(round(low / step), round(high / step))
        self.slider.setTracking(True)
        self.field = NumberField(f"{name}, value", tell)
        self.field.setProperty("role", "flat")
        self.field.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.field.setFixedWidth(44)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(self.slider, 1)
        row.addWidget(self.field)
        if percent:
            row.addWidget(QLabel("%"))
        self.setFocusProxy(self.slider)
        self.slider.valueChanged.connect(self._moved)
        self.slider.sliderReleased.connect(self._released)
        self.field.edited.connect(self._typed)

    def show_value(self, value: float) -> None:
        """Shows the document's value; a hand that drags is left alone."""
        self._value = value
        if self.slider.isSliderDown():
            return
        self.slider.blockSignals(True)
        self.slider.setValue(round(value / self._step))
        self.slider.blockSignals(False)
        self.field.show_value(self._shown(value))

    def _shown(self, value: float) -> float:
        return round(value * 100, 6) if self._percent else value

    @Slot(int)
    def _moved(self, position: int) -> None:
        value = round(position * self._step, 9)
        if self.slider.isSliderDown():
            self.field.show_value(self._shown(value))
        elif value != self._value:
            self.edited.emit(value)

    @Slot()
    def _released(self) -> None:
        value = round(self.slider.value() * self._step, 9)
        if value != self._value:
            self.edited.emit(value)

    @Slot(object)
    def _typed(self, value: Value) -> None:
        number = float(value or 0.0)
        self.edited.emit(number / 100 if self._percent else number)
