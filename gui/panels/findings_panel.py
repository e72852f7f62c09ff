"""What is wrong, as sentences with cures: the strip under the views."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, QTimer, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from engine.diagnosis import SEVERITIES, Finding, Remedy, by_severity, check_design, examine_snapshot
from engine.telemetry import Snapshot
from gui import edits
from gui.panels.changes import change
from gui.panels.finding_row import FindingRow
from gui.session import Session
from gui.widgets.rows import bare, head, label

OPEN = 1  # as long as the window is low; two from TALL on
TALL = 900
LOWEST, HIGHEST = 64, 176
CALM = "No trouble found: no dead neurons, the output layer suits the data."
WAITING = "No trouble in the design. Dead neurons and other trouble of training are told here."


class FindingsPanel(QWidget):
    """At most two findings are open, the rest is behind a count."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.rows: list[FindingRow] = []
        self._unfolded = False
        self._found: tuple[Finding, ...] = ()
        self._design: tuple[Finding, ...] = ()
        self._count = label("", "label")
        self._count.setAccessibleName("Count of findings")
        self._rest = QPushButton()
        self._rest.setProperty("role", "link")
        self._rest.setStyleSheet("min-height: 20px; max-height: 20px")
        self._rest.clicked.connect(self._toggle_rest)
        self._calm = label(CALM, "label")
        self._calm.setWordWrap(True)
        top = QHBoxLayout()
        bare(top, 8)
        top.addWidget(head("Findings"))
        top.addWidget(self._count)
        top.addStretch()
        top.addWidget(self._rest)
        top.addStrut(24)
        body = QWidget()
        body.setProperty("role", "panel")
        self._list = QVBoxLayout(body)
        bare(self._list, 10)
        self._list.addWidget(self._calm)
        self._list.addStretch()
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidget(body)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 8)
        column.setSpacing(4)
        column.addLayout(top)
        column.addWidget(self._scroll)
        self._fit = QTimer(self, singleShot=True, interval=0)
        self._fit.timeout.connect(self._fit_height)
        session.document_changed.connect(self._show_document)
        session.dataset_changed.connect(self._show_document)
        self._show_document()

    # ---- what it shows --------------------------------------------------------------------------

    @Slot()
    def _show_document(self) -> None:
        self._design = check_design(self.session.document.spec, self.session.dataset)
        self._show(self.session.snapshot)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follows the network as it trains."""
        self._show(snapshot)

    def _show(self, snapshot: Snapshot | None) -> None:
        found = self._design
        fits = snapshot is not None and snapshot.spec == self.session.document.spec
        if snapshot is not None and fits:
            found = by_severity((*found, *examine_snapshot(snapshot)))
        known = snapshot is not None and fits and any(np.isfinite(layer.max_z).any() for layer in snapshot.layers)
        self._calm.setText(CALM if known else WAITING)
        self._found = found
        self._fill()

    def _fill(self) -> None:
        shown = self._found if self._unfolded else self._found[: self._open()]
        while len(self.rows) > len(shown):
            row = self.rows.pop()
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        for number, finding in enumerate(shown):
            if number < len(self.rows):
                self.rows[number].show_finding(finding)
                continue
            row = FindingRow(finding)
            row.cured.connect(self.cure)
            row.shown.connect(self._show_neurons)
            row.grown.connect(self._fit.start)
            self._list.insertWidget(self._list.count() - 1, row)
            self.rows.append(row)
        self._calm.setHidden(bool(self._found))
        counts = [(name, sum(1 for f in self._found if f.severity == name)) for name in SEVERITIES]
        self._count.setText(", ".join(f"{n} {name}{'s' * (name == 'warning' and n > 1)}" for name, n in counts if n))
        rest = len(self._found) - self._open()
        self._rest.setVisible(rest > 0)
        self._rest.setText("Fewer" if self._unfolded else f"{rest} more")
        self._rest.setAccessibleName(f"{self._rest.text()} findings")
        self._fit.start()

    def _open(self) -> int:
        return 2 if self.window().height() >= TALL else OPEN

    @Slot()
    def _fit_height(self) -> None:
        wanted = self._list.heightForWidth(self._scroll.viewport().width())
        height = max(LOWEST, min(HIGHEST * self._open(), wanted + 48))
        wobble = self.rows and self.session.state == "running" and 0 < self.height() - height < 24
        if height != self.height() and not wobble:  # words that change their length do not move the views
            self.setFixedHeight(height)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit.start()

    @Slot()
    def _toggle_rest(self) -> None:
        self._unfolded = not self._unfolded
        self._fill()

    # ---- what the user does ---------------------------------------------------------------------

    @Slot(object)
    def _show_neurons(self, finding: Finding) -> None:
        self.session.select(finding.layer, finding.neurons[0])

    @Slot(object)
    def cure(self, remedy: Remedy) -> None:
        """Does what a remedy says."""
        wanted, document = remedy.arguments, self.session.document
        if remedy.action == "redraw":
            self.session.redraw(wanted["layer"], wanted["units"])
            return
        if remedy.action == "reset":
            self.session.reset()
            return

        def make() -> dict[str, Any]:
            if remedy.action == "activation":
                return {"spec": edits.set_layer(document.spec, wanted["layer"], activation=wanted["activation"])}
            optimizer = dataclasses.replace(document.training.optimizer, learning_rate=wanted["value"])
            return {"training": dataclasses.replace(document.training, optimizer=optimizer)}

        change(self.session, remedy.text, make)
