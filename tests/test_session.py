"""The open document: edits, undo, data, training and files, as the window uses them."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

import engine
from engine import memory
from gui import edits, opener
from gui.document import Document
from gui.panels.data_panel import DataPanel
from gui.session import Session


@pytest.fixture
def session(qtbot: QtBot) -> Iterator[Session]:
    made = Session()
    made.told = []  # type: ignore[attr-defined]
    made.notice.connect(lambda words, level: made.told.append((level, words)))  # type: ignore[attr-defined]
    yield made
    made.close()


def wait(qtbot: QtBot, session: Session, condition: Callable[[], object], seconds: float = 60) -> None:
    def holds() -> bool:
        session.take_snapshot()
        return bool(condition())

    qtbot.waitUntil(holds, timeout=int(seconds * 1000))


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all((one[key] == other[key]).all() for key in one)


def test_it_starts_with_a_network_that_fits_its_data_and_shows_it_before_training(
    qtbot: QtBot, session: Session
) -> None:
    wait(qtbot, session, lambda: session.snapshot is not None and session.snapshot.preparing is None)
    assert session.state == "ready" and session.snapshot is not None and session.snapshot.step == 0
    assert not session.dirty


def test_edits_are_one_step_of_undo_each(qtbot: QtBot, session: Session) -> None:
    start = session.document
    session.edit("Add layer", spec=edits.add_layer(start.spec))
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=5))
    assert [layer.units for layer in session.document.spec.layers] == [5, 8, 8, 1]
    wait(qtbot, session, lambda: session.trainer.spec == session.document.spec)
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.document == start
    session.undo_stack.redo()
    assert len(session.document.spec.layers) == 4


def test_edits_in_a_row_with_the_same_key_are_one_step(session: Session) -> None:
    start = session.document
    for units in (9, 10, 11):
        session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=units), merge="units 0")
    assert session.undo_stack.count() == 1
    session.undo_stack.undo()
    assert session.document == start


def test_a_refused_edit_is_told_and_changes_nothing(session: Session) -> None:
    start = session.document
    session.edit("Loss", spec=dataclasses.replace(start.spec, layers=(engine.Dense(3),)))
    assert session.document.spec.output_shape == (1,)  # the output follows the data by itself
    session.undo_stack.undo()
    with pytest.raises(engine.RelumeError):
        edits.set_layer(start.spec, 0, units=0)
    assert session.document == start


def test_other_data_brings_its_output_and_loss(qtbot: QtBot, session: Session) -> None:
    session.edit("Data set", data=engine.datasets.switch(session.document.data, "iris"))
    wait(qtbot, session, lambda: session.document.data.name == "iris")
    spec = session.document.spec
    assert spec.input_shape == (4,) and spec.output_shape == (3,) and spec.loss == "softmax_cross_entropy"
    session.edit("Data set", data=engine.datasets.switch(session.document.data, "cubic"))
    wait(qtbot, session, lambda: session.document.data.name == "cubic")
    assert session.document.spec.loss == "mean_squared_error" and session.document.spec.output_shape == (1,)
    session.undo_stack.undo()
    session.undo_stack.undo()
    assert session.document.spec.loss == "binary_cross_entropy"


def test_data_edits_and_others_made_while_data_loads_are_all_kept(qtbot: QtBot, session: Session) -> None:
    panel = DataPanel(session)
    qtbot.addWidget(panel)
    panel._choose(panel.sets.findData("iris"))
    panel._set("Input scaling", scaling="min-max")
    assert session.document.data.name == "spiral" and session.unsaved, "it is still being loaded"
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=5))
    wait(qtbot, session, lambda: session.document.data.name == "iris")
    assert session.document.data.scaling == "min-max" and session.document.spec.layers[0].units == 5
    assert session.trainer.spec == session.document.spec and session.dataset.name == "iris"
    assert session.undo_stack.count() == 2


def test_undo_takes_an_edit_back_that_is_still_being_loaded(qtbot: QtBot, session: Session) -> None:
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=5))
    before = session.document
    session.edit("Data set", data=engine.datasets.switch(before.data, "iris"))
    session.undo()
    qtbot.wait(600)
    assert session.document == before and session.undo_stack.count() == 1


def test_what_takes_long_is_made_beside_the_window(qtbot: QtBot, session: Session, monkeypatch) -> None:
    threads: list[str] = []
    made = opener.make

    def make(document: Document, *rest: Any, **more: Any) -> opener.Opened:
        threads.append(threading.current_thread().name)
        return made(document, *rest, **more)

    monkeypatch.setattr(opener, "make", make)
    session.edit("Data set", data=engine.datasets.switch(session.document.data, "iris"))
    wait(qtbot, session, lambda: session.document.data.name == "iris")
    for seed in range(1, opener.KEPT + 1):  # iris is kept no longer
        session.edit("Data set", data=engine.DataSpec("circles", seed=seed, samples=50))
    assert session.document.data.seed == opener.KEPT and len(threads) == 1 + opener.KEPT
    del threads[:]
    for _ in range(opener.KEPT):
        session.undo()
        session.undo()  # a key that is held down asks for nothing more while it loads
        qtbot.wait(1)
        if session.document.data.name == "iris":
            break
    wait(qtbot, session, lambda: session.document.data.name == "iris")
    assert threads[-1].startswith("relume task")
    wide = engine.NetworkSpec((4,), (engine.Dense(1000, "relu"), engine.Dense(1000, "relu"), engine.Dense(3)))
    session.edit("Many weights", spec=dataclasses.replace(wide, loss="softmax_cross_entropy"))
    session.edit("Draw again", data=dataclasses.replace(session.document.data, seed=3))
    assert session.document.data.seed != 3, "drawing a million weights takes a moment"
    wait(qtbot, session, lambda: session.document.data.seed == 3)
    assert threads[-1].startswith("relume task")


def test_an_edit_made_while_a_project_opens_is_not_lost(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    path = tmp_path / "run.relume"
    session.save_project(path)
    wait(qtbot, session, lambda: session.path)
    session.new_document()
    session.told.clear()
    session.open_project(path)
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=5))
    wait(qtbot, session, lambda: session.told)
    qtbot.wait(300)
    assert session.told == [("warning", "run.relume was not opened, because the network was edited meanwhile.")]
    assert session.document.spec.layers[0].units == 5 and session.undo_stack.count() == 1 and session.path is None


def test_of_two_projects_the_one_wished_last_is_opened(
    qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch
) -> None:
    paths = [tmp_path / "slow.relume", tmp_path / "quick.relume"]
    for path in paths:
        session.save_project(path)
        wait(qtbot, session, lambda path=path: session.path == str(path))
    make = opener.make_project

    def slowly(path: str) -> opener.Opened:
        time.sleep(0.5 if "slow" in path else 0)
        return make(path)

    monkeypatch.setattr("gui.session.make_project", slowly)
    session.new_document()
    for path in paths:
        session.open_project(path)
    wait(qtbot, session, lambda: session.path)
    qtbot.wait(800)
    assert session.path == str(paths[1])


def test_it_trains_pauses_steps_and_resets_to_the_same_weights(qtbot: QtBot, session: Session) -> None:
    before = session.trainer.network.parameters()["0.kernel"]
    session.set_speed(None)
    session.run()
    wait(qtbot, session, lambda: session.snapshot and session.snapshot.epoch > 3)
    session.pause()
    wait(qtbot, session, lambda: session.state in ("paused", "finished"))
    step = session.trainer.snapshot().step
    session.step_batch()
    wait(qtbot, session, lambda: session.snapshot and session.snapshot.step == step + 1)
    session.reset()
    wait(qtbot, session, lambda: session.snapshot and session.snapshot.step == 0 and session.state == "ready")
    assert (session.trainer.network.parameters()["0.kernel"] == before).all()
    session.new_weights()
    wait(qtbot, session, lambda: session.trainer.training.seed == session.document.training.seed)
    assert (session.trainer.network.parameters()["0.kernel"] != before).any()


def test_divergence_is_told_with_layer_and_step(qtbot: QtBot, session: Session) -> None:
    training = dataclasses.replace(session.document.training, optimizer=engine.SGD(learning_rate=1e6))
    spec = dataclasses.replace(session.document.spec, loss="mean_squared_error")
    session.edit("Learning rate", training=training, spec=spec)
    session.set_speed(None)
    session.run()
    wait(qtbot, session, lambda: session.state == "diverged")
    assert session.snapshot.error.where.startswith("layer ") and "step" in session.snapshot.error.where
    assert not session.told, "the findings tell it, and only they"


def test_a_weight_is_edited_by_hand(qtbot: QtBot, session: Session) -> None:
    wait(qtbot, session, lambda: session.snapshot is not None and session.snapshot.preparing is None)
    before = session.trainer.network.parameters()
    assert not session.unsaved
    session.set_parameter("2.bias", (0,), 0.25)
    assert session.trainer.network.parameters()["2.bias"][0] == 0.25 and session.unsaved
    session.set_parameter("2.bias", (0,), 0.5)  # the arrows of the editor: one step of undo
    session.set_parameter("0.kernel", (1, 3), 2.0)
    assert session.undo_stack.count() == 2 and session.undo_stack.undoText() == "Set weight"
    after = session.trainer.network.parameters()
    while session.undo_stack.canUndo():
        session.undo_stack.undo()
    assert same(session.trainer.network.parameters(), before) and not session.unsaved
    while session.undo_stack.canRedo():
        session.undo_stack.redo()
    assert same(session.trainer.network.parameters(), after) and after["0.kernel"][1, 3] == 2.0


@pytest.mark.parametrize("running", [False, True])
def test_a_refused_command_is_told_also_while_it_trains(qtbot: QtBot, session: Session, running: bool) -> None:
    wait(qtbot, session, lambda: session.snapshot is not None and session.snapshot.preparing is None)
    if running:
        session.set_speed(None)
        session.run()
        wait(qtbot, session, lambda: session.state == "running")
    session.set_parameter("0.kernel", (0, 0), 1e39)
    wait(qtbot, session, lambda: session.told)
    qtbot.wait(100)
    session.take_snapshot()
    (told,) = session.told
    assert told[0] == "warning" and "must be finite" in told[1]


def test_an_edit_that_cannot_fit_is_told_with_its_figures_and_taken_back(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait(qtbot, session, lambda: session.snapshot is not None and session.snapshot.preparing is None)
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=5))
    wait(qtbot, session, lambda: session.trainer.spec == session.document.spec)
    fits = session.document
    monkeypatch.setattr(memory, "available", lambda: 69_000_000)
    session.edit("Units", spec=edits.set_layer(fits.spec, 0, units=9000))
    session.edit("Batch size", training=dataclasses.replace(fits.training, batch_size=7))
    assert session.document != fits
    wait(qtbot, session, lambda: session.told)
    told = session.told[0]
    wait(qtbot, session, lambda: session.document == fits)
    assert told[0] == "warning" and "would take 2.8 MB of memory, 69.0 MB are free" in told[1]
    assert session.undo_stack.canRedo()
    session.run()
    wait(qtbot, session, lambda: session.snapshot.step > 0 and session.snapshot.spec == fits.spec)
    session.pause()
    monkeypatch.setattr(memory, "available", lambda: None)
    session.redo()
    wait(qtbot, session, lambda: session.trainer.spec == session.document.spec != fits.spec)
    assert len(session.told) == 1


def test_a_refused_edit_is_taken_back_though_another_command_waits(
    qtbot: QtBot, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    wait(qtbot, session, lambda: session.snapshot is not None and session.snapshot.preparing is None)
    fits = session.document
    go_on = threading.Event()
    monkeypatch.setattr(memory, "available", lambda: 69_000_000)
    session.edit("Units", spec=edits.set_layer(fits.spec, 0, units=9000))
    session.trainer.commands.send(lambda: go_on.wait(30) and None)
    session.edit("Batch size", training=dataclasses.replace(fits.training, batch_size=7))
    wait(qtbot, session, lambda: session.told)
    go_on.set()
    wait(qtbot, session, lambda: session.document == fits)


def test_weights_drawn_anew_come_back(qtbot: QtBot, session: Session) -> None:
    wait(qtbot, session, lambda: session.snapshot is not None and session.snapshot.preparing is None)
    session.trainer.step(5)
    before = session.trainer.network.parameters()
    session.redraw(0, (2, 5))
    after = session.trainer.network.parameters()
    assert not same(before, after) and session.unsaved
    session.edit("Add layer", spec=edits.add_layer(session.document.spec))
    for _ in range(2):
        session.undo_stack.undo()
    assert same(session.trainer.network.parameters(), before)
    session.undo_stack.redo()
    assert same(session.trainer.network.parameters(), after), "not drawn once more, but the same"


def test_training_goes_on_under_a_hand_edit_that_is_undone(qtbot: QtBot, session: Session) -> None:
    session.set_speed(None)
    session.run()
    wait(qtbot, session, lambda: session.snapshot and session.snapshot.epoch > 3)
    session.set_parameter("0.kernel", (0, 0), 300.0)
    session.undo_stack.undo()
    assert session.trainer.network.parameters()["0.kernel"][0, 0] < 100 and not session.told


def test_a_project_goes_on_where_it_was_saved(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    path = tmp_path / "run.relume"
    session.edit("Activation", spec=edits.set_layer(session.document.spec, 0, activation="abs"))
    session.set_speed(None)
    session.trainer.step(57)
    saved: list[bool] = []
    session.save_project(path, lambda: saved.append(True))
    wait(qtbot, session, lambda: saved)
    assert not session.dirty and session.path == str(path)
    session.trainer.step(40)
    expected = session.trainer.network.parameters()
    session.new_document()
    assert session.path is None
    session.open_project(path)
    wait(qtbot, session, lambda: session.path == str(path))
    assert session.trainer.checkpoint().stepper["step"] == 57 and not session.dirty
    session.trainer.step(40)
    found = session.trainer.network.parameters()
    assert all((found[key] == expected[key]).all() for key in expected)


def test_a_save_that_ends_after_another_document_was_opened_leaves_that_one_alone(
    qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=5))
    followed: list[bool] = []
    session.save_project(tmp_path / "first.relume", lambda: followed.append(True))
    session.new_document()
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=6))
    wait(qtbot, session, lambda: session.told)
    assert session.told == [("info", "Saved first.relume.")] and not followed
    assert session.path is None and session.unsaved, "the next save must ask for a place of its own"


def test_of_two_saves_in_a_row_the_second_stays(qtbot: QtBot, session: Session, tmp_path: Path, monkeypatch) -> None:
    path, delays, write = tmp_path / "a.relume", [0.5, 0.0], engine.files.save_project

    def slowly(*arguments: Any) -> None:
        time.sleep(delays.pop(0))
        write(*arguments)

    monkeypatch.setattr(engine.files, "save_project", slowly)
    session.save_project(path)
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=5))
    session.save_project(path)
    wait(qtbot, session, lambda: len(session.told) == 2)
    assert engine.files.load_project(path).spec == session.document.spec and not session.unsaved


def test_what_was_edited_while_a_save_ran_is_not_saved(qtbot: QtBot, session: Session, tmp_path: Path) -> None:
    saved: list[bool] = []
    for units in (5, 6):  # the second becomes one step with the first
        session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=units), merge="units")
        if units == 5:
            session.save_project(tmp_path / "first.relume", lambda: saved.append(True))
    wait(qtbot, session, lambda: saved)
    assert session.path and session.unsaved


def test_a_file_that_is_no_project_is_told_and_the_document_stays(
    qtbot: QtBot, session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "broken.relume"
    path.write_bytes(b"not a project")
    start = session.document
    session.open_project(path)
    wait(qtbot, session, lambda: session.told)
    assert session.told[0][0] == "warning" and "broken.relume" in session.told[0][1]
    assert session.document == start


@pytest.mark.parametrize("name", engine.examples.EXAMPLES.names())
def test_every_example_opens_and_runs(qtbot: QtBot, session: Session, name: str) -> None:
    session.load_example(name)
    wait(qtbot, session, lambda: session.document.data == engine.examples.EXAMPLES.get(name).data)
    session.run()
    wait(qtbot, session, lambda: session.snapshot and session.snapshot.step > 0)
    assert not session.told
