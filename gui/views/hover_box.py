"""A few lines of numbers beside the mouse."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QWidget

from gui import theme


class HoverBox(QLabel):
    """Never takes the mouse or the focus; keeps inside its parent."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._room = parent
        self.setObjectName("hoverBox")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def say(self, place: QPoint, words: str) -> None:
        """Shows `words` near `place` (in the parent's pixels); hides for ""."""
        if not words:
            self.hide()
            return
        if words != self.text() or not self.isVisible():
            self.setFont(theme.font(11))
            self.setStyleSheet(
                f"#hoverBox {{ background: {theme.color('panel').name()}; color: {theme.color('ink').name()};"
                f" border: 1px solid {theme.color('control edge').name()}; border-radius: 6px; padding: 5px 8px; }}"
            )
            self.setText(words)
            self.adjustSize()
        room = self._room.rect()
        x = place.x() + 16 if place.x() + 20 + self.width() < room.width() else place.x() - 12 - self.width()
        y = min(place.y() + 16, room.height() - self.height() - 4)
        self.move(max(4, x), max(4, y))
        self.show()
        self.raise_()
