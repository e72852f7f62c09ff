"""Builds the application: fonts, theme, hooks, window. PySide6 comes before pyqtgraph."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
import traceback
import weakref
from queue import SimpleQueue
from types import TracebackType

os.environ["PYQTGRAPH_QT_LIB"] = "PySide6"

import engine  # isort: skip  # noqa: F401 - before numpy, whose threads it sets

import shiboken6
from PySide6.QtCore import QLocale, QTimer
from PySide6.QtWidgets import QApplication

from engine.errors import RelumeError
from gui import settings, theme
from gui.main_window import MainWindow
from gui.session import Session
from gui.tasks import Task
from gui.words import error_words

FAULTS_MS = 300
COMPILER_MS = 2_000
FRAMED_MS = 200  # by then the desktop has given the window its frame


def build(argv: list[str]) -> tuple[QApplication, MainWindow]:
    """The application and its window, ready to show; the event loop is not entered.

    `argv` is the command line with the program's name; a path in it is opened.
    """
    import pyqtgraph

    # Python's cyclic collector may run in any thread and would destroy Qt objects there: the frame clock collects
    gc.disable()
    # the trainer's thread needs Python only between two compiled calls, some 80 times a second: what it waits there for
    # the window is lost
    sys.setswitchinterval(0.0001)
    existing = QApplication.instance()
    app = existing if isinstance(existing, QApplication) else QApplication(argv[:1])
    app.setApplicationName("Relume")
    app.setOrganizationName("Relume")
    QLocale.setDefault(QLocale.c())
    pyqtgraph.setConfigOptions(imageAxisOrder="row-major", antialias=True)
    theme.start(settings.theme_mode())
    window = MainWindow(Session())
    paths = [word for word in argv[1:] if not word.startswith("-")]
    if paths:
        from gui import file_actions

        QTimer.singleShot(0, window, lambda: file_actions.take_file(window, paths[0]))
    elif settings.gallery_at_start():
        window.show_gallery()
    theme.dress()
    atexit.register(_end_at_exit, weakref.ref(window))
    gc.freeze()  # what the window is made of lives as long as it: no need to look through it again
    return app, window


def main(argv: list[str]) -> int:
    """Opens the window and stays until it is closed. Returns the exit code."""
    app, window = build(argv)
    _install_hooks(window)
    window.restore_place()
    window.show()
    QTimer.singleShot(FRAMED_MS, window, window.fit_screen)
    QTimer.singleShot(COMPILER_MS, window, lambda: _load_compiler(window))
    code = app.exec()
    end(window)
    return code


def _load_compiler(window: MainWindow) -> None:
    """Beside the window, and before a kernel is wanted that the disk does not have."""
    from engine.kernels import compiler

    def failed(error: RelumeError) -> None:
        window.session.notice.emit(error_words(error), "warning")

    Task(lambda _: compiler.load(), lambda _: None, failed, window)


def end(window: MainWindow) -> None:
    """Ends clock, trainer and tasks, then Qt's objects in a fixed order: left to the interpreter's end they may end
    in any, and a thread may still run compiled code then; either crashes it. Calling it twice does no harm."""
    if not shiboken6.isValid(window):
        return
    session = window.session
    window.clock.stop()
    session.close()
    session.trainer.close(timeout=20.0)
    for item in (window, session):
        shiboken6.delete(item)


def _end_at_exit(kept: weakref.ref[MainWindow]) -> None:
    window = kept()
    if window is not None:
        end(window)


def _install_hooks(window: MainWindow) -> None:
    """A fault is written to the terminal and told in the window, which stays open. Ctrl-C closes it."""
    faults: SimpleQueue[str] = SimpleQueue()

    def tell(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:
        traceback.print_exception(kind, fault, trace)
        faults.put(f"Something went wrong inside Relume: {kind.__name__}: {fault}")

    def tell_thread(arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            tell(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)

    def show() -> None:
        while not faults.empty():
            window.session.notice.emit(faults.get(), "warning")

    sys.excepthook = tell
    threading.excepthook = tell_thread
    reader = QTimer(window, interval=FAULTS_MS)  # a fault may come from any thread: no signal crosses threads
    reader.timeout.connect(show)
    reader.start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: QApplication.quit())
    # Python sees a signal only when it runs: the timers make it run many times a second
