"""Own data: what was found in a table file, and how it is to be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.data.spec import MISSING, OWN_TABLE, SCALINGS, DataSpec
from engine.data.table import Table
from engine.errors import RelumeError
from gui import theme
from gui.dialogs.table_preview import TablePreview
from gui.tasks import Progress, Task
from gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from gui.session import Session

TASK_WORDS = (
    ("auto", "by the target"),
    ("binary", "two classes"),
    ("multiclass", "several classes"),
    ("regression", "numbers (regression)"),
)
DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar", " ": "space"}


class ImportDialog(QDialog):
    """Reads `path` beside the window, shows what it holds, and takes it once it works as data.

    Every choice is tried out at once; OK waits until a data set came of it, and a fault is told in the panel.
    `taken` is called after the session has it.
    """

    def __init__(self, session: Session, path: Path, parent: QWidget, taken: Callable[[], None]) -> None:
        super().__init__(parent)
        self.session, self.path, self._taken = session, path, taken
        self.table: Table | None = None
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
        self.preview = TablePreview()
        self.preview.changed.connect(self._roles_changed)
        inner.addWidget(self.preview, 1)
        inner.addLayout(self._choices())
        self.body.hide()  # until there is a table to show
        column.addWidget(self.body, 1)
        column.addWidget(self._report())
        column.addStretch(0)
        column.addLayout(buttons)
        self.finished.connect(self._closed)
        self._read()

    # parts

    def _choices(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        self.target = self._combo("Target column", ())
        self.target.activated.connect(self._target_chosen)
        self.task = self._combo("Task", TASK_WORDS)
        self.missing = self._combo("Missing values", [(name, name) for name in MISSING])
        self.scaling = self._combo("Input scaling", [(name, name) for name in SCALINGS])
        self.scaling.setCurrentIndex(self.scaling.findData("standard"))
        self.target_scaling = self._combo("Target scaling", [(name, name) for name in SCALINGS])
        self.target_scaling.setCurrentIndex(self.target_scaling.findData("standard"))  # prices in thousands diverge
        for place, combo in enumerate((self.target, self.task, self.missing, self.scaling, self.target_scaling)):
            row, side = divmod(place, 2)
            grid.addWidget(QLabel(combo.accessibleName()), row, 2 * side)
            grid.addWidget(combo, row, 2 * side + 1)
        self.header = QCheckBox("The first row holds the names")
        self.header.setAccessibleName("The first row holds the names")
        self.header.clicked.connect(self._read)
        grid.addWidget(self.header, 2, 2, 1, 2)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        return grid

    def _combo(self, name: str, items: object) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        for data, words in items:  # type: ignore[attr-defined]
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

    @Slot()
    def _read(self) -> None:
        from engine.datasets import open_table

        header = self.header.isChecked() if self.table is not None else None  # found at first, then as ticked
        path = self.path
        self._start(lambda _: open_table(path, header=header), self._show_table, f"Reading {path.name}")

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

    def _show_table(self, table: Table) -> None:
        self.table = table
        self.body.show()
        self.header.setChecked(table.header)
        missing = sum(column.missing for column in table.columns)
        delimiter = DELIMITERS.get(table.delimiter, repr(table.delimiter))
        parts = [
            f"{table.rows} rows",
            f"{len(table.columns)} columns",
            f"separated by {delimiter}",
            table.encoding,
            "with a header" if table.header else "without a header",
            f"{missing} missing values" if missing else "no missing values",
        ]
        self.found.setText("  ·  ".join(parts))
        self.preview.show_table(table, table.suggest_target())
        self.target.blockSignals(True)
        self.target.clear()
        for column in table.columns:
            self.target.addItem(column.name, column.name)
        self.target.setCurrentIndex(self.target.findData(table.suggest_target()))
        self.target.blockSignals(False)
        self.missing.setEnabled(missing > 0)
        self._choice_changed()

    # trying out

    @Slot()
    def _target_chosen(self) -> None:
        self.preview.set_target(self.target.currentData())

    @Slot()
    def _roles_changed(self) -> None:
        targets = self.preview.chosen("target")
        self.target.setCurrentIndex(self.target.findData(targets[0]) if targets else -1)
        self._choice_changed()

    @Slot()
    def _choice_changed(self) -> None:
        self._forget_trial()
        self._again.start()

    def _chosen_spec(self) -> DataSpec:
        target = self.preview.chosen("target")
        if not target:
            raise RelumeError("No column is the target.", self.path.name, "Choose the column that is to be predicted.")
        return DataSpec(
            name=OWN_TABLE,
            seed=self.session.document.data.seed,
            train_share=self.session.document.data.train_share,
            table=self.table,
            target=target,
            inputs=self.preview.chosen("input"),
            task=self.task.currentData(),
            missing=self.missing.currentData(),
            scaling=self.scaling.currentData(),
            target_scaling=self.target_scaling.currentData(),
        )

    @Slot()
    def _try(self) -> None:
        from engine.datasets import load_spec

        if self.table is None:
            return
        try:
            spec = self._chosen_spec()
        except RelumeError as error:
            self._failed(error)
            return
        self._start(lambda _: (spec, load_spec(spec)), self._show_dataset, "Making the data set")

    def _show_dataset(self, tried: tuple[DataSpec, Dataset]) -> None:
        dataset = tried[1]
        self.target_scaling.setEnabled(dataset.task == "regression")
        if dataset.task == "regression":
            what = f"regression of {', '.join(dataset.target_names)}"
        else:
            names = ", ".join(dataset.class_names[:6]) + (" …" if len(dataset.class_names) > 6 else "")
            what = f"{len(dataset.class_names)} classes ({names})"
        count = len(dataset.feature_names)
        lines = [
            f"{what}, {count} input{'s' if count != 1 else ''}, "
            f"{len(dataset.x_train)} rows for training, {len(dataset.x_test)} for testing.",
            *dataset.notes,
        ]
        words = "\n".join(lines)
        self._say(words[:1].upper() + words[1:], "check")
        self.tried = tried
        self.ok.setEnabled(True)

    def _failed(self, error: RelumeError) -> None:
        self.bar.hide()
        if self.table is None:
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
        self.deleteLater()
