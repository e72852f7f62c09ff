"""A whole number with a button on either side: − 8 +."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton

from gui import theme
from gui.widgets.number_field import NumberField, Tell, Value


class Stepper(QFrame):
    """`edited` tells the wanted number, typed or stepped; the owner shows what became of it."""

    edited = Signal(object)

    def __init__(self, name: str, tell: Tell, minimum: int = 1) -> None:
        super().__init__()
        self.setProperty("role", "stepper")
        self.setFixedSize(90, 26)
        self._minimum = minimum
        self._value = minimum
        self.field = NumberField(name, tell, whole=True)
        self.field.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.field.setFixedHeight(24)
        self.less = self._button()
        self.more = self._button()
        self.rename(name)
        row = QHBoxLayout(self)
        row.setContentsMargins(1, 1, 1, 1)
        row.setSpacing(0)
        for widget in (self.less, self.field, self.more):
            row.addWidget(widget, 1 if widget is self.field else 0)
        self.field.edited.connect(self._typed)
        self.less.clicked.connect(self._step_down)
        self.more.clicked.connect(self._step_up)
        theme.signals.changed.connect(self._dress)
        self._dress()

    def _button(self) -> QToolButton:
        button = QToolButton()
        button.setProperty("role", "flat")
        button.setIconSize(QSize(12, 12))
        button.setFixedSize(24, 24)
        button.setAutoRepeat(True)
        button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        return button

    @Slot()
    def _dress(self) -> None:
        self.less.setIcon(theme.icon("minus"))
        self.more.setIcon(theme.icon("plus"))

    def rename(self, name: str) -> None:
        """Another accessible name."""
        self.field.setAccessibleName(name)
        self.less.setAccessibleName(f"Fewer: {name}")
        self.more.setAccessibleName(f"More: {name}")

    def show_value(self, value: int) -> None:
        """Shows the document's value."""
        self._value = value
        self.field.show_value(value)
        self.less.setEnabled(value > self._minimum)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: 1, Qt.Key.Key_Down: -1, Qt.Key.Key_PageUp: 10, Qt.Key.Key_PageDown: -10}
        step = steps.get(Qt.Key(event.key()))
        if step is None or event.modifiers():
            super().keyPressEvent(event)
        else:
            self._ask(self._value + step)

    @Slot()
    def _step_up(self) -> None:
        self._ask(self._value + 1)

    @Slot()
    def _step_down(self) -> None:
        self._ask(self._value - 1)

    @Slot(object)
    def _typed(self, value: Value) -> None:
        self.edited.emit(int(value or 0))

    def _ask(self, value: int) -> None:
        if max(value, self._minimum) != self._value:
            self.edited.emit(max(value, self._minimum))
