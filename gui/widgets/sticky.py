"""A row that stays in view: at the lower edge of a scroll area while its own place is below it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Slot
from PySide6.QtGui import QMoveEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

ABOVE, BELOW = 6, 8  # px around a row that floats


class StickyRow(QWidget):
    """The place of `row` in its panel's layout. The row floats above what the panel shows while that place cannot be
    seen, at most up to `highest`, the panel's head."""

    def __init__(self, row: QWidget, panel: QWidget, highest: int) -> None:
        super().__init__(panel)
        self._panel, self._highest = panel, highest
        self._area: QScrollArea | None = None
        self.floats = False
        self._ground = QWidget(panel)
        self._ground.setProperty("role", "bg")
        self._ground.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._line = QFrame(self._ground)
        self._line.setProperty("role", "line")
        self._line.hide()
        self._column = QVBoxLayout(self._ground)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(row)
        self.setFixedHeight(row.sizeHint().height())
        panel.installEventFilter(self)

    def showEvent(self, event: QShowEvent) -> None:
        if self._area is None:
            above = self.parentWidget()
            while above is not None and not isinstance(above, QScrollArea):
                above = above.parentWidget()
            self._area = above
            if above is not None:
                above.viewport().installEventFilter(self)
                above.verticalScrollBar().valueChanged.connect(self._place)
        self._place()

    def moveEvent(self, event: QMoveEvent) -> None:
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Move, QEvent.Type.Resize):
            self._place()
        return False

    @Slot()
    def _place(self) -> None:
        own, top = self.geometry(), self.y()
        if self._area is not None:
            view = self._area.viewport()
            bottom = self._panel.mapFromGlobal(view.mapToGlobal(QPoint(0, view.height()))).y()
            top = max(min(top, bottom - own.height() - BELOW), self._highest)
        self.floats = top < self.y()
        above, below = (ABOVE, BELOW) if self.floats else (0, 0)
        self._column.setContentsMargins(0, above, 0, below)
        self._ground.setGeometry(own.x(), top - above, own.width(), own.height() + above + below)
        self._line.setGeometry(0, 0, own.width(), 1)
        self._line.setVisible(self.floats)
        self._ground.raise_()
