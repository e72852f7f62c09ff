"""When training stops: at an epoch, at a training loss, or after some seconds."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from engine.errors import RelumeError
from gui.words import error_words

if TYPE_CHECKING:
    from gui.session import Session


class RunUntilDialog(QDialog):
    """Edits the training's ends as one undoable step, then runs."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self.setWindowTitle("Run until – Relume")
        self.setAccessibleName("Run until")
        training = session.document.training
        words = QLabel("Training stops at whichever comes first.")
        words.setProperty("role", "quiet")
        self.epochs = QSpinBox()
        self.epochs.setRange(0, 10**9)
        done = session.snapshot.epoch if session.snapshot is not None else 0
        again = done + max(1, training.epochs)  # as Run at the end does
        self.epochs.setValue(training.epochs if training.epochs > done else again)
        self.epochs.setAccessibleName("Epochs")
        self.by_loss, self.by_time = QCheckBox("Training loss at most"), QCheckBox("Seconds of training")
        self.loss = QLineEdit("" if training.target_loss is None else f"{training.target_loss:g}")
        self.loss.setPlaceholderText("0.01")
        self.loss.setAccessibleName("Training loss at most")
        self.seconds = QDoubleSpinBox()
        self.seconds.setRange(0.1, 1e6)
        self.seconds.setDecimals(1)
        self.seconds.setValue(training.time_limit or 60.0)
        self.seconds.setAccessibleName("Seconds of training")
        for box, field, on in (
            (self.by_loss, self.loss, training.target_loss is not None),
            (self.by_time, self.seconds, training.time_limit is not None),
        ):
            box.setChecked(on)
            field.setEnabled(on)
            box.toggled.connect(field.setEnabled)
        for spin in (self.epochs, self.seconds):
            spin.lineEdit().setTextMargins(6, 0, 0, 0)  # begins where the other field's text does
        grid = QGridLayout()
        grid.setSpacing(8)
        grid.addWidget(QLabel("Epoch"), 0, 0)
        grid.addWidget(self.epochs, 0, 1)
        grid.addWidget(self.by_loss, 1, 0)
        grid.addWidget(self.loss, 1, 1)
        grid.addWidget(self.by_time, 2, 0)
        grid.addWidget(self.seconds, 2, 1)
        self.trouble = QLabel()
        self.trouble.setTextFormat(Qt.TextFormat.PlainText)
        self.trouble.setWordWrap(True)
        self.trouble.setProperty("role", "warning")
        buttons = QDialogButtonBox()
        run = buttons.addButton("Run", QDialogButtonBox.ButtonRole.AcceptRole)
        run.setAccessibleName("Run until this")
        run.setProperty("role", "accent")
        buttons.addButton("Cancel", QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self._run)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(12)
        column.addWidget(words)
        column.addLayout(grid)
        column.addWidget(self.trouble)
        column.addWidget(buttons)
        self.finished.connect(self.deleteLater)

    @Slot()
    def _run(self) -> None:
        try:
            training = dataclasses.replace(
                self.session.document.training,
                epochs=self.epochs.value(),
                target_loss=self._loss() if self.by_loss.isChecked() else None,
                time_limit=self.seconds.value() if self.by_time.isChecked() else None,
            )
        except RelumeError as error:
            self.trouble.setText(error_words(error))
            return
        if training != self.session.document.training:
            self.session.edit("Run until", training=training)
        self.accept()
        self.session.run()

    def _loss(self) -> float:
        text = self.loss.text().strip().replace(",", ".").replace("\u2212", "-")
        try:
            return float(text)
        except ValueError:
            raise RelumeError("The loss is not a number.", "training loss", "Write it like 0.01.") from None
