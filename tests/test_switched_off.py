"""Neurons that are switched off: they give 0 until they are switched on again, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

import engine
from engine.errors import RelumeError
from engine.files.weights import export_weights
from gui import edits
from gui.views.layer_words import layer_words, unit_state
from gui.views.network_map import NetworkMap
from gui.views.unit_menu import is_frozen

SPEC = engine.NetworkSpec(
    (2,), (engine.Dense(6, "tanh"), engine.Dense(5, "relu"), engine.Dense(1)), "binary_cross_entropy"
)


@pytest.fixture(scope="module")
def spiral() -> engine.Dataset:
    return engine.datasets.load("spiral", seed=3, samples=200)


def test_a_neuron_is_switched_off_and_on_in_the_middle_of_a_run(spiral: engine.Dataset) -> None:
    trainer = engine.Trainer(SPEC, engine.TrainingSpec(engine.Adam(0.01), 10, epochs=9, seed=7), spiral)
    trainer.step(30)
    x, before = spiral.x_test, trainer.network.parameters()
    whole = trainer.network.activations(x)
    trainer.change(spec=edits.switch_unit(SPEC, 0, 2))
    after = trainer.network.parameters()
    assert all(np.array_equal(before[key], after[key]) for key in before), "no weight is touched"
    first, second, _ = trainer.network.activations(x)
    assert not first[:, 2].any() and np.array_equal(np.delete(first, 2, 1), np.delete(whole[0], 2, 1))
    kernel, bias = after["1.kernel"], after["1.bias"]
    np.testing.assert_allclose(
        second, np.maximum(np.delete(first, 2, 1) @ np.delete(kernel, 2, 0) + bias, 0), atol=1e-6
    )
    trainer.step(5)
    trainer.change(spec=SPEC)
    assert trainer.network.activations(x)[0][:, 2].any()


def test_nothing_reaches_a_neuron_that_is_off(spiral: engine.Dataset) -> None:
    network = engine.Network(edits.switch_unit(SPEC, 1, 4), seed=1)
    _, gradients = network.gradients(spiral.x_train, spiral.y_train)
    assert not gradients["1.kernel"][:, 4].any() and not gradients["1.bias"][4]
    assert not gradients["2.kernel"][4].any() and gradients["2.kernel"][:4].any()


def test_the_design_keeps_it(tmp_path, spiral: engine.Dataset) -> None:
    spec = edits.switch_unit(SPEC, 0, 5)
    assert engine.NetworkSpec.from_dict(spec.to_dict()) == spec
    report = export_weights(engine.Network(spec, 3), tmp_path / "network.py", dataset=spiral)
    assert report.largest_difference < 1e-6
    fewer = edits.set_layer(spec, 0, units=4)
    assert not fewer.layers[0].off, "a unit that comes back is not off"  # type: ignore[attr-defined]
    with pytest.raises(RelumeError, match="hidden layers"):
        edits.switch_unit(spec, 2, 0)
    with pytest.raises(RelumeError, match="Switched off"):
        engine.Dense(4, off=("first",))


def test_a_tile_of_the_map_has_a_menu(qtbot, window) -> None:
    session = window.session
    session.step_epoch()
    view = next(view for view in window.findChildren(NetworkMap) if view.isVisible())
    qtbot.waitUntil(lambda: view.snapshot is not None and view.canvas.layout_of_map.column(0) is not None)
    place: QPoint = view.canvas.layout_of_map.column(0).rects[1].center().toPoint()
    reason = QContextMenuEvent.Reason.Mouse
    QApplication.sendEvent(view.canvas, QContextMenuEvent(reason, place, view.canvas.mapToGlobal(place)))
    menu = view.findChildren(QMenu)[-1]
    assert "neuron 2 of layer 1" in menu.accessibleName().lower()
    menu.actions()[0].trigger()
    assert menu.actions()[1].text() == "Freeze its weights"
    menu.actions()[1].trigger()
    menu.close()
    assert session.document.spec.layers[0].off == (1,)
    assert window.actions_by_name["switch neuron"].text() == "Switch on neuron 2 of layer 1"
    session.step_epoch()
    qtbot.waitUntil(lambda: view.snapshot is not None and view.snapshot.spec == session.document.spec)
    words = layer_words(session.document.spec)[0]
    assert unit_state(words, view.snapshot.layers[0], 1) == "off"
    qtbot.waitUntil(lambda: is_frozen(session, 0, 1))
    assert not is_frozen(session, 0, 2)
    session.undo()
    qtbot.waitUntil(lambda: not is_frozen(session, 0, 1))
    assert session.document.spec.layers[0].off == (1,)
    session.undo()
    assert session.document.spec.layers[0].off == ()
    session.select(2, 0)
    window.actions_by_name["freeze layer"].trigger()
    assert not session.document.spec.layers[2].trainable
    assert window.actions_by_name["freeze layer"].text() == "Unfreeze layer 3"
    window.actions_by_name["freeze layer"].trigger()
    assert session.document.spec.layers[2].trainable
