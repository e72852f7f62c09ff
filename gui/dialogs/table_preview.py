"""The first rows of a table file, with the use of every column: input, target or left out."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QHeaderView, QTableWidget, QTableWidgetItem

from engine.data.table import Table
from gui import theme

MOST_ROWS = 12
MOST_COLUMNS = 60  # shown; the rest keep their usual use
ROLES = (("input", "input"), ("target", "target"), ("out", "left out"))


class TablePreview(QTableWidget):
    """Heads tell type and missing values; the first row holds each column's use. Emits `changed` when one changes."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.roles: dict[str, str] = {}
        self._boxes: dict[str, QComboBox] = {}
        self._table: Table | None = None
        self.setAccessibleName("First rows of the file")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.verticalHeader().setDefaultSectionSize(24)
        self.horizontalHeader().setMinimumSectionSize(104)  # room for "target" in its box
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)

    def show_table(self, table: Table, target: str) -> None:
        """Fills in the rows; `target` is the column to be predicted."""
        self._table = table
        rows, columns = table.preview[:MOST_ROWS], table.columns[:MOST_COLUMNS]
        self.setRowCount(len(rows) + 1)
        self.setColumnCount(len(columns))
        self.setVerticalHeaderLabels(["use as", *(str(line) for line in table.lines[: len(rows)])])
        self.setHorizontalHeaderLabels(
            [f"{c.name}\n{c.kind}" + (f", {c.missing} missing" if c.missing else "") for c in columns]
        )
        self._boxes = {}
        for j, column in enumerate(columns):
            box = QComboBox()
            box.setAccessibleName(f"Use of {column.name}")
            for role, words in ROLES:
                box.addItem(words, role)
            box.activated.connect(partial(self._role_chosen, column.name))
            self._boxes[column.name] = box
            self.setCellWidget(0, j, box)
        self.setRowHeight(0, 32)
        for i, row in enumerate(rows, 1):
            for j, value in enumerate(row[:MOST_COLUMNS]):
                item = QTableWidgetItem(value or "missing")
                if not value:
                    item.setForeground(theme.color("ink 2"))
                self.setItem(i, j, item)
        self.roles = {}
        self.set_target(target)

    def set_target(self, name: str) -> None:
        """Makes `name` the one target; free texts are left out, the rest are inputs unless chosen otherwise."""
        if self._table is None:
            return
        for column in self._table.columns:
            usual = "out" if column.kind == "text" else "input"
            kept = self.roles.get(column.name, usual)
            self.roles[column.name] = "target" if column.name == name else usual if kept == "target" else kept
        self._show_roles()

    def chosen(self, role: str) -> tuple[str, ...]:
        """The columns that have this use."""
        return tuple(name for name, given in self.roles.items() if given == role)

    def _role_chosen(self, name: str, row: int) -> None:
        self.roles[name] = ROLES[row][0]
        self._show_roles()
        self.changed.emit()

    def _show_roles(self) -> None:
        for name, box in self._boxes.items():
            box.setCurrentIndex(box.findData(self.roles[name]))
