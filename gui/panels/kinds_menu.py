"""The menu of the kinds of layers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QMenu, QWidget

from engine.layers import LAYERS


def kinds_menu(over: QWidget, add: Callable[[str], None]) -> QMenu:
    """A line for every kind, with what it is good for; calls `add` with the kind."""
    menu = QMenu(over)
    for record in LAYERS:
        menu.addAction(f"{record.name}\t{record.advice}").setData(record.name)
    menu.triggered.connect(lambda action: add(action.data()))
    return menu
