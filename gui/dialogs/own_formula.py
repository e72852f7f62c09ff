"""A field for an own formula: as it is typed it is read, and what is wrong is said beneath, with its place."""

from __future__ import annotations

import re

from PySide6.QtCore import QPointF, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from engine import activations
from engine.errors import RelumeError
from engine.formula import FormulaError
from gui import theme
from gui.numbers import count
from gui.widgets.rows import bare, head, label

HINT = "Numbers, x, and letters, which are learned by each unit: abs(x), max(0, x), where(x > 0, x, a*x)"
LINES = 3  # have room beneath, so that the field stays where it is
MARK = 4.0  # px, half the width of the mark under a character


class OwnFormula(QWidget):
    """`written` tells the name of an activation, or "" while what stands there is none."""

    written = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.field = MarkedLine()
        self.field.setAccessibleName("Own formula")
        self.field.setPlaceholderText("x*sigmoid(a*x)")
        self.field.setFont(theme.font(13))
        self.words = label(HINT, "label")
        self.words.setAccessibleName("About the own formula")
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.words.setMinimumHeight(LINES * self.words.fontMetrics().lineSpacing())
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
        self.words.setText(checked_words(activations.get(name)))

    @Slot(str)
    def _read(self, text: str) -> None:
        name, words, place = "", HINT, None
        if text.strip():
            try:
                record = activations.get(f"= {text}")
                name, words = record.name, checked_words(record)
            except FormulaError as error:
                words = f"{error.what} {error.fix}".strip()
                if error.position is not None:
                    place = typed_place(text, error.position)
                    words = f"Character {place + 1}: {words}"
            except RelumeError as error:
                words = str(error)
        self.words.setText(words)
        self.field.mark(place)
        self.written.emit(name)


class MarkedLine(QLineEdit):
    """A line of text with a small mark under one of its characters."""

    def __init__(self) -> None:
        super().__init__()
        self.marked: int | None = None

    def mark(self, place: int | None) -> None:
        """Points at the character at `place` (from 0; behind the last one too), or at none."""
        self.marked = place
        self.update()

    def mark_x(self) -> float:
        """The middle of the marked character in pixels."""
        text, place = self.text(), self.marked or 0
        wide = self.fontMetrics().horizontalAdvance
        start = self.cursorRect().center().x() - wide(text[: self.cursorPosition()])
        return start + 0.5 * (wide(text[:place]) + wide(text[: place + 1] if place < len(text) else text + "_"))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.marked is None:
            return
        x, foot = self.mark_x(), self.height() - 2.0
        if not 0 <= x <= self.width():
            return
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(theme.color("warning"))
            painter.setBrush(theme.color("warning"))
            corners = ((x - MARK, foot), (x, foot - 1.2 * MARK), (x + MARK, foot))
            painter.drawPolygon(QPolygonF([QPointF(*corner) for corner in corners]))


def checked_words(record: activations.Activation) -> str:
    """How the slope of an own formula was checked."""
    letters = [option.name for option in record.options]
    by = f"s by {', '.join(['x', *letters[:-1]])} and {letters[-1]}" if letters else ""
    return f"Slope{by} checked at {count(record.checked)} points."


def typed_place(text: str, position: int) -> int:
    """Where a character of the formula, whose spaces are single, stands in what was typed."""
    places: list[int] = []
    for word in re.finditer(r"\S+", text):
        places += ([places[-1] + 1] if places else []) + list(range(*word.span()))
    return places[position] if position < len(places) else len(text.rstrip())
