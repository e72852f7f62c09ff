"""Random edits with undo and redo among them: going back gives the first document, going forth the last."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from PySide6.QtWidgets import QApplication

from engine.data.spec import DataSpec
from engine.layers import Dense
from engine.optimizers import SGD, Adam
from gui import edits
from gui.document import first_document
from gui.session import Session


@pytest.fixture(scope="module")
def session(qapp: QApplication) -> Iterator[Session]:
    session = Session()
    yield session
    session.close()


def _units(session: Session, layer: int, value: int) -> None:
    spec = session.document.spec
    layer %= len(spec.layers)
    if isinstance(spec.layers[layer], Dense):
        session.edit("Units", spec=edits.set_layer(spec, layer, units=1 + value % 30), merge=f"units {layer}")


def _activation(session: Session, layer: int, value: int) -> None:
    spec = session.document.spec
    layer %= len(spec.layers)
    if isinstance(spec.layers[layer], Dense):
        name = ("relu", "tanh", "gelu", "prelu")[value % 4]
        session.edit("Activation", spec=edits.set_layer(spec, layer, activation=name))


def _add(session: Session, layer: int, value: int) -> None:
    spec = session.document.spec
    if len(spec.layers) < 8:
        session.edit("Add layer", spec=edits.add_layer(spec, at=layer % len(spec.layers)))


def _remove(session: Session, layer: int, value: int) -> None:
    spec = session.document.spec
    if len(spec.layers) > 2:
        session.edit("Remove layer", spec=edits.remove_layer(spec, layer % (len(spec.layers) - 1)))


def _learning_rate(session: Session, layer: int, value: int) -> None:
    kind = (SGD, Adam)[layer % 2]
    training = dataclasses.replace(session.document.training, optimizer=kind(learning_rate=(1 + value % 50) / 1000))
    session.edit("Learning rate", training=training, merge="learning rate")


def _batch_size(session: Session, layer: int, value: int) -> None:
    session.edit("Batch size", training=dataclasses.replace(session.document.training, batch_size=1 + value % 64))


def _data(session: Session, layer: int, value: int) -> None:
    data = (first_document().data, DataSpec("circles", seed=1, samples=60), DataSpec("sine", seed=1, samples=50))
    session.edit("Data", data=data[value % 3])


def _undo(session: Session, layer: int, value: int) -> None:
    session.undo_stack.undo()


def _redo(session: Session, layer: int, value: int) -> None:
    session.undo_stack.redo()


EDITS: tuple[Callable[[Session, int, int], None], ...] = (
    _units, _units, _activation, _add, _remove, _learning_rate, _batch_size, _data, _undo, _redo,
)  # fmt: skip


@settings(
    max_examples=60, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
@given(st.lists(st.tuples(st.sampled_from(EDITS), st.integers(0, 9), st.integers(0, 99)), max_size=20))
def test_undo_all_gives_the_start_and_redo_all_the_end(session: Session, steps: list) -> None:
    session.new_document()
    start, stack = session.document, session.undo_stack
    for edit, layer, value in steps:
        index, before = stack.index(), session.document
        edit(session, layer, value)
        if edit not in (_undo, _redo) and stack.index() == index + 1:
            after = session.document
            stack.undo()
            assert session.document == before
            stack.redo()
            assert session.document == after
        assert session.dataset.x_train.shape[1:] == session.document.spec.input_shape
    while stack.canRedo():
        stack.redo()
    end = session.document
    while stack.canUndo():
        stack.undo()
    assert session.document == start
    while stack.canRedo():
        stack.redo()
    assert session.document == end
    assert session.trainer.spec == end.spec or session.trainer.alive
