"""What the dialogs for the user's own data share: reading beside the window, trying every choice out, the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.data.spec import DataSpec
from engine.errors import RelumeError
from gui import theme
from gui.tasks import Progress, Task
from gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from gui.session import Session


class OwnDataDialog(QDialog):
    """Reads `path` beside the window, shows what it holds, and takes it once it works as data.

    Every choice is tried out at once; OK waits until a data set came of it, and a fault is told in the panel.
    `taken` is called after the session has it. A kind of file fills the body, reads it into `own`, and says which
    DataSpec was chosen and what came of it.
    """

    def __init__(self, session: Session, path: Path, parent: QWidget, taken: Callable[[], None]) -> None:
        super().__init__(parent)
        self.session, self.path, self._taken = session, path, taken
        self.own: Any = None  # what was read
        self.tried: tuple[DataSpec, Dataset] | None = None  # what is taken by OK
        self._task: Task | None = None
        self.setWindowTitle("Import data – Relume")
        self.setAccessibleName("Import data")
        self.resize(760, 560)
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(120)
        self._again.timeout.connect(self._try)
        buttons = self._buttons()
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(12)
        title = ElidedLabel(path.name)
        title.setProperty("role", "screen")
        self.found, self.words = QLabel("Reading"), QLabel()
        for label in (self.found, self.words):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.found.setProperty("role", "quiet")
        column.addWidget(title)
        column.addWidget(self.found)
        self.body = QWidget()
        inner = QVBoxLayout(self.body)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(12)
        self._fill(inner)
        column.addWidget(self.body, 1)
        column.addWidget(self._report())
        column.addStretch(0)
        column.addLayout(buttons)
        self.finished.connect(self._closed)
        self._read()

    # what a kind of file says

    def _fill(self, column: QVBoxLayout) -> None:
        """Makes the body."""
        raise NotImplementedError

    def _read(self) -> None:
        """Starts to read the file; what was read goes to `own`."""
        raise NotImplementedError

    def _chosen_spec(self) -> DataSpec:
        """Raises RelumeError while something is missing."""
        raise NotImplementedError

    def _came_of_it(self, dataset: Dataset) -> list[str]:
        """What the report says, line by line."""
        raise NotImplementedError

    # parts

    def _combo(self, name: str, items: Iterable[tuple[str, str]]) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        for data, words in items:
            combo.addItem(words, data)
        combo.currentIndexChanged.connect(self._choice_changed)
        return combo

    def _report(self) -> QFrame:
        panel = QFrame()
        panel.setObjectName("report")
        row = QHBoxLayout(panel)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self.mark = QLabel()
        self.mark.setFixedWidth(18)
        self.words.setAccessibleName("What came of it")
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row.addWidget(self.mark, 0, Qt.AlignmentFlag.AlignTop)
        row.addWidget(self.words, 1)
        return panel

    def _buttons(self) -> QHBoxLayout:
        self.bar = QProgressBar()
        self.bar.setRange(0, 0)
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(160, 4)
        self.bar.hide()
        self.cancel = QPushButton("Cancel")
        self.cancel.setAccessibleName("Cancel the import")
        self.cancel.setAutoDefault(False)
        self.cancel.clicked.connect(self.reject)
        self.ok = QPushButton("Use this data")
        self.ok.setAccessibleName("Use this data")
        self.ok.setProperty("role", "accent")
        self.ok.setDefault(True)
        self.ok.setEnabled(False)
        self.ok.clicked.connect(self._take)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.bar)
        row.addStretch(1)
        row.addWidget(self.cancel)
        row.addWidget(self.ok)
        return row

    # reading

    def _start(self, work: Callable[[Progress], object], done: Callable[..., None], words: str) -> None:
        self._forget_trial()
        self._task = Task(work, done, self._failed, self, self._show_progress, words=words)

    def _forget_trial(self) -> None:
        """What was tried out, or is still being, is not what is chosen now."""
        if self._task is not None:
            self._task.cancel()
        self.tried = None
        self.ok.setEnabled(False)

    def _show_progress(self, words: str, share: float | None) -> None:
        self.bar.setVisible(bool(words))
        if words:
            self._say(words, "")

    # trying out

    @Slot()
    def _choice_changed(self) -> None:
        self._forget_trial()
        self._again.start()

    @Slot()
    def _try(self) -> None:
        from engine.datasets import load_spec

        if self.own is None:
            return
        try:
            spec = self._chosen_spec()
        except RelumeError as error:
            self._failed(error)
            return
        self._start(lambda _: (spec, load_spec(spec)), self._show_dataset, "Making the data set")

    def _show_dataset(self, tried: tuple[DataSpec, Dataset]) -> None:
        words = "\n".join([*self._came_of_it(tried[1]), *tried[1].notes])
        self._say(words[:1].upper() + words[1:], "check")
        self.tried = tried
        self.ok.setEnabled(True)

    def _failed(self, error: RelumeError) -> None:
        self.bar.hide()
        if self.own is None:
            self.found.setText("This file cannot be used as it is.")
        self._say("\n".join(part for part in (error.what, error.where, error.fix) if part), "warning")
        self.ok.setEnabled(False)

    def _say(self, words: str, icon: str) -> None:
        self.mark.setPixmap(
            theme.icon(icon, "warning" if icon == "warning" else "accent").pixmap(16, 16)
            if icon
            else theme.icon("info").pixmap(0, 0)
        )
        self.words.setText(words)

    # the end

    @Slot()
    def _take(self) -> None:
        if self.tried is None:
            return
        self.session.import_table(*self.tried)
        self.accept()
        self._taken()

    @Slot()
    def _closed(self) -> None:
        self._again.stop()
        if self._task is not None:
            self._task.cancel()
        self.own = self.tried = self._task = None  # images are large: gone at once, not when Qt comes to it
        self.deleteLater()


def task_words(dataset: Dataset) -> str:
    """What is to be learned."""
    if dataset.task == "regression":
        return f"regression of {', '.join(dataset.target_names)}"
    names = ", ".join(dataset.class_names[:6]) + (" …" if len(dataset.class_names) > 6 else "")
    return f"{len(dataset.class_names)} classes ({names})"
