"""The network map: layout, links, tiles, and what a user does on it."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QColor

import engine
from engine.files import export_figure
from engine.files.figures import Image, Segments, Text
from engine.spec import NetworkSpec, TrainingSpec
from engine.telemetry import Activations, LayerSnapshot, Plane, Snapshot
from gui.views.cells import DEAD_LEVEL, StepScale, levels, pool, step_above
from gui.views.layer_words import layer_words
from gui.views.link_picture import LinkPicture
from gui.views.map_layout import INPUTS, bias_spot, lay_out, shown_units
from gui.views.map_links import Links, direct_lines
from gui.views.network_map import NetworkMap


class FakeSession(QObject):
    document_changed = Signal()
    dataset_changed = Signal()
    selection_changed = Signal()
    sample_changed = Signal()

    def __init__(self, spec: NetworkSpec, dataset: Any) -> None:
        super().__init__()
        self.document, self.dataset = SimpleNamespace(spec=spec), dataset
        self.selection: tuple[int, int] | None = None
        self.sample = None
        self.edits: list[tuple[str, Any, float]] = []

    def select(self, layer: int, unit: int) -> None:
        self.selection = (layer, unit)
        self.selection_changed.emit()

    def set_parameter(self, key: str, index: Any, value: float) -> None:
        self.edits.append((key, index, value))

    def freeze(self, what: Any, index: Any, on: bool) -> None:
        self.edits.append((what, index, on))


def scene(hidden: tuple[int, ...] = (8, 8), dead: tuple[int, ...] = (6, 7)) -> tuple[FakeSession, Snapshot]:
    random = np.random.default_rng(0)
    layers = tuple(engine.Dense(units, activation="relu") for units in hidden) + (engine.Dense(1),)
    spec = NetworkSpec((2,), layers, "binary_cross_entropy")
    x = random.normal(size=(40, 2)).astype(np.float32)
    data = SimpleNamespace(
        x_train=x, y_train=np.repeat([0, 1], 20), task="binary", feature_names=("x", "y"), class_names=("A", "B"),
        raw_train=x, image_shape=None, target_names=(),
    )  # fmt: skip
    parameters, seen, fan = {}, [], 2
    for index, layer in enumerate(layers):
        parameters[f"{index}.kernel"] = random.normal(size=(fan, layer.units)).astype(np.float32)
        parameters[f"{index}.bias"] = random.normal(size=layer.units).astype(np.float32)
        gone = np.zeros(layer.units, bool)
        if index == 0:
            gone[list(dead)] = True
        seen.append(
            LayerSnapshot(gone, np.where(gone, -0.07, 1.0), np.ones(layer.units), np.where(gone, 0.0, 0.5),
                          np.where(gone, 20, -1), 0.1, False)
        )  # fmt: skip
        fan = layer.units
    axis = np.linspace(-1, 1, 12, dtype=np.float32)
    tiles = tuple(random.normal(size=(min(24, layer.units), 12, 12)).astype(np.float32) for layer in layers)
    plane = Plane(axis, axis, tiles, tiles[-1], random.normal(size=(2, 12, 12)).astype(np.float32), 1.0)
    snapshot = Snapshot(
        1, spec, TrainingSpec(), "running", 10, 3, 0, 4, 1.0, 1e5, 0.1, 0.1, 0.9, 0.9, tuple(seen), {}, 1.0,
        parameters=parameters, plane=plane,
    )  # fmt: skip
    return FakeSession(spec, data), snapshot


def shown_map(qtbot, session: FakeSession, snapshot: Snapshot | None, size: tuple[int, int] = (712, 424)) -> NetworkMap:
    view = NetworkMap(session)  # type: ignore[arg-type]
    qtbot.addWidget(view)
    view.resize(*size)
    view.show()
    if snapshot is not None:
        view.show_snapshot(snapshot)
    view.grab()
    return view


def test_a_step_scale_grows_at_once_and_shrinks_late() -> None:
    assert [step_above(v) for v in (0.9, 1.0, 1.2, 3.1, 0.021, 0.0)] == pytest.approx([1, 1, 1.5, 5, 0.03, 1])
    scale = StepScale()
    assert scale.update(1.2) == 1.5
    assert scale.update(7.5) == 10
    assert scale.update(1.2) == 10
    assert scale.update(np.inf) == 10
    for _ in range(StepScale.CALM + 1):
        scale.update(1.2)
    assert scale.top == 1.5


def test_levels_never_reach_the_dead_entry() -> None:
    values = np.array([-9.0, -1.0, 0.0, 1.0, 9.0, np.nan], np.float32)
    assert levels(values, 1.0, True).tolist() == [0, 0, 127, 254, 254, 0]
    assert levels(values, 1.0, False).tolist() == [0, 0, 0, 254, 254, 0]
    assert levels(values, 1.0, True).max() < DEAD_LEVEL


def test_pooling_keeps_the_largest_and_its_sign() -> None:
    values = np.array([[1.0, -3.0, 2.0, 0.5]])
    assert pool(values, np.array([0, 2]), 1, True).tolist() == [[-3.0, 2.0]]
    assert pool(values, np.array([0, 2]), 1, False).tolist() == [[1.0, 2.0]]


def test_wide_layers_are_summarised_and_the_wanted_unit_is_shown() -> None:
    assert shown_units(4, 8) == ((0, 1, 2, 3), ())
    shown, hidden = shown_units(100, 8, wanted=50)
    assert shown == (0, 1, 2, 3, 4, 5, 50) and len(hidden) == 93 and 50 not in hidden


@pytest.mark.parametrize("size", [(400, 300), (712, 424), (1400, 900)])
def test_tiles_never_overlap_and_stay_inside(size: tuple[int, int]) -> None:
    widths = [(INPUTS, 2), *((i, 1000 if i == 3 else 8) for i in range(20)), (20, 10)]
    layout = lay_out(widths, size, whole=20)
    rects = [rect for c in layout.columns for rect in (*c.rects, *([c.more] if c.more else []))]
    for i, rect in enumerate(rects):
        assert rect.left() >= 0 and rect.right() <= layout.width and rect.bottom() <= size[1]
        assert not any(rect.intersects(other) for other in rects[i + 1 :])
    assert sum(len(c.shown) + len(c.hidden) for c in layout.columns) == 2 + 19 * 8 + 1000 + 10


def test_lines_join_units_that_feed_each_other_one_to_one() -> None:
    block = engine.Residual((engine.Dense(6, "relu"), engine.Dense(8)))
    layers = (engine.Dense(8), engine.BatchNorm(), engine.Activation("relu"), block, engine.Dense(1))
    spec = engine.NetworkSpec((2,), layers, "mean_squared_error")
    words = layer_words(spec)
    assert [each.number for each in words if each.direct] == ["3", "4"]
    columns = lay_out([(INPUTS, 2), *((each.index, each.units) for each in words)], (900, 500)).columns
    joined = list(direct_lines(columns, words))
    assert len(joined) == 8 + 8 and all(start.x() < end.x() and start.y() == end.y() for start, end in joined)


def test_at_most_two_thousand_links_the_strongest_first() -> None:
    random = np.random.default_rng(1)
    layout = lay_out([(INPUTS, 24), *((i, 24) for i in range(12))], (2000, 2000))
    kernels = {i: random.normal(size=(24, 24)).astype(np.float32) for i in range(12)}
    links = Links()
    links.update(layout.columns, kernels, {})
    assert links.total == 12 * 576 and 1500 < links.drawn <= 2000
    kept = np.abs(links.gaps[0].weight)
    assert kept.min() > np.median(np.abs(kernels[0]))


def test_the_link_under_the_mouse_is_the_one_drawn_there() -> None:
    layout = lay_out([(INPUTS, 2), (0, 3)], (600, 400))
    links = Links()
    kernel = np.array([[0.1, -2.0, 0.3], [1.0, 0.5, -0.2]], np.float32)
    links.update(layout.columns, {0: kernel}, {0: np.array([False, False, True])})
    left, right = layout.columns[0], layout.columns[1]
    point = QPointF(left.right + 3, left.rects[0].center().y())
    found = links.at(point)
    assert found is not None and found.source == 0
    found = links.at(QPointF(right.left - 3, right.rects[2].center().y()))
    assert found is not None and found.target == 2 and not found.carries
    assert links.at(QPointF(left.right + 5, 5)) is None


def test_link_depth_has_the_width_and_the_alpha_that_was_asked() -> None:
    one, red = np.array([20.0]), QColor("red")
    picture = LinkPicture(40, 40, [red])
    for _ in picture.lines(0, one, one, np.array([3.0]), np.array([0.5])):
        pass
    depth = picture.edges[0].cumsum(axis=0)[:40]
    assert depth.sum(axis=0) == pytest.approx(np.full(40, 3 * np.log(2)), rel=1e-4)
    assert 1 - np.exp(-depth[20, 10]) == pytest.approx(0.5, rel=1e-4)
    assert abs(depth[30:]).max() < 1e-4
    image = [*picture.image(1.0)][-1]
    assert image is not None and image.pixelColor(10, 20).red() > 250
    assert image.pixelColor(10, 20).alphaF() == pytest.approx(0.5, abs=0.01) and not image.pixelColor(10, 30).alpha()
    dotted = LinkPicture(40, 60, [red])
    for _ in dotted.dots(0, one, one, 0.8, 1.0):
        pass
    assert 0 < (dotted.depths[0] > 0.01).any(axis=0).mean() < 0.8


def test_the_map_says_what_it_shows(qtbot) -> None:
    session, snapshot = scene()
    view = shown_map(qtbot, session, snapshot)
    assert "2 of 8 dead" in view.summary() and "8 of 8 alive" in view.summary()
    words = view.unit_numbers(0, 6)
    assert "dead since epoch 20" in words and "bias" in words and "largest z" in words
    assert view.watches == {"plane", "parameters"}


def test_the_exported_map_shows_what_the_tiles_show(qtbot, tmp_path) -> None:
    session, snapshot = scene()
    figure = shown_map(qtbot, session, snapshot).figure()
    assert figure is not None and snapshot.plane is not None
    marks = figure.panels[0].marks
    tiles = {mark.label: mark for mark in marks if isinstance(mark, Image) and mark.tile}
    assert set(tiles) == {"x", "y", "output 1", "activation"} | {f"neuron {i} of layer {j}" for i in range(1, 9)
                                                                   for j in (1, 2)}  # fmt: skip
    np.testing.assert_array_equal(tiles["neuron 3 of layer 2"].values, snapshot.plane.layers[1][2][::-1])
    assert [name for name, tile in tiles.items() if tile.dead_rows] == ["neuron 7 of layer 1", "neuron 8 of layer 1"]
    assert sum(isinstance(mark, Text) and mark.words == "dead" for mark in marks) == 2
    links = [mark for mark in marks if isinstance(mark, Segments)]
    assert sum(len(mark.widths) for mark in links) == 2 * 8 + 8 * 8 + 8
    assert sum(np.sum(mark.dotted) for mark in links) == 2 * 2 + 2 * 8
    assert export_figure(figure, tmp_path / "map.png").stat().st_size > 20_000


def test_the_exported_map_has_the_columns_out_of_sight(qtbot) -> None:
    session, snapshot = scene((8,) * 12)
    view = shown_map(qtbot, session, snapshot)
    assert len(view.canvas.columns_in_sight()) < 14
    figure = view.figure()
    assert figure is not None
    tiles = [mark for mark in figure.panels[0].marks if isinstance(mark, Image)]
    assert len(tiles) == 2 + 12 * 8 + 1 + 1  # inputs, neurons, output, the scale
    assert sum(tile.values.size for tile in tiles) < 250_000


def test_a_dead_tile_has_the_dead_colour_and_a_cross(qtbot) -> None:
    from gui import theme

    session, snapshot = scene()
    view = shown_map(qtbot, session, snapshot)
    column = view.canvas.layout_of_map.column(0)
    assert column is not None
    rect = column.rects[6]
    picture = view.canvas.grab().toImage()
    assert picture.pixelColor(int(rect.left()) + 6, int(rect.top()) + 16) == theme.color("dead")
    colors = {picture.pixelColor(x, int(rect.top() + rect.height() * 0.36)).name()
              for x in range(int(rect.left()) + 4, int(rect.right()) - 4)}  # fmt: skip
    assert theme.color("on dead").name() in colors


def test_click_selects_and_arrows_move(qtbot) -> None:
    session, snapshot = scene()
    view = shown_map(qtbot, session, snapshot)
    column = view.canvas.layout_of_map.column(1)
    assert column is not None
    qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=column.rects[2].center().toPoint())
    assert session.selection == (1, 2)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert session.selection == (1, 3)
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert session.selection == (0, 3)


def test_a_bias_and_a_weight_are_typed_in(qtbot) -> None:
    session, snapshot = scene()
    view = shown_map(qtbot, session, snapshot)
    output = view.canvas.layout_of_map.column(2)
    assert output is not None
    spot = bias_spot(output.rects[0]).toPoint()
    qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=QPoint(spot.x() - 2, spot.y()))
    assert view.editor.isVisible()
    view.editor._value.setValue(1.5)
    assert session.edits[-1] == ("2.bias", (0,), 1.5)
    first = view.canvas.layout_of_map.columns[0]
    place = QPointF(first.right + 3, first.rects[1].center().y())
    qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=place.toPoint())
    view.editor._value.setValue(-0.25)
    key, index, value = session.edits[-1]
    assert (key, index[0], value) == ("0.kernel", 1, -0.25)


def test_a_weight_and_a_neuron_are_frozen(qtbot) -> None:
    session, snapshot = scene()
    held = np.zeros((8, 8), bool)
    held[2, 3] = True
    view = shown_map(qtbot, session, dataclasses.replace(snapshot, held={"1.kernel": held}))
    editor = view.editor
    view.edit_unit(1, 3, QPoint(20, 20), source=2)
    assert editor._held.isChecked() and not editor._all_held.isChecked()
    assert view.unit_numbers(1, 3).splitlines()[2] == "some weights frozen"
    editor._held.click()
    assert session.edits[-1] == ("1.kernel", (2, 3), False)
    editor._all_held.click()
    assert session.edits[-1] == (1, (3,), True) and editor._held.isChecked()
    editor._which.setCurrentIndex(0)
    assert editor._held.isChecked()
    editor._held.click()
    assert session.edits[-1] == ("1.bias", (3,), False) and not editor._all_held.isChecked()


def test_samples_curves_and_images_fill_the_tiles(qtbot) -> None:
    session, snapshot = scene()
    random = np.random.default_rng(2)
    seen = Activations(
        np.arange(40), tuple(random.random((40, len(layer.dead)), np.float32) for layer in snapshot.layers), 1.0
    )
    table = dataclasses.replace(snapshot, plane=None, activations=seen)
    session.dataset.raw_train = random.normal(size=(40, 5)).astype(np.float32)
    view = shown_map(qtbot, session, table)
    assert view.canvas.tiles.kind == "samples" and len(view.canvas.tiles.art[1].colors(40, 1.0)) == 8
    session.dataset.raw_train = session.dataset.x_train[:, :1]
    view = shown_map(qtbot, session, table)
    assert view.canvas.tiles.kind == "curve"
    session.dataset.raw_train, session.dataset.image_shape = session.dataset.x_train, (1, 2)
    view = shown_map(qtbot, session, table)
    assert view.canvas.tiles.weights_shown


def test_the_tile_of_a_poisson_output_shows_the_prediction(qtbot) -> None:
    session, snapshot = scene()
    session.dataset.task = "regression"
    session.document.spec = dataclasses.replace(snapshot.spec, loss="poisson")
    snapshot = dataclasses.replace(snapshot, spec=session.document.spec)
    logs, last = snapshot.plane.output, len(snapshot.layers) - 1
    logs.reshape(-1)[0] = 200.0  # more than float32 holds: the picture stands
    tile = shown_map(qtbot, session, snapshot).canvas.tiles.art[last]
    assert not tile.signed and np.isfinite(tile.colors(40, 1.0)).all()
    logs.reshape(-1)[0] = 0.0
    plane = dataclasses.replace(snapshot.plane, taken=2.0)
    tile = shown_map(qtbot, session, dataclasses.replace(snapshot, plane=plane)).canvas.tiles.art[last]
    np.testing.assert_allclose(tile.values[0], np.exp(logs[0])[::-1], rtol=1e-6)
    seen = Activations(
        np.arange(40), tuple(np.linspace(-1, 1, 40 * len(layer.dead)).reshape(40, -1) for layer in snapshot.layers), 1.0
    )
    session.dataset.raw_train = np.linspace(0, 1, 40)[:, None]
    line = dataclasses.replace(snapshot, plane=None, activations=seen)
    curve = shown_map(qtbot, session, line).canvas.tiles.art[last]
    assert curve.zero > 0.9 and (curve.y < curve.zero).all(), "above 0 everywhere"
    bend = np.diff(curve.y[0], 2)
    assert (bend < 0).all(), "the exponential of a straight line"


def test_the_tile_of_an_input_with_two_values_shows_both(qtbot) -> None:
    session, snapshot = scene()
    data = session.dataset
    data.x_train = np.random.default_rng(0).choice([-0.94, 1.06], size=(640, data.x_train.shape[1])).astype(np.float32)
    data.raw_train = np.zeros((640, 5), np.float32)
    seen = Activations(
        np.arange(640), tuple(np.ones((640, len(layer.dead)), np.float32) for layer in snapshot.layers), 1.0
    )
    view = shown_map(qtbot, session, dataclasses.replace(snapshot, plane=None, activations=seen))
    tile = view.canvas.tiles.art[INPUTS].values[0]
    assert tile.shape == (1, 64) and 16 < (tile < 0).sum() < 48
    np.testing.assert_array_equal(tile[0], data.x_train[::10, 0])


def test_before_training_and_after_divergence(qtbot) -> None:
    session, snapshot = scene()
    view = shown_map(qtbot, session, None)
    assert "Press Run" in view.status() and view.figure() is None and "Network map" in view.summary()
    view.show_snapshot(snapshot)
    view.grab()
    view.show_snapshot(dataclasses.replace(snapshot, state="diverged", plane=None, parameters=None))
    view.grab()
    assert "last good picture" in view.status() and view.canvas.tiles.art


def test_a_diverged_map_may_be_made_smaller_and_larger(qtbot) -> None:
    session, snapshot = scene((30,), ())
    view = shown_map(qtbot, session, snapshot)
    view.show_snapshot(dataclasses.replace(snapshot, state="diverged", plane=None, parameters=None))
    for height in (250, 900, 424):
        view.resize(712, height)
        assert not view.grab().isNull()


def test_a_thousand_units_are_counted_not_cut_off(qtbot) -> None:
    session, snapshot = scene((1000,), tuple(range(0, 1000, 2)))
    view = shown_map(qtbot, session, snapshot)
    column = view.canvas.layout_of_map.column(0)
    assert column is not None and column.more is not None and len(column.shown) + len(column.hidden) == 1000
    assert "dead" in view.canvas._more_words(column)
    session.select(0, 777)
    view.grab()
    column = view.canvas.layout_of_map.column(0)
    assert column is not None and 777 in column.shown
