"""Layer cards of every kind, made from the field tables; where a layer goes, and what comes with it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QVBoxLayout, QWidget

import engine
from engine.data.dataset import Dataset
from engine.data.spec import DataSpec
from engine.errors import RelumeError
from engine.layers import (
    LAYERS,
    AveragePool2D,
    BatchNorm,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalMaxPool2D,
    MaxPool2D,
    Residual,
)
from engine.outputs import fit_output
from engine.spec import NetworkSpec
from gui import edits
from gui.document import Document
from gui.panels.layer_words import declared_fields, parameter_count, shape_words, window_words
from gui.panels.network_panel import NetworkPanel
from gui.session import Session

MAPS = (Conv2D(filters=4, kernel_size=5, activation="relu"), MaxPool2D(), Flatten(), Dense(12, "relu"), Dense(10))
IMAGES = DataSpec("spiral", seed=71)  # only a name


def images() -> Dataset:
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(60, 12, 12, 1)).astype(np.float32)
    return Dataset(x[:40], np.arange(40) % 10, x[40:], np.arange(20) % 10, task="multiclass")


def network(layers=MAPS, shape=(12, 12, 1)) -> NetworkSpec:
    return NetworkSpec(shape, layers, "softmax_cross_entropy")


def kinds(spec: NetworkSpec) -> list[str]:
    return [layer.kind for layer in spec.layers]


@pytest.fixture
def session(qtbot, monkeypatch):
    monkeypatch.setattr("engine.trainer.Trainer.open", lambda self: None)  # a design, nothing trains
    made = Session()
    made._opener.keep(IMAGES, images())
    made.open_document(Document(network(), engine.TrainingSpec(), IMAGES), "Images")
    yield made
    made.close()


@pytest.fixture
def panel(session, qtbot):
    column = QWidget()
    layout = QVBoxLayout(column)
    shown = NetworkPanel(session)
    layout.addWidget(shown)
    qtbot.addWidget(column)
    column.resize(272, 900)
    column.show()
    qtbot.waitUntil(lambda: len(shown.cards) == len(session.document.spec.layers))
    shown.column = column
    return shown


@pytest.fixture
def told(session) -> list[str]:
    words: list[str] = []
    session.notice.connect(lambda text, _: words.append(text))
    return words


def named(panel: QWidget, kind: type, name: str):
    found = [child for child in panel.findChildren(kind) if child.accessibleName() == name]
    assert found, f"no {kind.__name__} called {name}"
    return found[0]


def type_into(qtbot, field: QLineEdit, text: str) -> None:
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, text)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def test_every_field_of_every_kind_has_a_control_with_its_name(session, panel, qtbot):
    layers = (Conv2D(), AveragePool2D(), MaxPool2D(), BatchNorm(), GlobalMaxPool2D(), Dropout(), Dense(), Dense(10))
    session.edit("All kinds", spec=network(layers))
    qtbot.waitUntil(lambda: [card.kind for card in panel.cards[:-1]] == kinds(session.document.spec)[:-1])
    for number, layer in enumerate(layers[:-1], 1):
        names = {child.accessibleName() for child in panel.findChildren(QWidget)}
        wanted = {f"{field.label} of layer {number}" for field in declared_fields(type(layer)).values()}
        assert wanted <= names, (layer.kind, wanted - names)
        assert f"Remove layer {number}" in names


def test_the_menu_offers_every_kind_with_its_advice(panel):
    texts = [action.text() for action in panel.add_kind.menu().actions()]
    assert texts == [f"{record.name}\t{record.advice}" for record in LAYERS]


def test_a_field_of_a_convolution_is_one_step_of_undo(session, panel, qtbot):
    type_into(qtbot, named(panel, QLineEdit, "Kernel size of layer 1"), "3")
    assert session.document.spec.layers[0].kernel_size == 3 and session.undo_stack.count() == 1
    padding = named(panel, QComboBox, "Padding of layer 1")
    padding.activated.emit(padding.findData("same"))
    assert session.document.spec.layers[0].padding == "same" and session.undo_stack.count() == 2
    session.undo()
    session.undo()
    assert session.document.spec.layers == MAPS


def test_what_cannot_fit_is_refused_in_words_and_nothing_is_lost(session, panel, qtbot, told):
    field = named(panel, QLineEdit, "Kernel size of layer 1")
    type_into(qtbot, field, "20")
    assert session.document.spec.layers == MAPS and field.text() == "5"
    assert "20 x 20" in told[-1] and "12 x 12" in told[-1] and "layer 1" in told[-1]


def test_an_empty_stride_of_a_pool_is_its_size(session, panel, qtbot):
    field = named(panel, QLineEdit, "Strides of layer 2")
    type_into(qtbot, field, "1")
    assert session.document.spec.shapes()[1] == (7, 7, 4)
    field.clear()
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert session.document.spec.layers[1].strides is None


def test_many_new_cards_come_in_turns_though_others_were_of_another_kind(session, panel, qtbot):
    deep = network((*MAPS[:3], *(Dense(5, "relu") for _ in range(20)), Dense(10)))
    session.edit("Deep", spec=deep)
    qtbot.waitUntil(lambda: [card.title.text().split("\u2002")[1] for card in panel.cards[:4]][-1] == "Dense")
    session.edit("Maps", spec=network((*MAPS[:2], Flatten(), *(Dropout(0.1) for _ in range(19)), Dense(10))))
    qtbot.waitUntil(lambda: [card.kind for card in panel.cards[:-1]] == kinds(session.document.spec)[:-1])
    assert panel.cards[2].title.text() == "3\u2002Flatten" and len(panel.cards) == 23


def test_a_card_tells_its_window_its_shape_and_when_chosen_its_parameters(session, panel):
    card = panel.cards[0]
    assert (card.shape.left.text(), card.shape.right.text()) == ("5 × 5", "8 × 8 × 4")
    session.select(0)
    assert card.shape.left.text() == "8 × 8 × 4, 104 parameters"
    assert panel.parameters.text().startswith("104 of ")
    assert not panel.cards[3].shape.isVisibleTo(panel)


def test_a_layer_goes_where_it_fits(session, panel):
    for kind, place in (("Conv2D", 2), ("MaxPool2D", 3), ("Dense", 6), ("Dropout", 7)):
        next(action for action in panel.add_kind.menu().actions() if action.data() == kind).trigger()
        assert kinds(session.document.spec)[place] == kind, kind


def test_a_convolution_in_a_table_is_refused_in_words():
    flat = NetworkSpec((2,), (Dense(4, "relu"), Dense(1)), "binary_cross_entropy")
    with pytest.raises(RelumeError, match="images"):
        edits.add_layer(flat, Conv2D())


def test_flatten_stays_where_maps_meet_a_dense_layer_and_this_is_told(session, panel, told):
    for act in (panel.cards[3].move_up, named(panel, QPushButton, "Remove layer 3").click):
        told.clear()
        act()
        assert session.document.spec.layers == MAPS and "Flatten stays" in told[-1]


def test_other_data_keep_what_fits():
    spec = fit_output(network(), engine.datasets.load("xor", samples=40))
    assert spec.input_shape == (2,) and kinds(spec) == ["Dense", "Dense"]
    back = fit_output(spec, images())
    assert kinds(back) == ["Flatten", "Dense", "Dense"] and back.output_shape == (10,)
    assert edits.told(network(), spec).startswith("Conv2D, MaxPool2D and Flatten do not fit these data")
    assert edits.told(spec, back).startswith("Layer 1, Flatten, was added")


def test_words_of_shapes_and_windows():
    assert shape_words((24, 24, 16)) == "24 × 24 × 16" and shape_words((1,)) == "1 value"
    assert window_words(Conv2D(kernel_size=3, strides=2, padding="same")) == "3 × 3, stride 2, same"
    assert window_words(Conv2D(dilation_rate=2, groups=4)) == "3 × 3, dilation 2, 4 groups"
    assert window_words(Conv1D(kernel_size=5, strides=2)) == "5 long, stride 2"
    assert window_words(MaxPool2D()) == "2 × 2" and window_words(Dense()) == ""
    spec = network((*MAPS[:2], BatchNorm(), *MAPS[2:]))
    assert sum(parameter_count(part) for part in spec.parts) == spec.parameter_count()


def test_a_new_kind_of_layer_is_dressed_by_its_table(session, panel, qtbot, monkeypatch):
    from engine.fields import field
    from engine.kinds import Kind
    from engine.registry import Registry

    @dataclasses.dataclass(frozen=True)
    class Noise(Dropout):
        share: float = field(0.1, "float", "Share", "How much.", minimum=0, maximum=1)
        often: bool = field(True, "flag", "Often", "Every step.")

    table = Registry("kind of layer")
    for record in (*LAYERS, Kind("Noise", Noise, "Noise", "Adds noise.")):
        table.add(record)
    monkeypatch.setattr("gui.panels.layer_card.LAYERS", table)
    spec = network((*MAPS[:-1], Noise(), MAPS[-1]))
    session.edit("Noise", spec=spec)
    qtbot.waitUntil(lambda: len(panel.cards) == 6)
    type_into(qtbot, named(panel, QLineEdit, "Share of layer 5"), "0.3")
    assert session.document.spec.layers[4].share == 0.3
    named(panel, QWidget, "Often of layer 5").click()
    assert session.document.spec.layers[4].often is False


# ---- blocks -----------------------------------------------------------------------------------


@pytest.fixture
def block(session, panel, qtbot) -> Residual:
    """A block of two convolutions before the rest."""
    made = Residual((Conv2D(4, 3, padding="same", activation="relu"), Conv2D(1, 3, padding="same")))
    session.edit("Block", spec=network((made, *MAPS)))
    qtbot.waitUntil(lambda: [card.number for card in panel.cards[:3]] == ["1", "1.1", "1.2"])
    return made


def test_layers_within_a_block_are_edited_like_all_others(session, panel, qtbot, block):
    named(panel, QWidget, "More: Filters of layer 1.1").click()
    assert session.document.spec.layers[0].layers[0].filters == 5
    card = panel.cards[1]
    card.move_down()
    assert [layer.filters for layer in session.document.spec.layers[0].layers] == [1, 5]
    session.undo()
    session.undo()
    assert session.document.spec.layers[0] == block
    panel.cards[2].remove()
    assert session.document.spec.layers[0].layers == block.layers[:1]


def test_a_block_takes_more_layers_but_never_none(session, panel, qtbot, block, told):
    panel.cards[0].add_within("BatchNorm")
    assert [layer.kind for layer in session.document.spec.layers[0].layers] == ["Conv2D", "Conv2D", "BatchNorm"]
    session.edit("One", spec=network((Residual((BatchNorm(),)), *MAPS)))
    qtbot.waitUntil(lambda: panel.cards[1].kind == "BatchNorm")
    panel.cards[1].remove()
    assert session.document.spec.layers[0] == Residual((BatchNorm(),)) and "Add a layer to it" in told[-1]


def test_what_does_not_fit_within_a_block_is_told_with_its_place(session, panel, block, told):
    panel.cards[1]._set_field("padding", "valid")
    assert session.document.spec.layers[0] == block and "layer 1" in told[-1] and "no skip" in told[-1]


def test_an_added_block_gets_layers_that_suit_its_place(session, panel, qtbot):
    from gui.panels.network_panel import add_layer

    add_layer(session, "Residual")
    made = next(layer for layer in session.document.spec.layers if isinstance(layer, Residual))
    assert [layer.kind for layer in made.layers] == ["Dense", "Dense"]
