"""How the network is trained: optimizer, rate, batches, loss, and when it stops."""

from __future__ import annotations

import dataclasses
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QListView, QVBoxLayout, QWidget

from engine.fields import NamedOptions, info, name_of, options_of
from engine.losses import LOSSES
from engine.optimizers import OPTIMIZERS, Optimizer
from engine.outputs import suits
from engine.schedules import SCHEDULES, moves
from engine.spec import SHORT_BATCHES, TrainingSpec
from engine.telemetry import Snapshot
from gui.panels.changes import change
from gui.panels.option_rows import OptionRows
from gui.session import Session
from gui.widgets.number_field import SHORT_FORM, NumberCombo, NumberField, QuietCombo, Value
from gui.widgets.rate_curve import RateCurve
from gui.widgets.rows import Fold, Row, bare, head_row

RATES: tuple[Value, ...] = (1.0, 0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0001)
BATCHES: tuple[Value, ...] = (1, 5, 10, 20, 32, 64, 128, 256)
SHORT_WORDS = {"drop": "Leave it out", "merge": "Join to the last", "keep": "A step of its own"}


class TrainingPanel(QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self._numbers: dict[str, NumberField] = {}
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
        rows = self.more.rows
        self.loss_options = OptionRows(self._tell)
        self.loss_options.edited.connect(self._set_loss_option)
        rows.addWidget(self.loss_options)
        self.classes = QuietCombo("Class weights")
        for text, value in (("All alike", None), ("Balanced", "balanced"), ("By hand", "own")):
            self.classes.addItem(text, value)
        self.classes.activated.connect(self._set_classes)
        self._classes = Row(
            "Classes", self.classes, "What samples count. Balanced: a rare class as much as a common one."
        )
        rows.addWidget(self._classes)
        self.options = OptionRows(self._tell)
        self.options.edited.connect(self._set_option)
        rows.addWidget(self.options)
        self._fill_schedule(rows)
        self._number(rows, "clip_value", "none")
        self._number(rows, "clip_norm", "none")
        self.short = QuietCombo("Short last batch")
        for name in SHORT_BATCHES:
            self.short.addItem(SHORT_WORDS.get(name, name), name)
        self.short.activated.connect(lambda row: self._set("Short batch", short_batch=SHORT_BATCHES[row]))
        self._add(rows, "Short batch", self.short, "What happens when the samples do not fill the last batch.")
        self._number(rows, "epochs", label="Last epoch", name="Stop at epoch")
        self._number(rows, "patience", "none, in epochs", "Stop early")
        self.best = QCheckBox("Keep the best")
        self.best.clicked.connect(lambda on: self._set("Best weights", restore_best=on))
        self._best = Row("", self.best, info(TrainingSpec, "restore_best").help)
        rows.addWidget(self._best)
        self._number(rows, "target_loss", "none")
        self._number(rows, "time_limit", "none, in seconds")

    def _fill_schedule(self, rows: QVBoxLayout) -> None:
        self.schedule = QuietCombo("Schedule")
        self.schedule.addItem("Constant", None)
        for record in SCHEDULES:
            self.schedule.addItem(record.title, record.name)
            self.schedule.setItemData(self.schedule.count() - 1, record.advice, Qt.ItemDataRole.ToolTipRole)
        self.schedule.activated.connect(self._set_schedule)
        self.schedule_options = OptionRows(self._tell)
        self.schedule_options.edited.connect(self._set_schedule_option)
        self.rates = RateCurve()
        self._add(rows, "Schedule", self.schedule, "What becomes of the learning rate.")
        rows.addWidget(self.schedule_options)
        self._number(rows, "warmup")
        self._rates = Row("Rate", self.rates)
        rows.addWidget(self._rates)

    def _number(self, rows: QVBoxLayout, field: str, empty: str = "", label: str = "", name: str = "") -> None:
        """A row for a number of the training spec."""
        declared = info(TrainingSpec, field)
        made = NumberField(name or declared.label, self._tell, declared.kind == "int", declared.optional)
        made.setPlaceholderText(empty)
        made.edited.connect(lambda value: self._set(name or declared.label, **{field: value}))
        self._numbers[field] = made
        self._add(rows, label or declared.label, made, declared.help)

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
        fitting = [record for record in LOSSES if suits(record.name, dataset)]
        if [self.loss.itemData(row) for row in range(self.loss.count())] != [record.name for record in fitting]:
            self.loss.clear()
            for record in fitting:
                self.loss.addItem(record.title, record.name)
                row = self.loss.count() - 1
                self.loss.setItemData(row, record.advice, Qt.ItemDataRole.ToolTipRole)
                if record.link in ("sigmoid", "softmax"):  # the output's card names the link
                    self.loss.setItemData(row, "Cross-entropy", SHORT_FORM)
        loss = LOSSES.get(document.spec.loss)
        self.loss.setCurrentIndex(self.loss.findData(loss.name))
        self.loss.setToolTip(f"{loss.title}: {loss.formula}. {loss.advice}")
        self.options.show_record(optimizer, without=("learning_rate",))
        self._show_loss_options(document.spec.loss, training)
        self.schedule.setCurrentIndex(self.schedule.findData(training.schedule and training.schedule.kind))
        self.schedule_options.show_record(training.schedule)
        self._rates.setVisible(moves(training))
        self.rates.show_training(training)
        self.short.setCurrentIndex(SHORT_BATCHES.index(training.short_batch))
        for name, field in self._numbers.items():
            field.show_value(getattr(training, name))
        self._best.setVisible(training.patience is not None)
        self.best.setChecked(training.restore_best)

    def _show_loss_options(self, loss: str | NamedOptions, training: TrainingSpec) -> None:
        record = LOSSES.get(loss)
        values = record.values(options_of(loss))
        self.loss_options.show_items(
            record.name, [(each.name, each.info, values[each.name]) for each in record.options]
        )
        weights = training.class_weights
        self._classes.setVisible(self.session.dataset.task != "regression")
        self.classes.setCurrentIndex(self.classes.findData("own" if isinstance(weights, tuple) else weights))
        view = self.classes.view()
        assert isinstance(view, QListView)
        view.setRowHidden(self.classes.count() - 1, not isinstance(weights, tuple))

    def show_snapshot(self, snapshot: Snapshot) -> None:
        if moves(snapshot.training):
            epoch = snapshot.epoch + snapshot.batch / max(1, snapshot.batches_per_epoch)
            self.rates.show_rate(epoch, snapshot.learning_rate)

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
    def _set_schedule(self, row: int) -> None:
        kind, old = self.schedule.itemData(row), self.session.document.training.schedule
        if kind != (old and old.kind):
            self._set("Schedule", schedule=SCHEDULES.get(kind).cls() if kind else None)

    @Slot(str, object)
    def _set_schedule_option(self, name: str, value: Any) -> None:
        training = self.session.document.training

        def make() -> dict[str, Any]:
            assert training.schedule is not None
            schedule = dataclasses.replace(training.schedule, **{name: value})
            return {"training": dataclasses.replace(training, schedule=schedule)}

        change(self.session, "Schedule", make)

    @Slot(int)
    def _set_loss(self, row: int) -> None:
        spec = self.session.document.spec
        if self.loss.itemData(row) != name_of(spec.loss):
            change(self.session, "Loss", lambda: {"spec": dataclasses.replace(spec, loss=self.loss.itemData(row))})

    @Slot(str, object)
    def _set_loss_option(self, name: str, value: Any) -> None:
        spec = self.session.document.spec
        record = LOSSES.get(spec.loss)
        options = {**options_of(spec.loss), name: value}
        given = {option.name: options[option.name] for option in record.options if option.name in options}
        other = {key: number for key, number in given.items() if number != record.values({})[key]}
        loss = NamedOptions(record.name, tuple(sorted(other.items()))) if other else record.name
        change(self.session, "Loss", lambda: {"spec": dataclasses.replace(spec, loss=loss)})

    @Slot(int)
    def _set_classes(self, row: int) -> None:
        value = self.classes.itemData(row)
        if value != "own":
            self._set("Class weights", class_weights=value)
        self._show_document()

    def _set(self, text: str, **changes: Any) -> None:
        training = self.session.document.training
        change(self.session, text, lambda: {"training": dataclasses.replace(training, **changes)})

    def _tell(self, words: str) -> None:
        self.session.notice.emit(words, "warning")
