"""The output of a regression: the fitted curve of one input, or predicted against true."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt

from engine.data.dataset import Dataset
from engine.files.figures import Panel
from engine.output_panels import agreement_panel, fit_panel, thinned
from engine.spec import NetworkSpec
from engine.telemetry import Predictions, Snapshot
from gui import theme
from gui.views import scales
from gui.views.output_picture import Picture, in_units, nothing, raw_inputs
from gui.views.pieces import Entry


class FitPicture(Picture):
    """A 1-D input: the data and the fitted curve, in target units."""

    def __init__(self) -> None:
        super().__init__(square=False, grid=True)
        self.plot.margins.setTop(26)
        self._curves: list[pg.PlotCurveItem] = []
        self._lines: tuple[np.ndarray, np.ndarray] | None = None
        self._told: Predictions | None = None

    def set_data(self, dataset: Dataset, spec: NetworkSpec) -> None:
        self._lines = self._told = None
        for curve in self._curves:
            curve.setData([], [])
        x = np.concatenate([raw_inputs(dataset, part)[:, 0] for part in ("train", "test")])
        y = in_units(dataset, dataset.y_train)
        low, high = float(y.min()), float(y.max())
        pad = 0.12 * (high - low)
        self.plot.x_name = dataset.raw_names[0]
        self.plot.y_name = dataset.target_name
        self.plot.set_range(float(x.min()), float(x.max()), *scales.stepped_range(low - pad, high + pad, 8))
        super().set_data(dataset, spec)

    def update_from(self, snapshot: Snapshot) -> bool:
        told = snapshot.predictions
        if (
            told is not None
            and told is not self._told
            and told.curve_x is not None
            and told.curve_y is not None
            and np.isfinite(told.curve_y).all()
        ):
            self._told = told
            self._lines = (np.ravel(told.curve_x), told.curve_y.reshape(len(np.ravel(told.curve_x)), -1))
            left, right, bottom, top = self.plot.limits
            x = self._lines[0]
            if x[0] < left or x[-1] > right:
                self.plot.set_range(float(min(x[0], left)), float(max(x[-1], right)), bottom, top)
            self._draw()
        return self._lines is not None

    def restyle(self) -> None:
        for part in ("train", "test"):
            x, y, _ = self.positions(part) if part == "train" or self.show_test else nothing()
            self.points(part, x, y, **self.point_style(0, part == "test"))
        test = (Entry("test", "category 0", 0, True),) if self.show_test else ()
        self.legend.show_entries((Entry("train", "category 0"), *test, Entry("network", "accent", None)))
        self._draw()
        super().restyle()

    def _draw(self) -> None:
        if self._lines is None:
            return
        x, y = self._lines
        while len(self._curves) < y.shape[1]:
            self._curves.append(self.plot.add(pg.PlotCurveItem(antialias=True), 6))
        for k in range(y.shape[1]):
            pen = pg.mkPen(
                theme.color("accent"), width=2, style=Qt.PenStyle.SolidLine if k == 0 else Qt.PenStyle.DashLine
            )
            self._curves[k].setPen(pen)
            self._curves[k].setData(x, y[:, k])

    def positions(self, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = thinned(len(raw_inputs(self.dataset, part)))
        targets = self.dataset.y_train if part == "train" else self.dataset.y_test
        return raw_inputs(self.dataset, part)[rows, 0], in_units(self.dataset, targets)[rows, 0], rows

    def panel(self) -> Panel | None:
        if self._told is None:
            return None
        return fit_panel(self._told, self.dataset, self.parts())


class ScatterPicture(Picture):
    """Any other regression: predicted against true, in target units, with the diagonal where they agree."""

    def __init__(self) -> None:
        super().__init__(square=True, grid=True)
        self.plot.inline_names = False
        self.plot.margins.setTop(26)
        self.diagonal = self.plot.add(pg.PlotCurveItem(antialias=True), 1)
        self._told: Predictions | None = None

    def set_data(self, dataset: Dataset, spec: NetworkSpec) -> None:
        self._told = None
        self.plot.x_name, self.plot.y_name = f"true {dataset.target_name}", "predicted"
        super().set_data(dataset, spec)

    def update_from(self, snapshot: Snapshot) -> bool:
        told = snapshot.predictions
        if told is not None and told is not self._told and np.isfinite(told.train).all():
            self._told = told
            self._draw()
        return self._told is not None

    def restyle(self) -> None:
        self.diagonal.setPen(pg.mkPen(theme.color("control edge"), width=1))
        self._draw()
        super().restyle()

    def _draw(self) -> None:
        if self._told is None:
            return
        true = in_units(self.dataset, self.dataset.y_train)[:, 0]
        low, high = float(true.min()), float(true.max())
        span = max(high - low, 1e-12)
        x, y, _ = self.positions("train")
        ends = (
            max(low - span, float(min(low, y.min(initial=low)))),
            min(high + span, float(max(high, y.max(initial=high)))),
        )
        bottom, top = scales.stepped_range(*ends, 8)
        old = self.plot.limits
        if not (old[2] <= ends[0] and ends[1] <= old[3] and ends[1] - ends[0] > 0.5 * (old[3] - old[2])):
            self.plot.set_range(bottom, top, bottom, top)
        left, right = self.plot.limits[:2]
        self.diagonal.setData([left, right], [left, right])
        outside = 0
        for part in ("train", "test"):
            x, y, _ = self.positions(part) if part == "train" or self.show_test else nothing()
            outside += int(((y < left) | (y > right)).sum())
            self.points(part, x, y, **self.point_style(0, part == "test"))
        entries = [Entry("train", "category 0"), Entry("agreement", "control edge", None)]
        if self.show_test:
            entries.insert(1, Entry("test", "category 0", 0, True))
        if outside:
            entries.append(Entry(f"{outside} outside", "ink 2", 4))
        self.legend.show_entries(tuple(entries))
        self.mark(self.sample)

    def positions(self, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if self._told is None:
            return nothing()
        train = part == "train"
        rows = self._told.train_samples if train else self._told.test_samples
        predicted = self._told.train if train else self._told.test
        keep = thinned(len(rows))
        true = in_units(self.dataset, self.dataset.y_train if train else self.dataset.y_test)
        return true[rows[keep], 0], predicted.reshape(len(rows), -1)[keep, 0], rows[keep]

    def panel(self) -> Panel | None:
        if self._told is None:
            return None
        return agreement_panel(self._told, self.dataset, self.parts())
