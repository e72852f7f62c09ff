"""The activation picker: search, keys, options, taking and keeping."""

from __future__ import annotations

import dataclasses

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLineEdit, QPushButton, QVBoxLayout, QWidget

from engine import activation_cost
from engine.activations import ACTIVATIONS
from engine.fields import name_of, options_of
from gui.dialogs.activation_list import NAME, families
from gui.dialogs.activation_picker import ActivationPicker
from gui.panels.changes import change
from gui.panels.network_panel import NetworkPanel
from gui.session import Session


@pytest.fixture
def session(qtbot):
    made = Session()
    yield made
    made.close()


@pytest.fixture
def window(session, qtbot):
    made = QWidget()
    column = QVBoxLayout(made)
    made.panel = NetworkPanel(session)
    column.addWidget(made.panel)
    qtbot.addWidget(made)
    made.resize(1200, 760)
    made.show()
    qtbot.waitExposed(made)
    return made


@pytest.fixture
def picker(window, qtbot):
    button = next(b for b in window.findChildren(QPushButton) if b.accessibleName() == "Activation of layer 1")
    button.click()
    return window.findChild(ActivationPicker)


def names(picker: ActivationPicker) -> list[str]:
    rows = [picker.list.item(row).data(NAME) for row in range(picker.list.count())]
    return [name for name in rows if name]


def test_every_activation_is_listed_once_and_the_one_in_use_is_chosen(picker):
    assert sorted(names(picker)) == sorted(ACTIVATIONS.names())
    assert picker.list.chosen() == "relu"
    assert sum(families().values()) == len(ACTIVATIONS)


def test_search_arrows_and_enter_take_another(picker, session, qtbot):
    qtbot.keyClicks(picker.search, "hard")
    assert names(picker) and all("hard" in name for name in names(picker))
    first = picker.list.chosen()
    qtbot.keyClick(picker.search, Qt.Key.Key_Down)
    chosen = picker.list.chosen()
    assert chosen != first and picker.facts.name.text() == chosen
    assert session.document.spec.layers[0].activation == "relu"
    qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    assert session.document.spec.layers[0].activation == chosen
    assert not picker.isVisible()
    session.undo_stack.undo()
    assert session.document.spec.layers[0].activation == "relu"


@pytest.mark.parametrize("name", ACTIVATIONS.names())
def test_a_name_that_is_typed_is_chosen_and_names_that_begin_so_follow(picker, session, qtbot, name):
    picker.search.setText(name)
    found = names(picker)
    begin = [other.startswith(name) or ACTIVATIONS.get(other).title.casefold().startswith(name) for other in found]
    assert picker.list.chosen() == found[0] == name and sorted(begin, reverse=True) == begin
    assert picker.facts.name.text() == name
    qtbot.keyClick(picker.search, Qt.Key.Key_Return)
    assert session.document.spec.layers[0].activation == name


def test_escape_and_keep_change_nothing(picker, window, session, qtbot):
    picker.list.choose("tanh")
    qtbot.keyClick(picker.search, Qt.Key.Key_Escape)
    assert not picker.isVisible() and session.document.spec.layers[0].activation == "relu"


def test_a_click_elsewhere_closes(picker, window, session, qtbot):
    qtbot.mouseClick(window, Qt.MouseButton.LeftButton, pos=window.rect().bottomLeft())
    assert not picker.isVisible() and session.document.spec.layers[0].activation == "relu"


def test_a_card_that_goes_takes_it_along(picker, window, session, qtbot):
    seen = []
    picker.destroyed.connect(lambda: seen.append("gone"))
    one = dataclasses.replace(session.document.spec, layers=session.document.spec.layers[-1:])
    with qtbot.captureExceptions() as faults:
        change(session, "One layer", lambda: {"spec": one})
        qtbot.waitUntil(lambda: bool(seen))
        window.resize(900, 600)
        qtbot.wait(10)
    assert not faults and window.findChild(ActivationPicker) is None


def test_families_narrow_the_list(picker, qtbot):
    for chip in picker.findChildren(QPushButton):
        family = chip.property("family")
        if family:
            chip.click()
            assert len(names(picker)) == families()[family]
            assert {ACTIVATIONS.get(name).family for name in names(picker)} == {family}


def test_options_are_taken_with_the_activation(picker, session, qtbot):
    record = next(r for r in ACTIVATIONS if r.options and not r.options[0].learned)
    picker.list.choose(record.name)
    words = record.options[0].name.replace("_", " ").capitalize()
    field = next(f for f in picker.findChildren(QLineEdit) if f.accessibleName() == words)
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "0.25")
    qtbot.keyClick(field, Qt.Key.Key_Tab)
    picker.take()
    taken = session.document.spec.layers[0].activation
    assert name_of(taken) == record.name and options_of(taken) == {record.options[0].name: 0.25}


def test_every_activation_shows_its_facts(picker):
    for record in ACTIVATIONS:
        picker.list.choose(record.name)
        assert picker.facts.name.text() == record.name and picker.facts.formula.text() == record.formula
        assert record.advice in picker.facts.advice.text()
        assert ("where learning starts" in picker.facts.advice.text()) == bool(record.learned)
        assert picker.use.text() == f"Use {record.name}"
        assert not picker.grab().isNull()


def test_an_own_formula_is_drawn_as_it_is_typed_and_taken(picker, session, qtbot):
    assert picker.own.field.accessibleName() == "Own formula"
    qtbot.keyClicks(picker.own.field, "x*sigmoid(a*x)")
    assert name_of(picker.facts.value) == "= x*sigmoid(a*x)" and picker.list.chosen() == ""
    assert picker.use.accessibleName() == "Use this formula" and picker.use.isEnabled()
    start = next(field for field in picker.facts.findChildren(QLineEdit) if field.accessibleName() == "a")
    assert start.text() == "1"
    assert picker.own.words.text() == "Slopes by x and a checked at 1\u2009601 points."
    for other in ("x*", "", "x + foo(x)"):  # however much is said beneath, the field stays under the mouse
        picker.own.field.setText(other)
        qtbot.wait(1)
        assert picker.own.words.height() == picker.own.words.minimumHeight()
    picker.own.field.setText("x*sigmoid(a*x)")
    start = next(field for field in picker.facts.findChildren(QLineEdit) if field.accessibleName() == "a")
    start.setText("2")
    start.editingFinished.emit()
    qtbot.keyClick(picker.own.field, Qt.Key.Key_Return)
    taken = session.document.spec.layers[0].activation
    assert name_of(taken) == "= x*sigmoid(a*x)" and options_of(taken) == {"a": 2.0}


def test_a_wrong_formula_is_told_with_its_place_and_cannot_be_taken(picker, session, qtbot):
    before = session.document.spec
    qtbot.keyClicks(picker.own.field, "x + foo(x)")
    assert picker.own.words.text().startswith("Character 5: There is no function called foo.")
    assert not picker.use.isEnabled() and picker.own.field.marked == 4
    qtbot.keyClick(picker.own.field, Qt.Key.Key_Return)
    assert picker.isVisible() and session.document.spec is before
    picker.own.field.setText("  x  +  foo(x)")  # what is typed is pointed at, not what is kept of it
    assert picker.own.words.text().startswith("Character 9:") and picker.own.field.marked == 8
    picker.own.field.setText("x +")
    assert picker.own.field.marked == 3
    picker.own.field.setText("1/x")
    assert picker.own.words.text().startswith("It is no finite number at x = 0.") and picker.own.field.marked is None
    assert not picker.use.isEnabled()
    picker.own.field.setText("abs(x)")
    assert picker.use.isEnabled() and "foo" not in picker.own.words.text()
    picker.list.choose("tanh")
    assert picker.use.isEnabled() and picker.use.accessibleName() == "Use tanh"
    picker.own.field.setText("abs(")
    assert not picker.use.isEnabled()
    picker.own.field.clear()
    assert picker.use.isEnabled()


def test_a_layer_with_an_own_formula_opens_with_it(window, session, qtbot):
    first = dataclasses.replace(session.document.spec.layers[0], activation="= abs(x) - a")
    layers = (first, *session.document.spec.layers[1:])
    change(session, "own", lambda: {"spec": dataclasses.replace(session.document.spec, layers=layers)})
    button = next(b for b in window.findChildren(QPushButton) if b.accessibleName() == "Activation of layer 1")
    assert button.text() == "= abs(x) - a"
    button.click()
    picker = window.findChild(ActivationPicker)
    assert picker.own.field.text() == "abs(x) - a" and name_of(picker.facts.value) == "= abs(x) - a"


def test_the_cost_is_measured_when_it_is_asked_for(qtbot, picker) -> None:
    facts = picker.facts
    picker.list.choose("relu")
    assert not facts._cost.isVisible() and facts.measure.isVisible()
    facts.measure.click()
    qtbot.waitUntil(lambda: "ns a value" in facts._cost.text(), timeout=30_000)
    picker.list.choose("tanh")
    assert not facts._cost.isVisible() and facts.measure.isVisible(), "it was not measured yet"


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "prelu", "srelu", "rrelu", "= x*sigmoid(a*x)"])
def test_every_kind_of_activation_has_a_cost(name) -> None:
    measured = activation_cost.cost(name)
    assert 0.0 < measured.forward < 1000.0 and 0.0 < measured.backward < 1000.0
    assert activation_cost.cost("linear") == (0.0, 0.0)


def test_a_click_beside_its_controls_leaves_it_open(picker, qtbot):
    qtbot.mouseClick(picker.own.words, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(picker, Qt.MouseButton.LeftButton, pos=picker.rect().topLeft() + QPoint(4, 4))
    assert picker.isVisible()
    qtbot.mouseClick(picker.parentWidget(), Qt.MouseButton.LeftButton, pos=QPoint(2, 2))
    assert not picker.isVisible()


def test_words_about_an_activation_have_one_line_each_where_they_are_few(picker):
    for record in ACTIVATIONS:
        picker.list.choose(record.name)
        words = picker.facts._facts["Monotone"]
        assert words.fontMetrics().horizontalAdvance(words.text()) <= 156, words.text()
