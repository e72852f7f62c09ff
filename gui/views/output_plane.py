"""The output over a plane of two inputs, with the data on top."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QRectF

from engine import losses
from engine.data.dataset import Dataset
from engine.files.figures import Panel
from engine.output_panels import FINE, finer, plane_panel, thinned
from engine.outputs import said_name, surface
from engine.spec import NetworkSpec
from engine.telemetry import Plane, Snapshot
from gui import theme
from gui.numbers import tick
from gui.views import scales
from gui.views.output_picture import Picture, in_units, nothing, raw_inputs
from gui.views.pieces import Entry, rgb, shade


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
        """(outputs, rows, columns): probabilities or scores for classes, target units for regression."""
        if self._plane is None:
            return np.zeros((1, 1, 1))
        fine = finer(self._plane.output, max(1, round(FINE / self._plane.output.shape[1])))
        return surface(self.spec.loss, fine, self.dataset)

    def _range(self) -> tuple[float, float]:
        """The ends of the colours where one value is shown."""
        if self.dataset.task == "regression":
            return -self._scale, self._scale
        return losses.get(self.spec.loss).said_range

    def _colors(self) -> np.ndarray:
        values, task = self.values(), self.dataset.task
        if task == "regression":
            shown = np.sign(values[0]) * self._scale if self.discretise else values[0]
            return shade(shown, -self._scale, self._scale, "decision")
        if len(values) == 1:
            low, high = self._range()
            shown = np.where(values[0] > (low + high) / 2, high, low) if self.discretise else values[0]
            return shade(shown, low, high, "decision")
        winner, sure = values.argmax(axis=0), values.max(axis=0)
        least = 1 / len(values)
        part = np.ones_like(sure) if self.discretise else np.clip((sure - least) / (1 - least), 0.1, 1)
        table = np.stack([rgb(theme.category(k)) for k in range(len(values))])
        blend = (0.5 * part)[..., None]
        colors = (table[winner] * blend + rgb(theme.color("panel")) * (1 - blend)).astype(np.uint8)
        return np.concatenate([colors, np.full((*colors.shape[:2], 1), 255, np.uint8)], axis=2)

    def _draw_points(self, part: str, hollow: bool) -> None:
        x, y, rows = self.positions(part)
        if hollow and not self.show_test:
            x, y, rows = nothing()
        targets = self.dataset.y_train if part == "train" else self.dataset.y_test
        if self.dataset.task == "regression":
            units = in_units(self.dataset, targets)[rows, 0] if len(rows) else np.zeros(0)
            brushes = [
                pg.mkBrush(*(int(v) for v in color)) for color in shade(units, -self._scale, self._scale, "diverging")
            ]
            pen = pg.mkPen(theme.color("control edge" if not hollow else "ink"), width=1)
            self.points(part, x, y, size=7.5, pen=pen, brush=brushes, symbol="s" if hollow else "o")
            return
        for k in range(len(self.dataset.class_names)):
            here = targets[rows] == k if len(rows) else np.zeros(0, bool)
            self.points(f"{part} {k}", x[here], y[here], **self.point_style(k, hollow))

    def _tell(self) -> None:
        if self.dataset.task == "regression":
            entries = (Entry("train", "ink 2", 0),) + ((Entry("test", "ink 2", 2, True),) if self.show_test else ())
            end = tick(self._scale)
            self.legend.show_entries(entries, ("decision", f"\u2212{end}", self.dataset.target_name, f"+{end}"))
            return
        names = self.dataset.class_names
        entries = tuple(Entry(str(name), f"category {k % 7}", k % 7) for k, name in enumerate(names))
        if self.show_test:
            entries += (Entry("test", "ink 2", 0, True),)
        low, high = self._range()
        name = said_name(self.spec.loss, names[1])
        self.legend.show_entries(entries, ("decision", tick(low), name, tick(high)) if len(names) == 2 else None)

    def panel(self) -> Panel | None:
        if self._plane is None:
            return None
        return plane_panel(self.spec, self._plane, self.dataset, self._scale, self.parts())
