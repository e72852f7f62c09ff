"""What a user changes while a network trains: every change means what it says, and none can stop the thread."""

from __future__ import annotations

import dataclasses
import threading
import time

import numpy as np
import pytest

import engine
from engine.run import Run


@pytest.fixture(scope="module")
def spiral() -> engine.Dataset:
    return engine.datasets.load("spiral", seed=3, samples=200)


SPEC = engine.NetworkSpec(
    (2,), (engine.Dense(8, "tanh"), engine.Dense(6, "tanh"), engine.Dense(1)), "binary_cross_entropy"
)
TRAINING = engine.TrainingSpec(optimizer=engine.Adam(learning_rate=0.01), batch_size=10, epochs=5, seed=7)


def trainer_of(data: engine.Dataset, **changes: object) -> engine.Trainer:
    return engine.Trainer(SPEC, dataclasses.replace(TRAINING, **changes), data)  # type: ignore[arg-type]


def test_the_last_epoch_may_be_set_again_after_running_on(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral)
    trainer.run()
    trainer.change(training=dataclasses.replace(TRAINING, epochs=12))
    trainer.run()
    assert trainer.snapshot().epoch == 12
    trainer.run()  # as many again
    trainer.change(training=dataclasses.replace(TRAINING, epochs=30))
    trainer.run()
    assert trainer.snapshot().epoch == 30


def test_one_epoch_goes_to_its_end_whatever_the_batch_size_was(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral, batch_size=2)
    trainer.step(20)
    trainer.change(training=dataclasses.replace(TRAINING, batch_size=16))
    trainer.step_epoch()
    snapshot = trainer.snapshot()
    assert (snapshot.epoch, snapshot.batch) == (1, 0) and snapshot.step > 20


def test_one_epoch_late_in_a_long_run_is_one_epoch() -> None:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    data = engine.Dataset(x, np.array([0, 1, 1, 0]), x, np.array([0, 1, 1, 0]), task="binary")
    trainer = engine.Trainer(SPEC, dataclasses.replace(TRAINING, epochs=3000), data)
    trainer.run()
    trainer.step_epoch()
    assert trainer.snapshot().epoch == 3001 == trainer.history.column("epoch")[-1]


def test_another_seed_before_the_first_step_draws_other_weights(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral)
    trainer.change(training=dataclasses.replace(TRAINING, seed=2))
    expected = engine.Network(SPEC, seed=2).parameters()
    assert all(np.array_equal(value, expected[key]) for key, value in trainer.network.parameters().items())


def test_a_refused_network_changes_nothing(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral)
    wrong = dataclasses.replace(SPEC, input_shape=(3,))
    with pytest.raises(engine.RelumeError):
        trainer.change(wrong, dataclasses.replace(TRAINING, batch_size=50))
    assert trainer.training == TRAINING and trainer.spec == SPEC


def test_an_inserted_layer_leaves_the_optimizers_memory_with_its_weights(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral)
    trainer.step(5)
    before = trainer._run.stepper.state()["slot.mean"]
    old = trainer._run.network
    layers = (SPEC.layers[0], engine.Dense(8, "elu"), *SPEC.layers[1:])
    trainer.change(dataclasses.replace(SPEC, layers=layers))
    after, new = trainer._run.stepper.state()["slot.mean"], trainer._run.network
    for now, then in (("0.kernel", "0.kernel"), ("2.kernel", "1.kernel"), ("3.bias", "2.bias")):
        assert np.array_equal(after[new.slices[now][0]], before[old.slices[then][0]])
        assert np.abs(after[new.slices[now][0]]).max() > 0
    assert not after[new.slices["1.kernel"][0]].any(), "new weights have no memory"


def test_a_new_optimizer_starts_as_at_its_first_step(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral, optimizer=engine.SGD(1e-9))
    trainer.step(500)
    before = trainer.network.parameters()["0.kernel"]
    trainer.change(training=dataclasses.replace(TRAINING, optimizer=engine.Adam(0.01)))
    trainer.step(1)
    moved = np.abs(trainer.network.parameters()["0.kernel"] - before)
    assert moved.max() == pytest.approx(0.01, rel=1e-3), "Adam's first step is the rate"


def test_many_changes_of_the_rate_keep_no_memory(spiral: engine.Dataset) -> None:
    run = Run(SPEC, TRAINING, spiral)
    memory = run.stepper._slot_memory
    for k in range(1, 20):
        run.change(None, dataclasses.replace(TRAINING, optimizer=engine.Adam(0.01 * k)))
    assert run.stepper._slot_memory is memory


def test_row_0_is_measured_again_after_a_weight_was_set(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral)
    trainer.snapshot()
    before = trainer.history.column("train_loss")[0]
    trainer.edit_parameters({"2.bias": [9.0]})
    row = trainer.history.column("train_loss")
    assert len(row) == 1 and row[0] > before + 1


def test_numbers_of_other_weights_are_not_told(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral)
    trainer.run()
    assert np.isfinite(trainer.snapshot().test_metric)
    trainer.edit_value("2.bias", (0,), 3.0)
    assert np.isnan(trainer.snapshot().test_metric) and np.isnan(trainer.snapshot().train_loss)
    trainer.step_epoch()
    assert np.isfinite(trainer.snapshot().test_metric)
    trainer.change(dataclasses.replace(SPEC, layers=(SPEC.layers[1], *SPEC.layers[1:])))
    assert np.isnan(trainer.snapshot().train_loss) and np.isfinite(trainer.history.column("train_loss")).all()


def test_an_epoch_with_two_losses_is_told_in_the_new_one(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral, optimizer=engine.SGD(1e-9))
    trainer.step(1)
    trainer.change(dataclasses.replace(SPEC, loss="mean_squared_error"))
    trainer.step_epoch()
    whole = trainer._run.stepper.evaluate(trainer._run.stepper.x, trainer._run.stepper.targets)[0]
    assert trainer.history.column("train_loss")[-1] == pytest.approx(whole, rel=0.1)


def test_drawing_units_anew_twice_gives_other_weights(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral)
    trainer.redraw(0, (1,))
    first = trainer.network.parameters()["0.kernel"]
    trainer.redraw(0, (1,))
    second = trainer.network.parameters()["0.kernel"]
    assert not np.array_equal(first[:, 1], second[:, 1]) and np.array_equal(first[:, 0], second[:, 0])


def test_waiting_is_for_the_run_whatever_was_edited_before(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral, epochs=10**8)
    trainer.open()
    try:
        for _ in range(5):
            trainer.edit_value("0.bias", (0,), 0.1)
            trainer.start()
            assert not trainer.wait(0.2) and trainer.state == "running"
            trainer.pause()
            assert trainer.wait(1)
    finally:
        trainer.close()


def test_a_refused_command_is_told_while_training(spiral: engine.Dataset) -> None:
    trainer = trainer_of(spiral, epochs=10**8)
    trainer.start()
    try:
        trainer.redraw(0, (31,))
        trainer.edit_value("0.bias", (99,), 0.1)
        told = [trainer.refusals.get(timeout=20) for _ in range(2)]
        assert all(isinstance(error, engine.RelumeError) for error in told)
        assert trainer.alive and trainer.state == "running" and trainer.error is None
    finally:
        trainer.close()


def test_a_failure_is_told_and_the_thread_lives_on(spiral: engine.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of(spiral, epochs=10**8)

    def no_memory(*_: object) -> float:
        raise MemoryError

    advance = Run.advance
    monkeypatch.setattr(Run, "advance", no_memory)
    trainer.start()
    try:
        assert trainer.wait(20) and trainer.state == "failed"
        assert trainer.error is not None and "memory" in trainer.error.what
        monkeypatch.setattr(Run, "advance", advance)
        trainer.reset()
        trainer.start()
        end = time.monotonic() + 20
        while trainer._run.stepper.step == 0 and time.monotonic() < end:
            time.sleep(0.01)
        assert trainer.alive and trainer.state == "running" and trainer._run.stepper.step > 0
    finally:
        trainer.close()


def test_before_the_thread_begins_callers_take_turns(spiral: engine.Dataset) -> None:
    """A save in another thread, an edit in this one, and the thread that begins: each finds the network whole."""
    for _ in range(5):
        trainer = trainer_of(spiral)
        taken: list[object] = []
        saver = threading.Thread(target=lambda trainer=trainer, taken=taken: taken.append(trainer.checkpoint()))
        saver.start()
        trainer.change(dataclasses.replace(SPEC, layers=(engine.Dense(5, "relu"), *SPEC.layers[1:])), wait=False)
        trainer.open()
        try:
            saver.join(20)
            assert taken and trainer.network.parameters()["0.kernel"].shape == (2, 5)
            assert len(trainer.snapshot().layers[0].dead) == 5 and trainer.state == "ready"
        finally:
            trainer.close()
