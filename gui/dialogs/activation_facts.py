"""The right side of the picker: one activation with its curve, its facts and its options."""

from __future__ import annotations

import re

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from engine.activations import ACTIVATIONS, Activation, get, is_own
from engine.errors import RelumeError
from engine.fields import NamedOptions, name_of, options_of
from gui import theme
from gui.numbers import MINUS, number, plain
from gui.tasks import Task
from gui.widgets.curve_plot import CurvePlot
from gui.widgets.number_field import NumberField, Tell, Value
from gui.widgets.rows import Row, bare, empty, label
from gui.words import error_words

LABELS = 104
FACTS = ("Range", "Smooth", "Monotone", "Slope at z = 0", "Gain", "Can die")
PAIRED = 72  # px of a label where two options share a row


class ActivationFacts(QWidget):
    """What is shown can be taken with `value`."""

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self._tell = tell
        self._record: Activation = next(iter(ACTIVATIONS))
        self._options: dict[str, float] = {}
        self.name = label("", "title")
        self.formula = label("", "label")
        self.formula.setWordWrap(True)
        self.advice = label("", "label")
        self.advice.setAccessibleName("Advice")
        self.advice.setWordWrap(True)
        self.plot = CurvePlot()
        column = QVBoxLayout(self)
        bare(column, 4)
        column.addWidget(self.name)
        column.addWidget(self.formula)
        column.addWidget(self.plot, 1)
        column.addSpacing(4)
        self._facts: dict[str, QLabel] = {}
        for fact in FACTS:
            words = QLabel()
            words.setFont(theme.font(13))
            words.setWordWrap(True)
            words.setMinimumHeight(20)
            self._facts[fact] = words
            column.addWidget(Row(fact, words, width=LABELS))
        self.measure = QPushButton("Measure")
        self.measure.setAccessibleName("Measure the cost on this machine")
        self.measure.setProperty("role", "link")
        self.measure.clicked.connect(self._measure)
        self._cost = QLabel()
        self._cost.setFont(theme.font(13))
        self._cost.setAccessibleName("Cost")
        self._cost.setToolTip("The function and its slope, on this machine, by one thread")
        costs = QWidget()
        row = QHBoxLayout(costs)
        bare(row, 0)
        row.addWidget(self._cost)
        row.addWidget(self.measure)
        row.addStretch()
        column.addWidget(Row("Cost", costs, width=LABELS))
        self._option_rows = QVBoxLayout()
        bare(self._option_rows, 4)
        column.addLayout(self._option_rows)
        column.addSpacing(4)
        column.addWidget(self.advice)
        column.addStretch()

    @property
    def value(self) -> str | NamedOptions:
        """The activation with the options that differ from its defaults."""
        changed = {
            option.name: self._options[option.name]
            for option in self._record.options
            if self._options.get(option.name, option.default) != option.default
        }
        return NamedOptions(self._record.name, tuple(sorted(changed.items()))) if changed else self._record.name

    def show_value(self, value: str | NamedOptions) -> None:
        """Shows an activation as a layer names it."""
        self._record = get(name_of(value))
        self._options = dict(options_of(value))
        own = is_own(self._record.name)
        self.name.setText("Own formula" if own else self._record.name)
        text = self._record.formula
        self.formula.setText(re.sub(r"([-+*/,(])", "\\1\u200b", text) if own else text)  # its lines may end there
        learned = "The number is where learning starts. " if self._record.learned else ""
        self.advice.setText(learned + self._record.advice)
        empty(self._option_rows)
        pair: QHBoxLayout | None = None
        for place, option in enumerate(self._record.options):
            words = option.name.replace("_", " ")
            words = words if own else words.capitalize()  # a letter stays as it was written
            field = NumberField(words, self._tell)
            field.show_value(self._options.get(option.name, option.default))
            field.edited.connect(lambda number, name=option.name, field=field: self._set(name, number, field))
            if len(self._record.options) < 3:
                self._option_rows.addWidget(Row(words, field, width=LABELS))
                continue
            if place % 2 == 0 or pair is None:
                line = QWidget()
                pair = QHBoxLayout(line)
                bare(pair, 8)
                self._option_rows.addWidget(line)
            pair.addWidget(Row(words, field, width=PAIRED))
        self._show_cost("")
        self._show_facts()

    def _show_cost(self, words: str, measuring: bool = False) -> None:
        self._cost.setText(words)
        self._cost.setVisible(bool(words))
        self.measure.setVisible(not words)
        self.measure.setEnabled(not measuring)

    @Slot()
    def _measure(self) -> None:
        value = self.value

        def done(cost: tuple[float, float]) -> None:
            if value == self.value:  # else another one is looked at by now
                self._show_cost(f"{number(cost[0], 2)} + {number(cost[1], 2)} ns a value")

        def failed(error: RelumeError) -> None:
            self._show_cost("")
            self._tell(error_words(error))

        self._show_cost("measuring", True)
        Task(lambda _: _cost(value), done, failed, self)

    def _set(self, name: str, value: Value, field: NumberField) -> None:
        before = dict(self._options)
        self._options[name] = float(value or 0.0)
        try:
            self._show_facts()
        except RelumeError as error:
            self._options = before
            self._tell(error_words(error))
        field.show_value(self._options[name])

    @Slot()
    def _show_facts(self) -> None:
        record = self._record
        values = record.values(self._options)
        self.plot.show_curve(record, values)
        kinks = ", ".join(plain(kink, 3) for kink in record.corners(self._options))
        corner = "jump" if record.jumps(self._options) else "corner"
        dead = "flat everywhere" if record.flat(self._options) else "flat for every z \u2264 0"
        words = {
            "Range": record.range.replace("-", MINUS),
            "Smooth": "yes" if record.smooth else f"no, {corner} at {kinks}" if kinks else "no",
            "Monotone": f"{_yes(record.monotone)}; zero-centred: {_yes(record.zero_centred)}",
            "Slope at z = 0": record.slope_at_zero,
            "Gain": number(record.gain(self._options), 4),
            "Can die": f"yes: {dead}" if record.dies(self._options) else "no",
        }
        for fact, text in words.items():
            self._facts[fact].setText(text)


def _cost(value: str | NamedOptions) -> tuple[float, float]:
    from engine.activation_cost import cost

    return cost(value)


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
