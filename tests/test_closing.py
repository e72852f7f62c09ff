"""Closing the window ends every thread within 2 s, whatever is going on."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from engine.data.spec import DataSpec
from engine.layers import Dense
from engine.spec import NetworkSpec
from gui import app
from gui.document import Document
from gui.main_window import MainWindow

WIDE = NetworkSpec((64,), (Dense(1000, "relu"), Dense(1000, "relu"), Dense(10)), "softmax_cross_entropy")


def _running(qtbot: QtBot, window: MainWindow) -> None:
    document = window.session.document
    window.session.open_document(Document(document.spec, document.training, document.data, None), "Again")
    window.session.run()
    qtbot.waitUntil(lambda: window.session.snapshot is not None and window.session.snapshot.step > 0, timeout=60_000)


def _preparing(qtbot: QtBot, window: MainWindow) -> None:
    spec = NetworkSpec((2,), (Dense(8, "squared_relu"), Dense(1)), "binary_cross_entropy")
    window.session.edit("Another activation", spec=spec)
    window.session.run()
    qtbot.wait(1)


def _loading(qtbot: QtBot, window: MainWindow) -> None:
    window.session.edit("Data", data=DataSpec("digits", seed=11), spec=WIDE)
    qtbot.wait(1)


def _many_trainers(qtbot: QtBot, window: MainWindow) -> None:
    for seed in range(1, 6):
        window.session.edit("Data", data=DataSpec("spiral", seed=seed, samples=100))
        window.session.run()
        qtbot.wait(1)


def _at_once(qtbot: QtBot, window: MainWindow) -> None:
    """Nothing yet: the event loop has not even started the trainer."""


@pytest.mark.parametrize("situation", [_running, _preparing, _loading, _many_trainers, _at_once])
def test_closing_ends_every_thread(qtbot: QtBot, situation: Callable[[QtBot, MainWindow], None]) -> None:
    before = set(threading.enumerate())
    _, window = app.build(["relume"])
    window.show_workspace()
    window.show()
    situation(qtbot, window)
    window._asked_to_close = True
    began = time.monotonic()
    assert window.close()
    assert time.monotonic() - began < 2
    assert not window.isVisible() and window.session.trainer.state == "closed"
    qtbot.wait(20)  # the event loop goes on: nothing may start again

    def left() -> list[threading.Thread]:
        return [thread for thread in set(threading.enumerate()) - before if thread.is_alive()]

    if situation is _loading:  # a library's first import cannot be broken off; its result is thrown away
        qtbot.waitUntil(lambda: not left(), timeout=20_000)
    assert not left()
    window.deleteLater()
    qtbot.wait(1)
