"""One finding: a mark, the sentence, the evidence, the cures as buttons, and the cause behind "Why?"."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from engine.diagnosis import Finding, Remedy
from gui import theme
from gui.numbers import typeset
from gui.widgets import curve_thumbnail
from gui.widgets.flow import Flow
from gui.widgets.rows import bare, label

CURVE = QSize(26, 18)
MARKS = {"warning": ("warning", "warning"), "serious": ("warning", "warning"), "info": ("info", "ink 2")}


class FindingRow(QWidget):
    """`cured` tells the remedy that was chosen, `shown` that the neurons are to be looked at."""

    cured = Signal(object)
    shown = Signal(object)
    grown = Signal()

    def __init__(self, finding: Finding) -> None:
        super().__init__()
        self.finding = finding
        self._remedies: tuple[Remedy, ...] = ()
        self._cures: list[QPushButton] = []
        row = QHBoxLayout(self)
        bare(row, 12)
        marks = QVBoxLayout()
        bare(marks, 0)
        self._mark = QLabel()
        self._mark.setFixedSize(16, 20)
        marks.addWidget(self._mark)
        marks.addStretch()
        row.addLayout(marks)
        column = QVBoxLayout()
        bare(column, 2)
        self._title = label("", "name")
        self._title.setAccessibleName("Finding")
        self._evidence = label("", "label")
        self._cause = label("", "label")
        self._cause.hide()
        for words in (self._title, self._evidence, self._cause):
            words.setWordWrap(True)
            words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
            column.addWidget(words)
        self._buttons = Flow(gap=8)
        self._why = QPushButton("Why?")
        self._why.setCheckable(False)
        self._show = QPushButton("Show")
        for button in (self._why, self._show):
            button.setProperty("role", "link")
            self._buttons.addWidget(button)
        column.addSpacing(4)
        column.addLayout(self._buttons)
        row.addLayout(column, 1)
        self._why.clicked.connect(self._toggle_cause)
        self._show.clicked.connect(lambda: self.shown.emit(self.finding))
        theme.signals.changed.connect(self._dress)
        self.show_finding(finding)

    def show_finding(self, finding: Finding) -> None:
        """Shows the newest words of the same trouble."""
        new = finding.kind != self.finding.kind or finding.remedies != self._remedies or not self._title.text()
        self.finding = finding
        _tell(self._title, finding.title)
        _tell(self._evidence, finding.evidence)
        self._evidence.setHidden(not finding.evidence)
        _tell(self._cause, finding.cause)
        self._why.setHidden(not finding.cause)
        self._show.setHidden(not finding.neurons)
        self._why.setAccessibleName(f"Why? {finding.title}")
        self._show.setAccessibleName(f"Show {finding.title}")
        if new:
            self._make_cures(finding.remedies)
            self._dress()

    def _make_cures(self, remedies: tuple[Remedy, ...]) -> None:
        if [remedy.text for remedy in remedies] != [remedy.text for remedy in self._remedies] or not self._cures:
            for button in (*self._cures, self._why, self._show):
                self._buttons.removeWidget(button)
            for button in self._cures:
                button.hide()
                button.deleteLater()
            self._cures = []
            for number, remedy in enumerate(remedies):
                button = QPushButton(typeset(remedy.text))
                button.setAccessibleName(button.text())
                button.setIconSize(CURVE)
                button.clicked.connect(lambda _=False, number=number: self.cured.emit(self._remedies[number]))
                self._cures.append(button)
            for button in (*self._cures, self._why, self._show):
                self._buttons.addWidget(button)
        self._remedies = remedies

    @Slot()
    def _dress(self) -> None:
        icon, token = ("cross", "dead") if self.finding.kind == "dead" else MARKS[self.finding.severity]
        self._mark.setPixmap(theme.icon(icon, token).pixmap(16, 16))
        for button, remedy in zip(self._cures, self._remedies, strict=True):
            if remedy.action == "activation":
                button.setIcon(curve_thumbnail.icon(remedy.arguments["activation"], CURVE))

    @Slot()
    def _toggle_cause(self) -> None:
        self._cause.setVisible(self._cause.isHidden())
        self._why.setText("Why?" if self._cause.isHidden() else "Less")
        self.grown.emit()


def _tell(words: QLabel, text: str) -> None:
    text = typeset(text)
    if words.text() != text:
        words.setText(text)
