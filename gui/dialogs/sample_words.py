"""One sample in words and as a small picture: its target, what the network says, its pixels or its place."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen

from engine import losses
from engine.telemetry import SampleTrace
from gui import theme
from gui.numbers import number, percent, plain
from gui.pixels import paint_pixels

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
from engine.losses import LossName


def true_words(dataset: Dataset, part: str, index: int) -> str:
    """Such as "true class B", or "target 0.42" in the target's own units."""
    y = dataset.y_test if part == "test" else dataset.y_train
    if dataset.task != "regression":
        name = str(dataset.class_names[int(y[index])])
        return f"true {name}" if name.startswith("class") else f"true class {name}"
    values = dataset.preprocessing.targets_to_units(y[index : index + 1])[0]
    return f"target {', '.join(number(float(value)) for value in np.atleast_1d(values))}"


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """What came out, one entry for each bar: probabilities, scores, or predicted targets."""

    names: tuple[str, ...]
    values: np.ndarray
    classes: tuple[int, ...]  # the class of each entry; none for a regression
    words: str  # such as "Says B with 97.1 %, loss 0.029."
    meaning: str  # "probability", "score" or "" for targets
    reach: tuple[float, float] = (0.0, 1.0)  # the ends of a bar

    def written(self) -> tuple[str, ...]:
        """The values as a person reads them."""
        return tuple(percent(v, 1) if self.meaning == "probability" else number(v) for v in self.values.tolist())


def outcome(dataset: Dataset, loss: LossName, trace: SampleTrace) -> Outcome:
    """Reads the output by the rules of the loss: probabilities only where it has them."""
    output = np.asarray(trace.output, float)
    cost = f", loss {number(trace.loss)}."
    if dataset.task == "regression":
        says = ", ".join(number(value) for value in output.tolist())
        return Outcome(dataset.target_names, output, (), f"Predicts {says}{cost}", "")
    record = losses.get(loss)
    best = int(losses.said_classes(loss, output[None])[0])
    if len(output) == 1 and record.tells_probabilities:
        output = np.array([1 - output[0], output[0]])
    classes = tuple(range(len(output))) if len(output) > 1 else (1,)
    names = tuple(dataset.class_names[k] for k in classes)
    if record.tells_probabilities:
        words = f"Says {dataset.class_names[best]} with {percent(float(output[best]), 1)}{cost}"
        return Outcome(names, output, classes, words, "probability")
    score = number(float(output[best if len(output) > 1 else 0]))
    rule = f" ({names[0]} above {plain(record.said_threshold)})" if len(output) == 1 else ""
    words = f"Says {dataset.class_names[best]}, score {score}{rule}{cost}"
    return Outcome(names, output, classes, words, "score", record.said_range)


def paint_text(
    painter: QPainter, x: float, y: float, width: float, words: str, color: str, size: int, weight: int = 400,
    right: bool = False,
) -> None:  # fmt: skip
    """One line of words in a token's colour, cut with dots where it does not fit."""
    painter.setFont(theme.font(size, weight))
    painter.setPen(theme.color(color))
    align = Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
    elided = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(width))
    painter.drawText(QRectF(x, y, width, 18), align | Qt.AlignmentFlag.AlignVCenter, elided)


def paint_image(painter: QPainter, square: QRectF, pixels: np.ndarray) -> None:
    """An image (rows, columns) or (rows, columns, channels) in a frame, never smoothed."""
    paint_pixels(painter, square, pixels)
    painter.setPen(QPen(theme.color("line"), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(square)


def paint_point(
    painter: QPainter, square: QRectF, raw: np.ndarray, point: np.ndarray, extent: tuple[float, float, float, float]
) -> None:
    """Where the point lies among a few hundred others."""
    painter.fillRect(square, theme.color("sunken"))
    left, right, bottom, top = extent
    inner = square.adjusted(4, 4, -4, -4)

    def place(xy: np.ndarray) -> QPointF:
        across, up = (float(xy[0]) - left) / (right - left), (float(xy[1]) - bottom) / (top - bottom)
        return QPointF(inner.left() + across * inner.width(), inner.bottom() - up * inner.height())

    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("ink 3"))
    for other in raw[:: max(1, len(raw) // 300)]:
        painter.drawEllipse(place(other), 1.4, 1.4)
    painter.setBrush(theme.color("accent"))
    painter.setPen(QPen(theme.color("panel"), 1.5))
    painter.drawEllipse(place(point), 6, 6)
