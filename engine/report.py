"""What a run leaves in a folder: weights, history, plots."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from engine.data.dataset import Dataset
from engine.errors import RelumeError
from engine.files.figures import Figure, Image, Line, Panel
from engine.output_panels import agreement_panel, confusion_panel, fit_panel, plane_panel
from engine.target_error import PARTS, target_error
from engine.telemetry import HISTORY_COLUMNS, Snapshot
from engine.trainer import Trainer

WATCHED = ("plane", "activations", "predictions")


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
    plane, said = snapshot.plane, snapshot.predictions
    if plane is not None and (data.task != "regression" or data.outputs == 1):
        reach = float(np.abs(data.preprocessing.targets_to_units(data.y_train)).max()) if data.outputs == 1 else 1.0
        return plane_panel(snapshot.spec, plane, data, reach or 1.0)
    if said is None:
        return None
    if data.task == "regression":
        return fit_panel(said, data) if said.curve_x is not None else agreement_panel(said, data)
    test = said.confusion_test is not None and bool(said.confusion_test.any())
    counts = said.confusion_test if test else said.confusion_train
    return None if counts is None else confusion_panel(counts, data.class_names, "test" if test else "training")


def _activations(snapshot: Snapshot) -> Iterator[Panel]:
    if snapshot.activations is None:
        return
    shown = snapshot.activations.layers[:-1] or snapshot.activations.layers
    for part, values, layer in zip(snapshot.spec.parts, shown, snapshot.layers, strict=False):
        if not part.layer.has_units:
            continue
        samples, units = values.shape
        top = max(float(np.percentile(np.abs(values), 99)), 1e-6)
        signed = bool((values < 0).any())
        dead = np.flatnonzero(layer.dead)
        image = Image(
            values.T, (0, samples, units + 0.5, 0.5), "diverging" if signed else "sequential",
            -top if signed else 0.0, top, "activation", True, tuple(dead.tolist()),
        )  # fmt: skip
        title = f"Layer {part.number}: {dead_words(layer.dead)}"
        yield Panel((image,), title, "training samples, sorted by class or target", "neuron")


def dead_words(dead: np.ndarray) -> str:
    """ "3 of 16 dead"."""
    return f"{int(dead.sum())} of {len(dead)} dead"
