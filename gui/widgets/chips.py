"""Chips: small rounded buttons, on or off, in lines that break where the width ends."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QWidget

from gui.widgets.flow import Flow


class Chip(QPushButton):
    def __init__(self, text: str, name: str) -> None:
        super().__init__(text)
        self.setProperty("role", "chip")
        self.setAccessibleName(name)
        self.setCheckable(True)
        self.setFixedHeight(26)


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
