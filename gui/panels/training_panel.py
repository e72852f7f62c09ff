"""How the network is trained: optimizer, rate, batches, loss, and when it stops."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from engine.fields import info
from engine.losses import LOSSES
from engine.optimizers import OPTIMIZERS, Optimizer
from engine.spec import SHORT_BATCHES, TrainingSpec
from gui.panels.changes import change
from gui.session import Session
from gui.widgets.number_field import SHORT_FORM, NumberCombo, NumberField, QuietCombo, Value
from gui.widgets.rows import Fold, Row, bare, empty, head_row

RATES: tuple[Value, ...] = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0001)
BATCHES: tuple[Value, ...] = (1, 5, 10, 20, 32, 64, 128, 256)
SHORT_WORDS = {"drop": "Leave it out", "merge": "Join to the last", "keep": "A step of its own"}


class TrainingPanel(QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._options: dict[str, NumberField | QCheckBox] = {}
        self._options_of = ""
        column = QVBoxLayout(self)
        bare(column, 4)
        self.more = Fold("More about training")
        column.addLayout(head_row("Training", self.more.button))
        self.optimizer = QuietCombo("Optimizer")
        for record in OPTIMIZERS:
            self.optimizer.addItem(record.title, record.name)
            self.optimizer.setItemData(self.optimizer.count() - 1, record.advice, Qt.ItemDataRole.ToolTipRole)
        self.optimizer.activated.connect(self._set_optimizer)
        self.rate = NumberCombo("Learning rate", self._tell, RATES)
        self.rate.edited.connect(self._set_rate)
        self.batch = NumberCombo("Batch size", self._tell, BATCHES, whole=True)
        self.batch.edited.connect(lambda value: self._set("Batch size", batch_size=value))
        self.loss = QuietCombo("Loss")
        self.loss.activated.connect(self._set_loss)
        self._add(column, "Optimizer", self.optimizer)
        self._add(column, "Learning rate", self.rate, info(Optimizer, "learning_rate").help)
        self._add(column, "Batch size", self.batch, info(TrainingSpec, "batch_size").help)
        self._add(column, "Loss", self.loss)
        column.addWidget(self.more)
        self._fill_more()
        session.document_changed.connect(self._show_document)
        session.dataset_changed.connect(self._show_document)
        self._show_document()

    def _add(self, column: QVBoxLayout, text: str, field: QWidget, tip: str = "") -> None:
        column.addWidget(Row(text, field, tip))

    def _fill_more(self) -> None:
        self._option_rows = QVBoxLayout()
        bare(self._option_rows, 4)
        rows = self.more.rows
        rows.addLayout(self._option_rows)
        self.short = QuietCombo("Short last batch")
        for name in SHORT_BATCHES:
            self.short.addItem(SHORT_WORDS.get(name, name), name)
        self.short.activated.connect(lambda row: self._set("Short batch", short_batch=SHORT_BATCHES[row]))
        self._add(rows, "Short batch", self.short, "What happens when the samples do not fill the last batch.")
        self.epochs = NumberField("Stop at epoch", self._tell, whole=True)
        self.target = NumberField("Target loss", self._tell, optional=True)
        self.seconds = NumberField("Time limit", self._tell, optional=True)
        self.target.setPlaceholderText("none")
        self.seconds.setPlaceholderText("none, in seconds")
        self.epochs.edited.connect(lambda value: self._set("Stop at epoch", epochs=value))
        self.target.edited.connect(lambda value: self._set("Target loss", target_loss=value))
        self.seconds.edited.connect(lambda value: self._set("Time limit", time_limit=value))
        self._add(rows, "Last epoch", self.epochs, info(TrainingSpec, "epochs").help)
        self._add(rows, "Target loss", self.target, info(TrainingSpec, "target_loss").help)
        self._add(rows, "Time limit", self.seconds, info(TrainingSpec, "time_limit").help)

    # ---- what it shows --------------------------------------------------------------------------

    @Slot()
    def _show_document(self) -> None:
        document, dataset = self.session.document, self.session.dataset
        training = document.training
        optimizer = training.optimizer
        self.optimizer.setCurrentIndex(self.optimizer.findData(optimizer.kind))
        self.optimizer.setToolTip(OPTIMIZERS.get(optimizer.kind).advice)
        self.rate.show_value(optimizer.learning_rate)
        self.batch.set_words({"Whole set": len(dataset.x_train)})
        self.batch.show_value(training.batch_size)
        fitting = [record for record in LOSSES if dataset.task in record.tasks]
        if [self.loss.itemData(row) for row in range(self.loss.count())] != [record.name for record in fitting]:
            self.loss.clear()
            for record in fitting:
                self.loss.addItem(record.title, record.name)
                row = self.loss.count() - 1
                self.loss.setItemData(row, record.advice, Qt.ItemDataRole.ToolTipRole)
                if record.link in ("sigmoid", "softmax"):  # the output's card names the link
                    self.loss.setItemData(row, "Cross-entropy", SHORT_FORM)
        self.loss.setCurrentIndex(self.loss.findData(document.spec.loss))
        loss = LOSSES.get(document.spec.loss)
        self.loss.setToolTip(f"{loss.title}: {loss.formula}. {loss.advice}")
        self._show_options(optimizer)
        self.short.setCurrentIndex(SHORT_BATCHES.index(training.short_batch))
        self.epochs.show_value(training.epochs)
        self.target.show_value(training.target_loss)
        self.seconds.show_value(training.time_limit)

    def _show_options(self, optimizer: Optimizer) -> None:
        if self._options_of != optimizer.kind:
            self._build_options(optimizer)
        for name, field in self._options.items():
            value = getattr(optimizer, name)
            if isinstance(field, QCheckBox):
                field.setChecked(value)
            else:
                field.show_value(value)

    def _build_options(self, optimizer: Optimizer) -> None:
        """One row for each field of the optimizer, by its declaration."""
        empty(self._option_rows)
        self._options, self._options_of = {}, optimizer.kind
        for name in [field.name for field in dataclasses.fields(optimizer) if field.name != "learning_rate"]:
            declared = info(type(optimizer), name)
            field: NumberField | QCheckBox
            if declared.kind == "flag":
                field = QCheckBox()
                field.clicked.connect(lambda on, name=name: self._set_option(name, on))
            else:
                field = NumberField(declared.label, self._tell)
                field.edited.connect(lambda value, name=name: self._set_option(name, value))
            self._options[name] = field
            self._add(self._option_rows, declared.label, field, declared.help)

    # ---- what the user does ---------------------------------------------------------------------

    @Slot(int)
    def _set_optimizer(self, row: int) -> None:
        old, cls = self.session.document.training.optimizer, OPTIMIZERS.get(self.optimizer.itemData(row)).cls
        if type(old) is cls:
            return
        names = {field.name for field in dataclasses.fields(cls)} & {field.name for field in dataclasses.fields(old)}
        plain = type(old)()
        kept = {name: getattr(old, name) for name in names if getattr(old, name) != getattr(plain, name)}
        self._set("Optimizer", optimizer=cls(**kept))

    @Slot(object)
    def _set_rate(self, value: Value) -> None:
        self._set_option("learning_rate", value, "Learning rate")

    def _set_option(self, name: str, value: Any, text: str = "Optimizer") -> None:
        training = self.session.document.training

        def make() -> dict[str, Any]:
            optimizer = dataclasses.replace(training.optimizer, **{name: value})
            return {"training": dataclasses.replace(training, optimizer=optimizer)}

        change(self.session, text, make)

    @Slot(int)
    def _set_loss(self, row: int) -> None:
        spec = self.session.document.spec
        change(self.session, "Loss", lambda: {"spec": dataclasses.replace(spec, loss=self.loss.itemData(row))})

    def _set(self, text: str, **changes: Any) -> None:
        training = self.session.document.training
        change(self.session, text, lambda: {"training": dataclasses.replace(training, **changes)})

    def _tell(self, words: str) -> None:
        self.session.notice.emit(words, "warning")
