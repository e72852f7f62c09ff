"""One sample's way through the network: what it is, which neurons let it through, what comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from engine.files.figures import Bars, Figure, Panel
from engine.telemetry import SampleTrace, Snapshot
from engine.units import by_unit
from gui import theme
from gui.dialogs.sample_words import outcome, true_words
from gui.dialogs.trace_picture import TracePicture
from gui.numbers import count as whole
from gui.views.base import View
from gui.views.layer_words import layer_words
from gui.views.output import kind_of
from gui.widgets.number_field import QuietCombo

if TYPE_CHECKING:
    from gui.session import Session

PARTS = (("train", "Training"), ("test", "Test"))
WORDS_FROM = 520  # px of width from which the buttons have words


class SampleView(View):
    """The Sample tab: a picked point, image or row, layer by layer."""

    name = "sample"
    title = "Sample"
    watches = frozenset({"sample"})

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._trace: SampleTrace | None = None
        self._snapshot: Snapshot | None = None
        self.picture = TracePicture(session)
        self._bar = self._head()
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self.picture)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._bar)
        column.addWidget(scroll, 1)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty())
        self._pages.addWidget(page)
        session.sample_changed.connect(self._sample_changed)
        session.selection_changed.connect(self.picture.update)
        theme.signals.changed.connect(self._restyle)
        self._restyle()
        self._sample_changed()

    def _empty(self) -> QWidget:
        page = QWidget()
        page.setObjectName("empty")
        self.hint = words = QLabel()
        self._tell_how()
        words.setWordWrap(True)
        words.setProperty("role", "quiet")
        button = QPushButton("Show the first training sample")
        button.setAccessibleName("Show the first training sample")
        button.clicked.connect(self._pick_first)
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(12)
        column.addWidget(words)
        column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        return page

    def _tell_how(self) -> None:
        place = "a cell of the matrix" if kind_of(self.session.dataset) == "confusion" else "a point"
        self.hint.setText(
            f"Pick a sample to see which neurons let it through: click {place} in Output, or press below."
        )

    def _head(self) -> QWidget:
        bar = QWidget()
        row = QHBoxLayout(bar)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(8)
        self.part = QuietCombo("Part of the data")
        self.part.setMinimumWidth(94)
        for key, words in PARTS:
            self.part.addItem(words, key)
        self.part.activated.connect(self._part_chosen)
        self.number = QSpinBox()
        self.number.setAccessibleName("Sample number")
        self.number.setMinimum(1)
        self.number.setMinimumWidth(72)
        self.number.setKeyboardTracking(False)
        self.number.lineEdit().setTextMargins(6, 0, 0, 0)
        self.number.valueChanged.connect(self._number_chosen)
        self.of = QLabel()
        self.of.setProperty("role", "quiet")
        self.previous, self.next = QPushButton("Previous"), QPushButton("Next")
        for button, words in ((self.previous, "Previous sample"), (self.next, "Next sample")):
            button.setAccessibleName(words)
            button.setToolTip(words)
        self.previous.clicked.connect(self._step_back)
        self.next.clicked.connect(self._step_on)
        for widget in (self.part, QLabel("sample"), self.number, self.of):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.previous)
        row.addWidget(self.next)
        return bar

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Signs without words where words would be cut."""
        super().resizeEvent(event)
        wide = self.width() >= WORDS_FROM
        self.previous.setText("Previous" if wide else "")
        self.next.setText("Next" if wide else "")

    @Slot()
    def _restyle(self) -> None:
        self.previous.setIcon(theme.icon("chevron-left"))
        self.next.setIcon(theme.icon("chevron-right"))
        self.picture.update()

    # what is shown

    def _count(self, part: str) -> int:
        dataset = self.session.dataset
        return len(dataset.x_test if part == "test" else dataset.x_train)

    @Slot()
    def _sample_changed(self) -> None:
        sample = self.session.sample
        if sample is None or not self._count(sample[0]):
            self._trace = None
            self._pages.setCurrentIndex(0)
            return
        part, index = sample
        count = self._count(part)
        self._pages.setCurrentIndex(1)
        self.part.setCurrentIndex(self.part.findData(part))
        self.part.setEnabled(self._count("test") > 0)
        self.number.blockSignals(True)
        self.number.setMaximum(count)
        self.number.setValue(index + 1)
        self.number.blockSignals(False)
        self.of.setText(f"of {whole(count)}")
        self.previous.setEnabled(index > 0)
        self.next.setEnabled(index < count - 1)
        self.picture.show_sample(part, index)
        if self.session.snapshot is not None:
            self.show_snapshot(self.session.snapshot)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        sample, trace = self.session.sample, snapshot.sample
        if sample is None or trace is None or (trace.part, trace.index) != sample:
            return
        self._trace, self._snapshot = trace, snapshot
        self.picture.show_trace(trace, snapshot)

    def reset(self) -> None:
        self._tell_how()
        self._trace = self._snapshot = None
        self.picture.forget()
        self._sample_changed()

    # where to go

    @Slot()
    def _pick_first(self) -> None:
        self.session.pick_sample("train", 0)

    @Slot(int)
    def _part_chosen(self, row: int) -> None:
        part = self.part.itemData(row)
        index = self.session.sample[1] if self.session.sample else 0
        self.session.pick_sample(part, min(index, max(0, self._count(part) - 1)))

    @Slot(int)
    def _number_chosen(self, number: int) -> None:
        if self.session.sample is not None:
            self.session.pick_sample(self.session.sample[0], number - 1)

    @Slot()
    def _step_back(self) -> None:
        self.number.stepDown()

    @Slot()
    def _step_on(self) -> None:
        self.number.stepUp()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_PageDown:
            self._step_on()
        elif event.key() == Qt.Key.Key_PageUp:
            self._step_back()
        else:
            super().keyPressEvent(event)

    # in words and as a figure

    def summary(self) -> str:
        dataset, trace, snapshot = self.session.dataset, self._trace, self._snapshot
        if trace is None or snapshot is None:
            return "No sample is picked."
        head = f"{dict(PARTS)[trace.part]} sample {trace.index + 1}, {true_words(dataset, trace.part, trace.index)}."
        passes = [f"layer {words.number}: {words_of}" for words, words_of in self.picture.passes()]
        return f"{head} {'; '.join(passes)}. {outcome(dataset, snapshot.spec.loss, trace).words}"

    def figure(self) -> Figure | None:
        dataset, trace, snapshot = self.session.dataset, self._trace, self._snapshot
        if trace is None or snapshot is None:
            return None
        panels = [
            Panel(
                (Bars(_counted(words.units), by_unit(trace.activations[words.index][None])[0]),),
                words.title, words.noun, "mean activation" if words.maps else "activation",
            )
            for words in layer_words(snapshot.spec)
            if not words.last
        ]  # fmt: skip
        told = outcome(dataset, snapshot.spec.loss, trace)
        panels.append(Panel((Bars(told.names, told.values, horizontal=True),), "Output", told.meaning, ""))
        title = f"{dict(PARTS)[trace.part]} sample {trace.index + 1}, {true_words(dataset, trace.part, trace.index)}"
        return Figure(title, tuple(panels))


def _counted(units: int) -> tuple[str, ...]:
    return tuple(str(unit + 1) for unit in range(units))
