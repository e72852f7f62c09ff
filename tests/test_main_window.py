"""The window as a whole: its fixed names, its pages, its keys, and that hidden views cost nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractButton, QWidget
from pytestqt.qtbot import QtBot

from gui import app as gui_app
from gui import settings, theme
from gui.main_window import MainWindow

FIXED_NAMES = (
    "Run", "Pause", "Step", "Reset", "Add layer", "Remove layer 1", "Activation of layer 1", "Units of layer 1",
    "Learning rate", "Batch size", "Data set", "Speed", "Export weights", "Export plot", "Save project", "Open project",
)  # fmt: skip


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    settings.set_gallery_at_start(False)
    _, made = gui_app.build(["relume"])
    made.show()
    qtbot.waitExposed(made)
    yield made
    made._asked_to_close = True
    made.close()
    made.deleteLater()


def names(window: MainWindow) -> set[str]:
    found = {widget.accessibleName() for widget in window.findChildren(QWidget)}
    return found | {action.text() for action in window.findChildren(QAction)}


def test_every_fixed_name_is_there(window: MainWindow) -> None:
    missing = [name for name in FIXED_NAMES if name not in names(window)]
    assert not missing, f"no control has these accessible names: {missing}"


def test_every_control_that_takes_the_focus_has_a_name(window: MainWindow) -> None:
    nameless = [
        widget
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and widget.isVisible()
        and not widget.accessibleName()
        and not (isinstance(widget, QAbstractButton) and widget.text())
        and not widget.parent().inherits("QComboBox")
        and not widget.inherits("QScrollArea")
    ]
    assert not nameless, nameless


def test_run_and_pause_by_button_and_by_key(qtbot: QtBot, window: MainWindow) -> None:
    window.run_bar.full.click()
    window.run_bar.run.click()
    qtbot.waitUntil(lambda: window.session.snapshot is not None and window.session.snapshot.step > 0, timeout=60000)
    assert window.run_bar.pause.isEnabled()
    window.run_bar.pause.click()
    qtbot.waitUntil(lambda: window.session.state in ("paused", "finished"), timeout=2000)
    window.centre.setFocus()
    step = window.session.trainer.snapshot().step
    qtbot.keyClick(window.centre, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: window.session.trainer.snapshot().step == step + 1, timeout=2000)


def test_only_visible_views_are_drawn(qtbot: QtBot, window: MainWindow) -> None:
    drawn: set[str] = set()
    for view in window.centre.views:
        view.show_snapshot = lambda _, name=view.name: drawn.add(name)  # type: ignore[method-assign]
    window.show_view("heatmap")
    window.session.run()
    qtbot.waitUntil(lambda: bool(drawn), timeout=60000)
    assert drawn == {"heatmap"}


def test_wide_windows_show_two_views_and_the_gradient_flow(qtbot: QtBot, window: MainWindow) -> None:
    window.resize(1280, 720)
    qtbot.waitUntil(lambda: not window.second.isVisible(), timeout=2000)
    assert not window.right[2].isVisible()
    window.resize(1920, 1080)
    qtbot.waitUntil(lambda: window.second.isVisible() and window.right[2].isVisible(), timeout=2000)


def test_the_gallery_runs_an_example_with_one_click(qtbot: QtBot, window: MainWindow) -> None:
    window.show_gallery()
    buttons = [b for b in window.findChildren(QAbstractButton) if b.accessibleName() == "Run Iris flowers"]
    buttons[0].click()
    qtbot.waitUntil(lambda: window.session.document.data.name == "iris", timeout=10000)
    qtbot.waitUntil(lambda: window.session.snapshot is not None and window.session.snapshot.step > 0, timeout=60000)
    assert window.pages.currentIndex() == 0


def test_errors_are_told_in_the_window(window: MainWindow) -> None:
    window.session.notice.emit("iris.csv, line 3: the row has 4 cells, not 5.", "warning")
    assert window.notice_bar.isVisible() and "line 3" in window.notice_bar.words.text()
    window.notice_bar.dismiss()
    assert not window.notice_bar.isVisible()


def test_light_and_dark_dress_everything(qtbot: QtBot, window: MainWindow) -> None:
    pictures = []
    for mode in ("light", "dark"):
        theme.set_mode(mode)
        qtbot.wait(50)
        pictures.append(window.grab().toImage())
    brightness = [picture.pixelColor(5, picture.height() - 5).lightnessF() for picture in pictures]
    assert brightness[0] > 0.8 and brightness[1] < 0.2
    theme.set_mode("light")


def test_closing_while_it_trains_takes_less_than_two_seconds(qtbot: QtBot, window: MainWindow) -> None:
    window.run_bar.full.click()
    window.session.run()
    qtbot.waitUntil(lambda: window.session.snapshot is not None and window.session.snapshot.step > 0, timeout=60000)
    began = time.monotonic()
    window._asked_to_close = True
    window.close()
    assert time.monotonic() - began < 2
    assert not window.session.trainer.alive
