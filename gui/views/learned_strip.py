"""A strip of numbers: what the activation of a layer has learned, unit by unit. Each can be changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableView, QVBoxLayout, QWidget

from gui import theme
from gui.numbers import number, plain
from gui.views.learned import Learned
from gui.widgets.number_field import plain as typed, read
from gui.widgets.rows import label

ROW, HEAD, COLUMN = 26, 24, 66  # px
LEFT, RIGHT = 16, 24

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole


class LearnedStrip(QWidget):
    """Options down, units across. `edited` tells a parameter, its index and the new number; `unit_clicked` a unit."""

    edited = Signal(str, object, float)
    unit_clicked = Signal(int)

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__()
        self._title = label("", "label")
        self.table = QTableView()
        self.numbers = Numbers(self.edited.emit, tell)
        self.table.setModel(self.numbers)
        self.table.setTabKeyNavigation(False)
        self.table.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.table.setHorizontalScrollMode(QTableView.ScrollMode.ScrollPerPixel)
        across, down = self.table.horizontalHeader(), self.table.verticalHeader()
        across.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        across.setDefaultSectionSize(COLUMN)
        across.setFixedHeight(HEAD)
        across.setHighlightSections(False)
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setDefaultSectionSize(ROW)
        down.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        down.setHighlightSections(False)
        across.sectionClicked.connect(self.unit_clicked)
        self.table.clicked.connect(self._clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(LEFT, 4, RIGHT, 12)
        column.setSpacing(4)
        column.addWidget(self._title)
        column.addWidget(self.table)
        theme.signals.changed.connect(self._fit)
        self.hide()

    def show_numbers(
        self,
        place: str,
        noun: str,
        rows: tuple[Learned, ...],
        parameters: Mapping[str, np.ndarray],
        held: Mapping[str, np.ndarray],
        selected: int | None,
    ) -> None:
        """Shows what is learned; `held` tells what is frozen. Without rows the strip hides."""
        rows = tuple(row for row in rows if row.key in parameters)
        self.setVisible(bool(rows))
        if not rows:
            return
        if self.numbers.show(noun, rows, [parameters[row.key] for row in rows], held, selected):
            self._title.setText(f"Learned by the activation, one number for each {noun}. Type over one to change it.")
            self.table.setAccessibleName(f"What the activation of layer {place} learns")
            self._fit()
        self.table.viewport().update()

    def show_unit(self, unit: int) -> None:
        """Scrolls to a unit."""
        if unit < self.numbers.columnCount():
            self.table.scrollTo(self.numbers.index(0, unit))

    @Slot()
    def _fit(self) -> None:
        """As high as its rows, and as wide as it must be."""
        words = [str(self.numbers.headerData(k, Qt.Orientation.Vertical)) for k in range(self.numbers.rowCount())]
        wide = QFontMetrics(theme.font(13, 600)).horizontalAdvance
        self.table.verticalHeader().setFixedWidth(max(map(wide, words), default=0) + 20)
        needed = self.table.verticalHeader().width() + COLUMN * self.numbers.columnCount() + 2
        bar = self.table.horizontalScrollBar().sizeHint().height() if needed > self.width() - LEFT - RIGHT else 0
        self.table.setFixedHeight(HEAD + ROW * self.numbers.rowCount() + 2 + bar)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    @Slot(QModelIndex)
    def _clicked(self, index: QModelIndex) -> None:
        self.unit_clicked.emit(index.column())


class Numbers(QAbstractTableModel):
    """The numbers of the strip; only those in sight are ever asked for."""

    def __init__(self, take: Callable[[str, object, float], None], tell: Callable[[str], None]) -> None:
        super().__init__()
        self._take, self._tell = take, tell
        self._noun = "neuron"
        self._rows: tuple[Learned, ...] = ()
        self._values: list[np.ndarray] = []
        self._held: Mapping[str, np.ndarray] = {}
        self._selected: int | None = None

    def show(
        self, noun: str, rows: tuple[Learned, ...], values: list[np.ndarray], held: Mapping[str, np.ndarray],
        selected: int | None,
    ) -> bool:  # fmt: skip
        """Takes the numbers; tells whether there are others than before, and not only other values."""
        new = (noun, rows, len(values[0])) != (self._noun, self._rows, self.columnCount())
        if new:
            self.beginResetModel()
        self._noun, self._rows, self._values, self._held, self._selected = noun, rows, values, held, selected
        if new:
            self.endResetModel()
        return new

    def rowCount(self, parent: Index | None = None) -> int:
        return len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return len(self._values[0]) if self._values else 0

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsEditable

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if role == Role.DisplayRole:
            if orientation == Qt.Orientation.Horizontal:
                return str(section + 1)
            return f"{self._rows[section].name}, from {plain(self._rows[section].start, 4)}"
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        row, unit = self._rows[index.row()], index.column()
        value = float(self._values[index.row()][unit])
        match role:
            case Role.DisplayRole:
                return number(value)
            case Role.EditRole:
                return typed(value)
            case Role.TextAlignmentRole:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Role.BackgroundRole:
                return theme.color("accent soft") if unit == self._selected else None
            case Role.ForegroundRole:
                return theme.color("ink 2" if self._frozen(row, unit) else "ink")
            case Role.ToolTipRole | Role.AccessibleTextRole:
                frozen = ", frozen" if self._frozen(row, unit) else ""
                words = f"{row.name} of {self._noun} {unit + 1}: {number(value, 4)}{frozen}"
                return f"{words}; it began at {plain(row.start, 4)}"
        return None

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        row, unit = self._rows[index.row()], index.column()
        if str(value).strip() == typed(float(self._values[index.row()][unit])):
            return False
        try:
            found = read(str(value), row.name)
        except ValueError as error:
            self._tell(str(error))
            return False
        self._take(row.key, (unit,), float(found or 0.0))
        return True

    def _frozen(self, row: Learned, unit: int) -> bool:
        held = self._held.get(row.key)
        return held is not None and bool(held[unit])
