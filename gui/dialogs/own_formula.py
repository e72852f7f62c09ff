"""A field for an own formula: as it is typed it is read, and what is wrong is said beneath, with its place."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from engine import activations
from engine.errors import RelumeError
from engine.formula import FormulaError
from gui import theme
from gui.widgets.rows import bare, head, label

HINT = "Numbers, x, and letters, which are learned by each unit: abs(x), max(0, x), where(x > 0, x, a*x)"


class OwnFormula(QWidget):
    """`written` tells the name of an activation, or "" while what stands there is none."""

    written = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.field = QLineEdit()
        self.field.setAccessibleName("Own formula")
        self.field.setPlaceholderText("x*sigmoid(a*x)")
        self.field.setFont(theme.font(13))
        self.words = label(HINT, "label")
        self.words.setAccessibleName("About the own formula")
        self.words.setWordWrap(True)
        column = QVBoxLayout(self)
        bare(column, 6)
        column.addWidget(head("Own formula"))
        column.addWidget(self.field)
        column.addWidget(self.words)
        self.field.textChanged.connect(self._read)

    def show_formula(self, name: str) -> None:
        """Writes the formula of an activation's name into the field, without telling."""
        self.field.blockSignals(True)
        self.field.setText(name.removeprefix("=").strip())
        self.field.blockSignals(False)

    @Slot(str)
    def _read(self, text: str) -> None:
        name = ""
        self.words.setText(HINT)
        if text.strip():
            try:
                name = activations.own_name(f"= {text}")
            except FormulaError as error:
                self.words.setText(f"Character {error.position + 1}: {error.what} {error.fix}".strip())
            except RelumeError as error:
                self.words.setText(str(error))
        self.written.emit(name)
