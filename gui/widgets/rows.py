"""Rows of a panel: heads, labels on the left with a field on the right, and a part that folds."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gui import theme

LABEL_WIDTH = 84


def label(text: str, role: str) -> QLabel:
    """A label in one of the style sheet's roles."""
    made = QLabel(text)
    made.setProperty("role", role)
    return made


def head(text: str) -> QLabel:
    """The head of a section, in capitals."""
    made = label(text.upper(), "head")
    made.setFont(theme.font(11, 600, capitals=True))
    return made


def bare(layout: QLayout, spacing: int = 8) -> None:
    """No margins, and one gap between the parts."""
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)


def empty(layout: QLayout) -> None:
    """Takes all widgets out of a layout, for good."""
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.hide()
            widget.deleteLater()


class Row(QWidget):
    """A label of fixed width and a field that takes the rest."""

    def __init__(self, text: str, field: QWidget, tip: str = "", width: int = LABEL_WIDTH) -> None:
        super().__init__()
        self.field = field
        self.label = label(text, "label")
        self.label.setFixedWidth(width)
        self.label.setBuddy(field)
        if not field.accessibleName():
            field.setAccessibleName(text)
        if tip:
            self.setToolTip(tip)
        row = QHBoxLayout(self)
        bare(row, 0)
        row.addWidget(self.label)
        row.addWidget(field, 1)


class Fold(QWidget):
    """Rarely used rows behind one word."""

    def __init__(self, name: str, text: str = "More") -> None:
        super().__init__()
        self._button = QToolButton()
        self._button.setProperty("role", "fold")
        self._button.setText(text)
        self._button.setAccessibleName(name)
        self._button.setCheckable(True)
        self._button.setIconSize(QSize(16, 16))
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._body = QWidget()
        self.rows = QVBoxLayout(self._body)
        bare(self.rows, 4)
        self._body.hide()
        column = QVBoxLayout(self)
        bare(column, 4)
        column.addWidget(self._button)
        column.addWidget(self._body)
        self._button.toggled.connect(self.open)
        theme.signals.changed.connect(self._dress)
        self._dress()

    @Slot(bool)
    def open(self, on: bool) -> None:
        """Shows or hides the rows."""
        self._button.setChecked(on)
        self._body.setVisible(on)
        self._dress()

    @Slot()
    def _dress(self) -> None:
        name = "chevron-down" if self._button.isChecked() else "chevron-right"
        self._button.setIcon(theme.icon(name, "ink 2"))
