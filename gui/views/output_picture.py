"""What the pictures of the output share: data points that can be picked, a legend, the ring around a sample."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QLabel, QVBoxLayout

from engine.data.dataset import Dataset
from engine.files.figures import Panel
from engine.spec import NetworkSpec
from engine.target_error import TargetError, errors_by_target, target_error
from engine.telemetry import Snapshot
from gui import theme
from gui.numbers import number
from gui.views.pieces import SYMBOLS, Ground, Legend
from gui.views.plot import Pace, Plot
from gui.words import tip

REACH = 14  # px around a point that still count as the point


class Picture(Ground):
    """What the output pictures share: data points that can be picked, a legend, the fading of a failed run."""

    picked = Signal(str, int)
    dataset: Dataset  # both from `set_data`, before anything is drawn
    spec: NetworkSpec

    def __init__(self, *, square: bool, grid: bool) -> None:
        super().__init__()
        self.show_test = False
        self.discretise = False
        self.sample: tuple[str, int] | None = None
        self.plot = Plot(square=square, grid=grid)
        self.legend = Legend()
        self.ring = self.plot.add(pg.ScatterPlotItem(size=15, pxMode=True), 9)
        self.plot.clicked.connect(self._clicked)
        self.plot.stepped.connect(self._stepped)
        self.plot.resized.connect(self._align)
        self.plot.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot.setAccessibleName("Output plot")
        self.plot.setAccessibleDescription("Up and Down pick the previous and the next training sample.")
        self._groups: dict[str, pg.ScatterPlotItem] = {}
        self._pace = Pace()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.legend)
        self.errors = QLabel()
        self.errors.setTextFormat(Qt.TextFormat.PlainText)
        self.errors.setProperty("role", "caption")
        self.errors.setContentsMargins(16, 0, 16, 4)
        self.errors.setWordWrap(True)
        self.errors.setVisible(False)
        layout.addWidget(self.errors)

    def set_data(self, dataset: Dataset, spec: NetworkSpec) -> None:
        self.dataset, self.spec = dataset, spec
        for item in self._groups.values():
            item.clear()
        self.restyle()

    def update_from(self, snapshot: Snapshot) -> bool:
        """Draws; False while the snapshot holds nothing for this picture."""
        raise NotImplementedError

    def restyle(self) -> None:
        """Draws everything anew: theme, data or a switch changed."""
        self.ring.setData(pen=pg.mkPen(theme.color("accent"), width=2.5), brush=None)
        self.mark(self.sample)

    def tell_errors(self, snapshot: Snapshot) -> None:
        """Writes the error of both parts under the picture, in the target's own units; nothing for classes."""
        if not self._pace.due() and snapshot.state == "running":
            return
        error = target_error(snapshot.spec.loss, self.dataset)
        words = error_words(error, snapshot, self.dataset) if error is not None else ""
        if error is not None and words != self.errors.text():
            self.errors.setText(words)
            self.errors.setToolTip(tip(f"{error.title}.\n{error.meaning}"))
        self.errors.setVisible(bool(words))

    def positions(self, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y and the data's row numbers of the points of "train" or "test"."""
        raise NotImplementedError

    def parts(self) -> tuple[str, ...]:
        """The parts of the data that are shown."""
        return ("train", "test") if self.show_test else ("train",)

    def panel(self) -> Panel | None:
        """The picture as plain data, for export."""
        raise NotImplementedError

    def mark(self, sample: tuple[str, int] | None) -> None:
        """Puts the ring around a sample."""
        self.sample = sample
        x, y, rows = self.positions(sample[0]) if sample is not None else nothing()
        here = np.flatnonzero(rows == sample[1]) if sample is not None else rows
        self.ring.setData(x=x[here], y=y[here])

    def points(self, name: str, x: np.ndarray, y: np.ndarray, **style: object) -> None:
        """Sets the points of one group, made the first time it is named."""
        if name not in self._groups:
            item = pg.ScatterPlotItem(pxMode=True, useCache=True)
            self._groups[name] = self.plot.add(item, 5 if name.startswith("test") else 4)
        self._groups[name].setData(x=x, y=y, **style)

    def point_style(self, category: int, hollow: bool) -> dict[str, object]:
        color, panel = theme.category(category), theme.color("panel")
        return {
            "symbol": SYMBOLS[category % 7],
            "size": 9.5 if category % 7 == 1 else 7.5,  # pyqtgraph draws diamonds small
            "pen": pg.mkPen(color if hollow else panel, width=1.3 if hollow else 1),
            "brush": pg.mkBrush(panel if hollow else color),
        }

    @Slot()
    def _align(self) -> None:
        frame = self.plot.frame()
        self.legend.align(int(frame.left()), max(16, int(self.plot.width() - frame.right())))

    @Slot(int)
    def _stepped(self, step: int) -> None:
        """Picks the neighbour of the picked training sample."""
        start = self.sample[1] if self.sample is not None and self.sample[0] == "train" else -max(step, 0)
        self.picked.emit("train", (start + step) % len(self.dataset.x_train))

    @Slot(float, float)
    def _clicked(self, x: float, y: float) -> None:
        best = (float(REACH**2), "", -1)
        left, right, bottom, top = self.plot.limits
        frame = self.plot.frame()
        scale = (frame.width() / (right - left), frame.height() / (top - bottom))
        for part in self.parts():
            px, py, rows = self.positions(part)
            if len(rows):
                squares = ((px - x) * scale[0]) ** 2 + ((py - y) * scale[1]) ** 2
                nearest = int(np.argmin(squares))
                if squares[nearest] < best[0]:
                    best = (float(squares[nearest]), part, int(rows[nearest]))
        if best[1]:
            self.picked.emit(best[1], best[2])


def error_words(error: TargetError, snapshot: Snapshot, dataset: Dataset) -> str:
    """Such as "RMS error, units of price: train 51.2, test 45.9"; of several targets each its own."""
    if dataset.outputs > 1 and snapshot.predictions is not None:
        part = "test" if len(dataset.y_test) else "train"
        values = errors_by_target(snapshot.spec.loss, dataset, snapshot.predictions, part)
        names = zip(dataset.target_names, values, strict=False)
        return f"{error.name}, {part}: {', '.join(f'{name} {number(float(value))}' for name, value in names)}"
    both = (
        ("train", float(error.of("train", snapshot.train_loss, snapshot.train_metric))),
        ("test", float(error.of("test", snapshot.test_loss, snapshot.test_metric))),
    )
    told = [f"{part}\u00a0{number(value)}" for part, value in both if math.isfinite(value)]
    return f"{error.title}: {', '.join(told)}" if told else ""


def in_units(dataset: Dataset, y: np.ndarray) -> np.ndarray:
    """Regression targets or predictions (n, outputs) in the target's own units."""
    return np.asarray(dataset.preprocessing.targets_to_units(y))


def raw_inputs(dataset: Dataset, part: str) -> np.ndarray:
    return dataset.raw_train if part == "train" else dataset.raw_test


def nothing() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros(0), np.zeros(0), np.zeros(0, np.int64)
