"""The panels as a user drives them: by accessible name, against a real session."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QToolButton, QVBoxLayout, QWidget

from engine import datasets
from engine.activations import ACTIVATIONS
from engine.diagnosis import Finding, Remedy
from engine.fields import NamedOptions
from engine.optimizers import OPTIMIZERS
from engine.schedules import SCHEDULES
from gui import edits
from gui.panels.data_panel import DataPanel
from gui.panels.finding_row import FindingRow
from gui.panels.findings_panel import FindingsPanel
from gui.panels.network_panel import NetworkPanel
from gui.panels.training_panel import TrainingPanel
from gui.session import Session
from gui.widgets.curve_thumbnail import curves


@pytest.fixture
def session(qtbot):
    made = Session()
    yield made
    made.close()


def panel_of(kind, session: Session, qtbot) -> QWidget:
    """A panel in a column, as in the window."""
    column = QWidget()
    layout = QVBoxLayout(column)
    panel = kind(session)
    layout.addWidget(panel)
    qtbot.addWidget(column)
    column.resize(272, 700)
    column.show()
    panel.column = column
    return panel


def named(panel: QWidget, kind: type, name: str):
    found = [child for child in panel.findChildren(kind) if child.accessibleName() == name and child.isEnabled()]
    assert found, f"no {kind.__name__} called {name}"
    return found[0]


def type_into(qtbot, field: QLineEdit, text: str) -> None:
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def choose(combo: QComboBox, data: object) -> None:
    row = combo.findData(data)
    assert row >= 0
    combo.setCurrentIndex(row)
    combo.activated.emit(row)


def test_a_finding_breaks_its_buttons_into_lines_where_there_is_little_room(qtbot):
    remedies = tuple(Remedy(f"A cure of some length {number}", "reset") for number in range(3))
    finding = Finding("dead", 0, (3,), "serious", "z is below 0 on all samples. " * 3, "A cause.", remedies, "Dead")
    row = FindingRow(finding)
    qtbot.addWidget(row)
    row.show()
    row.resize(400, row.heightForWidth(400))
    assert row.minimumSizeHint().width() <= 400
    buttons = [button for button in row.findChildren(QPushButton) if button.isVisible()]
    assert len(buttons) == 5
    assert all(row.rect().contains(button.geometry()) for button in buttons)
    assert len({button.y() for button in buttons}) > 1


def test_layers_are_added_removed_moved_and_undone(session, qtbot):
    panel = panel_of(NetworkPanel, session, qtbot)
    before = session.document.spec
    named(panel, QPushButton, "Add layer").click()
    assert len(session.document.spec.layers) == len(before.layers) + 1 == len(panel.cards)
    named(panel, QPushButton, "Remove layer 1").click()
    assert len(panel.cards) == len(before.layers)
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.document.spec == before and len(panel.cards) == len(before.layers)
    session.edit("Units", spec=edits.set_layer(before, 0, units=3))
    panel.cards[0].move_down()
    assert [layer.units for layer in session.document.spec.layers[:2]] == [8, 3]
    panel.cards[0].duplicate()
    assert [layer.units for layer in session.document.spec.layers[:3]] == [8, 8, 3]


def test_dragging_a_card_moves_its_layer(session, qtbot):
    panel = panel_of(NetworkPanel, session, qtbot)
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=3))
    below = panel.cards[1].mapToGlobal(panel.cards[1].rect().bottomLeft()).y()
    panel.cards[0].dragged.emit(panel.cards[0], below)
    panel.cards[0].dropped.emit(panel.cards[0], below)
    assert [layer.units for layer in session.document.spec.layers[:2]] == [8, 3]


def test_units_are_typed_and_stepped_and_bad_text_is_told(session, qtbot):
    panel = panel_of(NetworkPanel, session, qtbot)
    told: list[str] = []
    session.notice.connect(lambda text, _: told.append(text))
    field = named(panel, QLineEdit, "Units of layer 1")
    type_into(qtbot, field, "12")
    assert session.document.spec.layers[0].units == 12
    panel.cards[0].units.more.click()
    assert session.document.spec.layers[0].units == 13
    for bad in ("many", "0", "-3", "2.5", "1e99"):
        type_into(qtbot, field, bad)
        assert session.document.spec.layers[0].units == 13 and field.text() == "13"
    assert len(told) == 5


def test_cards_stay_when_only_values_change(session, qtbot):
    panel = panel_of(NetworkPanel, session, qtbot)
    before = list(panel.cards)
    session.edit("Activation", spec=edits.set_layer(session.document.spec, 0, activation="tanh"))
    assert panel.cards == before
    assert named(panel, QPushButton, "Activation of layer 1").text() == "tanh"


def test_thirty_layers_have_thirty_cards(session, qtbot):
    panel = panel_of(NetworkPanel, session, qtbot)
    spec = session.document.spec
    for _ in range(28):
        spec = edits.add_layer(spec)
    session.edit("Many", spec=spec)
    qtbot.waitUntil(lambda: len(panel.cards) == 31)
    assert named(panel, QLineEdit, "Units of layer 30")


def _units_known(snapshot) -> bool:
    return snapshot is not None and bool(np.isfinite(snapshot.layers[0].max_z).all())


def test_dead_neurons_are_told_on_their_card_and_in_the_findings(session, qtbot):
    network, findings = panel_of(NetworkPanel, session, qtbot), panel_of(FindingsPanel, session, qtbot)
    qtbot.waitUntil(lambda: _units_known(session.take_snapshot()), timeout=60_000)
    snapshot = session.snapshot
    layer = snapshot.layers[0]
    dead, since = np.zeros(8, bool), np.full(8, -1)
    dead[[2, 5]], since[[2, 5]] = True, 4
    hurt = dataclasses.replace(layer, dead=dead, dead_since=since, max_z=np.full(8, -0.5, np.float32))
    others = tuple(dataclasses.replace(one, dead=np.zeros_like(one.dead)) for one in snapshot.layers[1:])
    snapshot = dataclasses.replace(snapshot, layers=(hurt, *others))
    network.show_snapshot(snapshot)
    findings.show_snapshot(snapshot)
    assert network.cards[0].words.text() == "2 dead" and network.cards[1].words.text() == "all alive"
    assert len(findings.rows) == 1
    rate = session.document.training.optimizer.learning_rate
    named(findings, QPushButton, "Lower the rate").click()
    assert session.document.training.optimizer.learning_rate == pytest.approx(rate / 10)
    findings.show_snapshot(snapshot)
    named(findings, QPushButton, "Use leaky_relu").click()
    assert session.document.spec.layers[0].activation == "leaky_relu"
    healthy = dataclasses.replace(snapshot, layers=(dataclasses.replace(hurt, dead=~dead & dead), *others))
    network.show_snapshot(dataclasses.replace(healthy, spec=session.document.spec))
    findings.show_snapshot(dataclasses.replace(healthy, spec=session.document.spec))
    assert network.cards[0].words.text() == "all alive" and not findings.rows


def test_a_double_sigmoid_is_told_before_training_with_its_cure(session, qtbot):
    panel = panel_of(FindingsPanel, session, qtbot)
    last = len(session.document.spec.layers) - 1
    session.edit("Output", spec=edits.set_layer(session.document.spec, last, activation="sigmoid"))
    titles = [row.finding.title for row in panel.rows]
    assert any("squashed twice" in title for title in titles)
    named(panel, QPushButton, "Use linear").click()
    assert session.document.spec.layers[last].activation == "linear"
    assert not any("squashed twice" in row.finding.title for row in panel.rows)


def test_only_controls_that_change_the_set_are_shown(session, qtbot):
    panel = panel_of(DataPanel, session, qtbot)
    panel.more.open(True)
    assert panel.noise_row.isVisible() and panel.features_row.isVisible() and panel.classes_row.isVisible()
    assert not panel.target_row.isVisible()
    choose(named(panel, QComboBox, "Data set"), "sine")
    assert session.document.data.name == "sine" and session.dataset.task == "regression"
    assert panel.target_row.isVisible() and not panel.features_row.isVisible() and not panel.classes_row.isVisible()
    choose(named(panel, QComboBox, "Data set"), "iris")
    qtbot.waitUntil(lambda: session.document.data.name == "iris", timeout=20_000)
    assert not panel.noise_row.isVisible() and not panel.points_row.isVisible()
    assert panel.sets.detail == "150 samples, 3 classes"


def test_every_data_set_is_on_offer(session, qtbot):
    panel = panel_of(DataPanel, session, qtbot)
    combo = named(panel, QComboBox, "Data set")
    offered = {combo.itemData(row) for row in range(combo.count())}
    assert set(datasets.names()) <= offered


def test_inputs_are_switched_and_the_last_one_stays(session, qtbot):
    panel = panel_of(DataPanel, session, qtbot)
    panel.more.open(True)
    chips = panel.features.chips
    chips["x^2"].click()
    assert session.document.data.features == ("x", "y", "x^2") and session.document.spec.input_shape == (3,)
    told: list[str] = []
    session.notice.connect(lambda text, _: told.append(text))
    for name in ("x^2", "y", "x"):
        chips[name].click()
    assert session.document.data.features == ("x",) and told and chips["x"].isChecked()


def test_points_noise_and_seed_change_the_data(session, qtbot):
    panel = panel_of(DataPanel, session, qtbot)
    type_into(qtbot, named(panel, QLineEdit, "Points"), "100")
    assert len(session.dataset.x_train) + len(session.dataset.x_test) == 100
    panel.noise.slider.setValue(20)
    assert session.document.data.noise == pytest.approx(0.2)
    seed = session.document.data.seed
    named(panel, QPushButton, "Draw again").click()
    assert session.document.data.seed == seed + 1
    type_into(qtbot, named(panel, QLineEdit, "Points"), "2")
    assert session.document.data.samples == 100 and panel.points.text() == "100"


def test_every_schedule_can_be_chosen_and_its_options_set(session, qtbot):
    panel = panel_of(TrainingPanel, session, qtbot)
    panel.more.button.click()
    assert not panel.rates.isVisibleTo(panel), "a rate that stays needs no picture"
    for name in SCHEDULES.names():
        choose(named(panel, QComboBox, "Schedule"), name)
        assert session.document.training.schedule.kind == name and panel.rates.isVisibleTo(panel)
    type_into(qtbot, named(panel, QLineEdit, "Patience"), "3")
    type_into(qtbot, named(panel, QLineEdit, "Warm-up"), "2.5")
    type_into(qtbot, named(panel, QLineEdit, "Clip norm"), "0.5")
    training = session.document.training
    assert (training.schedule.patience, training.warmup, training.clip_norm) == (3, 2.5, 0.5)
    type_into(qtbot, named(panel, QLineEdit, "Clip norm"), " ")
    assert session.document.training.clip_norm is None
    assert not panel.best.isVisibleTo(panel)
    type_into(qtbot, named(panel, QLineEdit, "Early stopping"), "7")
    panel.best.click()
    assert session.document.training.patience == 7 and not session.document.training.restore_best
    choose(named(panel, QComboBox, "Schedule"), None)
    assert session.document.training.schedule is None


def test_a_loss_has_its_numbers_and_classes_their_weights(session, qtbot):
    panel = panel_of(TrainingPanel, session, qtbot)
    panel.more.button.click()
    choose(named(panel, QComboBox, "Loss"), "binary_focal")
    type_into(qtbot, named(panel, QLineEdit, "Gamma"), "3")
    assert session.document.spec.to_dict()["loss"] == {"name": "binary_focal", "gamma": 3.0}
    type_into(qtbot, named(panel, QLineEdit, "Gamma"), "2")
    assert session.document.spec.loss == "binary_focal"
    choose(named(panel, QComboBox, "Loss"), "softmax_cross_entropy")
    type_into(qtbot, named(panel, QLineEdit, "Smoothing"), "0.1")
    assert session.document.spec.loss == NamedOptions("softmax_cross_entropy", (("label_smoothing", 0.1),))
    type_into(qtbot, named(panel, QLineEdit, "Smoothing"), "1")
    assert session.document.spec.loss.options == (("label_smoothing", 0.1),)
    choose(named(panel, QComboBox, "Class weights"), "balanced")
    assert session.document.training.class_weights == "balanced"
    session.edit("Own", training=dataclasses.replace(session.document.training, class_weights=(1.0, 2.0)))
    assert named(panel, QComboBox, "Class weights").currentText() == "By hand"
    choose(named(panel, QComboBox, "Class weights"), None)
    assert session.document.training.class_weights is None


def test_every_optimizer_can_be_chosen_and_its_options_set(session, qtbot):
    panel = panel_of(TrainingPanel, session, qtbot)
    rate = named(panel, QComboBox, "Learning rate")
    type_into(qtbot, rate.lineEdit(), "0.04")
    combo = named(panel, QComboBox, "Optimizer")
    for name in OPTIMIZERS.names():
        choose(combo, name)
        assert session.document.training.optimizer.kind == name
        assert session.document.training.optimizer.learning_rate == 0.04
    choose(combo, "SGD")
    type_into(qtbot, named(panel, QLineEdit, "Momentum"), "0.9")
    named(panel, QWidget, "Nesterov").click()
    assert session.document.training.optimizer.momentum == 0.9 and session.document.training.optimizer.nesterov


def test_batch_size_goes_from_one_to_the_whole_set(session, qtbot):
    panel = panel_of(TrainingPanel, session, qtbot)
    combo = named(panel, QComboBox, "Batch size")
    type_into(qtbot, combo.lineEdit(), "1")
    assert session.document.training.batch_size == 1
    combo.setCurrentIndex(combo.findText("Whole set"))
    combo.activated.emit(combo.currentIndex())
    assert session.document.training.batch_size == len(session.dataset.x_train)
    for bad in ("none", "0", "-1", "1.5", ""):
        type_into(qtbot, combo.lineEdit(), bad) if bad else None
        assert session.document.training.batch_size == len(session.dataset.x_train)
    assert combo.currentText() == str(len(session.dataset.x_train))


def test_stops_are_typed_and_cleared(session, qtbot):
    panel = panel_of(TrainingPanel, session, qtbot)
    target = named(panel, QLineEdit, "Target loss")
    type_into(qtbot, target, "0,05")
    assert session.document.training.target_loss == 0.05
    target.clear()
    target.setFocus()
    qtbot.keyClick(target, Qt.Key.Key_Return)
    assert session.document.training.target_loss is None
    type_into(qtbot, named(panel, QLineEdit, "Stop at epoch"), "50")
    assert session.document.training.epochs == 50


def test_losses_on_offer_fit_the_task(session, qtbot):
    panel = panel_of(TrainingPanel, session, qtbot)
    combo = named(panel, QComboBox, "Loss")
    assert combo.findData("hinge") >= 0
    session.edit("Data", data=datasets.switch(session.document.data, "sine"))
    assert combo.findData("hinge") < 0 and combo.currentData() == "mean_squared_error"


def test_every_control_has_a_name(session, qtbot):
    for kind in (DataPanel, NetworkPanel, TrainingPanel, FindingsPanel):
        panel = panel_of(kind, session, qtbot)
        for child in panel.findChildren(QWidget):
            if isinstance(child, QPushButton | QToolButton | QLineEdit | QComboBox):
                inside = isinstance(child.parent(), QComboBox)
                assert child.accessibleName() or inside, (kind.__name__, child, child.parent())


@pytest.mark.parametrize("record", list(ACTIVATIONS), ids=lambda record: record.name)
def test_jumps_are_cut_and_smooth_curves_are_not(record):
    z, f, slope = curves(record, record.values())
    assert np.isfinite(f).all() != record.jumps()
    cut = int(np.isnan(slope).sum())
    assert cut <= 2 * len(record.kinks)
    if record.smooth:
        assert cut == 0


def test_a_step_in_the_slope_is_cut():
    for name, jumps in (("relu", 1), ("abs", 1), ("hard_tanh", 2)):
        _, _, slope = curves(ACTIVATIONS.get(name), ())
        assert jumps <= np.isnan(slope).sum() <= 2 * jumps, name


def test_options_of_an_activation_show_in_its_thumbnail(session, qtbot):
    panel = panel_of(NetworkPanel, session, qtbot)
    button = named(panel, QPushButton, "Activation of layer 1")
    steep = NamedOptions("leaky_relu", (("negative_slope", 0.5),))
    session.edit("Activation", spec=edits.set_layer(session.document.spec, 0, activation="leaky_relu"))
    before = button.icon().pixmap(32, 20).toImage()
    session.edit("Activation", spec=edits.set_layer(session.document.spec, 0, activation=steep))
    assert button.icon().pixmap(32, 20).toImage() != before
