"""Random events over all widgets while it trains: no fault, no complaint of Qt, and the document stays valid."""

from __future__ import annotations

import random
import sys
import threading
import traceback
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from engine.examples import EXAMPLES
from engine.spec import NetworkSpec
from gui import theme
from gui.main_window import MainWindow

EVENTS = 300
KEYS = (
    Qt.Key.Key_Tab, Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Up, Qt.Key.Key_Down,
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_1, Qt.Key.Key_7,
    Qt.Key.Key_E, Qt.Key.Key_Minus, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown, Qt.Key.Key_Home, Qt.Key.Key_End,
)  # fmt: skip


@pytest.fixture
def window(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> Iterator[MainWindow]:
    monkeypatch.setattr(QFileDialog, "open", lambda *_: None)
    yield window
    theme.set_mode("light")


@pytest.mark.parametrize("seed", [1, 2])
def test_random_events_make_no_fault(
    qtbot: QtBot, window: MainWindow, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance, faults, done = random.Random(seed), [], []
    hook = lambda *fault: faults.append("".join(traceback.format_exception(*fault)))  # noqa: E731
    monkeypatch.setattr(sys, "excepthook", hook)
    monkeypatch.setattr(threading, "excepthook", lambda a: hook(a.exc_type, a.exc_value, a.exc_traceback))
    popups = QTimer(window, interval=40)  # a menu or a dialog that is open would wait for us
    popups.timeout.connect(_close_popups)
    popups.start()
    window.session.run()
    for _ in range(EVENTS):
        done.append(_event(chance, window))
        QApplication.processEvents()
        assert not faults, f"after {done[-5:]}:\n{faults[0]}"
    popups.stop()
    qtbot.wait(100)
    _close_popups()
    assert not faults, faults[0]
    document = window.session.document
    assert NetworkSpec.from_dict(document.spec.to_dict()) == document.spec
    assert window.session.dataset.x_train.shape[1:] == document.spec.input_shape
    window.session.trainer.snapshot()
    assert window.session.trainer.spec == document.spec and window.session.trainer.alive


def _close_popups() -> None:
    for widget in (QApplication.activePopupWidget(), QApplication.activeModalWidget()):
        if widget is not None:
            widget.close()


def _event(chance: random.Random, window: MainWindow) -> str:
    kind = chance.choices(
        (
            "click",
            "key",
            "wheel",
            "move",
            "double",
            "right",
            "view",
            "resize",
            "example",
            "theme",
            "undo",
            "run",
            "wait",
        ),
        (30, 20, 6, 12, 3, 3, 5, 2, 2, 1, 6, 6, 4),
    )[0]
    widgets = [widget for widget in window.findChildren(QWidget) if widget.isVisible() and widget.isEnabled()]
    widget = chance.choice(widgets)
    at = QPoint(chance.randrange(max(1, widget.width())), chance.randrange(max(1, widget.height())))
    what = f"{kind} {type(widget).__name__} {widget.accessibleName()!r}"
    session = window.session
    if kind == "click":
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    elif kind == "double":
        QTest.mouseDClick(widget, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)
    elif kind == "right":
        QTest.mouseClick(widget, Qt.MouseButton.RightButton, Qt.KeyboardModifier.NoModifier, at)
    elif kind == "move":
        QTest.mouseMove(widget, at)
    elif kind == "key":
        QTest.keyClick(QApplication.focusWidget() or widget, chance.choice(KEYS))
    elif kind == "wheel":
        turn = QPoint(0, chance.choice((-120, 120)))
        event = QWheelEvent(
            at.toPointF(), widget.mapToGlobal(at).toPointF(), QPoint(), turn, Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(widget, event)
    elif kind == "view":
        window.show_view(chance.choice(window.tab_views()).name)
    elif kind == "resize":
        window.resize(chance.randrange(1024, 1921), chance.randrange(640, 1081))
    elif kind == "example":
        session.load_example(chance.choice(EXAMPLES.names()))
        window.show_workspace()
    elif kind == "theme":
        theme.set_mode(chance.choice(("light", "dark")))
    elif kind == "undo":
        chance.choice((session.undo_stack.undo, session.undo_stack.redo))()
    elif kind == "run":
        chance.choice((session.run, session.pause, session.reset, session.step_batch, session.step_epoch))()
    else:
        QTest.qWait(chance.choice((1, 20, 60)))
    return what
