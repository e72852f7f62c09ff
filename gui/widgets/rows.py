"""Rows of a panel: heads with something at their end, labels with a field on the right, and a part that folds."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from gui import theme

LABEL_WIDTH = 80


def label(text: str, role: str) -> QLabel:
    """A label in one of the style sheet's roles."""
    made = QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("role", role)
    return made


def head(text: str) -> QLabel:
    """The head of a section, in capitals."""
    made = label(text.upper(), "head")
    made.setFont(theme.font(11, 600, capitals=True))
    return made


def head_row(text: str, end: QWidget) -> QHBoxLayout:
    """A head with something at its end, as high in every section."""
    row = QHBoxLayout()
    bare(row)
    row.addWidget(head(text))
    row.addStretch()
    row.addWidget(end)
    row.addStrut(24)
    return row


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
    """Rarely used rows, behind a word that stands elsewhere: `button`."""

    def __init__(self, name: str, text: str = "More") -> None:
        super().__init__()
        self.button = QToolButton()
        self.button.setProperty("role", "fold")
        self.button.setText(text)
        self.button.setAccessibleName(name)
        self.button.setToolTip(name)
        self.button.setCheckable(True)
        self.button.setIconSize(QSize(16, 16))
        self.button.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the sign behind the word
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.chosen = False  # by the user, who is not overruled
        self.rows = QVBoxLayout(self)
        bare(self.rows, 4)
        self.hide()
        self.button.clicked.connect(self._choose)
        self.button.toggled.connect(self.open)
        theme.signals.changed.connect(self._dress)
        self._dress()

    @Slot()
    def _choose(self) -> None:
        self.chosen = True

    @Slot(bool)
    def open(self, on: bool) -> None:
        """Shows or hides the rows."""
        self.button.setChecked(on)
        self.setVisible(on)
        self._dress()

    @Slot()
    def _dress(self) -> None:
        name = "chevron-down" if self.button.isChecked() else "chevron-right"
        self.button.setIcon(theme.icon(name, "ink 2"))
