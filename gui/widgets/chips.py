"""Chips: small rounded buttons, on or off, in lines that break where the width ends."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtWidgets import QLayout, QLayoutItem, QPushButton, QWidget

GAP = 6


class Chip(QPushButton):
    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.setProperty("role", "chip")
        self.setAccessibleName(name)
        self.setCheckable(True)
        self.setFixedHeight(26)


class Flow(QLayout):
    """Items from left to right, then on the next line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setContentsMargins(0, 0, 0, 0)
        self._items: list[QLayoutItem] = []

    def addItem(self, item: QLayoutItem) -> None:
        self._items.append(item)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:  # type: ignore[override]
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._place(QRect(0, 0, width, 0), move=False)

    def sizeHint(self) -> QSize:
        return self.minimumSize()

    def minimumSize(self) -> QSize:
        sizes = [item.minimumSize() for item in self._items]
        return QSize(max((s.width() for s in sizes), default=0), max((s.height() for s in sizes), default=0))

    def setGeometry(self, rect: QRect) -> None:
        super().setGeometry(rect)
        self._place(rect, move=True)

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def _place(self, rect: QRect, move: bool) -> int:
        x, y, line = rect.left(), rect.top(), 0
        for item in self._items:
            size = item.sizeHint()
            if x > rect.left() and x + size.width() > rect.right() + 1:
                x, y, line = rect.left(), y + line + GAP, 0
            if move:
                item.setGeometry(QRect(QPoint(x, y), size))
            x, line = x + size.width() + GAP, max(line, size.height())
        return y + line - rect.top()


class ChipBox(QWidget):
    """Chips of which any may be on; `toggled` tells (key, on) when the user turns one."""

    toggled = Signal(str, bool)

    def __init__(self, choices: dict[str, str], name: str) -> None:
        super().__init__()
        flow = Flow(self)
        self.chips: dict[str, Chip] = {}
        for key, text in choices.items():
            chip = self.chips[key] = Chip(text, f"{name} {text}")
            chip.clicked.connect(lambda on, key=key: self.toggled.emit(key, on))
            flow.addWidget(chip)

    def show_on(self, keys: tuple[str, ...]) -> None:
        for key, chip in self.chips.items():
            chip.setChecked(key in keys)
