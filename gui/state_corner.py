"""The menu's right end: file name, whether it was edited, and what the program is doing."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from engine.telemetry import Snapshot
from gui import marks, theme
from gui.numbers import preparing_words
from gui.session import Session


class StateCorner(QWidget):
    """File name, whether it was edited, and what the program is doing, at the menu's right end."""

    WORDS = {"ready": "Ready", "running": "Training", "paused": "Paused", "finished": "Finished",
             "diverged": "Stopped: not a number", "failed": "Stopped: an error", "closed": ""}  # fmt: skip

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._busy = self._ended = ""
        self._preparing: tuple[int, int] | None = None
        self._patient = True  # what takes no longer than a moment is not worth a word
        self._patience = QTimer(self, singleShot=True, interval=300)
        self._patience.timeout.connect(self._lose_patience)
        self._state = session.state
        self.name, self.edited, self.state = QLabel(), QLabel(), QLabel()
        self.state.setAccessibleName("State")
        for label, role in ((self.name, ""), (self.edited, "label"), (self.state, "label")):
            label.setProperty("role", role)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self.dot = Dot()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 16, 0)
        row.setSpacing(8)
        for widget in (self.name, self.edited):
            row.addWidget(widget)
            row.addSpacing(8)
        row.addWidget(self.dot)
        row.addWidget(self.state)
        session.state_changed.connect(self._show_state)
        self._show_state(session.state)

    def show_name(self, name: str) -> None:
        self.name.setText(name)
        self._show_edited()

    def _show_edited(self) -> None:
        """By the same rule as the question before it is let go."""
        words = "edited" if self.session.unsaved else ""
        if self.edited.text() != words:
            self.edited.setText(words)

    @Slot(str)
    def show_busy(self, words: str) -> None:
        self._busy = words
        self._show_state(self._state)

    @Slot(str)
    def _show_state(self, state: str) -> None:
        self._state = state
        self.dot.setVisible(state == "running")
        self._tell(self._busy or self._words())

    def _words(self) -> str:
        words = self.WORDS[self._state]
        return f"{words}: {self._ended}" if self._state == "finished" and self._ended else words

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self._show_edited()
        self._preparing, self._ended = snapshot.preparing, snapshot.ended
        if self._preparing is None:
            self._patience.stop()
            self._tell(self._busy or self._words())
        elif not self._patient:
            self._tell(preparing_words(self._preparing))
        elif not self._patience.isActive():
            self._patience.start()
        self._patient = self._preparing is None or self._patience.isActive()

    @Slot()
    def _lose_patience(self) -> None:
        self._patient = False
        if self._preparing is not None:
            self._tell(preparing_words(self._preparing))

    def _tell(self, words: str) -> None:
        if self.state.text() != words:
            self.state.setText(words)


class Dot(QWidget):
    """The sign that it trains."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedSize(12, 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            marks.paint_dot(painter, self.rect().toRectF().center(), theme.color("accent"))
