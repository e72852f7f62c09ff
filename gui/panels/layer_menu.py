"""The menu of a layer card: what can be done with a layer as a whole."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Slot
from PySide6.QtWidgets import QMenu, QToolButton

from gui import theme


class LayerMenu(QToolButton):
    """Calls one of `acts`: move up, move down, duplicate, remove. `moves` tells whether it can go up, and down."""

    def __init__(self, acts: tuple[Callable[[], None], ...], moves: Callable[[], tuple[bool, bool]]) -> None:
        super().__init__()
        self._moves = moves
        self.setProperty("role", "flat")
        self.setFixedSize(24, 24)
        self.setIconSize(QSize(16, 16))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self)
        up, down, duplicate, remove = acts
        self._up, self._down = menu.addAction("Move up", up), menu.addAction("Move down", down)
        menu.addAction("Duplicate", duplicate)
        menu.addSeparator()
        menu.addAction("Remove", remove)
        menu.aboutToShow.connect(self._fit)
        self.setMenu(menu)
        theme.signals.changed.connect(self._dress)
        self._dress()

    @Slot()
    def _dress(self) -> None:
        self.setIcon(theme.icon("more", "ink 2"))

    @Slot()
    def _fit(self) -> None:
        up, down = self._moves()
        self._up.setEnabled(up)
        self._down.setEnabled(down)
