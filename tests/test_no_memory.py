"""No memory for the stepper, which the trainer's thread makes: it is told, and the thread lives on."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable

import numpy as np
import pytest

import engine
from engine.run import Run

SPEC = engine.NetworkSpec(
    (2,), (engine.Dense(64, "relu"), engine.Dropout(0.1), engine.Dense(1)), "binary_cross_entropy"
)
SMALL = dataclasses.replace(SPEC, layers=(engine.Dense(4, "relu"), engine.Dense(1)))


class NoMemory:
    """Steppers of networks with more than `most` parameters cannot be made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.most = 0
        made = Run._stepper_of

        def stepper_of(run, network, *rest):
            if network.spec.parameter_count() > self.most:
                raise MemoryError
            return made(run, network, *rest)

        monkeypatch.setattr(Run, "_stepper_of", stepper_of)


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> NoMemory:
    return NoMemory(monkeypatch)


@pytest.fixture
def trainer(memory: NoMemory):
    data = engine.datasets.load("spiral", seed=3, samples=200)
    trainer = engine.Trainer(SPEC, engine.TrainingSpec(batch_size=10, epochs=10**8, seed=7), data)
    trainer.open()
    yield trainer
    trainer.close()


def wait_for(happened: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not happened() and time.monotonic() < end:
        time.sleep(0.01)
    return happened()


def has_failed(trainer: engine.Trainer) -> bool:
    return trainer.state == "failed" and not trainer.mailbox.empty


def test_it_is_told_and_the_thread_lives_on(trainer):
    assert wait_for(lambda: has_failed(trainer))
    snapshot = trainer.mailbox.take()
    assert snapshot.state == "failed" and "memory" in snapshot.error.what and snapshot.run == trainer.run_number
    assert [len(layer.dead) for layer in snapshot.layers] == [64, 0, 1] and np.isnan(snapshot.train_loss)
    assert snapshot.step == snapshot.epoch == 0 and not len(snapshot.history["epoch"])
    for attempt in (trainer.start, lambda: trainer.reset(wait=False), lambda: trainer.step(1, wait=False)):
        trainer.mailbox.take()
        attempt()
        assert wait_for(lambda: has_failed(trainer)) and trainer.alive


def test_reset_works_once_there_is_memory(trainer, memory):
    assert wait_for(lambda: has_failed(trainer))
    memory.most = 10**6
    trainer.reset()
    trainer.start()
    assert wait_for(lambda: trainer.snapshot().step > 0)
    assert trainer.state == "running" and trainer.error is None


def test_a_smaller_network_works_without_a_reset(trainer, memory):
    assert wait_for(lambda: has_failed(trainer))
    memory.most = SMALL.parameter_count()
    trainer.change(SMALL)
    assert trainer.error is None and trainer.spec == SMALL
    trainer.start()
    assert wait_for(lambda: trainer.snapshot().step > 0)
    fresh = engine.Trainer(SMALL, trainer.training, trainer.data)
    trainer.reset()
    for key, array in fresh.network.parameters().items():
        np.testing.assert_array_equal(trainer.network.parameters()[key], array)


def test_other_numbers_of_training_are_taken(trainer, memory):
    assert wait_for(lambda: has_failed(trainer))
    memory.most = 10**6
    trainer.change(training=dataclasses.replace(trainer.training, batch_size=25))
    trainer.start()
    assert wait_for(lambda: trainer.snapshot().step > 0)
    assert trainer.snapshot().batches_per_epoch * 25 == len(trainer.data.x_train)


def test_a_network_too_large_for_a_run_that_trains_is_refused(memory):
    memory.most = SMALL.parameter_count()
    data = engine.datasets.load("spiral", seed=3, samples=200)
    trainer = engine.Trainer(SMALL, engine.TrainingSpec(batch_size=10, epochs=10**8), data)
    trainer.start()
    try:
        trainer.change(SPEC, wait=False)
        assert "memory" in trainer.refusals.get(timeout=20).what
        assert trainer.spec == SMALL and wait_for(lambda: trainer.snapshot().step > 0) and trainer.state == "running"
    finally:
        trainer.close()


def test_an_optimizer_without_memory_for_its_slots_changes_nothing(monkeypatch: pytest.MonkeyPatch):
    data, training = engine.datasets.load("spiral", seed=3, samples=200), engine.TrainingSpec(batch_size=10, seed=7)
    ends = []
    for attempt in (False, True):
        trainer = engine.Trainer(SMALL, dataclasses.replace(training, optimizer=engine.Adam()), data)
        trainer.step(20)
        if attempt:
            with monkeypatch.context() as patch:
                patch.setattr("engine.kernels.stepper.np.zeros", no_memory)
                with pytest.raises(engine.RelumeError, match="not enough memory for this optimizer"):
                    trainer.change(training=dataclasses.replace(training, optimizer=engine.AdamW()))
        assert trainer.training.optimizer == engine.Adam()
        trainer.step(20)
        state = trainer.checkpoint().stepper
        ends.append((trainer.network.vector.tobytes(), state["slot.mean"].tobytes(), state["born"]))
    assert ends[0] == ends[1]


def no_memory(*_: object, **__: object) -> np.ndarray:
    raise MemoryError


def test_the_window_says_so_and_goes_on_after_an_edit(qtbot, memory, window):
    qtbot.waitUntil(lambda: window.session.state == "failed", timeout=20_000)
    qtbot.waitUntil(lambda: "not enough memory" in window.notice_bar.words.text(), timeout=20_000)
    memory.most = 10**6
    window.session.reset()
    qtbot.waitUntil(lambda: window.session.state == "ready", timeout=20_000)
    window.session.run()
    qtbot.waitUntil(lambda: window.session.snapshot is not None and window.session.snapshot.step > 0, timeout=20_000)
    assert window.session.trainer.alive
