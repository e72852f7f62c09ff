"""Residual blocks in the window: what stays selected, what projects, what is frozen, what a trace says."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engine.errors import RelumeError
from engine.layers import Dense, Layer, Maxout, Residual, Softmax
from engine.network import Network
from engine.spec import NetworkSpec
from gui import edits
from gui.dialogs.trace_layers import TraceBlock
from gui.main_window import MainWindow
from gui.panels.layer_card import OUTPUT
from gui.views.layer_words import layer_words
from gui.views.network_map import NetworkMap

BLOCK = Residual((Dense(8, "relu"), Dense(8)))


def design(*layers: Layer) -> NetworkSpec:
    return NetworkSpec((2,), (*layers, Dense(1)), "binary_cross_entropy")


def paths(window: MainWindow) -> str:
    selected = window.session.selection
    assert selected is not None
    return window.session.document.spec.parts[selected[0]].path


def test_what_is_selected_stays_so_when_a_projection_appears_before_it(window: MainWindow) -> None:
    session = window.session
    session.edit("Block", spec=design(Dense(8, "relu"), BLOCK))
    for path, unit in (("1", 3), ("1.1", 3), ("2", 0)):
        place = session.document.spec.place(path)
        assert place is not None
        session.select(place, unit)
        session.edit("Wider", spec=edits.set_layer(session.document.spec, 0, units=12))
        assert paths(window) == path
        session.edit("Narrow", spec=edits.set_layer(session.document.spec, 0, units=8))
        assert paths(window) == path
    session.select(session.document.spec.place("1.1"), 3)
    session.edit("No block", spec=design(Dense(8, "relu")))
    assert session.selection is None


def test_a_projection_is_nothing_to_edit() -> None:
    spec = design(Dense(12, "relu"), BLOCK)
    projection = next(index for index, part in enumerate(spec.parts) if part.skips)
    for act in (
        lambda: edits.set_layer(spec, projection, units=9),
        lambda: edits.freeze_layer(spec, projection),
        lambda: edits.remove_layer(spec, projection),
        lambda: edits.duplicate_layer(spec, projection),
        lambda: edits.move_layer(spec, projection, 0),
    ):
        with pytest.raises(RelumeError, match="projection"):
            act()


def test_layers_within_a_frozen_block_are_called_frozen() -> None:
    spec = design(Dense(8, "relu"), dataclasses.replace(BLOCK, trainable=False))
    frozen = {words.number for words in layer_words(spec) if "frozen" in words.title}
    assert frozen == {"2.1", "2.2", "2"}
    network = Network(spec)
    held = set(network.frozen().tolist())
    for key, (place, _) in network.slices.items():
        assert (place.start in held) == key.startswith("1."), key


def test_only_the_block_with_a_projection_is_called_projected(window: MainWindow) -> None:
    session = window.session
    inner = Residual((Dense(6),))
    session.edit("Blocks", spec=design(Dense(8, "relu"), Residual((inner, Dense(8)))))
    view = next(view for view in window.findChildren(NetworkMap) if view.isVisible())
    lines = {words.number: view.state_line(words) for words in layer_words(session.document.spec)}
    assert lines["2.1"] == "+ layer 1, projected" and lines["2"] == "+ layer 1"


@pytest.mark.parametrize("layer", [Maxout(3), Softmax(), BLOCK], ids=["Maxout", "Softmax", "Residual"])
def test_a_trace_names_no_activation_where_there_is_none(layer: Layer) -> None:
    words = next(w for w in layer_words(design(Dense(8), layer)) if w.number == "2")
    values = np.linspace(-1.0, 1.0, words.units, dtype=np.float32)
    told = TraceBlock(words, 0.0, 0.0, 4, values, values, np.zeros(words.units, bool)).unit_words(0)
    assert "(z)" not in told and "z =" not in told and "gives −1" in told
    assert "relu(z)" in TraceBlock(
        layer_words(design(Dense(8, "relu")))[0], 0.0, 0.0, 4, np.ones(8), np.ones(8), np.zeros(8, bool)
    ).unit_words(0)


@pytest.mark.parametrize(
    ("example", "number"), [("xor-two-units", "6.1"), ("xor-two-units", "2.1"), ("too-deep", "2.2")]
)
def test_what_was_half_typed_into_a_layer_that_went_changes_nothing(
    qtbot: QtBot, window: MainWindow, example: str, number: str
) -> None:
    session, cards = window.session, window.network_panel.cards
    session.load_example("deep-with-skips")
    qtbot.waitUntil(lambda: cards[-1].kind == OUTPUT and len(cards) > 20)
    card = next(card for card in cards if card.number == number)
    window.activateWindow()
    card.units.field.setFocus()
    qtbot.waitUntil(card.units.field.hasFocus)
    card.units.field.setText("7")
    session.load_example(example)
    spec = session.document.spec
    window.network_panel.add.setFocus()
    qtbot.wait(50)
    assert session.document.spec == spec
    qtbot.waitUntil(lambda: [card.number for card in cards] == [part.number for part in spec.parts])
