"""Which network stands there after other data were chosen: the user's own, or a first one for images."""

from __future__ import annotations

import dataclasses

import pytest

from engine import datasets
from engine.default_network import default_design
from engine.layers import Dense
from gui import edits
from gui.document import first_document
from gui.panels.data_panel import DataPanel
from gui.session import Session

CLOTHES = "fashion_mnist_12k"


@pytest.fixture
def session(qtbot):
    made = Session()
    made.told = []
    made.notice.connect(lambda words, level: made.told.append(words))
    yield made
    made.close()


@pytest.fixture
def choose(qtbot, session):
    """Chooses a data set as the user does, and waits until it is there."""
    panel = DataPanel(session)
    qtbot.addWidget(panel)

    def act(name: str) -> list[str]:
        session.told.clear()
        panel._choose(panel.sets.findData(name))
        qtbot.waitUntil(lambda: session.document.data.name == name and not session._opener.waiting, timeout=30_000)
        return [layer.kind for layer in session.document.spec.layers]

    return act


def test_an_unchanged_first_network_becomes_one_for_images(session, choose):
    assert choose(CLOTHES)[:2] == ["Conv2D", "MaxPool2D"]
    spec, training = default_design(session.dataset)
    assert session.document.spec == spec
    assert session.document.training == dataclasses.replace(training, seed=first_document().training.seed)
    assert session.told == [
        "A network for images took the place of the one before, which was unchanged. Undo brings it back."
    ]


def test_undo_brings_the_first_network_back_and_redo_the_one_for_images(qtbot, session, choose):
    kinds = choose(CLOTHES)
    session.undo()
    qtbot.waitUntil(lambda: session.document == first_document())
    session.redo()
    qtbot.waitUntil(lambda: [layer.kind for layer in session.document.spec.layers] == kinds, timeout=30_000)


def test_it_is_told_once_also_where_the_images_are_at_hand(session, choose):
    for _ in range(2):
        assert choose(CLOTHES)[0] == "Conv2D" and len(session.told) == 1
        assert choose("spiral") == ["Dense"] * 3 and "these data" in session.told[0] and len(session.told) == 1


def test_layers_of_the_user_stay_and_the_flatten_is_told(session, choose):
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=5))
    training = session.document.training
    for _ in range(2):
        assert choose(CLOTHES) == ["Flatten", "Dense", "Dense", "Dense"]
        assert session.document.spec.layers[1] == Dense(5, "relu") and session.document.training == training
        assert session.told == ["Layer 1, Flatten, was added: layer 2 takes one row of values, not maps."]
        choose("spiral")


def test_other_data_without_images_between_change_nothing_of_this(session, choose):
    first = session.document.spec.layers[:-1]
    assert choose("moons") == choose("digits") == ["Dense"] * 3 and session.document.spec.layers[:-1] == first
    assert not session.told
    assert choose(CLOTHES)[0] == "Conv2D"


def test_training_that_was_changed_stays(session, choose):
    mine = dataclasses.replace(session.document.training, batch_size=50)
    session.edit("Batch", training=mine)
    assert choose(CLOTHES)[0] == "Conv2D" and session.document.training == mine


def test_a_changed_network_for_images_loses_only_what_does_not_fit(session, choose):
    choose(CLOTHES)
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, filters=4))
    assert choose("spiral")[-2:] == ["Dense", "Dense"] and "Conv2D" in session.told[0]
    assert datasets.get("spiral").name == session.document.data.name


def test_a_network_of_which_only_the_output_fits_gives_way(qtbot, session, choose):
    """The example with feature maps has no dense layer but its output: for points in a plane nothing would learn."""
    session.load_example("feature-maps")
    qtbot.waitUntil(lambda: session.document.data.name == CLOTHES and not session._opener.waiting, timeout=30_000)
    mine = session.document.spec
    assert choose("circles") == ["Dense", "Dense", "Dense"]
    assert session.document.spec == default_design(session.dataset)[0] and "took its place" in session.told[-1]
    session.undo()
    qtbot.waitUntil(lambda: session.document.spec == mine, timeout=30_000)
