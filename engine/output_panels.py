"""What the network says about its data, as plots: a plane, a fitted curve, predicted against true, a confusion matrix.

The command line's report and every export of the window are drawn from here.
"""

from __future__ import annotations

import math

import numpy as np

from engine import losses
from engine.data.dataset import Dataset
from engine.files.figures import Image, Line, Mark, Panel, Points
from engine.outputs import said_name, surface
from engine.spec import NetworkSpec
from engine.telemetry import Plane, Predictions

PARTS = ("train", "test")
#: The marker of each category, in the words of `engine.files.figures`.
MARKERS = ("circle", "diamond", "square", "triangle", "plus", "star", "hexagon")
MOST_POINTS = 2000  # drawn of each part; more would hide the surface
FINE = 256  # cells across that a surface is interpolated to


def plane_panel(spec: NetworkSpec, plane: Plane, data: Dataset, reach: float, parts: tuple[str, ...] = PARTS) -> Panel:
    """The output over two inputs, with the samples on top; `reach` is the end of a regression's colours."""
    left, right, bottom, top = (float(axis[end]) for axis in (plane.x, plane.y) for end in (0, -1))
    extent = (left, right, bottom, top)
    said = surface(spec.loss, finer(plane.output, max(1, round(FINE / len(plane.x)))), data)
    marks: list[Mark] = []
    if data.task == "regression":
        marks.append(Image(said[0], extent, "decision", -reach, reach, data.target_name))
    elif len(said) == 1:
        name = said_name(spec.loss, data.class_names[1])
        marks.append(Image(said[0], extent, "decision", *losses.get(spec.loss).said_range, name))
    else:
        marks.append(Image(said.argmax(axis=0), extent, "categories", 0, len(said) - 1, "class"))
    for part in parts:
        raw, y = _part(data, part)
        rows = thinned(len(raw))
        if data.task == "regression":
            marks.append(Points(raw[rows, 0], raw[rows, 1], part, "ink 2", hollow=part == "test"))
            continue
        for k, name in enumerate(data.class_names):
            x = raw[rows[y[rows] == k]]
            marker = MARKERS[k % len(MARKERS)]
            marks.append(Points(x[:, 0], x[:, 1], f"{name}, {part}", f"category {k % 7}", marker, part == "test"))
    alike = (left, right) == (bottom, top)
    return Panel(tuple(marks), "Output over the inputs", data.raw_names[0], data.raw_names[1], equal=alike)


def fit_panel(said: Predictions, data: Dataset, parts: tuple[str, ...] = PARTS) -> Panel:
    """One input: the samples and the curve that the network fits through them, in the target's units."""
    assert said.curve_x is not None and said.curve_y is not None
    marks: list[Mark] = []
    for part in parts:
        raw, y = _part(data, part)
        rows = thinned(len(raw))
        units = data.preprocessing.targets_to_units(y[rows])
        marks.append(Points(raw[rows, 0], units[:, 0], part, "category 0", hollow=part == "test"))
    marks += [
        Line(said.curve_x, said.curve_y[:, k], "network" if not k else f"network, {name}", dashed=k > 0)
        for k, name in enumerate(data.target_names)
    ]
    return Panel(tuple(marks), "Fit", data.raw_names[0], data.target_name)


def agreement_panel(said: Predictions, data: Dataset, parts: tuple[str, ...] = PARTS) -> Panel:
    """Predicted against true, in the target's units, with the line on which they agree."""
    points = []
    for part in parts:
        told, samples = (said.train, said.train_samples) if part == "train" else (said.test, said.test_samples)
        rows = thinned(len(samples))
        true = data.preprocessing.targets_to_units(_part(data, part)[1][samples[rows]])
        points.append(Points(true[:, 0], told[rows, 0], part, "category 0", hollow=part == "test"))
    every = np.concatenate([values for mark in points for values in (mark.x, mark.y)])
    ends = np.array([every.min(), every.max()])
    line = Line(ends, ends, "agreement", "control edge", width=1.0)
    return Panel((line, *points), "Predicted against true", f"true {data.target_name}", "predicted", equal=True)


def confusion_panel(counts: np.ndarray, names: tuple[str, ...], part: str) -> Panel:
    """True classes down, predicted across, with the numbers of samples; `part` is "test" or "training"."""
    size = len(counts)
    most = max(1.0, float(counts.max()))
    image = Image(counts, (0, size, size, 0), "sequential", 0, most, "samples", True, numbers=True)
    ticks = tuple((k + 0.5, name) for k, name in enumerate(names))
    title = f"Confusion matrix of the {part} samples"
    return Panel((image,), title, "predicted", "true", x_ticks=ticks, y_ticks=ticks, equal=True)


def _part(data: Dataset, part: str) -> tuple[np.ndarray, np.ndarray]:
    """(raw inputs, targets) of "train" or "test"."""
    return (data.raw_train, data.y_train) if part == "train" else (data.raw_test, data.y_test)


def thinned(count: int) -> np.ndarray:
    """At most MOST_POINTS row numbers, evenly taken and always the same."""
    return np.arange(0, count, max(1, math.ceil(count / MOST_POINTS)))


def finer(grid: np.ndarray, factor: int) -> np.ndarray:
    """(k, rows, columns) sampled `factor` times finer by linear interpolation, so that thresholds have crisp edges."""
    if factor <= 1:
        return grid
    return np.matmul(np.matmul(_weights(grid.shape[1], factor), grid), _weights(grid.shape[2], factor).T)


def _weights(size: int, factor: int) -> np.ndarray:
    places = np.linspace(0, size - 1, size * factor)
    low = np.minimum(places.astype(np.int64), size - 2) if size > 1 else np.zeros(len(places), dtype=np.int64)
    part = (places - low).astype(np.float32)
    weights = np.zeros((len(places), size), dtype=np.float32)
    rows = np.arange(len(places))
    weights[rows, low] = 1 - part
    if size > 1:
        weights[rows, low + 1] += part
    return weights
