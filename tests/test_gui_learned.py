"""What activations learn is shown unit by unit while it trains, and can be changed by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QLineEdit

from engine.layers import Dense
from gui import edits
from gui.main_window import MainWindow
from gui.views.learned import learned_by
from gui.views.network_map import NetworkMap
from gui.views.weights import Weights

OWN = {"name": "= max(0, x) + a*min(0, x)", "a": 0.1}
ROWS = {
    "prelu": ("slope, from 0.25",), "swish": ("beta, from 1",), "pelu": ("a, from 1", "b, from 1"),
    "srelu": ("right, from 1", "right slope, from 1", "left, from 0", "left slope, from 0.2"),
    "own": ("a, from 0.1",), "tanh": (), "leaky_relu": (),
}  # fmt: skip


@pytest.fixture
def view(window: MainWindow, qtbot) -> Weights:
    window.show_view("weights")
    return next(view for view in window.tab_views() if isinstance(view, Weights))


def shown(view: Weights, qtbot, activation) -> None:
    session = view.session
    layer = Dense(8, OWN if activation == "own" else activation)
    session.edit("Activation", spec=edits.set_layer(session.document.spec, 0, activation=layer.activation))
    session.step_epoch()

    def there() -> bool:
        seen = session.snapshot
        return (
            seen is not None and seen.spec == session.document.spec and seen.epoch > 0 and seen.parameters is not None
        )

    qtbot.waitUntil(there, timeout=60_000)
    qtbot.wait(50)


@pytest.mark.parametrize("activation", ROWS)
def test_every_learned_option_is_a_row_with_its_start(view: Weights, qtbot, activation: str) -> None:
    shown(view, qtbot, activation)
    numbers, rows = view.learned.numbers, ROWS[activation]
    assert view.learned.isVisible() == bool(rows)
    if not rows:
        return
    told = [numbers.headerData(k, Qt.Orientation.Vertical) for k in range(numbers.rowCount())]
    assert tuple(told) == rows and numbers.columnCount() == 8
    parameters = view.session.trainer.network.parameters()
    for k, learned in enumerate(learned_by(view.session.document.spec.parts[0])):
        values = [float(numbers.data(numbers.index(k, unit), Qt.ItemDataRole.EditRole)) for unit in range(8)]
        np.testing.assert_allclose(values, parameters[learned.key], rtol=1e-6)
        assert (parameters[learned.key] != learned.start).any(), "it has learned"


def test_a_number_is_typed_over_and_comes_back_with_undo(view: Weights, qtbot) -> None:
    shown(view, qtbot, "prelu")
    session, table = view.session, view.learned.table
    before = session.trainer.network.parameters()["0.activation.slope"]
    index = view.learned.numbers.index(0, 2)
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=table.visualRect(index).center() + QPoint(1, 1))
    assert session.selection == (0, 2)
    for typed, kept in (("0,75", 0.75), ("much", 0.75)):
        told = []
        session.notice.connect(lambda words, _level, told=told: told.append(words))
        table.setCurrentIndex(index)
        table.edit(index)
        editor = [each for each in table.findChildren(QLineEdit) if each.isVisible()][-1]  # the last one may still go
        editor.setText(typed)
        qtbot.keyClick(editor, Qt.Key.Key_Return)
        QApplication.processEvents()
        after = session.trainer.network.parameters()["0.activation.slope"]
        assert after[2] == np.float32(kept) and (np.delete(after, 2) == np.delete(before, 2)).all()
        assert bool(told) == (typed == "much")
        qtbot.waitUntil(lambda: view.learned.numbers.data(index) == "0.750", timeout=10_000)
    assert session.undo_stack.undoText() == "Set slope"
    session.undo()
    assert (session.trainer.network.parameters()["0.activation.slope"] == before).all()


def test_the_map_tells_what_a_neuron_has_learned_and_edits_it(window: MainWindow, view: Weights, qtbot) -> None:
    window.show_view("map")
    shown(view, qtbot, "prelu")
    network_map = next(view for view in window.tab_views() if isinstance(view, NetworkMap))
    assert "slope 0." in network_map.unit_numbers(0, 3) and "learned from 0.25" in network_map.unit_numbers(0, 3)
    network_map.edit_unit(0, 3, QPoint(50, 50))
    which = network_map.editor._which
    assert [which.itemText(k) for k in range(2)] == ["bias", "slope of its activation"]
    which.setCurrentIndex(1)
    network_map.editor._value.setValue(0.5)
    assert window.session.trainer.network.parameters()["0.activation.slope"][3] == 0.5
