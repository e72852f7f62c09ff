"""One sample in words and as a small picture: its target, what the network says, its pixels or its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from engine.telemetry import SampleTrace
from gui import theme
from gui.numbers import number, percent

if TYPE_CHECKING:
    from engine.data.dataset import Dataset


def true_words(dataset: Dataset, part: str, index: int) -> str:
    """Such as "true class B", or "target 0.42" in the target's own units."""
    y = dataset.y_test if part == "test" else dataset.y_train
    if dataset.task != "regression":
        name = str(dataset.class_names[int(y[index])])
        return f"true {name}" if name.startswith("class") else f"true class {name}"
    assert dataset.preprocessing is not None
    values = dataset.preprocessing.targets_to_units(y[index : index + 1])[0]
    return f"target {', '.join(number(float(value)) for value in np.atleast_1d(values))}"


def outcome(dataset: Dataset, trace: SampleTrace) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and values of the output: a probability for each class, or the predicted targets."""
    output = np.asarray(trace.output, float)
    if dataset.task == "regression":
        names = tuple(getattr(dataset, "target_names", ()) or ())
        return (names if len(names) == len(output) else tuple(f"y{i + 1}" for i in range(len(output)))), output
    if len(output) == 1:
        output = np.array([1 - output[0], output[0]])
    return tuple(str(name) for name in dataset.class_names[: len(output)]), output


def outcome_words(dataset: Dataset, trace: SampleTrace) -> str:
    """Such as "Says B with 97.1 %, loss 0.029"."""
    names, values = outcome(dataset, trace)
    if dataset.task == "regression":
        says = ", ".join(number(float(value)) for value in values)
        return f"Predicts {says}, loss {number(trace.loss)}."
    best = int(values.argmax())
    return f"Says {names[best]} with {percent(float(values[best]), 1)}, loss {number(trace.loss)}."


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
    """Grey pixels, never smoothed: 0 is the paper, the image's largest value the ink."""
    rows, columns = pixels.shape
    step = square.width() / max(rows, columns)
    low, high = float(pixels.min()), float(pixels.max()) or 1.0
    ink, paper = ((color.red(), color.green(), color.blue()) for color in (theme.color("ink"), theme.color("sunken")))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.fillRect(square, QColor(*paper))
    for row in range(rows):
        for column in range(columns):
            share = (float(pixels[row, column]) - low) / (high - low or 1.0)
            shade = QColor(*(round(p + (i - p) * share) for p, i in zip(paper, ink, strict=True)))
            painter.fillRect(QRectF(square.left() + column * step, square.top() + row * step, step, step), shade)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(QPen(theme.color("line"), 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(square)


def paint_point(painter: QPainter, square: QRectF, raw: np.ndarray, point: np.ndarray) -> None:
    """Where the point lies among a few hundred others; for one input its target is the height."""
    painter.fillRect(square, theme.color("sunken"))
    reach = float(np.abs(raw).max()) * 1.08 or 1.0

    def place(xy: np.ndarray) -> QPointF:
        half = square.width() / 2
        return QPointF(
            square.center().x() + float(xy[0]) / reach * half, square.center().y() - float(xy[1]) / reach * half
        )

    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("ink 3"))
    for other in raw[:: max(1, len(raw) // 300)]:
        painter.drawEllipse(place(other), 1.4, 1.4)
    painter.setBrush(theme.color("accent"))
    painter.setPen(QPen(theme.color("panel"), 1.5))
    painter.drawEllipse(place(point), 6, 6)
