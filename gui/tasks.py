"""Slow work beside the window: a worker thread, asked for news by a timer on the GUI thread.

No signal crosses threads: the worker writes plain fields, the timer reads them.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QProgressDialog, QWidget
from shiboken6 import isValid

from engine.errors import RelumeError

SHOW_AFTER = 0.3  # seconds; shorter work shows no progress
POLL_MS = 30


class Cancelled(Exception):
    """The user asked the work to end."""


class Progress:
    """What the worker tells and what it is asked: its words, its share (None: unknown), and whether to stop."""

    def __init__(self) -> None:
        self.words, self.share = "", None  # type: str, float | None
        self.cancelled = False

    def report(self, words: str, share: float | None = None) -> None:
        """Tells how far the work is. Raises Cancelled when the user has asked to stop."""
        self.words, self.share = words, share
        self.check()

    def check(self) -> None:
        if self.cancelled:
            raise Cancelled


class Task(QObject):
    """Runs `work(progress)` in a thread of its own, then calls `done(result)` on the GUI thread.

    Args:
        work: the slow function; its result goes to `done`.
        failed: gets the RelumeError (an OSError becomes one); any other fault is raised on the GUI thread.
        parent: the task ends its reports when the parent is gone.
        progress: gets words and share (None: unknown) from 0.3 s on, and ("", 1.0) at the end if it was called.
        ended: called in every case, after all others (cancelled included).
    """

    _running: set[Task] = set()

    def __init__(
        self,
        work: Callable[[Progress], Any],
        done: Callable[[Any], None],
        failed: Callable[[RelumeError], None],
        parent: QObject,
        progress: Callable[[str, float | None], None] | None = None,
        ended: Callable[[], None] | None = None,
        words: str = "Working",
    ) -> None:
        super().__init__(parent)
        self._done, self._failed = done, failed
        self._progress, self._ended = progress, ended
        self._news = Progress()
        self._news.words = words
        self._shown = False
        self._started = time.monotonic()
        self._thread = ThreadPoolExecutor(1, "relume task")
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self._poll)
        Task._running.add(self)
        self._future = self._thread.submit(work, self._news)
        self._thread.shutdown(wait=False)
        self._timer.start()

    def cancel(self) -> None:
        """Asks the worker to stop; whatever it still brings is thrown away."""
        self._news.cancelled = True

    @property
    def was_cancelled(self) -> bool:
        return self._news.cancelled

    @Slot()
    def _poll(self) -> None:
        if not self._future.done() and not self._news.cancelled:
            if self._progress is not None and (self._shown or time.monotonic() - self._started > SHOW_AFTER):
                self._shown = True
                self._progress(self._news.words, self._news.share)
            return
        self._finish()

    def _finish(self) -> None:
        self._timer.stop()
        Task._running.discard(self)
        self.deleteLater()
        if self._shown and self._progress is not None:
            self._progress("", 1.0)
        try:
            if self._news.cancelled:
                return
            fault = self._future.exception()
            if isinstance(fault, RelumeError):
                self._failed(fault)
            elif isinstance(fault, OSError):
                self._failed(file_error(fault))
            elif fault is not None:
                raise fault
            else:
                self._done(self._future.result())
        finally:
            if self._ended is not None:
                self._ended()

    @classmethod
    def close_all(cls, timeout: float = 2.0) -> None:
        """Cancels every running task and waits for their threads, all together so long: for the window's end."""
        deadline = time.monotonic() + timeout
        for task in tuple(cls._running):
            task.cancel()
            if isValid(task._timer):  # a parent that went first took it along
                task._timer.stop()
            wait([task._future], max(0.0, deadline - time.monotonic()))
            cls._running.discard(task)


def file_error(error: OSError) -> RelumeError:
    """An operating-system fault in the program's own words."""
    reason = (error.strerror or str(error)).rstrip(".")
    fix = "Choose another place, or check the rights and the disk."
    return RelumeError(f"{reason}.", str(error.filename or ""), fix)


def run_with_progress(
    window: QWidget, words: str, work: Callable[[Progress], Any], done: Callable[[Any], None],
    failed: Callable[[RelumeError], None], ended: Callable[[], None] = lambda: None,
) -> Task:  # fmt: skip
    """A Task that shows its words, its share and Cancel over `window` when it takes longer than 0.3 s."""
    dialog = QProgressDialog(words, "Cancel", 0, 0, window)
    dialog.setWindowTitle("Relume")
    dialog.setAccessibleName(words)
    dialog.setWindowModality(Qt.WindowModality.WindowModal)
    dialog.setMinimumDuration(2**31 - 1)  # shown by the task, never by itself
    dialog.setAutoReset(False)
    dialog.reset()

    def show(text: str, share: float | None) -> None:
        if share is not None:
            dialog.setMaximum(1000)
            dialog.setValue(round(1000 * share))
        if text:
            dialog.setLabelText(text)
            dialog.show()

    def end() -> None:
        dialog.deleteLater()
        ended()

    task = Task(work, done, failed, window, show, end, words)
    dialog.canceled.connect(task.cancel)
    return task
