"""A small editor for one number of the network, opened beside the thing that was clicked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from gui import theme


@dataclasses.dataclass(frozen=True)
class Choice:
    """One number: `key` and `index` as in `Network.parameters()`, its value now, its name in words, and whether it is
    frozen."""

    words: str
    key: str
    index: tuple[int, ...]
    value: float
    held: bool = False


class ParameterEditor(QFrame):
    """Says which number it edits; the arrows and Enter set it, Esc closes."""

    edited = Signal(str, object, float)  # key, index, value
    frozen = Signal(object, object, bool)  # key and index, or layer and units

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._room = parent
        self.setObjectName("parameterEditor")
        self.setAccessibleName("Edit a weight or bias")
        self._choices: tuple[Choice, ...] = ()
        self._title = QLabel()
        self._title.setTextFormat(Qt.TextFormat.PlainText)
        self._which = QComboBox()
        self._which.setAccessibleName("Weight or bias")
        self._value = QDoubleSpinBox(decimals=4, minimum=-1e6, maximum=1e6, singleStep=0.1)
        self._value.setKeyboardTracking(False)
        self._value.setAccessibleName("New value")
        close = QPushButton("Close")
        close.setAccessibleName("Close the editor")
        self._held, self._all_held = QCheckBox("Frozen"), QCheckBox("Whole neuron")
        self._held.setAccessibleName("Freeze this weight or bias")
        self._held.setToolTip("Training leaves this number as it is.")
        self._all_held.setAccessibleName("Freeze the neuron")
        self._all_held.setToolTip("Training leaves all incoming weights of this neuron, and its bias, as they are.")
        self._unit = (0, 0)
        second = QHBoxLayout()
        second.addWidget(self._held)
        second.addWidget(self._all_held)
        second.addStretch()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._value, 1)
        row.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._which)
        column.addLayout(row)
        column.addLayout(second)
        self._which.currentIndexChanged.connect(self._choose)
        self._value.valueChanged.connect(self._set)
        self._held.clicked.connect(self._freeze)
        self._all_held.clicked.connect(self._freeze_all)
        close.clicked.connect(self.hide)
        self.hide()

    def open_at(
        self, place: QPoint, title: str, choices: Sequence[Choice], unit: tuple[int, int], chosen: int = 0
    ) -> None:
        """Shows the editor near `place` (in the parent's pixels) with `choices[chosen]` ready to type over. They belong
        to `unit`: its layer and number."""
        if not choices:
            return
        edge, back = theme.color("control edge").name(), theme.color("panel").name()
        self.setStyleSheet(f"#parameterEditor {{ background: {back}; border: 1px solid {edge}; border-radius: 6px; }}")
        self._choices, self._unit = tuple(choices), unit
        self._all_held.setChecked(all(choice.held for choice in choices))
        self._title.setText(title)
        self._title.setFont(theme.font(12, 600))
        self._which.blockSignals(True)
        self._which.clear()
        self._which.addItems([choice.words for choice in choices])
        self._which.setCurrentIndex(chosen)
        self._which.blockSignals(False)
        self._choose(chosen)
        self.setFixedWidth(264)
        self.adjustSize()
        room = self._room.rect()
        x = max(8, min(place.x() + 8, room.width() - self.width() - 8))
        y = max(8, min(place.y() + 8, room.height() - self.height() - 8))
        self.move(x, y)
        self.show()
        self.raise_()
        self._value.setFocus()
        self._value.selectAll()

    @Slot(int)
    def _choose(self, place: int) -> None:
        if 0 <= place < len(self._choices):
            self._value.blockSignals(True)
            self._value.setValue(self._choices[place].value)
            self._value.blockSignals(False)
            self._held.setChecked(self._choices[place].held)

    @Slot(bool)
    def _freeze(self, on: bool) -> None:
        place = self._which.currentIndex()
        self._note([place], on)
        self.frozen.emit(self._choices[place].key, self._choices[place].index, on)

    @Slot(bool)
    def _freeze_all(self, on: bool) -> None:
        self._note(range(len(self._choices)), on)
        self.frozen.emit(self._unit[0], (self._unit[1],), on)

    def _note(self, places: Iterable[int], on: bool) -> None:
        choices = enumerate(self._choices)
        self._choices = tuple(dataclasses.replace(each, held=on) if i in places else each for i, each in choices)
        self._held.setChecked(self._choices[self._which.currentIndex()].held)
        self._all_held.setChecked(all(choice.held for choice in self._choices))

    @Slot(float)
    def _set(self, value: float) -> None:
        place = self._which.currentIndex()
        choice = self._choices[place]
        kept = list(self._choices)
        kept[place] = dataclasses.replace(choice, value=value)
        self._choices = tuple(kept)
        self.edited.emit(choice.key, choice.index, value)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() in (Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.hide()
            self._room.setFocus()
        else:
            super().keyPressEvent(event)
