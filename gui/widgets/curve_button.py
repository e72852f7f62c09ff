"""The button that shows an activation by curve and name, and opens the picker."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyle, QStyleOptionButton

from engine.fields import NamedOptions, name_of
from gui import theme
from gui.widgets import curve_thumbnail

CURVE = QSize(32, 20)
BESIDE = CURVE.width() + 32  # px of the button that its text leaves to the curve, the chevron and the edges


class CurveButton(QPushButton):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.setProperty("role", "curve")
        self.setAccessibleName(name)
        self.setIconSize(CURVE)
        self.setFixedHeight(28)
        self.setMinimumWidth(BESIDE + CURVE.width())  # a long name is cut before anything beside it
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._value: str | NamedOptions = "linear"
        theme.signals.changed.connect(self._dress)

    def show_value(self, value: str | NamedOptions) -> None:
        """Shows the activation that a layer names."""
        if value == self._value and self.text():
            return
        self._value = value
        self.setText(name_of(value))
        self.setAccessibleDescription(name_of(value))
        self.setToolTip(f"{name_of(value)}: choose another activation")
        self._dress()

    @Slot()
    def _dress(self) -> None:
        self.setIcon(curve_thumbnail.icon(self._value, CURVE))

    def paintEvent(self, event: QPaintEvent) -> None:
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width() - BESIDE)  # type: ignore[attr-defined]
        with QPainter(self) as painter:
            self.style().drawControl(QStyle.ControlElement.CE_PushButton, option, painter, self)
            chevron = theme.icon("chevron-down", "ink 2").pixmap(16, 16)
            painter.drawPixmap(self.width() - 21, (self.height() - 16) // 2, chevron)
