"""Curves: loss, metric or error of the training and the test data, against epochs or seconds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt, Slot
from PySide6.QtGui import QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QStackedLayout, QToolButton, QVBoxLayout, QWidget

from engine.files.figures import Figure, Line, Mark, Panel, Points
from engine.target_error import TargetError, target_error
from engine.telemetry import Snapshot
from gui import theme
from gui.marks import paint_cross
from gui.numbers import count, number, percent, tick
from gui.views import scales
from gui.views.base import View
from gui.views.pieces import EmptyNote, Ground, metric_name
from gui.views.plot import Pace, Plot

if TYPE_CHECKING:
    from gui.session import Session


class Curves(View):
    """Two lines with their names at the ends, a crosshair with values, and a dotted line for each death."""

    name = "curves"
    title = "Curves"
    most_frames = 5

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._history: dict[str, np.ndarray] = {}
        self._deaths: list[tuple[int, str]] = []  # (epoch, "2 in layer 1")
        self._seen: tuple[object, ...] | None = None
        self._hover: float | None = None
        self._error: TargetError | None = None
        self._texts = {"train": "", "test": ""}
        self._pace = Pace()
        self._plot = Plot()
        self._plot.overlays = [self._paint_deaths, self._paint_ends, self._paint_hover]
        self._plot.hovered.connect(self._hovered)
        self._plot.setAccessibleName("Curves of training and test")
        self._test = self._plot.add(pg.PlotCurveItem(antialias=True, skipFiniteCheck=False, connect="finite"), 1)
        self._train = self._plot.add(pg.PlotCurveItem(antialias=True, skipFiniteCheck=False, connect="finite"), 2)
        self._train.setSegmentedLineMode("on")  # one wide path through noise is 20 times as slow
        self._build_controls()
        drawing = Ground()
        below = QVBoxLayout(drawing)
        below.setContentsMargins(0, 0, 0, 4)
        below.setSpacing(0)
        below.addWidget(self._plot, 1)
        row = QHBoxLayout()
        row.addWidget(self._against, 0, Qt.AlignmentFlag.AlignHCenter)
        below.addLayout(row)
        self._row = row
        self._plot.margins.setBottom(22)
        self._pages = QStackedLayout(self)
        self._empty = EmptyNote("Loss and accuracy, epoch by epoch, appear here while the network learns. Press Run.")
        self._pages.addWidget(self._empty)
        self._pages.addWidget(drawing)
        theme.signals.changed.connect(self._restyle)
        self._restyle()

    def _build_controls(self) -> None:
        self._log = QToolButton()
        self._log.setText("log")
        self._log.setCheckable(True)
        self._log.setAccessibleName("Logarithmic axis of the curves")
        self._log.setToolTip("Logarithmic axis")
        self._what = QComboBox()
        self._what.addItems(["Loss", "Accuracy"])
        self._what.setAccessibleName("What the curves show")
        self._what.setToolTip("The error is told in the target's own units")
        self._what.currentIndexChanged.connect(self._choose)
        self._log.setChecked(True)
        self._log.toggled.connect(self._redraw)
        self._against = QToolButton()
        self._against.setText("epoch \u21c4")
        self._against.setCheckable(True)
        self._against.setAccessibleName("Curves against seconds")
        self._against.setToolTip("Against epochs or seconds of training")
        self._against.toggled.connect(self._redraw)
        for control in (self._log, self._what, self._against):
            control.setProperty("role", "flat")
            control.setMinimumHeight(24)
        self._log.setMinimumWidth(36)
        self._against.setMinimumWidth(140)
        self._against.setFont(theme.font(11))
        self._what.setFixedWidth(104)

    def head_widgets(self) -> list[QWidget]:
        return [self._log, self._what]

    # --- data in

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self._empty.follow(snapshot)
        if len(snapshot.history.get("epoch", ())) == 0:
            self.reset()
            return
        fresh_text = self._pace.due() or snapshot.state != "running"
        seen = (snapshot.run, len(snapshot.history["epoch"]), float(snapshot.history["epoch"][-1]), snapshot.state)
        if seen == self._seen and not fresh_text:
            return
        self._seen = seen
        self._history = dict(snapshot.history)
        self._deaths = deaths(snapshot)
        self._plot.fade(snapshot.state == "diverged")
        if self._pages.currentIndex() != 1:
            self._pages.setCurrentIndex(1)
        self._draw(fresh_text)

    def reset(self) -> None:
        self._history, self._deaths, self._seen = {}, [], None
        self._pace.reset()
        self._list_quantities()
        self._pages.setCurrentIndex(0)

    def _list_quantities(self) -> None:
        """A regression has an error in the target's own units too."""
        self._error = target_error(self.session.document.spec.loss, self.session.dataset)
        self._what.setItemText(1, "Accuracy" if self._error is None else "R²")
        if self._error is not None and self._what.count() == 2:
            self._what.addItem("Error")
        elif self._error is None and self._what.count() == 3:
            self._what.setCurrentIndex(self._what.currentIndex() % 2)  # a loss where there is no error
            self._what.removeItem(2)
        self._choose()

    @property
    def _task(self) -> str:
        return self.session.dataset.task

    @property
    def _metric(self) -> bool:
        return self._what.currentIndex() == 1

    @property
    def _is_log(self) -> bool:
        return self._log.isChecked() and not self._metric

    @property
    def _shown_error(self) -> TargetError | None:
        """The error, where it is what the curves show."""
        return self._error if self._what.currentIndex() == 2 else None

    @property
    def _name(self) -> str:
        """What the curves show, with its unit."""
        if self._shown_error is not None:
            return self._shown_error.title
        return metric_name(self._task) if self._metric else "loss"

    def _column(self, part: str) -> np.ndarray:
        loss, metric = self._history[f"{part}_loss"], self._history[f"{part}_metric"]
        if self._shown_error is not None:
            return self._shown_error.of(part, loss, metric)
        return metric if self._metric else loss

    @property
    def _x(self) -> np.ndarray:
        return self._history["seconds" if self._against.isChecked() else "epoch"]

    @Slot()
    def _choose(self) -> None:
        self._log.setEnabled(not self._metric)
        self._plot.name_y(self._name if self._shown_error is not None else "")  # else the head says it
        self._redraw()

    @Slot()
    def _redraw(self) -> None:
        self._against.setText("training time, s \u21c4" if self._against.isChecked() else "epoch \u21c4")
        self._pace.reset()
        if self._history:
            self._draw()

    # --- drawing

    def _draw(self, fresh_text: bool = True) -> None:
        x = self._x
        values = {part: self._column(part) for part in ("train", "test")}
        self._set_axes(x, np.concatenate(list(values.values())))
        columns = max(1, int(self._plot.frame().width()))
        for part, item in (("train", self._train), ("test", self._test)):
            y = self._scaled(values[part])
            finite = np.isfinite(y)
            item.setData(*scales.decimate(x[finite], y[finite], columns))
        if fresh_text:
            self._texts = {part: f"{part} {self._words(_last(values[part]))}" for part in values}
        self._plot.viewport().update()

    def _scaled(self, y: np.ndarray) -> np.ndarray:
        if not self._is_log:
            return y
        return np.log10(y, where=y > 0, out=np.full(len(y), np.nan))

    def _set_axes(self, x: np.ndarray, y: np.ndarray) -> None:
        right = scales.stepped_range(0, max(float(x[-1]), 1e-3 if self._against.isChecked() else 5))[1]
        finite = y[np.isfinite(y)]
        if self._is_log:
            finite = finite[finite > 0]
            low, high = scales.log_range(*_extent(finite))
            marks = [(value, tick(10**value)) for value in scales.log_ticks(low, high)]
            self._plot.set_range(0, right, low, high)
            self._plot.set_ticks(y=marks)
            return
        low, high = _extent(finite)
        if self._metric:
            low, high = scales.stepped_range(max(min(low, 0.5 if low >= 0 else low), -1.0), 1.0)
            percents = [(value, percent(value)) for value in scales.ticks(low, high)]
            self._plot.set_range(0, right, low, high)
            self._plot.set_ticks(y=percents if self._task != "regression" else None)
            return
        self._plot.set_range(0, right, *scales.stepped_range(0, max(high, 1e-12)))
        self._plot.set_ticks()

    def _words(self, value: float) -> str:
        if not math.isfinite(value):
            return "not finite"
        if self._metric and self._task != "regression":
            return percent(value, 1)
        return number(value)

    def _ends(self) -> list[tuple[str, QPointF]]:
        """The last finite point of each line, in pixels."""
        ends = []
        for part in ("train", "test"):
            y = self._scaled(self._column(part))
            rows = np.flatnonzero(np.isfinite(y))
            if len(rows):
                ends.append((part, self._plot.to_pixels(float(self._x[rows[-1]]), float(y[rows[-1]]))))
        return ends

    def _paint_ends(self, painter: QPainter, plot: Plot) -> None:
        ends, frame = (self._ends() if self._history else []), plot.frame()
        places = scales.apart([point.y() for _, point in ends], 16, frame.top() + 6, frame.bottom() - 6)
        for (part, point), y in zip(ends, places, strict=True):
            train = part == "train"
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent" if train else "ink 2"))
            painter.drawEllipse(point, 3, 3)
            painter.setFont(theme.font(11, 600 if train else 400))
            painter.setPen(theme.color("accent" if train else "ink 2"))
            painter.drawText(QPointF(frame.right() + 8, y + 4), self._texts[part])

    def _paint_deaths(self, painter: QPainter, plot: Plot) -> None:
        if not self._history:
            return
        frame, color = plot.frame(), theme.color("dead")
        pen = QPen(color, 1.2)
        pen.setDashPattern([1.5, 2.5])
        for epoch, _ in self._deaths:
            x = round(plot.to_pixels(self._at(epoch), 0).x())
            if frame.left() - 1 <= x <= frame.right() + 1:
                painter.setPen(pen)
                painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))
                paint_cross(painter, QRectF(x - 4, frame.bottom() - 4, 8, 8), color)

    def _at(self, epoch: int) -> float:
        """Where an epoch lies on the axis that is shown."""
        return float(np.interp(epoch, self._history["epoch"], self._x))

    def _paint_hover(self, painter: QPainter, plot: Plot) -> None:
        if self._hover is None or not self._history:
            return
        x = self._x
        row = int(np.argmin(np.abs(x - self._hover)))
        frame, at = plot.frame(), plot.to_pixels(float(x[row]), 0).x()
        painter.setPen(QPen(theme.color("control edge"), 1))
        painter.drawLine(QPointF(round(at), frame.top()), QPointF(round(at), frame.bottom()))
        seconds = self._history["seconds"][row]
        lines = [f"epoch {count(int(self._history['epoch'][row]))}, {number(float(seconds), 3)} s"]
        lines += [f"{part} {self._words(float(self._column(part)[row]))}" for part in ("train", "test")]
        lines += [
            f"died: {what}" for epoch, what in self._deaths if abs(plot.to_pixels(self._at(epoch), 0).x() - at) < 4
        ]
        paint_note(painter, plot, at, lines)

    @Slot(object)
    def _hovered(self, place: tuple[float, float] | None) -> None:
        self._hover = None if place is None else place[0]
        self._plot.viewport().update()

    @Slot()
    def _restyle(self) -> None:
        self._train.setPen(pg.mkPen(theme.color("accent"), width=2))
        dashed = pg.mkPen(theme.color("ink 2"), width=1)  # a wider dashed pen is 50 times as slow
        dashed.setDashPattern([4, 2.5])
        self._test.setPen(dashed)
        labels = math.ceil(QFontMetricsF(theme.font(11, 600)).horizontalAdvance("train 100.0 %")) + 14
        self._plot.margins.setRight(labels)
        self._row.setContentsMargins(48, 0, labels, 0)

    # --- words and export

    def summary(self) -> str:
        if not self._history:
            return "No training yet."
        epoch = int(self._history["epoch"][-1])
        values = ", ".join(f"{part} {self._words(_last(self._column(part)))}" for part in ("train", "test"))
        died = f"; neurons died in epochs {', '.join(str(epoch) for epoch, _ in self._deaths)}" if self._deaths else ""
        return f"Epoch {epoch}, {self._name}: {values}{died}."

    def figure(self) -> Figure | None:
        if not self._history:
            return None
        name = self._name[0].upper() + self._name[1:]
        marks: list[Mark] = [
            Line(self._x, self._column("train"), "train", "accent"),
            Line(self._x, self._column("test"), "test", "ink 2", dashed=True, width=1.5),
        ]
        if self._deaths:
            y = self._column("train")
            bottom = float(np.nanmin(y[y > 0] if self._is_log and (y > 0).any() else y))
            at = np.array([self._at(epoch) for epoch, _ in self._deaths])
            marks.append(Points(at, np.full(len(at), bottom), "neurons died", "dead", "plus"))
        x_label = "training time in s" if self._against.isChecked() else "epoch"
        return Figure(f"{name} of training and test", (Panel(tuple(marks), name, x_label, name, y_log=self._is_log),))


def paint_note(painter: QPainter, plot: Plot, at: float, lines: list[str]) -> None:
    """A small note beside a crosshair at pixel column `at`, on the side with room."""
    painter.setFont(theme.font(11))
    metrics = QFontMetricsF(painter.font())
    width = max(metrics.horizontalAdvance(line) for line in lines) + 16
    frame = plot.frame()
    left = at + 8 if at + 8 + width < plot.width() else max(0.0, at - 8 - width)
    area = QRectF(left, frame.top() + 2, width, 15 * len(lines) + 10)
    painter.setPen(QPen(theme.color("control edge"), 1))
    painter.setBrush(theme.color("panel"))
    painter.drawRoundedRect(area, 4, 4)
    painter.setPen(theme.color("ink"))
    for k, line in enumerate(lines):
        painter.drawText(QPointF(area.left() + 8, area.top() + 16 + 15 * k), line)


def deaths(snapshot: Snapshot) -> list[tuple[int, str]]:
    """Epochs in which neurons died that are dead now, with who: (20, "2 in layer 1")."""
    found: dict[int, list[str]] = {}
    for part, layer in zip(snapshot.spec.parts, snapshot.layers, strict=True):
        since = layer.dead_since[layer.dead_since >= 0]
        for epoch, died in zip(*np.unique(since, return_counts=True), strict=True):
            found.setdefault(int(epoch), []).append(f"{died} in layer {part.number}")
    return [(epoch, ", ".join(found[epoch])) for epoch in sorted(found)]


def _last(values: np.ndarray) -> float:
    return float(values[-1]) if len(values) else math.nan


def _extent(values: np.ndarray) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if len(values) else (0.1, 1.0)
