"""The left column: what is set stands there whole, in the least window with room for the examples."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from engine import datasets
from engine.examples import EXAMPLES
from engine.layers import Conv1D, Dense, Flatten, Reshape
from engine.losses import LOSSES
from gui import app, edits, theme
from gui.document import Document
from gui.main_window import MainWindow
from gui.opener import make
from gui.panels.column import Column
from gui.panels.data_panel import DataPanel
from gui.panels.layer_card import LayerCard
from gui.panels.network_panel import NetworkPanel
from gui.panels.training_panel import TrainingPanel
from gui.session import Session
from gui.widgets.data_combo import data_picture
from gui.widgets.number_field import QuietCombo


@pytest.fixture
def column(qtbot: QtBot) -> Iterator[Column]:
    kept = theme.mode()
    _, window = app.build(["relume"])
    window.resize(1280, 720)
    window.show_workspace()
    window.show()
    qtbot.wait(20)
    yield window.left
    window._asked_to_close = True
    window.close()
    window.deleteLater()
    qtbot.wait(1)
    theme.set_mode(kept)


def session_of(column: Column) -> Session:
    window = column.window()
    assert isinstance(window, MainWindow)
    return window.session


def open_example(column: Column, name: str) -> None:
    example = EXAMPLES.get(name)
    session_of(column)._replace(make(Document(example.spec, example.training, example.data, None)), None)


def assert_nothing_is_cut(column: Column) -> None:
    ground = column.widget()
    assert ground is not None and ground.width() == column.viewport().width()
    for child in ground.findChildren(QWidget):
        if child.isVisible():
            right = child.mapTo(ground, child.rect().topRight()).x()
            assert right <= ground.width(), (child, child.accessibleName())
    for combo in ground.findChildren(QuietCombo):
        if combo.isVisible() and not combo.isEditable():
            assert "…" not in combo._fitting(combo.width() - 29), combo.accessibleName()


@pytest.mark.parametrize("name", ["spiral", "digits"])
def test_the_examples_fit_without_scrolling_whatever_layer_is_chosen(qtbot: QtBot, column: Column, name: str) -> None:
    open_example(column, name)
    session = session_of(column)
    for layer in (None, *range(len(session.document.spec.layers))):
        if layer is not None:
            session.select(layer)
        qtbot.wait(20)
        assert column.verticalScrollBar().maximum() == 0, layer
        assert_nothing_is_cut(column)


def test_many_layers_scroll_and_squeeze_nothing(qtbot: QtBot, column: Column) -> None:
    session = session_of(column)
    width = column.findChild(QuietCombo).width()
    spec = session.document.spec
    for _ in range(12):
        spec = edits.add_layer(spec)
    session.edit("Many", spec=edits.set_layer(spec, 0, activation="hard_sigmoid", units=1000))
    qtbot.waitUntil(lambda: len(column.findChildren(LayerCard)) == len(session.document.spec.layers))
    qtbot.waitUntil(lambda: column.verticalScrollBar().maximum() > 0)
    qtbot.wait(20)
    assert column.findChild(QuietCombo).width() == width
    assert_nothing_is_cut(column)


def test_the_card_of_a_large_layer_is_not_cut_while_it_is_chosen(qtbot: QtBot, column: Column) -> None:
    session = session_of(column)
    session.edit("Data", data=datasets.switch(session.document.data, "digits"))
    qtbot.waitUntil(lambda: session.document.spec.input_shape != (2,), timeout=20_000)
    layers = (Reshape((8, 8)), Conv1D(500, kernel_size=30, padding="same", activation="relu"), Flatten(), Dense(10))
    session.edit("Layers", spec=dataclasses.replace(session.document.spec, layers=layers))
    session.select(1, 0)
    qtbot.waitUntil(lambda: column.verticalScrollBar().maximum() > 0)
    qtbot.wait(20)
    panel = column.findChild(NetworkPanel)
    assert panel.parameters.text() == "120\u2009500 of 160\u2009510"
    assert panel.parameters.toolTip() == "120\u2009500 of 160\u2009510 parameters"
    assert_nothing_is_cut(column)


def test_every_loss_can_be_read(qtbot: QtBot, column: Column) -> None:
    session = session_of(column)
    panel = column.findChild(TrainingPanel)
    for name in ("spiral", "digits", "sine"):
        session.edit("Data", data=datasets.switch(session.document.data, name))
        for loss in LOSSES:
            if session.dataset.task in loss.tasks:
                panel.loss.setCurrentIndex(panel.loss.findData(loss.name))
                assert_nothing_is_cut(column)


def test_room_to_spare_shows_more_unless_the_user_folded_it(qtbot: QtBot, column: Column) -> None:
    open_example(column, "spiral")
    fold = column.findChild(DataPanel).more
    qtbot.wait(20)
    assert fold.isHidden()
    column.window().resize(1920, 1080)
    qtbot.waitUntil(fold.isVisible)
    assert column.verticalScrollBar().maximum() == 0
    column.window().resize(1280, 720)
    qtbot.waitUntil(fold.isHidden)
    fold.button.click()
    column.window().resize(1280, 680)
    qtbot.wait(20)
    assert fold.isVisible()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_data_set_has_its_picture(column: Column, mode: str) -> None:
    theme.set_mode(mode)
    combo = column.findChild(DataPanel).sets
    for name in (*datasets.names(), "table"):
        assert not data_picture(name).pixmap(QSize(28, 28)).isNull(), f"run tools/make_data_thumbnails.py {name}"
        if name != "table":
            assert not combo.itemIcon(combo.findData(name)).isNull()


def is_in_sight(column: Column, widget: QWidget) -> bool:
    """Whether a click on its middle reaches it."""
    place = widget.mapTo(column, widget.rect().center())
    found = column.childAt(place)
    return found is not None and (found is widget or widget.isAncestorOf(found))


def with_nine_layers(qtbot: QtBot, column: Column) -> NetworkPanel:
    column.window().resize(1280, 800)
    open_example(column, "feature-maps")
    session, panel = session_of(column), column.findChild(NetworkPanel)
    for _ in range(3):
        session.edit("Add", spec=edits.add_layer(session.document.spec))
    qtbot.waitUntil(lambda: len(panel.cards) == 9 and column.verticalScrollBar().maximum() > 0)
    qtbot.wait(20)
    return panel


def test_a_layer_can_be_added_wherever_the_column_is_scrolled(qtbot: QtBot, column: Column) -> None:
    panel = with_nine_layers(qtbot, column)
    bar = column.verticalScrollBar()
    for place in range(0, bar.maximum() + 1, 20):
        bar.setValue(place)
        assert is_in_sight(column, panel.add) and is_in_sight(column, panel.add_kind), place
        assert panel.add_place.floats == (panel.cards[-1].geometry().bottom() > panel.add.mapTo(panel, QPoint()).y())
    assert not panel.add_place.floats, "at the end it stands in its own place"
    bar.setValue(0)
    qtbot.mouseClick(panel.add, Qt.MouseButton.LeftButton)
    assert len(session_of(column).document.spec.layers) == 10
    column.window().resize(1280, 720)
    qtbot.wait(20)
    assert is_in_sight(column, panel.add)


def test_the_row_that_floats_hides_no_control_that_tab_reaches(qtbot: QtBot, column: Column) -> None:
    panel = with_nine_layers(qtbot, column)
    panel.cards[0].setFocus()
    seen = set()
    for _ in range(200):
        qtbot.keyClick(column.window().focusWidget(), Qt.Key.Key_Tab)
        focused = column.window().focusWidget()
        if focused is panel.add:
            break
        seen.update(card.index for card in panel.cards if card.isAncestorOf(focused))
        assert not panel.isAncestorOf(focused) or is_in_sight(column, focused), focused.accessibleName()
    assert seen == set(range(9)) and focused is panel.add


def test_the_row_that_floats_stays_below_the_head_of_its_panel(qtbot: QtBot, column: Column) -> None:
    panel = with_nine_layers(qtbot, column)
    column.findChild(DataPanel).more.open(True)
    column.window().resize(1280, 480)
    qtbot.wait(20)
    assert panel.add.mapTo(panel, QPoint()).y() >= 28
