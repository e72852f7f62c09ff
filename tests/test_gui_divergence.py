"""A run whose numbers are no longer finite is told once, with what cures it."""

from __future__ import annotations

import dataclasses
import re

import pytest
from PySide6.QtWidgets import QPushButton

import engine
from gui import app
from gui.main_window import MainWindow

RATE = 1e6


@pytest.fixture
def window(qapp, qtbot):
    """A window whose run just diverged."""
    made = MainWindow(app.Session())
    qtbot.addWidget(made)
    made.show()
    session = made.session
    training = dataclasses.replace(session.document.training, optimizer=engine.SGD(learning_rate=RATE))
    spec = dataclasses.replace(session.document.spec, loss="mean_squared_error")
    session.edit("Learning rate", training=training, spec=spec)
    session.set_speed(None)
    session.run()
    qtbot.waitUntil(lambda: session.state == "diverged", timeout=60_000)
    qtbot.waitUntil(lambda: bool(diverged(made)), timeout=5_000)
    yield made
    session.undo_stack.setClean()
    made.close()


def diverged(window: MainWindow) -> list:
    return [row for row in window.findings.rows if row.finding.kind == "diverged"]


def press(window: MainWindow, name: str) -> None:
    (button,) = [b for b in diverged(window)[0].findChildren(QPushButton) if b.text().startswith(name)]
    button.click()


def test_it_is_told_once_with_layer_and_step(window: MainWindow) -> None:
    assert window.notice_bar.isHidden()
    row = window.findings.rows[0]
    assert row.finding.kind == "diverged" and "the weights from before that step are kept" in row._title.text()
    assert re.match(r"Layer \d, step \d+\. Lower the learning rate, then run on or reset\.", row._evidence.text())


def test_lowering_the_rate_cures_and_is_undone(window: MainWindow, qtbot) -> None:
    session = window.session
    press(window, "Lower the rate to")
    assert session.document.training.optimizer.learning_rate == 0.1, "not a tenth of what is far too high"
    qtbot.waitUntil(lambda: session.state == "paused" and not diverged(window), timeout=5_000)
    assert window.notice_bar.isHidden()
    session.undo_stack.undo()
    assert session.document.training.optimizer.learning_rate == RATE


def test_a_reset_begins_again(window: MainWindow, qtbot) -> None:
    session = window.session
    press(window, "Reset")
    qtbot.waitUntil(lambda: session.state == "ready" and session.snapshot.step == 0, timeout=5_000)
    qtbot.waitUntil(lambda: not diverged(window), timeout=5_000)
