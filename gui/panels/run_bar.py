"""The bar at the top: run, pause, step, reset; the speed; the numbers of the run; the seed."""

from __future__ import annotations

import dataclasses
import math

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from engine.target_error import TargetError, target_error
from engine.telemetry import Snapshot
from gui import theme
from gui.numbers import count, large, number, percent, plain
from gui.panels.changes import change
from gui.session import Session
from gui.widgets.number_field import NumberField
from gui.words import tip

#: Epochs per second at the ends of the slider; its left end is one batch a second.
SLOWEST, FASTEST = 0.02, 30.0
STEPS = 100
NARROW, MIDDLE, WIDE = 1190, 1270, 1500


class Metric(QWidget):
    """A caption over a number, of a fixed width so that nothing jumps."""

    def __init__(self, caption: str, width: int, accent: bool = False) -> None:
        super().__init__()
        self.setFixedWidth(width)
        self.caption = QLabel(caption)
        self.caption.setProperty("role", "caption")
        self.value = QLabel("–")
        self.value.setFont(theme.font(15, 600))
        self.value.setAccessibleName(caption)
        self._accent = accent
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(1)
        column.addStretch()
        column.addWidget(self.caption)
        column.addWidget(self.value)
        column.addStretch()
        self.dress()

    def dress(self) -> None:
        token = "accent" if self._accent else "ink"
        self.value.setStyleSheet(f"font-size: 15px; font-weight: 600; color: {theme.color(token).name()}")

    def show_value(self, text: str) -> None:
        if self.value.text() != text:
            self.value.setText(text)


class RunBar(QWidget):
    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(56)
        self.run = self._button("Run", "play", "Train (Space)")
        self.pause = self._button("Pause", "pause", "Pause (Space)")
        self.step = self._button("Step", "step", "One batch (Right), one epoch (Shift+Right), and more")
        self.reset = self._button("Reset", "reset", "Back to the same first weights (Ctrl+R)")
        self.run.clicked.connect(self._run)
        self.pause.clicked.connect(self._pause)
        self.reset.clicked.connect(self._reset)
        menu = QMenu(self)
        menu.addAction("One batch", session.step_batch)
        menu.addAction("One epoch", session.step_epoch)
        self.until = menu.addAction("Run until")
        self.step.setMenu(menu)
        self.step.setProperty("menu", True)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 0, 16, 0)
        row.setSpacing(8)
        for button in (self.run, self.pause, self.step, self.reset):
            row.addWidget(button)
        row.addWidget(_separator())
        row.addWidget(self._make_speed())
        row.addWidget(_separator())
        self.epoch = Metric("epoch", 56)
        self.train_loss = Metric("train loss", 66, accent=True)
        self.test_loss = Metric("test loss", 66)
        self.score = Metric("test accuracy", 84)
        self.train_error = Metric("train error", 66, accent=True)
        self.test_error = Metric("test error", 66)
        self._error: TargetError | None = None
        self.rate = Metric("throughput", 150)
        for metric in self.metrics:
            row.addWidget(metric)
        row.addStretch(1)
        row.addWidget(self._make_seed())
        self.progress = ProgressLine(self)
        session.state_changed.connect(self._show_state)
        session.document_changed.connect(self._show_document)
        session.dataset_changed.connect(self._show_document)
        theme.signals.changed.connect(self._dress)
        self._show_document()
        self._dress()

    @property
    def metrics(self) -> tuple[Metric, ...]:
        losses = (self.train_loss, self.test_loss, self.score, self.train_error, self.test_error)
        return (self.epoch, *losses, self.rate)

    def _button(self, name: str, icon: str, tip: str) -> QPushButton:
        button = QPushButton(name)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.setFixedHeight(32)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take Space away from run and pause
        button.setIconSize(QSize(16, 16))
        button.setProperty("icon name", icon)
        return button

    def _make_speed(self) -> QWidget:
        box = QWidget()
        box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self._speed_word = QLabel("Speed")
        self._speed_word.setProperty("role", "label")
        self.speed = QSlider(Qt.Orientation.Horizontal)
        self.speed.setAccessibleName("Speed")
        self.speed.setToolTip("How many epochs per second you see, from single batches on")
        self.speed.setRange(0, STEPS)
        self.speed_words = QLabel()
        self.speed_words.setFixedWidth(64)
        self.full = QPushButton("Full")
        self.full.setAccessibleName("Full speed")
        self.full.setToolTip("As fast as this machine can; the same result, bit for bit")
        self.full.setCheckable(True)
        self.full.setFixedHeight(28)
        for widget in (self._speed_word, self.speed, self.speed_words, self.full):
            row.addWidget(widget)
        self.speed.valueChanged.connect(self._set_speed)
        self.full.toggled.connect(self._set_full)
        return box

    def _make_seed(self) -> QWidget:
        box = QWidget()
        box.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(box)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        label = QLabel("Seed")
        label.setProperty("role", "label")
        self.seed = NumberField("Seed", self._tell, whole=True)
        self.seed.setToolTip("Same seed, same weights, same run")
        self.seed.setFixedWidth(56)
        self.seed.edited.connect(self._set_seed)
        self.dice = QPushButton()
        self.dice.setAccessibleName("New weights")
        self.dice.setToolTip("Draw new weights: the next seed")
        self.dice.setFixedSize(28, 28)
        self.dice.setStyleSheet("padding: 0")
        self.dice.setProperty("icon name", "dice")
        self.dice.clicked.connect(self._new_weights)
        for widget in (label, self.seed, self.dice):
            row.addWidget(widget)
        return box

    # ---- what the user does -------------------------------------------------------------------

    @Slot()
    def _run(self) -> None:
        self.session.run()

    @Slot()
    def _pause(self) -> None:
        self.session.pause()

    @Slot()
    def _reset(self) -> None:
        self.session.reset()

    @Slot()
    def _new_weights(self) -> None:
        self.session.new_weights()

    @Slot(int)
    def _set_speed(self, position: int) -> None:
        self.full.setChecked(False)
        self.session.set_speed(_speed_at(position, self._slowest()))
        self._show_speed()

    @Slot(bool)
    def _set_full(self, on: bool) -> None:
        self.session.set_speed(None if on else _speed_at(self.speed.value(), self._slowest()))
        self._show_speed()

    @Slot(object)
    def _set_seed(self, value: int) -> None:
        training = self.session.document.training
        change(self.session, "Seed", lambda: {"training": dataclasses.replace(training, seed=value)})

    def _tell(self, words: str) -> None:
        self.session.notice.emit(words, "warning")

    def _slowest(self) -> float:
        """One batch a second, in epochs per second."""
        batches = len(self.session.dataset.x_train) / self.session.document.training.batch_size
        return min(1.0 / max(1.0, batches), 1.0)

    # ---- what it shows ------------------------------------------------------------------------

    @Slot()
    def _show_document(self) -> None:
        document = self.session.document
        self.seed.show_value(document.training.seed)
        for widget in (self.speed, self.full):
            widget.blockSignals(True)
        if document.speed is not None:
            self.speed.setValue(_position_of(document.speed, self._slowest()))
        self.full.setChecked(document.speed is None)
        for widget in (self.speed, self.full):
            widget.blockSignals(False)
        self._error = target_error(document.spec.loss, self.session.dataset)
        self.score.caption.setText("test accuracy" if self._error is None else "test R²")
        self.score.setFixedWidth(84 if self._error is None else 76)  # −1.2·10⁻⁵
        for metric, when in (
            (self.train_error, "on the training samples, over the epoch in which they were learned from"),
            (self.test_error, "on the test samples, at the epoch's end"),
        ):
            metric.setToolTip(tip(f"{self._error.title}, {when}.\n{self._error.meaning}") if self._error else "")
        self._show_widths()
        self._show_speed()
        self._show_state(self.session.state)

    def _show_speed(self) -> None:
        speed = self.session.document.speed
        if speed is None:
            words = "full"
        elif speed >= 1:
            words = f"{plain(speed)} ep/s"
        else:
            per_second = speed / self._slowest()
            words = f"{plain(per_second)} batch/s" if per_second < 10 else f"{plain(speed)} ep/s"
        self.speed_words.setText(words)

    @Slot(str)
    def _show_state(self, state: str) -> None:
        running = state == "running"
        had_focus = self.run.hasFocus() or self.pause.hasFocus()
        self.pause.setEnabled(running)
        if had_focus:  # by keyboard, the next likely act is under the same finger
            (self.pause if running else self.run).setFocus()
        _set_role(self.run, "on" if running else "accent")
        _set_role(self.pause, "accent" if running else "")
        self._dress()

    @Slot()
    def _dress(self) -> None:
        for button in (self.run, self.pause, self.step, self.reset, self.dice):
            role = button.property("role")
            token = {"accent": "on accent", "on": "accent"}.get(role, "ink")
            button.setIcon(theme.icon(button.property("icon name"), token))
        for metric in self.metrics:
            metric.dress()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self.epoch.show_value(count(snapshot.epoch))
        self.train_loss.show_value(number(snapshot.train_loss))
        self.test_loss.show_value(number(snapshot.test_loss))
        metric, error = snapshot.test_metric, self._error
        self.score.show_value(percent(metric, 1) if error is None else number(metric))
        if error is not None:
            told = error.of("train", snapshot.train_loss, snapshot.train_metric)
            self.train_error.show_value(number(float(told)))
            self.test_error.show_value(number(float(error.of("test", snapshot.test_loss, metric))))
        running = snapshot.state == "running" and not math.isnan(snapshot.samples_per_second)
        self.rate.show_value(f"{large(snapshot.samples_per_second)} samples/s" if running else "–")
        self.progress.show_share(snapshot.preparing)

    def resizeEvent(self, event: object) -> None:
        self._show_widths()
        self.progress.setGeometry(0, self.height() - 2, self.width(), 2)

    def _show_widths(self) -> None:
        """Shows what there is room for."""
        regression, narrow = self._error is not None, self.width() < NARROW
        self._speed_word.setHidden(narrow)
        self.reset.setText("" if narrow else "Reset")
        self.speed.setFixedWidth(56 if narrow else 96)
        self.rate.setVisible(self.width() >= WIDE)
        self.score.setVisible(not (regression and narrow))
        self.test_error.setVisible(regression)
        self.train_error.setVisible(regression and self.width() >= MIDDLE)


class ProgressLine(QWidget):
    """An accent line along the bar's edge while something is prepared."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._share = 0.0
        self.setAccessibleName("Preparing")
        self.hide()

    def show_share(self, done: tuple[int, int] | None) -> None:
        """So many of so many; None: nothing is prepared."""
        self.setVisible(done is not None)
        if done is not None:
            self._share = done[0] / max(1, done[1])
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.fillRect(0, 0, round(self.width() * self._share), 2, theme.color("accent"))


def _separator() -> QFrame:
    line = QFrame()
    line.setProperty("role", "rule")
    line.setFixedSize(1, 32)
    return line


def _set_role(button: QPushButton, role: str) -> None:
    if button.property("role") != role:
        button.setProperty("role", role)
        button.style().unpolish(button)
        button.style().polish(button)


def _speed_at(position: int, slowest: float) -> float:
    return slowest * (FASTEST / slowest) ** (position / STEPS)


def _position_of(speed: float, slowest: float) -> int:
    share = math.log(max(speed, slowest) / slowest) / math.log(FASTEST / slowest)
    return round(STEPS * min(1.0, share))
