"""Distributions: histograms of the weights, z and activations of every layer."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QScrollArea, QStackedLayout, QWidget

from engine.files.figures import Figure, Line, Panel
from engine.telemetry import Distributions as ToldDistributions, Histogram, Snapshot
from gui import theme
from gui.numbers import significant, tick
from gui.views import scales
from gui.views.base import View
from gui.views.pieces import Age, Canvas, EmptyNote, bar_color, layer_name
from gui.views.plot import Pace

if TYPE_CHECKING:
    from gui.session import Session

COLUMNS = ("Weights", "z, before the activation", "Activations")
X_NAMES = ("weight", "z", "activation")


@dataclasses.dataclass
class Cell:
    """One histogram with an axis that moves in steps."""

    histogram: Histogram | None
    low: float = 0.0
    high: float = 1.0
    text: str = ""


class Distributions(View):
    """A grid: a row for each layer, a column each for weights, z and activations."""

    name = "distributions"
    title = "Distributions"
    watches = frozenset({"distributions"})

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._chart = _Grid()
        self._pace = Pace()
        self._age = Age()
        self._told: ToldDistributions | None = None
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._chart)
        self._pages = QStackedLayout(self)
        self._empty = EmptyNote(
            "How the weights, z and activations of every layer are spread appears here. Press Run or Step."
        )
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._scroll)

    def head_widgets(self) -> list[QWidget]:
        return [self._age]

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self._empty.follow(snapshot)
        told = snapshot.distributions
        if told is None:
            return
        self._age.tell(snapshot, told.taken)
        fresh_text = self._pace.due() or snapshot.state != "running"
        if told is self._told and not fresh_text:
            return
        self._told = told
        rows = [
            k for k in range(len(told.weights)) if told.preactivations[k] is not None or told.weights[k] is not None
        ]
        names = [layer_name(snapshot.spec, k) for k in rows]
        detail = [getattr(snapshot.spec.parts[k].layer, "activation", "") for k in rows]
        due = fresh_text or names != self._chart.names
        old = self._chart.cells if names == self._chart.names else []
        cells = []
        for place, k in enumerate(rows):
            histograms = (told.weights[k], told.preactivations[k], told.activations[k])
            cells.append([_cell(h, old[place][c] if old else None, due, c == 1) for c, h in enumerate(histograms)])
        self._chart.show_cells(names, [_activation_name(item) for item in detail], cells, snapshot.state == "diverged")
        if self._pages.currentIndex() != 1:
            self._pages.setCurrentIndex(1)

    def reset(self) -> None:
        self._told = None
        self._chart.show_cells([], [], [], False)
        self._pace.reset()
        self._pages.setCurrentIndex(0)

    def summary(self) -> str:
        if not self._chart.names:
            return "No distributions yet."
        parts = []
        for name, cells in zip(self._chart.names, self._chart.cells, strict=True):
            told = [f"{X_NAMES[c]} {cell.text}" for c, cell in enumerate(cells) if cell.histogram is not None]
            parts.append(f"{name}: " + ", ".join(told))
        return "; ".join(parts) + "."

    def figure(self) -> Figure | None:
        panels = []
        for name, cells in zip(self._chart.names, self._chart.cells, strict=True):
            for column, cell in enumerate(cells):
                if cell.histogram is None:
                    continue
                counts = np.asarray(cell.histogram.counts, dtype=np.float64)
                x, y = np.repeat(cell.histogram.edges, 2), np.concatenate([[0], np.repeat(counts, 2), [0]])
                title = f"{name}: {X_NAMES[column]}"
                panels.append(Panel((Line(x, y, title, "category 0", width=1.5),), title, X_NAMES[column], "count"))
        return Figure("Distributions", tuple(panels), columns=3) if panels else None


class _Grid(Canvas):
    HEAD, ROW, LEFT, RIGHT, GAP = 32, 120, 112, 16, 24

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.details: list[str] = []
        self.cells: list[list[Cell]] = []
        self.faded = False
        self.setAccessibleName("Histograms of weights, z and activations by layer")

    def show_cells(self, names: list[str], details: list[str], cells: list[list[Cell]], faded: bool) -> None:
        if len(names) != len(self.names):
            self.setMinimumHeight(self.HEAD + self.ROW * len(names) + 8)
        self.names, self.details, self.cells, self.faded = names, details, cells, faded
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(560, self.HEAD + self.ROW * max(1, len(self.names)) + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        with self.painter(event) as painter:
            width = (self.width() - self.LEFT - self.RIGHT - 2 * self.GAP) / 3
            painter.setFont(theme.font(12, 600))
            painter.setPen(theme.color("ink"))
            metrics = QFontMetricsF(painter.font())
            for column, title in enumerate(COLUMNS):
                x = self.LEFT + column * (width + self.GAP)
                short = title.split(",")[0]
                painter.drawText(QPointF(x, 20), title if metrics.horizontalAdvance(title) <= width else short)
            for row, cells in enumerate(self.cells):
                top = self.HEAD + row * self.ROW
                if top > event.rect().bottom() or top + self.ROW < event.rect().top():
                    continue
                painter.setFont(theme.font(12, 600))
                painter.setPen(theme.color("ink"))
                painter.drawText(QPointF(16, top + 20), self.names[row])
                painter.setFont(theme.font(11))
                painter.setPen(theme.color("ink 2"))
                painter.drawText(QPointF(16, top + 36), self.details[row])
                for column, cell in enumerate(cells):
                    x = self.LEFT + column * (width + self.GAP)
                    self._paint_cell(painter, cell, QRectF(x, top + 22, width, self.ROW - 50), zero=column == 1)

    def _paint_cell(self, painter: QPainter, cell: Cell, area: QRectF, zero: bool) -> None:
        painter.setFont(theme.font(11))
        painter.setPen(theme.color("ink 2"))
        if cell.histogram is None:
            painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, "none")
            return
        painter.drawText(QPointF(area.left(), area.top() - 8), cell.text)
        span = cell.high - cell.low
        counts = np.asarray(cell.histogram.counts, dtype=np.float64)
        tallest = counts.max(initial=0)
        painter.setOpacity(0.4 if self.faded else 1.0)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if tallest > 0:
            xs = area.left() + (np.asarray(cell.histogram.edges) - cell.low) / span * area.width()
            color = bar_color()
            gap = 1 if area.width() / len(counts) >= 4 else 0
            tops = area.bottom() - counts / tallest * area.height()
            for k in np.flatnonzero(counts):
                left, right = round(xs[k]), max(round(xs[k + 1]) - gap, round(xs[k]) + 1)
                painter.fillRect(QRectF(left, tops[k], right - left, max(area.bottom() - tops[k], 1)), color)
        painter.setOpacity(1.0)
        painter.setPen(QPen(theme.color("control edge"), 1))
        painter.drawLine(QPointF(area.left(), area.bottom()), QPointF(area.right(), area.bottom()))
        if zero and cell.low < 0 < cell.high:
            x = round(area.left() - cell.low / span * area.width())
            painter.setPen(QPen(theme.color("ink"), 1))
            painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(theme.color("ink 2"))
        step = scales.nice_step(span, 4)
        for value in scales.ticks(cell.low, cell.high, 4):
            place = area.left() + (value - cell.low) / span * area.width()
            flag = Qt.AlignmentFlag.AlignHCenter
            painter.drawText(QRectF(place - 30, area.bottom() + 3, 60, 15), flag, tick(value, step))


def _cell(histogram: Histogram | None, old: Cell | None, due: bool, zero: bool) -> Cell:
    """The next state of a cell: its axis is kept while the data fills more than half of it."""
    if histogram is None or not np.isfinite(histogram.edges).all():
        return Cell(None)
    low, high = float(histogram.edges[0]), float(histogram.edges[-1])
    if zero:  # z is always seen beside 0
        low, high = min(low, 0.0), max(high, 0.0)
    text = _words(histogram) if due or old is None else old.text
    if old is not None and old.low <= low and high <= old.high and high - low > 0.5 * (old.high - old.low):
        return Cell(histogram, old.low, old.high, text)
    return Cell(histogram, *scales.stepped_range(low, high, 3), text)


def _words(histogram: Histogram) -> str:
    counts = np.asarray(histogram.counts, dtype=np.float64)
    total = counts.sum()
    if total <= 0:
        return ""
    centres = (histogram.edges[:-1] + histogram.edges[1:]) / 2
    mean = float((counts * centres).sum() / total)
    deviation = float(np.sqrt((counts * (centres - mean) ** 2).sum() / total))
    mean = 0.0 if abs(mean) < 0.01 * deviation else mean
    return f"mean {significant(mean, 2)}, std {significant(deviation, 2)}"


def _activation_name(activation: object) -> str:
    if isinstance(activation, str):
        return activation
    return str(activation.get("name", "")) if isinstance(activation, dict) else str(getattr(activation, "name", ""))
