"""Parts of a layer card that only tell: how the units are, and what goes in and comes out."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from engine.spec import Part
from engine.telemetry import LayerSnapshot
from gui import theme
from gui.panels.layer_details import LEFT
from gui.panels.layer_words import shape_words, size_words, window_words
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.rows import bare, label


class UnitState(QWidget):
    """ "2 dead" with a cross, or "all alive"."""

    def __init__(self) -> None:
        super().__init__()
        self.words = label("", "label")
        self.words.setMinimumWidth(46)
        self._cross = QLabel()
        self._cross.setFixedWidth(12)
        self._cross.hide()
        row = QHBoxLayout(self)
        bare(row, 4)
        row.addWidget(self._cross)
        row.addWidget(self.words)
        theme.signals.changed.connect(self._dress)
        self._dress()

    @Slot()
    def _dress(self) -> None:
        self._cross.setPixmap(theme.icon("cross", "dead").pixmap(12, 12))

    def show_state(self, state: LayerSnapshot | None) -> None:
        dead = 0 if state is None else int(np.count_nonzero(state.dead))
        known = state is not None and bool(np.isfinite(state.max_z).any())
        words = f"{dead} dead" if dead else "all alive" if known else ""
        if self.words.text() == words:
            return
        self.words.setText(words)
        self.words.setProperty("role", "dead" if dead else "label")
        self.words.style().unpolish(self.words)
        self.words.style().polish(self.words)
        self._cross.setVisible(bool(dead))


class ShapeRow(QWidget):
    """Where there are maps: how the window moves and what comes out; of the chosen layer, whose fields tell the first,
    what comes out and how much it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = ElidedLabel(), label("", "caption")
        self.left.setProperty("role", "caption")
        self._window = self._shape = self._size = ""
        self._chosen = False
        row = QHBoxLayout(self)
        bare(row, 8)
        row.setContentsMargins(LEFT, 0, 0, 0)
        row.addWidget(self.left, 1)
        row.addWidget(self.right)

    def show_part(self, part: Part) -> None:
        maps = max(len(part.fed), len(part.given)) > 1
        self._window = window_words(part.layer)
        self._shape = shape_words(part.given) if maps and part.given != part.fed else ""
        self._size = size_words(part) if maps else ""
        self._tell()

    def show_chosen(self, chosen: bool) -> None:
        self._chosen = chosen
        self._tell()

    def _tell(self) -> None:
        self.left.setText(self._size if self._chosen and self._size else self._window)
        self.right.setText("" if self._chosen else self._shape)
        self.right.setVisible(bool(self.right.text()))
        self.setVisible(bool(self.left.text() or self.right.text()))
