"""What every test starts from: no screen, no user settings, and a clean bill of health at the end."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"
os.environ["QT_LOGGING_RULES"] = "qt.qpa.fonts.warning=false"  # offscreen knows no system fonts; ours is loaded below
# Settings stay out of the user's. Compiled kernels do not: their folder is named by their source, so all may share it.
SETTINGS = tempfile.TemporaryDirectory(prefix="relume-tests-")  # goes when the tests end
os.environ.setdefault("XDG_CONFIG_HOME", SETTINGS.name)

import pytest  # noqa: E402
from PySide6.QtCore import QObject, QStandardPaths, QTimer, QtMsgType, qInstallMessageHandler  # noqa: E402
from PySide6.QtGui import QFontDatabase  # noqa: E402
from PySide6.QtWidgets import QApplication  # noqa: E402

if TYPE_CHECKING:
    from pytestqt.qtbot import QtBot

    from gui.main_window import MainWindow

#: Qt says these on a virtual screen; they tell nothing about the program.
HARMLESS = ("propagateSizeHints", "This plugin does not support", "QFont::setPointSize")
FONTS = Path(__file__).parent.parent / "resources" / "fonts"


@pytest.fixture(scope="session", autouse=True)
def _quiet_machine() -> Iterator[None]:
    QStandardPaths.setTestModeEnabled(True)
    gc.disable()  # a collection in the middle of an event destroys widgets that are being drawn
    yield
    gc.enable()


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["relume-tests"]


@pytest.fixture(scope="session")
def qapp(qapp_args: list[str]) -> QApplication:
    app = QApplication.instance() or QApplication(qapp_args)
    for path in sorted(FONTS.glob("*.[to]tf")):
        QFontDatabase.addApplicationFont(str(path))
    assert isinstance(app, QApplication)
    return app


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    """The whole program at its workspace, as it opens; closed without a question."""
    from gui import app

    _, made = app.build(["relume"])
    made.resize(1280, 720)
    made.show_workspace()
    made.show()
    yield made
    made._asked_to_close = True
    made.close()
    made.deleteLater()
    qtbot.wait(10)


@pytest.fixture(autouse=True)
def _nothing_is_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails the test that leaves a thread or a running timer, that raises in a thread, or that makes Qt complain.

    A test with a window asks for `qapp` or `qtbot`: only then are timers looked for, and garbage collected.
    """
    complaints: list[str] = []

    def on_message(kind: QtMsgType, _context: object, text: str) -> None:
        if kind != QtMsgType.QtInfoMsg and kind != QtMsgType.QtDebugMsg and not any(word in text for word in HARMLESS):
            complaints.append(f"Qt: {text}")

    threads = set(threading.enumerate())
    previous = qInstallMessageHandler(on_message)
    thread_hook = threading.excepthook
    threading.excepthook = lambda args: complaints.append(f"thread {args.thread}: {args.exc_type}: {args.exc_value}")
    yield
    shown = {"qapp", "qtbot"} & set(request.fixturenames)
    if shown:
        gc.collect()
    deadline = time.monotonic() + 2
    while (left := _own_threads(threads)) and time.monotonic() < deadline:
        time.sleep(0.01)
    complaints += [f"a thread is still running: {thread.name}" for thread in left]
    if shown:
        complaints += [f"a timer is still running: {timer!r} of {timer.parent()!r}" for timer in _orphan_timers()]
    threading.excepthook = thread_hook
    qInstallMessageHandler(previous)
    if complaints:
        pytest.fail("\n".join(complaints))


def _own_threads(before: set[threading.Thread]) -> list[threading.Thread]:
    return [thread for thread in set(threading.enumerate()) - before if thread.is_alive() and not thread.daemon]


def _orphan_timers() -> list[QTimer]:
    """Running timers whose window is gone; those of a window that is still open are closed with it."""
    timers = [item for item in gc.get_objects() if type(item) is QTimer]
    return [timer for timer in timers if _alive(timer) and timer.isActive() and timer.parent() is None]


def _alive(item: QObject) -> bool:
    import shiboken6

    return shiboken6.isValid(item)
