"""Undo of what is frozen, and of changes of a network that was trained: the weights come back to the bit."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from engine import shelf
from engine.checkpoint import Checkpoint
from gui import edits
from gui.document import first_document
from gui.session import Session


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    made = Session()
    made.told = []  # type: ignore[attr-defined]
    made.notice.connect(lambda words, level: made.told.append((level, words)))  # type: ignore[attr-defined]
    yield made
    made.close()


def wait(qtbot: QtBot, session: Session, condition: Callable[[], object]) -> None:
    def holds() -> bool:
        session.take_snapshot()
        return bool(condition())

    qtbot.waitUntil(holds, timeout=60_000)


def frozen(session: Session) -> dict[str, list]:
    return {key: np.argwhere(mask).tolist() for key, mask in session.trainer.snapshot().held.items()}


def test_what_is_frozen_is_a_step_of_undo(qtbot: QtBot, session: Session) -> None:
    wait(qtbot, session, lambda: session.snapshot is not None and session.snapshot.preparing is None)
    session.freeze("0.kernel", (1, 3), True)
    session.freeze(0, (3,), True)
    neuron = {"0.kernel": [[0, 3], [1, 3]], "0.bias": [[3]]}
    assert frozen(session) == neuron and session.unsaved
    assert session.undo_stack.count() == 2 and session.undo_stack.undoText() == "Freeze weights"
    session.freeze("0.bias", (3,), False)
    assert frozen(session) == {"0.kernel": neuron["0.kernel"]} and session.undo_stack.undoText() == "Unfreeze weights"
    session.undo()
    assert frozen(session) == neuron
    session.undo()
    assert frozen(session) == {"0.kernel": [[1, 3]]}, "what was frozen before stays so"
    session.undo()
    assert frozen(session) == {} and not session.unsaved
    for _ in range(3):
        session.redo()
    assert frozen(session) == {"0.kernel": neuron["0.kernel"]}
    before = session.trainer.network.parameters()["0.kernel"]
    session.step_epoch()
    wait(qtbot, session, lambda: session.snapshot.step > 0)
    session.pause()
    assert (session.trainer.network.parameters()["0.kernel"] == before).all(axis=0).nonzero()[0].tolist() == [3]
    session.freeze(9, (3,), True)
    wait(qtbot, session, lambda: session.told)
    session.undo()  # of what was refused: nothing happens
    assert frozen(session) == {"0.kernel": neuron["0.kernel"]} and len(session.told) == 1


def bits(session: Session) -> list[bytes]:
    """Everything that training goes on from."""
    kept = session.trainer.checkpoint()
    arrays = [*kept.parameters.values(), *(np.asarray(value) for value in kept.stepper.values())]
    return [np.asarray(array).tobytes() for array in arrays]


CHANGES = {
    "add": lambda spec: edits.add_layer(spec),
    "add first": lambda spec: edits.add_layer(spec, at=0),
    "remove": lambda spec: edits.remove_layer(spec, 0),
    "fewer units": lambda spec: edits.set_layer(spec, 1, units=3),
    "activation": lambda spec: edits.set_layer(spec, 0, activation="prelu"),
    "off": lambda spec: edits.switch_unit(spec, 0, 2),
    "several": lambda spec: edits.set_layer(edits.add_layer(edits.remove_layer(spec, 0)), 0, units=2),
}


@pytest.mark.parametrize("change", CHANGES)
def test_undo_of_a_change_of_the_network_brings_the_weights_back(qtbot: QtBot, session: Session, change: str) -> None:
    session.set_speed(None)
    session.step_epoch()
    wait(qtbot, session, lambda: session.snapshot is not None and session.snapshot.epoch == 1)
    session.trainer.step(3)
    session.freeze(0, (2,), True)
    before = bits(session)
    session.edit(change, spec=CHANGES[change](session.document.spec))
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=11), merge="units")
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=4), merge="units")
    key = next(key for key in session.trainer.network.slices if key.endswith(".bias"))
    session.set_parameter(key, (0,), 0.5)
    after = bits(session)
    while session.undo_stack.index() > 1:
        session.undo()
    assert bits(session) == before
    while session.undo_stack.canRedo():
        session.redo()
    assert bits(session) == after
    session.trainer.step(1)
    stepped = session.trainer.network.parameters()
    for _ in range(3):
        session.undo()
    wait(qtbot, session, lambda: session.trainer.spec == session.document.spec)
    assert bits(session) != before, "what was trained since is not thrown away"
    kept = session.trainer.network.parameters()
    last = f"{len(session.document.spec.layers) - 1}.bias"
    assert (kept[last] == stepped[f"{max(int(key[0]) for key in stepped)}.bias"]).all()
    assert not session.told


def test_the_shelf_counts_long_histories_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "MOST_BYTES", 1_000_000)
    spec, training = first_document().spec, first_document().training
    taken = Checkpoint({"0.bias": np.zeros(8)}, {}, {f"column {k}": [0.0] * 2000 for k in range(7)})
    kept = shelf.Shelf()
    for name in range(10):
        kept.put(name, spec, training, taken)
    assert [name for name in range(10) if kept.find(name, spec, training) is not None] == [8, 9]
    assert kept.takes(10_000) and not kept.takes(100_000)
