"""The picture of one sample's way: the sample at the left, its neurons layer by layer, the outcome below."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import QHelpEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QToolTip, QWidget

from engine.data.extent import plane_extent, with_room
from engine.telemetry import SampleTrace, Snapshot
from gui import theme
from gui.dialogs.sample_words import Outcome, outcome, paint_image, paint_point, paint_text, true_words
from gui.dialogs.trace_layers import TraceBlock, trace_blocks
from gui.numbers import number
from gui.views.cells import StepScale, paint_scale_bar
from gui.views.image_data import image_shape
from gui.views.layer_words import LayerWords, layer_words

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from gui.session import Session

EDGE, LEFT, GAP = 16, 152, 24
BAR_HEIGHT, BAR_ROW = 12, 20
MOST_VALUES = 40


class TracePicture(QWidget):
    """Paints a trace; click a cell to select its neuron, point at it for its numbers."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setMouseTracking(True)
        self.setAccessibleName("The sample's way through the network")
        self._sample: tuple[str, int] | None = None
        self._trace: SampleTrace | None = None
        self._snapshot: Snapshot | None = None
        self._layers: tuple[LayerWords, ...] = ()
        self._scales: dict[int, StepScale] = {}

    def show_sample(self, part: str, index: int) -> None:
        self._sample = (part, index)
        if self._trace is not None and (self._trace.part, self._trace.index) != self._sample:
            self._trace = None
        self.update()

    def show_trace(self, trace: SampleTrace, snapshot: Snapshot) -> None:
        if self._snapshot is None or snapshot.spec is not self._snapshot.spec:
            self._layers = layer_words(snapshot.spec)
            self._scales = {words.index: StepScale() for words in self._layers}
        self._trace, self._snapshot = trace, snapshot
        self._fit()
        self.update()

    def forget(self) -> None:
        self._trace = self._snapshot = None
        self._layers = ()
        self.update()

    def passes(self) -> list[tuple[LayerWords, str]]:
        """For each hidden layer, in words, how many units let the sample through."""
        return [(block.words, block.pass_words()) for block in self._blocks()]

    # places

    def _cells_left(self) -> int:
        return EDGE + LEFT + GAP

    def _blocks(self) -> list[TraceBlock]:
        if self._trace is None:
            return []
        width = max(120, self.width() - self._cells_left() - EDGE)
        dead = {words.index: self._dead(words) for words in self._layers}
        return trace_blocks(self._layers, self._trace, dead, self._cells_left(), EDGE, width)

    def _dead(self, words: LayerWords) -> np.ndarray:
        dead = self._snapshot.layers[words.index].dead if self._snapshot else np.zeros(0, bool)
        return dead if len(dead) == words.units else np.zeros(words.units, bool)

    def _outcome_top(self) -> float:
        blocks = self._blocks()
        return blocks[-1].bottom if blocks else float(EDGE)

    def _fit(self) -> None:
        dataset = self.session.dataset
        if self._trace is None:
            return
        right = self._outcome_top() + 32 + BAR_ROW * (len(self._outcome(dataset, self._trace).names) + 1) + EDGE
        left = EDGE + LEFT + 48 + 18 * min(MOST_VALUES, len(self._values(dataset)))
        self.setMinimumHeight(int(max(right, left)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit()

    def _cell_at(self, point: QPointF) -> tuple[TraceBlock, int] | None:
        for block in self._blocks():
            unit = block.unit_at(point)
            if unit is not None:
                return block, unit
        return None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        found = self._cell_at(event.position())
        if found is not None:
            self.session.select(found[0].words.index, found[1])

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            found = self._cell_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), found[0].unit_words(found[1]) if found else "", self)
            return True
        return super().event(event)

    # painting

    def paintEvent(self, event: QPaintEvent) -> None:
        dataset = self.session.dataset
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(self.rect(), theme.color("panel"))
            if self._sample is None:
                return
            self._paint_sample(painter, dataset)
            if self._trace is None:
                paint_text(
                    painter, self._cells_left(), EDGE, 400, "Waiting for the next look at the network", "ink 2", 12
                )
                return
            for block in self._blocks():
                if block.bottom >= event.rect().top() and block.top <= event.rect().bottom():
                    self._paint_layer(painter, block)
            self._paint_outcome(painter, dataset, self._trace)

    def _paint_sample(self, painter: QPainter, dataset: Dataset) -> None:
        assert self._sample is not None
        part, index = self._sample
        x = dataset.x_test if part == "test" else dataset.x_train
        if index >= len(x):
            return
        square = QRectF(EDGE, EDGE, LEFT, LEFT)
        raw = dataset.raw_test if part == "test" else dataset.raw_train
        row = raw[index]
        top = float(EDGE)
        image = image_shape(dataset)
        if image is not None:
            pixels = row.reshape(image)
            paint_image(painter, square, pixels[:, :, 0] if image[2] == 1 else pixels)
            top += LEFT + 12
        elif raw.shape[1:] == (2,):
            paint_point(painter, square, raw, row, plane_extent(dataset))
            top += LEFT + 12
        elif raw.shape[1:] == (1,) and dataset.task == "regression":
            y = dataset.y_test if part == "test" else dataset.y_train
            curve = np.column_stack([raw[:, 0], y[:, 0]])
            ranges = (with_room(values.min(), values.max()) for values in curve.T)
            paint_point(painter, square, curve, curve[index], (*next(ranges), *next(ranges)))
            top += LEFT + 12
        for line in true_words(dataset, part, index).split("\n"):
            paint_text(painter, EDGE, top, LEFT, line, "ink", 13, 600)
            top += 22
        values = self._values(dataset)
        for name, value in list(zip(values, row, strict=False))[:MOST_VALUES]:
            paint_text(painter, EDGE, top, LEFT - 60, str(name), "ink 2", 12)
            paint_text(painter, EDGE, top, LEFT, number(float(value)), "ink", 12, right=True)
            top += 18
        if len(values) > MOST_VALUES:
            paint_text(painter, EDGE, top, LEFT, f"and {len(values) - MOST_VALUES} more", "ink 2", 12)

    def _values(self, dataset: Dataset) -> tuple[str, ...]:
        """The names of the values listed under the picture: none for an image."""
        if image_shape(dataset) is not None:
            return ()
        return dataset.raw_names

    def _is_wide(self) -> bool:
        return self.width() - self._cells_left() >= 360

    def _beside(self) -> int:
        """Where what is said about a name begins."""
        return self._cells_left() + (140 if self._is_wide() else 116)

    def _paint_layer(self, painter: QPainter, block: TraceBlock) -> None:
        words, left, top, beside = block.words, self._cells_left(), block.top, self._beside()
        paint_text(painter, left, top, beside - left - 4, words.title, "ink", 12, 600)
        passed, _, lost = block.pass_words().partition(", ")
        paint_text(painter, beside, top, 190, passed, "ink 2", 12)
        if lost:
            after = beside + painter.fontMetrics().horizontalAdvance(passed) + 12
            paint_text(painter, after, top, 90, lost, "dead", 12, 600)
        scale = self._scales[words.index].update(float(np.abs(block.a).max(initial=0.0)))
        self._paint_scale(painter, words, top, scale)
        chosen = self.session.selection
        block.paint(painter, scale, chosen[1] if chosen is not None and chosen[0] == words.index else None)

    def _paint_scale(self, painter: QPainter, words: LayerWords, top: float, scale: float) -> None:
        right = self.width() - EDGE
        if right - self._cells_left() < 520:
            return
        paint_text(painter, right - 44, top, 44, number(scale), "ink 2", 11, right=True)
        paint_scale_bar(painter, QRectF(right - 130, top + 5, 80, 8), words.signed)
        paint_text(painter, right - 180, top, 44, number(-scale) if words.signed else "0", "ink 2", 11, right=True)

    def _outcome(self, dataset: Dataset, trace: SampleTrace) -> Outcome:
        assert self._snapshot is not None
        return outcome(dataset, self._snapshot.spec.loss, trace)

    def _paint_outcome(self, painter: QPainter, dataset: Dataset, trace: SampleTrace) -> None:
        left, top, beside = self._cells_left(), self._outcome_top(), self._beside()
        told = self._outcome(dataset, trace)
        paint_text(painter, left, top, 80, "Output", "ink", 12, 600)
        words_left = beside if self._is_wide() else left + 56
        paint_text(painter, words_left, top, self.width() - 4 - words_left, told.words, "ink 2", 12)
        written = told.written()
        if not told.classes:
            for name, value in zip(told.names, written, strict=True):
                top += BAR_ROW
                paint_text(painter, left, top + 4, beside - left - 10, name, "ink 2", 12)
                paint_text(painter, beside, top + 4, 200, value, "ink", 12, 500)
            return
        y = dataset.y_test if trace.part == "test" else dataset.y_train
        true = int(y[trace.index])
        room = max(60.0, min(360.0, self.width() - beside - 76 - EDGE))
        low, high = told.reach
        shares = np.clip((told.values - low) / (high - low), 0.0, 1.0)
        for k, name, share, value in zip(told.classes, told.names, shares.tolist(), written, strict=True):
            top += BAR_ROW
            is_true = k == true
            paint_text(
                painter,
                left,
                top + 4,
                beside - left - 8,
                f"{name}  true" if is_true else name,
                "ink" if is_true else "ink 2",
                12,
            )
            rail = QRectF(beside, top + 6, room, BAR_HEIGHT)
            painter.fillRect(rail, theme.color("grid"))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.category(0))
            painter.drawRoundedRect(QRectF(rail.left(), rail.top(), max(1.0, room * share), BAR_HEIGHT), 2, 2)
            paint_text(painter, rail.right() + 8, top + 4, 64, value, "ink", 12, 600 if is_true else 400)
