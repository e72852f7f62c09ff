"""One slim line for what went wrong or was done: what, where, what to do. It never covers the pictures."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from gui import theme

SHOWN_MS = 6000


class NoticeBar(QWidget):
    """Hidden until there is something to say; information goes away by itself, warnings stay until dismissed."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setAccessibleName("Notice")
        self._level = "info"
        self.icon = QLabel()
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        close = QToolButton()
        close.setProperty("role", "flat")
        close.setFixedSize(24, 24)
        close.setIconSize(QSize(16, 16))
        close.setAccessibleName("Dismiss notice")
        close.clicked.connect(self.dismiss)
        self._close = close
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 12, 6)
        row.setSpacing(8)
        row.addWidget(self.icon)
        row.addWidget(self.words, 1)
        row.addWidget(close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.dismiss)
        theme.signals.changed.connect(self._dress)
        self._dress()
        self.hide()

    @Slot(str, str)
    def tell(self, words: str, level: str) -> None:
        """Shows `words`; level "info" or "warning". No words: what was said no longer holds."""
        if not words:
            self.dismiss()
            return
        self._level = level
        self.words.setText(words)
        self._dress()
        self.show()
        self._timer.stop()
        if level == "info":
            self._timer.start(SHOWN_MS)

    @Slot()
    def dismiss(self) -> None:
        self._timer.stop()
        self.hide()

    @Slot()
    def _dress(self) -> None:
        token = "warning" if self._level == "warning" else "accent"
        self.icon.setPixmap(theme.icon(self._level, token).pixmap(16, 16))
        self._close.setIcon(theme.icon("close", "ink 2"))
