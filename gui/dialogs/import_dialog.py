"""Own tables: what was found in a text file, and how it is to be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QVBoxLayout

from engine.data.spec import MISSING, OWN_TABLE, SCALINGS, DataSpec
from engine.data.table import Table
from engine.errors import RelumeError
from gui.dialogs.own_data_dialog import OwnDataDialog, task_words
from gui.dialogs.table_preview import TablePreview

if TYPE_CHECKING:
    from engine.data.dataset import Dataset

TASK_WORDS = (
    ("auto", "by the target"),
    ("binary", "two classes"),
    ("multiclass", "several classes"),
    ("regression", "numbers (regression)"),
)
DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar", " ": "space"}


class ImportDialog(OwnDataDialog):
    """A CSV or TSV file: the use of every column, the task, missing values, scaling."""

    @property
    def table(self) -> Table | None:
        return self.own

    def _fill(self, column: QVBoxLayout) -> None:
        self.preview = TablePreview()
        self.preview.changed.connect(self._roles_changed)
        column.addWidget(self.preview, 1)
        column.addLayout(self._choices())
        self.body.hide()  # until there is a table to show

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

    # reading

    @Slot()
    def _read(self) -> None:
        from engine.datasets import open_table

        header = self.header.isChecked() if self.table is not None else None  # found at first, then as ticked
        path = self.path
        self._start(lambda _: open_table(path, header=header), self._show_table, f"Reading {path.name}")

    def _show_table(self, table: Table) -> None:
        self.own = table
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

    def _came_of_it(self, dataset: Dataset) -> list[str]:
        self.target_scaling.setEnabled(dataset.task == "regression")
        count = len(dataset.feature_names)
        return [
            f"{task_words(dataset)}, {count} input{'s' if count != 1 else ''}, "
            f"{len(dataset.x_train)} rows for training, {len(dataset.x_test)} for testing."
        ]
