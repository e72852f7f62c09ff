"""What a run leaves in a folder: weights, history, plots."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from engine import losses
from engine.data.dataset import Dataset
from engine.errors import RelumeError
from engine.files.figures import Figure, Image, Line, Mark, Panel, Points
from engine.outputs import said_name, surface
from engine.spec import NetworkSpec
from engine.target_error import PARTS, target_error
from engine.telemetry import HISTORY_COLUMNS, Plane, Predictions, Snapshot
from engine.trainer import Trainer

WATCHED = ("plane", "activations", "predictions")
MARKERS = ("circle", "diamond", "square", "triangle", "plus", "star", "hexagon")


def write_results(trainer: Trainer, folder: Path) -> Snapshot:
    """Writes weights.npz, history.csv and plots/ (PNG and SVG); returns the snapshot that the plots show.

    Raises RelumeError where the folder cannot be written.
    """
    from engine.files import export_figure, export_weights

    trainer.watch(WATCHED)
    snapshot = trainer.snapshot()
    plots = folder / "plots"
    try:
        plots.mkdir(parents=True, exist_ok=True)
        export_weights(trainer.network, folder / "weights.npz", dataset=trainer.data)
        with open(folder / "history.csv", "w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(HISTORY_COLUMNS)
            writer.writerows(trainer.history.table().tolist())
        for name, figure in figures(snapshot, trainer.data):
            for suffix in (".png", ".svg"):
                export_figure(figure, plots / f"{name}{suffix}")
    except OSError as error:
        reason = error.strerror or str(error)
        raise RelumeError(f"The results cannot be written: {reason}.", str(folder), "Choose another --out.") from None
    return snapshot


def figures(snapshot: Snapshot, data: Dataset) -> Iterator[tuple[str, Figure]]:
    """(file name, figure): the curves, the output, the activations; for a regression the error in its own units."""
    history = dict(snapshot.history)
    yield "loss", _curve(history, "loss", "Loss")
    yield "metric", _curve(history, "metric", metric_title(data))
    error = target_error(snapshot.spec.loss, data)
    if error is not None:
        for part in PARTS:
            history[f"{part}_error"] = error.of(part, history[f"{part}_loss"], history[f"{part}_metric"])
        yield "error", _curve(history, "error", error.title)
    panel = _output(snapshot, data)
    if panel is not None:
        yield "output", Figure(panel.title, (panel,))
    panels = tuple(_activations(snapshot))
    if panels:
        yield "activations", Figure("Activations of the training samples", panels)


def metric_title(data: Dataset) -> str:
    """The metric's name on the screen."""
    return "R²" if data.task == "regression" else "Accuracy"


def _curve(history: Mapping[str, np.ndarray], column: str, title: str) -> Figure:
    epochs = history["epoch"]
    lines = [Line(epochs, history[f"train_{column}"], "train")]
    if np.isfinite(history[f"test_{column}"]).any():
        lines.append(Line(epochs, history[f"test_{column}"], "test", "ink 2", dashed=True, width=1.5))
    y = np.concatenate([line.y[np.isfinite(line.y)] for line in lines])
    log = column != "metric" and bool(len(y)) and bool((y > 0).all())
    return Figure(f"{title} of training and test", (Panel(tuple(lines), "", "epoch", title, y_log=log),))


def _output(snapshot: Snapshot, data: Dataset) -> Panel | None:
    said = snapshot.predictions
    if snapshot.plane is not None and data.outputs == 1 or snapshot.plane is not None and data.task != "regression":
        return _surface(snapshot.spec, snapshot.plane, data)
    if said is None:
        return None
    if said.curve_x is not None and data.task == "regression":
        return _fit(said, data)
    return _agreement(said, data) if data.task == "regression" else _confusion(said, data)


def _surface(spec: NetworkSpec, plane: Plane, data: Dataset) -> Panel:
    extent = (float(plane.x[0]), float(plane.x[-1]), float(plane.y[0]), float(plane.y[-1]))
    marks: list[Mark] = []
    if data.task == "regression":
        top = max(1e-12, *(float(np.abs(values).max(initial=0)) for values in (plane.output, *_true(data))))
        marks.append(Image(plane.output[0], extent, "diverging", -top, top, data.target_name))
        for part, raw in (("train", data.raw_train), ("test", data.raw_test)):
            marks.append(Points(raw[:, 0], raw[:, 1], part, "ink 2", hollow=part == "test"))
    else:
        said = surface(spec.loss, plane.output, data)
        if len(said) == 1:
            low, high = losses.get(spec.loss).said_range
            marks.append(Image(said[0], extent, "decision", low, high, said_name(spec.loss, data.class_names[1])))
        else:
            marks.append(Image(said.argmax(axis=0), extent, "categories", 0, len(said) - 1, "class"))
        for part, raw, y in (("train", data.raw_train, data.y_train), ("test", data.raw_test, data.y_test)):
            for k, name in enumerate(data.class_names):
                x = raw[y == k]
                marker = MARKERS[k % len(MARKERS)]
                marks.append(Points(x[:, 0], x[:, 1], f"{name}, {part}", f"category {k % 7}", marker, part == "test"))
    x_name, y_name = data.raw_names[:2]
    return Panel(
        tuple(marks), "Output over the inputs", x_name, y_name, equal=extent[0] == extent[2] and extent[1] == extent[3]
    )


def _true(data: Dataset) -> tuple[np.ndarray, np.ndarray]:
    units = data.preprocessing.targets_to_units
    return units(data.y_train), units(data.y_test)


def _fit(said: Predictions, data: Dataset) -> Panel:
    assert said.curve_x is not None and said.curve_y is not None
    marks: list[Mark] = []
    for part, raw, y in zip(("train", "test"), (data.raw_train, data.raw_test), _true(data), strict=True):
        marks.append(Points(raw[:, 0], y[:, 0], part, "category 0", hollow=part == "test"))
    marks += [
        Line(said.curve_x, said.curve_y[:, k], "network" if not k else f"network, {name}", dashed=k > 0)
        for k, name in enumerate(data.target_names)
    ]
    return Panel(tuple(marks), "Fit", data.raw_names[0], data.target_name)


def _agreement(said: Predictions, data: Dataset) -> Panel:
    train, test = _true(data)
    pairs = (
        ("train", train[said.train_samples, 0], said.train[:, 0]),
        ("test", test[said.test_samples, 0], said.test[:, 0]),
    )
    every = np.concatenate([values for _, *both in pairs for values in both])
    ends = np.array([every.min(), every.max()])
    marks: list[Mark] = [Line(ends, ends, "agreement", "control edge", width=1.0)]
    marks += [Points(x, y, part, "category 0", hollow=part == "test") for part, x, y in pairs]
    return Panel(tuple(marks), "Predicted against true", f"true {data.target_name}", "predicted", equal=True)


def _confusion(said: Predictions, data: Dataset) -> Panel | None:
    part, counts = "test", said.confusion_test
    if counts is None or not counts.sum():
        part, counts = "training", said.confusion_train
    if counts is None:
        return None
    size = len(counts)
    image = Image(counts, (0, size, size, 0), "sequential", 0, float(counts.max()), "samples", True, numbers=True)
    ticks = tuple((k + 0.5, name) for k, name in enumerate(data.class_names))
    title = f"Confusion matrix of the {part} samples"
    return Panel((image,), title, "predicted", "true", x_ticks=ticks, y_ticks=ticks, equal=True)


def _activations(snapshot: Snapshot) -> Iterator[Panel]:
    if snapshot.activations is None:
        return
    shown = snapshot.activations.layers[:-1] or snapshot.activations.layers
    for number, (values, layer) in enumerate(zip(shown, snapshot.layers, strict=False)):
        if not hasattr(snapshot.spec.layers[number], "activation"):
            continue
        samples, units = values.shape
        top = max(float(np.percentile(np.abs(values), 99)), 1e-6)
        signed = bool((values < 0).any())
        dead = np.flatnonzero(layer.dead)
        image = Image(
            values.T, (0, samples, units + 0.5, 0.5), "diverging" if signed else "sequential",
            -top if signed else 0.0, top, "activation", True, tuple(dead.tolist()),
        )  # fmt: skip
        title = f"Layer {number + 1}: {dead_words(layer.dead)}"
        yield Panel((image,), title, "training samples, sorted by class or target", "neuron")


def dead_words(dead: np.ndarray) -> str:
    """ "3 of 16 dead"."""
    return f"{int(dead.sum())} of {len(dead)} dead"
