"""Writes projects beside the window; what is saved first is written first."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from engine.errors import RelumeError
from gui.document import Document
from gui.tasks import Task

if TYPE_CHECKING:
    from engine.trainer import Trainer


class Saver(QObject):
    busy = Signal(str)  # what is being waited for, "" when nothing is

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._written = threading.Event()  # the last one
        self._written.set()

    def save(
        self, path: Path | str, document: Document, trainer: Trainer, done: Callable[[int], None],
        failed: Callable[[RelumeError], None],
    ) -> None:  # fmt: skip
        """Calls `done` with the step that was saved, once the file is on the disk."""
        from engine.files import Project, save_project

        before, written = self._written, threading.Event()
        self._written = written

        def work(_: Any) -> int:
            try:
                checkpoint = trainer.checkpoint()  # of now, however long the file before takes
                before.wait()
                save_project(path, Project(document.spec, document.training, document.data, checkpoint, document.speed))
                return int(checkpoint.stepper.get("step", 0))
            finally:
                written.set()

        self.busy.emit("Saving project")
        Task(work, done, failed, self, ended=lambda: self.busy.emit("" if self._written.is_set() else "Saving project"))
