"""The heatmap: rows, segments, cells, and what a user reads from it."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QObject, QPoint, Qt, Signal

import engine
from engine.data.preprocessing import Preprocessing
from engine.spec import NetworkSpec, TrainingSpec
from engine.telemetry import Activations, LayerSnapshot, Snapshot, UnitEpochs
from gui import theme
from gui.numbers import percent
from gui.views.cells import DEAD_LEVEL, large_size
from gui.views.heatmap import Heatmap
from gui.views.heatmap_margin import LEFT, RIGHT, share_words
from gui.views.heatmap_pixels import pixel_columns, pixel_rows, run_starts
from gui.views.heatmap_rows import (
    Block,
    block_cells,
    column_at,
    dead_marks,
    lay_out_blocks,
    lay_out_segments,
    runs,
    spread,
    spread_first,
)
from gui.views.layer_words import run_words, state_choices


class FakeSession(QObject):
    document_changed = Signal()
    dataset_changed = Signal()
    selection_changed = Signal()
    sample_changed = Signal()

    def __init__(self, spec: NetworkSpec, dataset: Any) -> None:
        super().__init__()
        self.document, self.dataset = SimpleNamespace(spec=spec), dataset
        self.selection: tuple[int, int] | None = None
        self.sample: tuple[str, int] | None = None

    def select(self, layer: int, unit: int) -> None:
        self.selection = (layer, unit)
        self.selection_changed.emit()

    def pick_sample(self, part: str, index: int) -> None:
        self.sample = (part, index)


def scene(units: int = 8, dead: tuple[int, ...] = (6,), activation: str = "relu", classes: int = 2):
    random = np.random.default_rng(0)
    outputs = 1 if classes <= 2 else classes
    loss = "binary_cross_entropy" if classes == 2 else "softmax_cross_entropy" if classes else "mean_squared_error"
    spec = NetworkSpec((3,), (engine.Dense(units, activation=activation), engine.Dense(outputs)), loss)
    count = 60
    y = np.sort(random.integers(0, classes, count)) if classes else np.sort(random.normal(size=(count, 1)), axis=0)
    task = ("regression", "", "binary")[classes] if classes <= 2 else "multiclass"
    x = random.normal(size=(count, 3)).astype(np.float32)
    data = SimpleNamespace(name="own", x_train=x, y_train=y, task=task, feature_names=("a", "b", "c"), raw_train=x,
                           class_names=tuple("ABCDEFGHIJKL"[:classes]),
                           preprocessing=Preprocessing(raw_names=("x", "y")))  # fmt: skip
    layers, values, shares = [], [], []
    for width, gone_units in ((units, dead), (outputs, ())):
        gone = np.zeros(width, bool)
        gone[list(gone_units)] = True
        a = random.normal(size=(count, width)).astype(np.float32)
        a = a if activation == "tanh" else np.maximum(a, 0)
        a[:, gone] = 0
        values.append(a)
        share = (a != 0).mean(axis=0)
        layers.append(LayerSnapshot(gone, np.where(gone, -0.07, 2.0), a.mean(axis=0), share,
                                    np.where(gone, 20, -1), 0.1, False))  # fmt: skip
        shares.append(np.tile(share, (30, 1)))
    gone_cells = tuple((np.arange(30)[:, None] >= 20) & layer.dead[None] for layer in layers)
    epochs = UnitEpochs(np.arange(30), tuple(shares), tuple(shares), gone_cells)
    snapshot = Snapshot(
        1, spec, TrainingSpec(), "running", 10, 3, 0, 4, 1.0, 1e5, 0.1, 0.1, 0.9, 0.9, tuple(layers), {}, 1.0,
        activations=Activations(np.arange(count), tuple(values), 1.0), unit_epochs=epochs,
    )  # fmt: skip
    return FakeSession(spec, data), snapshot


def shown_heatmap(qtbot, session, snapshot, size: tuple[int, int] = (712, 424)) -> Heatmap:
    view = Heatmap(session)
    qtbot.addWidget(view)
    view.resize(*size)
    view.show()
    if snapshot is not None:
        view.show_snapshot(snapshot)
    view.grab()
    return view


def test_rows_fill_the_window_or_scroll() -> None:
    blocks, height = lay_out_blocks([(0, 8), (1, 8)], 340)
    assert height <= 340 and {block.row for block in blocks} == {16}
    blocks, height = lay_out_blocks([(i, 8) for i in range(20)], 340)
    assert height > 340 and all(block.row >= 6 and block.merged == 1 for block in blocks)
    assert all(b.top >= a.bottom for a, b in zip(blocks, blocks[1:], strict=False))


@pytest.mark.parametrize("units", [1, 7, 100, 151, 1000, 5000])
def test_every_unit_has_a_row_whatever_the_width(units: int) -> None:
    (block,), height = lay_out_blocks([(0, units)], 340)
    assert height <= 340
    covered = [unit for row in range(block.rows) for unit in block.units_of(row)]
    assert covered == list(range(units))
    assert all(block.row_of(unit) < block.rows for unit in covered)
    assert block.row_at(block.bottom - 1) == block.rows - 1 and block.row_at(block.bottom) is None


def test_segments_are_as_wide_as_their_classes() -> None:
    segments = lay_out_segments((("A", 0, 30), ("B", 1, 10)), 64, 402)
    assert [s.width for s in segments] == [300, 100] and segments[1].left == 64 + 302
    assert column_at(segments, 64) == 0 and column_at(segments, 64 + 301) is None
    assert column_at(segments, 64 + 401) == 39


def test_merged_rows_show_the_largest_and_are_dead_only_when_all_are() -> None:
    values = np.zeros((4, 6), np.float32)
    values[1, 3] = 1.0
    dead = np.array([True, True, True, False, True, True])
    cells = block_cells(values, dead, Block(0, 6, 0, 1, 2), None, 1.0, False)
    assert cells.shape == (3, 4)
    assert cells[0].tolist() == [DEAD_LEVEL] * 4 and cells[1].tolist() == [0, 254, 0, 0] and cells[2, 0] == DEAD_LEVEL


def test_more_samples_than_pixels_keep_single_hot_ones() -> None:
    values = np.zeros((1000, 1), np.float32)
    values[777] = 1.0
    segments = lay_out_segments((("", 0, 1000),), 0, 50)
    cells = block_cells(values, np.zeros(1, bool), Block(0, 1, 0, 1, 1), run_starts(segments), 1.0, False)
    assert cells.shape == (1, 50) and (cells == 254).sum() == 1


@pytest.mark.parametrize("ratio", [1.0, 1.25, 2.0])
def test_every_pixel_knows_its_row_and_column(ratio: float) -> None:
    block, segments = Block(0, 3, 0, 10, 1), lay_out_segments((("A", 0, 4), ("B", 1, 2)), 64, 62)
    rows, columns = pixel_rows(block, ratio), pixel_columns(segments, round(64 * ratio), round(62 * ratio), ratio)
    assert len(rows) == round(30 * ratio) and {*rows.tolist()} == {-1, 0, 1, 2}
    assert (rows == -1).sum() == pytest.approx(3 * ratio, abs=2)
    assert (np.diff(columns[columns >= 0]) >= 0).all() and {*columns.tolist()} == {-1, 0, 1, 2, 3, 4, 5}
    assert (columns == -1).sum() == pytest.approx(2 * ratio, abs=1)


def test_large_size_ignores_a_few_hot_cells() -> None:
    values = np.ones(10_000)
    values[:5] = 1e6
    assert large_size(values) == 1.0
    assert large_size(np.zeros(5)) == 0.0 and large_size(np.array([np.nan])) == 0.0


def test_labels_keep_their_distance() -> None:
    assert spread(np.array([0.0, 4, 9, 14, 15, 29]), 14) == [0, 3, 5]


def test_a_dead_row_is_solid_and_said_in_words(qtbot) -> None:
    session, snapshot = scene()
    view = shown_heatmap(qtbot, session, snapshot)
    canvas = view.canvas
    y = canvas.place_of(0, 6)
    assert y is not None
    picture = canvas.grab().toImage()
    right = canvas.width() - RIGHT
    assert picture.pixelColor(right - 4, y + 3) == theme.color("dead")
    margin = [picture.pixelColor(x, y + canvas.blocks[0].row // 2) for x in range(10, 32)]
    assert min(abs(color.green() - theme.color("dead").green()) for color in margin) < 40
    words = canvas.words_at(LEFT + 5, y + 2)
    assert "neuron 7" in words and "dead since epoch 20" in words and "largest z −0.07" in words
    assert "class A" in words
    assert "1 of 8 dead (neurons 7)" in view.summary()


@pytest.mark.parametrize("row", [5, 6, 8, 10, 11, 14, 36])
def test_every_dead_row_has_a_cross_of_its_own_and_none_touch(row: int) -> None:
    block = Block(0, 40, 0, row, 1)
    dead = np.arange(40) % 5 != 0
    found = dead_marks(block, dead)
    assert len(found) == dead.sum()
    for mark, unit in zip(found, np.flatnonzero(dead).tolist(), strict=True):
        assert block.row_at(mark.center) == unit and not mark.merged and mark.size >= 3
    assert all(b.center - a.center > (a.size + b.size) / 2 for a, b in zip(found, found[1:], strict=False))


@pytest.mark.parametrize("row", [1, 2, 3, 4])
def test_thin_dead_rows_share_crosses_that_leave_none_out(row: int) -> None:
    block = Block(0, 300, 0, row, 1)
    dead = np.random.default_rng(1).random(300) < 0.4
    found = dead_marks(block, dead)
    covered = [any(m.top <= block.rows_top + unit * row < m.bottom for m in found) for unit in np.flatnonzero(dead)]
    assert all(covered)
    alone = dead_marks(block, np.arange(300) == 7)
    assert len(alone) == 1 and not alone[0].merged and alone[0].size >= 6


def test_runs_are_found() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)] and runs(np.zeros(3, bool)) == []


@pytest.mark.parametrize(
    ("units", "size"), [(16, (712, 424)), (100, (712, 424)), (100, (456, 300)), (1000, (712, 424))]
)
def test_dead_neurons_are_counted_in_the_head_at_any_width(qtbot, units: int, size: tuple[int, int]) -> None:
    session, snapshot = scene(units=units, dead=(3, 4, 5))
    view = shown_heatmap(qtbot, session, snapshot, size)
    layer = snapshot.layers[0]
    assert state_choices(view.words[0], layer)[0] == f"3 of {units} dead since epoch 20"
    head = view.canvas.words_at(40, view.canvas.blocks[0].top + 8)
    assert f"3 of {units} dead since epoch 20" in head
    assert run_words(layer, 3, 6) == ("3 dead since epoch 20", "neurons 4 to 6")
    picture = view.canvas.grab().toImage()
    seen = {picture.pixelColor(x, 14).name() for x in range(100, 300)}
    assert theme.color("dead").name() in seen


def test_dead_rows_are_numbered_before_the_others() -> None:
    centers = np.arange(8) * 10.0
    first = np.isin(np.arange(8), (3, 7))
    found = spread_first(centers, first, 14)
    assert {3, 7} <= set(found) and all(b - a >= 2 for a, b in zip(found, found[1:], strict=False)) and 0 in found


@pytest.mark.parametrize("mode", [0, 1])
@pytest.mark.parametrize("width", [456, 712])
def test_the_scale_stays_inside_its_bar_at_any_width(qtbot, mode: int, width: int) -> None:
    session, snapshot = scene()
    view = shown_heatmap(qtbot, session, snapshot, (width, 424))
    view._modes.button(mode).click()
    qtbot.waitUntil(lambda: view.scale.geometry().right() <= width - 16)
    assert view._layers.geometry().right() < view.scale.geometry().left()
    view.show_snapshot(dataclasses.replace(snapshot, state="diverged"))
    assert view._foot.mapTo(view, QPoint(view._foot.width(), 0)).x() <= width


def test_a_little_activity_is_not_none() -> None:
    assert share_words(0.003).startswith("<") and share_words(0.0) == percent(0.0)


def test_a_sparse_neuron_is_not_marked(qtbot) -> None:
    session, snapshot = scene(dead=())
    view = shown_heatmap(qtbot, session, snapshot)
    assert "dead" not in view.summary()
    picture = view.canvas.grab().toImage()
    seen = {picture.pixelColor(x, y).name() for x in range(0, 700, 7) for y in range(0, 200, 3)}
    assert theme.color("dead").name() not in seen


def test_epochs_mode_turns_dead_at_the_epoch_of_death(qtbot) -> None:
    session, snapshot = scene()
    view = shown_heatmap(qtbot, session, snapshot)
    view._modes.button(1).click()
    assert view.mode == "epochs" and view.watches == {"epochs"}
    picture = view.canvas.grab().toImage()
    y = view.canvas.place_of(0, 6)
    assert y is not None
    width = view.canvas.width() - LEFT - RIGHT
    assert picture.pixelColor(LEFT + int(width * 0.9), y + 3) == theme.color("dead")
    assert picture.pixelColor(LEFT + int(width * 0.5), y + 3) != theme.color("dead")
    assert "epoch 15" in view.canvas.words_at(LEFT + width * 15.5 / 30, y + 3)
    assert view.scale_words(False) == ("0", "100 %")


def test_signed_activations_use_the_diverging_map(qtbot) -> None:
    session, snapshot = scene(activation="tanh", dead=())
    view = shown_heatmap(qtbot, session, snapshot)
    assert view.is_signed(view.words[0])
    figure = view.figure()
    assert figure is not None
    image = figure.panels[0].marks[0]
    assert image.colors == "diverging" and image.low == -image.high  # type: ignore[union-attr]


def test_click_selects_and_arrows_walk_through_the_rows(qtbot) -> None:
    session, snapshot = scene()
    view = shown_heatmap(qtbot, session, snapshot)
    y = view.canvas.place_of(0, 2)
    assert y is not None
    qtbot.mouseClick(view.canvas, Qt.MouseButton.LeftButton, pos=QPoint(LEFT + 20, y + 3))
    assert session.selection == (0, 2)
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert session.selection == (0, 3)
    qtbot.mouseDClick(view.canvas, Qt.MouseButton.LeftButton, pos=QPoint(LEFT, y + 3))
    assert session.sample == ("train", 0)


@pytest.mark.parametrize("classes", [0, 3, 10, 12])
def test_bands_for_any_task(qtbot, classes: int) -> None:
    session, snapshot = scene(classes=classes)
    view = shown_heatmap(qtbot, session, snapshot)
    assert view.data is not None and len(view.canvas.segments) == (classes or 1)
    assert ("target" if not classes else "class") in view._foot.text()


def test_before_training_preparing_and_after_divergence(qtbot) -> None:
    session, snapshot = scene()
    view = shown_heatmap(qtbot, session, None)
    assert "Press Run" in view.status() and view.figure() is None
    empty = dataclasses.replace(snapshot, activations=None, unit_epochs=None, preparing=(3, 9))
    view.show_snapshot(empty)
    assert "4 of 9" in view._empty.sentence
    view.show_snapshot(snapshot)
    picture = view.data
    view.show_snapshot(dataclasses.replace(snapshot, state="diverged", activations=None))
    view.grab()
    assert view.data is picture and "last good picture" in view._foot.text()


def test_the_output_is_a_choice_of_its_own(qtbot) -> None:
    session, snapshot = scene()
    view = shown_heatmap(qtbot, session, snapshot)
    assert [words.index for words in view.shown_layers()] == [0]
    view._choose_layer(2)
    assert [words.index for words in view.shown_layers()] == [1]
    view.grab()
