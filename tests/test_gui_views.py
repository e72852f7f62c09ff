"""The views draw snapshots of every kind, tell them in words and as figures, and pick samples and neurons."""

from __future__ import annotations

import dataclasses
import math
import time
import types
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtTest import QTest

from engine import report
from engine.data.dataset import Dataset
from engine.data.preprocessing import Preprocessing
from engine.files.figures import Figure, Image, Line
from engine.layers import Dense, Dropout
from engine.spec import NetworkSpec, TrainingSpec
from engine.telemetry import Distributions as ToldDistributions, Histogram, LayerSnapshot, Plane, Predictions, Snapshot
from gui import theme
from gui.numbers import number
from gui.views.curves import Curves, deaths
from gui.views.distributions import Distributions
from gui.views.gradient_flow import GradientFlow
from gui.views.kernels import drawn_kernel
from gui.views.layer_words import layer_words
from gui.views.output import Output, kind_of
from gui.views.weights import Weights

VIEWS = (Output, Curves, GradientFlow, Distributions, Weights)


class SessionDouble(QObject):
    """What views read of a session, without a trainer."""

    selection_changed = Signal()
    sample_changed = Signal()

    def __init__(self, spec: NetworkSpec, dataset: Dataset) -> None:
        super().__init__()
        self.document = types.SimpleNamespace(spec=spec)
        self.dataset = dataset
        self.selection: tuple[int, int] | None = None
        self.sample: tuple[str, int] | None = None

    def select(self, layer: int, unit: int) -> None:
        self.selection = (layer, unit)
        self.selection_changed.emit()

    def pick_sample(self, part: str, index: int) -> None:
        self.sample = (part, index)
        self.sample_changed.emit()


def network(inputs: int, units: tuple[int, ...], outputs: int, loss: str) -> NetworkSpec:
    hidden = tuple(Dense(units=count, activation="relu") for count in units)
    return NetworkSpec((inputs,), (*hidden, Dense(units=outputs)), loss)


def histogram(values: np.ndarray) -> Histogram:
    return Histogram(*np.histogram(values, bins=20))


def snapshot(spec: NetworkSpec, epochs: int = 60, **changes: Any) -> Snapshot:
    """A run in which the last two neurons of a hidden first layer died in epochs 5 and 20."""
    rng = np.random.default_rng(3)
    layers, parameters, told = [], {}, []
    width = spec.input_shape[0]
    for k, (layer, shape) in enumerate(zip(spec.layers, spec.shapes(), strict=True)):
        units = shape[-1] if isinstance(layer, Dense) else 0
        dead, since = np.zeros(units, bool), np.full(units, -1)
        if k == 0 and len(spec.layers) > 1:
            dead[-2:], since[-2:] = True, (20, 5)
        layers.append(
            LayerSnapshot(
                dead,
                rng.random(units),
                rng.random(units),
                rng.random(units),
                since,
                10.0**-k if units else math.nan,
                False,
            )
        )
        if units:
            parameters[f"{k}.kernel"] = rng.normal(size=(width, units)).astype(np.float32)
        values = rng.normal(-1, 1, 500)
        told.append([histogram(v) for v in (values, values, np.maximum(values, 0))] if units else [None] * 3)
        width = shape[-1]
    epoch = np.arange(epochs + 1.0)
    falling = np.exp(-epoch / 20) + 0.05
    history = {
        "epoch": epoch, "step": epoch * 10, "seconds": epoch / 4, "train_loss": falling, "test_loss": falling * 1.3,
        "train_metric": 1 - falling / 2, "test_metric": 0.95 - falling / 2,
    }  # fmt: skip
    now = time.monotonic()
    whole = Snapshot(
        1, spec, TrainingSpec(), "running", epochs * 10, epochs, 0, 10, epochs / 4, 1e5, float(falling[-1]),
        float(falling[-1]) * 1.3, 0.9, 0.9, tuple(layers), history, now, parameters=parameters,
        distributions=ToldDistributions(
            tuple(row[0] for row in told), tuple(row[1] for row in told), tuple(row[2] for row in told), now
        ),
    )  # fmt: skip
    return dataclasses.replace(whole, **changes)


def plane(outputs: int = 1, resolution: int = 20) -> Plane:
    axis = np.linspace(-2, 2, resolution, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    stack = np.stack([3 * np.cos(np.arctan2(y, x) - 2 * np.pi * k / outputs) for k in range(outputs)])
    return Plane(axis, axis, (), stack.astype(np.float32), np.stack([x, y]), time.monotonic())


def points(classes: int) -> Dataset:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(-2, 2, (80, 2)), np.arange(80) % classes
    return Dataset(x[:60], y[:60], x[60:], y[60:], task="binary" if classes == 2 else "multiclass")


def fit_case() -> tuple[NetworkSpec, Dataset, dict[str, Any]]:
    x = np.linspace(-2, 2, 40, dtype=np.float32)[:, None]
    data = Dataset(x[::2], np.sin(x[::2]), x[1::2], np.sin(x[1::2]), task="regression")
    told = Predictions(
        np.sin(x[::2]), np.sin(x[1::2]), np.arange(20), np.arange(20), None, None, x[:, 0], np.sin(x), time.monotonic()
    )
    return network(1, (4,), 1, "mean_squared_error"), data, {"predictions": told}


def scatter_case() -> tuple[NetworkSpec, Dataset, dict[str, Any]]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, 4)), rng.normal(150, 60, (50, 1))
    data = Dataset(x[:40], y[:40], x[40:], y[40:], task="regression", target_names=("progression",))
    said = y.astype(np.float32) * 0.8 + 20
    told = Predictions(
        said[:40], said[40:], np.arange(40), np.arange(10), None, None, None, None, time.monotonic()
    )  # fmt: skip
    return network(4, (4,), 1, "mean_squared_error"), data, {"predictions": told}


def digits_case() -> tuple[NetworkSpec, Dataset, dict[str, Any]]:
    rng = np.random.default_rng(0)
    x, y = rng.random((100, 64)), np.arange(100) % 10
    data = Dataset(x[:80], y[:80], x[80:], y[80:], task="multiclass", image_shape=(8, 8))
    said = np.eye(10, dtype=np.float32)[y]
    matrix = np.diag(np.full(10, 8)), np.diag(np.full(10, 2))
    told = Predictions(
        said[:80], said[80:], np.arange(80), np.arange(20), *matrix, None, None, time.monotonic()
    )  # fmt: skip
    return network(64, (12,), 10, "softmax_cross_entropy"), data, {"predictions": told}


def plane_case(classes: int) -> tuple[NetworkSpec, Dataset, dict[str, Any]]:
    outputs, loss = (1, "binary_cross_entropy") if classes == 2 else (classes, "softmax_cross_entropy")
    return network(2, (8, 8), outputs, loss), points(classes), {"plane": plane(outputs)}


CASES = {
    "two classes": lambda: plane_case(2), "three classes": lambda: plane_case(3), "fit": fit_case,
    "scatter": scatter_case, "digits": digits_case,
}  # fmt: skip


def shown(qtbot, kind: type, case: str, size: tuple[int, int] = (296, 300), **changes: Any):
    spec, dataset, extra = CASES[case]()
    view = kind(SessionDouble(spec, dataset))
    qtbot.addWidget(view)
    view.resize(*size)
    view.reset()
    view.show()
    view.show_snapshot(snapshot(spec, **{**extra, **changes}))
    return view


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", VIEWS)
def test_views_draw_tell_and_export(qtbot, kind, case) -> None:
    view = shown(qtbot, kind, case)
    assert len(view.summary()) > 10 and "yet" not in view.summary()
    figure = view.figure()
    assert isinstance(figure, Figure) and figure.title and all(panel.marks for panel in figure.panels)
    assert not view.grab().isNull()
    for control in view.head_widgets():
        assert control.accessibleName()
    view.reset()
    assert view.figure() is None and "yet" in view.summary()


@pytest.mark.parametrize("kind", VIEWS)
def test_views_follow_the_theme(qtbot, kind) -> None:
    view = shown(qtbot, kind, "two classes")
    try:
        theme.set_mode("light")
        light = view.grab().toImage()
        theme.set_mode("dark")
        assert view.grab().toImage() != light
    finally:
        theme.set_mode("light")


@pytest.mark.parametrize("kind", VIEWS)
def test_views_survive_a_diverged_run(qtbot, kind) -> None:
    """NaN everywhere: the last good picture stays, nothing raises."""
    view = shown(qtbot, kind, "two classes")
    spec = view.session.document.spec
    bad = snapshot(spec, state="diverged", train_loss=math.nan, plane=plane())
    assert bad.plane is not None and bad.parameters is not None
    bad.plane.output[:] = math.nan
    bad.history["train_loss"][-3:] = math.nan
    kernels = {key: np.full_like(value, np.nan) for key, value in bad.parameters.items()}
    layers = tuple(dataclasses.replace(layer, gradient_norm=math.nan) for layer in bad.layers)
    before = view.figure()
    view.show_snapshot(dataclasses.replace(bad, parameters=kernels, layers=layers))
    view.grab()
    if kind in (Output, Weights):
        kept = view.figure().panels[0].marks[0]
        assert isinstance(kept, Image) and np.array_equal(kept.values, before.panels[0].marks[0].values)


def test_output_chooses_its_picture() -> None:
    kinds = [kind_of(CASES[case]()[1]) for case in CASES]
    assert kinds == ["plane", "plane", "fit", "scatter", "confusion"]


@pytest.mark.parametrize("case", CASES)
def test_the_window_and_the_command_line_draw_the_same_output(qtbot, case) -> None:
    view = shown(qtbot, Output, case)
    view._test.setChecked(True)
    spec, dataset, extra = CASES[case]()
    written = dict(report.figures(snapshot(spec, **extra), dataset))["output"].panels[0]
    drawn = view.figure().panels[0]
    looks = [
        [(type(mark), mark.label, getattr(mark, "color", getattr(mark, "colors", ""))) for mark in panel.marks]
        for panel in (written, drawn)
    ]
    assert looks[0] == looks[1] and (written.title, written.x_label) == (drawn.title, drawn.x_label)


def test_click_picks_the_nearest_point_and_rings_it(qtbot) -> None:
    view = shown(qtbot, Output, "two classes")
    picture = view._pictures["plane"]
    x, y = view.session.dataset.raw_train[7]
    place = picture.plot.to_pixels(float(x), float(y)).toPoint()
    QTest.mouseClick(picture.plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert view.session.sample == ("train", 7)
    assert picture.ring.data["x"].tolist() == pytest.approx([x])
    QTest.keyClick(picture.plot, Qt.Key.Key_Down)
    assert view.session.sample == ("train", 8)


def test_test_points_are_picked_only_while_shown(qtbot) -> None:
    view = shown(qtbot, Output, "two classes")
    dots = view._pictures["plane"]._groups
    assert len(dots["test 0"].data) == 0
    view._test.setChecked(True)
    assert len(dots["test 0"].data) == 10


def test_discretised_surface_has_two_colours(qtbot) -> None:
    view = shown(qtbot, Output, "two classes")
    image = view._pictures["plane"].image
    assert len(np.unique(image.image.reshape(-1, 4), axis=0)) > 20
    view._discretise.setChecked(True)
    assert len(np.unique(image.image.reshape(-1, 4), axis=0)) == 2


def test_scores_are_not_called_probabilities(qtbot) -> None:
    spec, dataset, extra = plane_case(2)
    view = Output(SessionDouble(dataclasses.replace(spec, loss="hinge"), dataset))
    qtbot.addWidget(view)
    view.reset()
    view.show_snapshot(snapshot(view.session.document.spec, **extra))
    image = view.figure().panels[0].marks[0]
    assert (image.label, image.low, image.high) == ("score of 1", -1, 1)
    assert view._pictures["plane"].legend.bar == ("decision", "\u22121", "score of 1", "1")


def test_exported_weights_name_the_inputs_where_they_are_few(qtbot) -> None:
    view = shown(qtbot, Weights, "two classes")
    assert [name for _, name in view.figure().panels[0].x_ticks] == ["x1", "x2"]
    names = ("x1", "x2", "x3", "x4")
    spec = NetworkSpec((4,), (Dense(4), Dense(1)))
    first, last = layer_words(spec)
    assert drawn_kernel(np.zeros((4, 4)), first, spec, None, names).names == names
    assert drawn_kernel(np.zeros((4, 1)), last, spec, None, names).names == ("1", "2", "3", "4")


def test_confusion_cell_picks_its_samples_in_turn(qtbot) -> None:
    view = shown(qtbot, Output, "digits")
    assert "20 of 20 test samples right" in view.summary()
    picked = []
    for _ in range(2):
        view._matrix.chosen.emit(3, 3)
        picked.append(view.session.sample)
    assert {part for part, _ in picked} == {"test"} and {index for _, index in picked} == {3, 13}
    view._test_set.setChecked(False)
    assert "80 of 80 training samples right" in view.summary()
    view._matrix.show_counts(np.eye(3, dtype=int), ("a", "b", "c"), "test", False, 1200)
    assert "3 of 3 test samples right, of 1\u2009200 in all" in view.summary(), "live it may be of some of them"


def test_curves_switch_axis_scale_and_quantity(qtbot) -> None:
    view = shown(qtbot, Curves, "two classes")
    log, what, against = view._log, view._what, view._against
    assert view.figure().panels[0].y_log == log.isChecked()
    log.setChecked(False)
    assert view._plot.limits[2] == 0
    what.setCurrentIndex(1)
    line = view.figure().panels[0].marks[0]
    assert isinstance(line, Line) and line.y[-1] == pytest.approx(1 - (math.exp(-3) + 0.05) / 2)
    against.setChecked(True)
    assert view.figure().panels[0].marks[0].x[-1] == 15
    assert "accuracy" in view.summary()


def test_curves_name_the_deaths(qtbot) -> None:
    view = shown(qtbot, Curves, "two classes")
    assert deaths(snapshot(view.session.document.spec)) == [(5, "1 in layer 1"), (20, "1 in layer 1")]
    assert "5, 20" in view.summary()


def test_axes_stand_still_between_steps(qtbot) -> None:
    view = shown(qtbot, Curves, "two classes")
    spec = view.session.document.spec
    seen = set()
    for epochs in range(61, 76):
        view.show_snapshot(snapshot(spec, epochs))
        seen.add(view._plot.limits)
    assert len(seen) == 1


def test_gradient_flow_zero_nan_and_depth(qtbot) -> None:
    view = shown(qtbot, GradientFlow, "two classes")
    spec = view.session.document.spec
    whole = snapshot(spec)
    sizes = (0.0, 1e-12, math.inf)
    layers = tuple(dataclasses.replace(a, gradient_norm=b) for a, b in zip(whole.layers, sizes, strict=True))
    view.show_snapshot(dataclasses.replace(whole, layers=layers))
    assert "1 Dense 0," in view.summary() and "not finite" in view.summary()
    deep = NetworkSpec((2,), (Dense(units=4), Dropout(rate=0.2)) * 12 + (Dense(units=1),), "mean_squared_error")
    view.show_snapshot(snapshot(deep))
    assert view.figure().panels[0].marks[0].names[1] == "3 Dense"
    view.grab()


def test_distribution_axes_are_kept_while_they_fit(qtbot) -> None:
    view = shown(qtbot, Distributions, "digits", (712, 424))
    cell = view._chart.cells[0][1]
    view.show_snapshot(snapshot(view.session.document.spec))
    assert (view._chart.cells[0][1].low, view._chart.cells[0][1].high) == (cell.low, cell.high)
    assert cell.low <= 0 <= cell.high and "mean" in cell.text


def test_weights_of_images_select_neurons(qtbot) -> None:
    view = shown(qtbot, Weights, "digits", (712, 424))
    picture = view._images
    place = picture.place(5).center()
    assert picture.unit_at(place) == 5 and "neuron 6" in picture.words_at(place)
    QTest.mouseClick(picture, Qt.MouseButton.LeftButton, pos=place.toPoint())
    assert view.session.selection == (0, 5) and picture.selected == 5
    assert "dead" in picture.words_at(picture.place(11).center())
    view.session.select(1, 2)
    assert view._choice.currentText() == "Output" and view._map.selected == 2


def test_weight_map_tells_the_weight_under_the_mouse(qtbot) -> None:
    view = shown(qtbot, Weights, "two classes", (712, 424))
    area = view._map._area()
    words = view._map.words_at(area.topLeft() + QPointF(2, 2))
    parameters = snapshot(view.session.document.spec).parameters
    assert parameters is not None
    kernel = parameters["0.kernel"]
    assert words.startswith("neuron 1, from x1: weight") and f"{abs(kernel[0, 0]):.2f}"[:3] in words


@pytest.mark.parametrize("kind", VIEWS)
def test_an_empty_view_tells_how_far_the_kernels_are(qtbot, kind) -> None:
    spec, dataset, _ = CASES["two classes"]()
    view = kind(SessionDouble(spec, dataset))
    qtbot.addWidget(view)
    view.reset()
    nothing = {"history": {}, "parameters": None, "distributions": None}
    unknown = tuple(dataclasses.replace(layer, gradient_norm=math.nan) for layer in snapshot(spec).layers)
    invitation = view._empty.sentence
    view.show_snapshot(snapshot(spec, **nothing, layers=unknown, preparing=(2, 12)))
    assert view._empty.sentence == "Preparing kernels, 3 of 12."
    view.show_snapshot(snapshot(spec, **nothing, layers=unknown))
    assert view._empty.sentence == invitation and "Press Run" in invitation


def scaled_case(inputs: int) -> tuple[Curves, Output, Snapshot]:
    """Curves and output of a regression whose target was divided by 50."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(50, inputs)), rng.normal(0, 1, (50, 1))
    steps = Preprocessing(tuple(f"x{i}" for i in range(inputs)), None, (), (), (150.0,), (50.0,))
    data = Dataset(x[:40], y[:40], x[40:], y[40:], "regression", target_names=("price",), preprocessing=steps)
    spec = network(inputs, (4,), 1, "mean_absolute_error")
    extra = {"plane": plane()} if inputs == 2 else {"predictions": scatter_case()[2]["predictions"]}
    told = snapshot(spec, state="paused", **extra)
    return Curves(SessionDouble(spec, data)), Output(SessionDouble(spec, data)), told


@pytest.mark.parametrize("inputs", [2, 4])
def test_a_regression_is_told_in_the_targets_own_units(qtbot, inputs) -> None:
    curves, output, told = scaled_case(inputs)
    for view in (curves, output):
        qtbot.addWidget(view)
        view.reset()
        view.show_snapshot(told)
    picture = output._picture
    errors = [50 * float(told.history[f"{part}_loss"][-1]) for part in ("train", "test")]
    expected = f"Mean abs. error, units of price: train\u00a0{number(errors[0])}, test\u00a0{number(errors[1])}"
    assert picture.errors.text() == expected and not picture.errors.isHidden()
    curves._what.setCurrentIndex(2)
    (panel,) = curves.figure().panels
    assert panel.y_label == "Mean abs. error, units of price"
    assert panel.marks[0].y[-1] == pytest.approx(errors[0]) and panel.marks[1].y[-1] == pytest.approx(errors[1])
    assert number(errors[1]) in curves.summary() and "units of price" in curves.summary()


def test_classes_have_no_error_to_choose(qtbot) -> None:
    curves, _, _ = scaled_case(2)
    qtbot.addWidget(curves)
    curves.reset()
    curves._what.setCurrentIndex(2)
    spec, data, _ = CASES["two classes"]()
    curves.session.document.spec, curves.session.dataset = spec, data
    curves.reset()
    assert [curves._what.itemText(k) for k in range(curves._what.count())] == ["Loss", "Accuracy"]
    assert curves._what.currentIndex() == 0
