"""Pictures of the output with points in a plot: the decision surface, the fitted curve, predicted against true."""

from __future__ import annotations

import math

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine import losses
from engine.data.dataset import Dataset
from engine.files.figures import Image, Line, Mark, Panel, Points
from engine.spec import NetworkSpec
from engine.telemetry import Plane, Snapshot
from gui import theme
from gui.numbers import number
from gui.views import scales
from gui.views.pieces import MARKERS, SYMBOLS, Entry, Legend, finer, rgb, shade
from gui.views.plot import Plot

MOST_POINTS = 2000  # drawn of each part; more would hide the surface
REACH = 14  # px around a point that still count as the point
FINE = 256  # cells across that a surface is interpolated to


class Picture(QWidget):
    """What the output pictures share: data points that can be picked, a legend, the fading of a failed run."""

    picked = Signal(str, int)

    def __init__(self, *, square: bool, grid: bool) -> None:
        super().__init__()
        self.dataset: Dataset | None = None
        self.spec: NetworkSpec | None = None
        self.show_test = False
        self.discretise = False
        self.sample: tuple[str, int] | None = None
        self.plot = Plot(square=square, grid=grid)
        self.legend = Legend()
        self.ring = self.plot.add(pg.ScatterPlotItem(size=15, pxMode=True), 9)
        self.plot.clicked.connect(self._clicked)
        self._groups: dict[str, pg.ScatterPlotItem] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.legend)

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

    def positions(self, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y and the data's row numbers of the points of "train" or "test"."""
        raise NotImplementedError

    def mark(self, sample: tuple[str, int] | None) -> None:
        """Puts the ring around a sample."""
        self.sample = sample
        x, y, rows = self.positions(sample[0]) if sample is not None and self.dataset is not None else _nothing()
        here = np.flatnonzero(rows == sample[1]) if sample is not None else rows
        self.ring.setData(x=x[here], y=y[here])

    def points(self, name: str, x: np.ndarray, y: np.ndarray, **style: object) -> None:
        """Sets the points of one group, made the first time it is named."""
        if name not in self._groups:
            item = pg.ScatterPlotItem(pxMode=True, useCache=True)
            self._groups[name] = self.plot.add(item, 5 if name.startswith("test") else 4)
        self._groups[name].setData(x=x, y=y, **style)

    def point_style(self, category: int, hollow: bool) -> dict[str, object]:
        color, panel = theme.color(f"category {category % 7}"), theme.color("panel")
        return {
            "symbol": SYMBOLS[category % 7],
            "size": 7.5,
            "pen": pg.mkPen(color if hollow else panel, width=1.3 if hollow else 1),
            "brush": pg.mkBrush(panel if hollow else color),
        }

    @Slot(float, float)
    def _clicked(self, x: float, y: float) -> None:
        target, best = self.plot.to_pixels(x, y), (REACH**2, "", -1)
        left, right, bottom, top = self.plot.limits
        frame = self.plot.frame()
        scale = (frame.width() / (right - left), frame.height() / (top - bottom))
        for part in ("train", "test") if self.show_test else ("train",):
            px, py, rows = self.positions(part)
            if len(rows):
                squares = ((px - x) * scale[0]) ** 2 + ((py - y) * scale[1]) ** 2
                nearest = int(np.argmin(squares))
                if squares[nearest] < best[0]:
                    best = (float(squares[nearest]), part, int(rows[nearest]))
        if target is not None and best[1]:
            self.picked.emit(best[1], best[2])


class PlanePicture(Picture):
    """The output over a 2-D input: P(B), the winning class, or the predicted value, with the data on top."""

    def __init__(self) -> None:
        super().__init__(square=True, grid=False)
        self.plot.margins.setRight(28)
        self.plot.margins.setBottom(22)
        self.plot.margins.setTop(4)
        self.plot.inline_names = True
        self.plot.axis_line = False
        self.image = self.plot.add(pg.ImageItem(axisOrder="row-major"), 0)
        self._plane: Plane | None = None
        self._scale = 1.0

    def set_data(self, dataset: Dataset, spec: NetworkSpec) -> None:
        self._plane = None
        self.image.clear()
        if dataset.task == "regression":
            largest = float(np.abs(in_units(dataset, dataset.y_train)).max(initial=0.0))
            self._scale = scales.stepped_ceiling(largest)
        self.plot.x_name, self.plot.y_name = dataset.raw_names[0], dataset.raw_names[1]
        super().set_data(dataset, spec)

    def update_from(self, snapshot: Snapshot) -> bool:
        plane = snapshot.plane
        if plane is not None and plane is not self._plane and np.isfinite(plane.output).all():
            self._plane, self.spec = plane, snapshot.spec
            self._draw()
        return self._plane is not None

    def restyle(self) -> None:
        if self.dataset is None:
            return
        for part in ("train", "test"):
            self._draw_points(part, part == "test")
        self._draw()
        self._tell()
        super().restyle()

    def positions(self, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        raw = raw_inputs(self.dataset, part)
        rows = thinned(len(raw))
        return raw[rows, 0], raw[rows, 1], rows

    def _draw(self) -> None:
        if self._plane is None:
            return
        left, right = float(self._plane.x[0]), float(self._plane.x[-1])
        bottom, top = float(self._plane.y[0]), float(self._plane.y[-1])
        self.plot.set_range(left, right, bottom, top)
        self.image.setImage(self._colors(), autoLevels=False)
        self.image.setRect(QRectF(left, bottom, right - left, top - bottom))

    def values(self) -> np.ndarray:
        """(outputs, rows, columns): probabilities for classes, target units for regression."""
        if self._plane is None or self.spec is None or self.dataset is None:
            return np.zeros((1, 1, 1))
        fine = finer(self._plane.output, max(1, round(FINE / self._plane.output.shape[1])))
        return surface(self.spec.loss, fine, self.dataset)

    def _colors(self) -> np.ndarray:
        values, task = self.values(), self.dataset.task if self.dataset is not None else "binary"
        if task == "regression":
            shown = np.sign(values[0]) * self._scale if self.discretise else values[0]
            return shade(shown, -self._scale, self._scale, "decision")
        if len(values) == 1:
            shown = (values[0] >= 0.5).astype(np.float32) if self.discretise else values[0]
            return shade(shown, 0, 1, "decision")
        winner, sure = values.argmax(axis=0), values.max(axis=0)
        least = 1 / len(values)
        part = np.ones_like(sure) if self.discretise else np.clip((sure - least) / (1 - least), 0.1, 1)
        table = np.stack([rgb(theme.color(f"category {k % 7}")) for k in range(len(values))])
        blend = (0.5 * part)[..., None]
        colors = (table[winner] * blend + rgb(theme.color("panel")) * (1 - blend)).astype(np.uint8)
        return np.concatenate([colors, np.full((*colors.shape[:2], 1), 255, np.uint8)], axis=2)

    def _draw_points(self, part: str, hollow: bool) -> None:
        if self.dataset is None:
            return
        x, y, rows = self.positions(part)
        if hollow and not self.show_test:
            x, y, rows = _nothing()
        targets = self.dataset.y_train if part == "train" else self.dataset.y_test
        if self.dataset.task == "regression":
            units = in_units(self.dataset, targets)[rows, 0] if len(rows) else np.zeros(0)
            brushes = [pg.mkBrush(*(int(v) for v in color)) for color in shade(units, -self._scale, self._scale, "diverging")]
            pen = pg.mkPen(theme.color("control edge" if not hollow else "ink"), width=1)
            self.points(part, x, y, size=7.5, pen=pen, brush=brushes, symbol="s" if hollow else "o")
            return
        for k in range(len(self.dataset.class_names)):
            here = targets[rows] == k if len(rows) else np.zeros(0, bool)
            self.points(f"{part} {k}", x[here], y[here], **self.point_style(k, hollow))

    def _tell(self) -> None:
        if self.dataset is None:
            return
        if self.dataset.task == "regression":
            entries = (Entry("train", "ink 2", 0),) + ((Entry("test", "ink 2", 2, True),) if self.show_test else ())
            end = number(self._scale, 2)
            name = self.dataset.target_names[0] if self.dataset.target_names else "output"
            self.legend.show_entries(entries, ("decision", f"\u2212{end}", name, f"+{end}"))
            return
        names = self.dataset.class_names
        entries = tuple(Entry(str(name), f"category {k % 7}", k % 7) for k, name in enumerate(names))
        if self.show_test:
            entries += (Entry("test", "ink 2", 0, True),)
        probability = self.spec is not None and losses.get(self.spec.loss).link != "identity"
        bar = ("decision", "0", f"P({names[1]})" if probability else f"score of {names[1]}", "1") if len(names) == 2 else None
        self.legend.show_entries(entries, bar)

    def panel(self) -> Panel | None:
        if self._plane is None or self.dataset is None:
            return None
        left, right, bottom, top = self.plot.limits
        values, regression = self.values(), self.dataset.task == "regression"
        classes = () if regression else tuple(enumerate(self.dataset.class_names))
        marks: list[Mark] = []
        if len(values) > 1 and not regression:
            marks.append(Image(values.argmax(axis=0), (left, right, bottom, top), "sequential", 0, len(values) - 1, "class"))
        else:
            low, high = (-self._scale, self._scale) if regression else (0.0, 1.0)
            label = "prediction" if regression else f"P({classes[1][1]})"
            marks.append(Image(values[0], (left, right, bottom, top), "decision", low, high, label))
        for part in ("train", "test") if self.show_test else ("train",):
            x, y, rows = self.positions(part)
            targets = self.dataset.y_train if part == "train" else self.dataset.y_test
            for k, name in classes:
                here = targets[rows] == k
                color, marker = f"category {k % 7}", MARKERS[k % 7]
                marks.append(Points(x[here], y[here], f"{name}, {part}", color, marker, part == "test"))
            if regression:
                marks.append(Points(x, y, part, "ink 2", hollow=part == "test"))
        title = "Output over the inputs"
        return Panel(tuple(marks), title, self.plot.x_name, self.plot.y_name, equal=right - left == top - bottom)


class FitPicture(Picture):
    """A 1-D input: the data and the fitted curve, in target units."""

    def __init__(self) -> None:
        super().__init__(square=False, grid=True)
        self.plot.margins.setTop(26)
        self._curves: list[pg.PlotCurveItem] = []
        self._lines: tuple[np.ndarray, np.ndarray] | None = None

    def set_data(self, dataset: Dataset, spec: NetworkSpec) -> None:
        self._lines = None
        for curve in self._curves:
            curve.setData([], [])
        x = np.concatenate([dataset.raw_train[:, 0], dataset.raw_test[:, 0]])
        y = in_units(dataset, dataset.y_train)
        low, high = float(y.min()), float(y.max())
        pad = 0.12 * (high - low)
        self.plot.x_name = dataset.raw_names[0]
        self.plot.y_name = dataset.target_names[0] if dataset.target_names else "y"
        self.plot.set_range(float(x.min()), float(x.max()), *scales.stepped_range(low - pad, high + pad))
        super().set_data(dataset, spec)

    def update_from(self, snapshot: Snapshot) -> bool:
        told = snapshot.predictions
        if told is not None and told.curve_x is not None and told.curve_y is not None and np.isfinite(told.curve_y).all():
            self._lines = (np.ravel(told.curve_x), told.curve_y.reshape(len(np.ravel(told.curve_x)), -1))
            left, right, bottom, top = self.plot.limits
            x = self._lines[0]
            if x[0] < left or x[-1] > right:
                self.plot.set_range(float(min(x[0], left)), float(max(x[-1], right)), bottom, top)
            self._draw()
        return self._lines is not None

    def restyle(self) -> None:
        if self.dataset is None:
            return
        for part in ("train", "test"):
            x, y, _ = self.positions(part) if part == "train" or self.show_test else _nothing()
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
            pen = pg.mkPen(theme.color("accent"), width=2, style=Qt.PenStyle.SolidLine if k == 0 else Qt.PenStyle.DashLine)
            self._curves[k].setPen(pen)
            self._curves[k].setData(x, y[:, k])

    def positions(self, part: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if self.dataset is None:
            return _nothing()
        rows = thinned(len(raw_inputs(self.dataset, part)))
        targets = self.dataset.y_train if part == "train" else self.dataset.y_test
        return raw_inputs(self.dataset, part)[rows, 0], in_units(self.dataset, targets)[rows, 0], rows

    def panel(self) -> Panel | None:
        if self._lines is None:
            return None
        x, y, _ = self.positions("train")
        marks: list[Mark] = [Points(x, y, "train", "category 0")]
        if self.show_test:
            tx, ty, _ = self.positions("test")
            marks.append(Points(tx, ty, "test", "category 0", hollow=True))
        lines = self._lines
        marks += [Line(lines[0], lines[1][:, k], "network", dashed=k > 0) for k in range(lines[1].shape[1])]
        return Panel(tuple(marks), "Fit", self.plot.x_name, self.plot.y_name)


class ScatterPicture(Picture):
    """Any other regression: predicted against true, in target units, with the diagonal where they agree."""

    def __init__(self) -> None:
        super().__init__(square=True, grid=True)
        self.plot.inline_names = False
        self.plot.margins.setTop(26)
        self.diagonal = self.plot.add(pg.PlotCurveItem(antialias=True), 1)
        self._told = None

    def set_data(self, dataset: Dataset, spec: NetworkSpec) -> None:
        self._told = None
        name = dataset.target_names[0] if dataset.target_names else "target"
        self.plot.x_name, self.plot.y_name = f"true {name}", "predicted"
        super().set_data(dataset, spec)

    def update_from(self, snapshot: Snapshot) -> bool:
        told = snapshot.predictions
        if told is not None and np.isfinite(told.train).all():
            self._told = told
            self._draw()
        return self._told is not None

    def restyle(self) -> None:
        self.diagonal.setPen(pg.mkPen(theme.color("control edge"), width=1))
        self._draw()
        super().restyle()

    def _draw(self) -> None:
        if self._told is None or self.dataset is None:
            return
        true = in_units(self.dataset, self.dataset.y_train)[:, 0]
        low, high = float(true.min()), float(true.max())
        span = max(high - low, 1e-12)
        x, y, _ = self.positions("train")
        ends = max(low - span, float(min(low, y.min(initial=low)))), min(high + span, float(max(high, y.max(initial=high))))
        bottom, top = scales.stepped_range(*ends)
        old = self.plot.limits
        if not (old[2] <= ends[0] and ends[1] <= old[3] and ends[1] - ends[0] > 0.5 * (old[3] - old[2])):
            self.plot.set_range(bottom, top, bottom, top)
        left, right = self.plot.limits[:2]
        self.diagonal.setData([left, right], [left, right])
        outside = 0
        for part in ("train", "test"):
            x, y, _ = self.positions(part) if part == "train" or self.show_test else _nothing()
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
        if self._told is None or self.dataset is None:
            return _nothing()
        train = part == "train"
        rows = self._told.train_samples if train else self._told.test_samples
        predicted = self._told.train if train else self._told.test
        keep = thinned(len(rows))
        true = in_units(self.dataset, self.dataset.y_train if train else self.dataset.y_test)
        return true[rows[keep], 0], predicted.reshape(len(rows), -1)[keep, 0], rows[keep]

    def panel(self) -> Panel | None:
        if self._told is None:
            return None
        left, right = self.plot.limits[:2]
        ends = np.array([left, right])
        marks: list[Mark] = [Line(ends, ends, "agreement", "control edge", width=1.0)]
        for part in ("train", "test") if self.show_test else ("train",):
            x, y, _ = self.positions(part)
            marks.append(Points(x, y, part, "category 0", hollow=part == "test"))
        return Panel(tuple(marks), "Predicted against true", self.plot.x_name, "predicted", equal=True)


def surface(loss: str, output: np.ndarray, dataset: Dataset) -> np.ndarray:
    """(outputs, rows, columns) as probabilities or scores from 0 to 1; a regression's plane is in target units already."""
    k = len(output)
    flat = np.moveaxis(output, 0, -1).reshape(-1, k)
    if dataset.task == "regression":
        values = flat
    else:
        values = losses.link(loss, flat, dataset.task)
        record = losses.get(loss)
        if record.link == "identity":
            values = np.clip((values - record.low) / (1 - record.low), 0, 1)
        if values.shape[1] == 2:
            values = values[:, 1:]
    return np.moveaxis(np.asarray(values, np.float32).reshape(*output.shape[1:], -1), -1, 0)


def in_units(dataset: Dataset, y: np.ndarray) -> np.ndarray:
    """Regression targets or predictions (n, outputs) in the target's own units."""
    y = np.asarray(y, dtype=np.float32)
    y = y.reshape(len(y), -1)
    return y if dataset.preprocessing is None else np.asarray(dataset.preprocessing.targets_to_units(y))


def raw_inputs(dataset: Dataset | None, part: str) -> np.ndarray:
    if dataset is None:
        return np.zeros((0, 2), np.float32)
    return dataset.raw_train if part == "train" else dataset.raw_test


def thinned(count: int) -> np.ndarray:
    """At most MOST_POINTS row numbers, evenly taken and always the same."""
    step = max(1, math.ceil(count / MOST_POINTS))
    return np.arange(0, count, step)


def _nothing() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.zeros(0), np.zeros(0), np.zeros(0, np.int64)
