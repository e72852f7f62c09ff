"""The left column: what is set, one panel below the other."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, QTimer, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from gui.widgets.rows import Fold

EDGE = 16
COVERED = 50  # px that a row that floats may cover, and some more
DETAILS = 72  # px that the card of a chosen layer grows by


class Column(QScrollArea):
    """Scrolls when the panels are higher than the window; the bar stands in the margin and squeezes nothing.

    A column with room to spare opens `spare`, as long as the user has not folded it by hand.
    """

    def __init__(self, panels: Sequence[QWidget], spare: Fold) -> None:
        super().__init__()
        self._spare = spare
        self.setAccessibleName("Design")
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        ground = QWidget()
        ground.setProperty("role", "bg")
        self._rows = QVBoxLayout(ground)
        self._rows.setSpacing(8)
        for panel in panels:
            if self._rows.count():
                line = QFrame()
                line.setProperty("role", "line")
                self._rows.addWidget(line)
            self._rows.addWidget(panel)
        self._rows.addStretch()
        self._keep_width()
        self.setWidget(ground)
        self.verticalScrollBar().rangeChanged.connect(self._give_room)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._keep_width()
        if event.size().height() != event.oldSize().height():
            QTimer.singleShot(0, self, self._use_room)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """What Tab reaches does not stay covered by a row that floats at the lower edge."""
        moved, focused = super().focusNextPrevChild(forward), self.focusWidget()
        if moved and focused is not None:
            found = self.childAt(focused.mapTo(self, QPoint(focused.width() // 2, focused.height() - 1)))
            if found is not None and found is not focused and not focused.isAncestorOf(found):
                self.verticalScrollBar().setValue(self.verticalScrollBar().value() + COVERED)
        return moved

    def _keep_width(self) -> None:
        bar = self.width() - self.viewport().width() if self.verticalScrollBar().isVisible() else 0
        self._rows.setContentsMargins(EDGE, 6, EDGE - bar, 8)

    @Slot()
    def _use_room(self) -> None:
        """Opens or folds, by the height there is."""
        if self._spare.chosen:
            return
        needed = self._rows.sizeHint().height()
        if self._spare.isHidden():
            needed += self._spare.sizeHint().height() + 4
        self._spare.open(needed + DETAILS <= self.viewport().height())

    @Slot(int, int)
    def _give_room(self, _: int, most: int) -> None:
        """Another layer is worth more than rows nobody asked for."""
        if most > 0 and not self._spare.chosen and not self._spare.isAncestorOf(self.focusWidget() or self):
            self._spare.open(False)
