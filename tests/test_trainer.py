"""The trainer: the same bits however it is run or watched, prompt pauses, honest endings."""

from __future__ import annotations

import dataclasses
import hashlib
import time

import numpy as np
import pytest

import engine
from engine import run
from engine.run import Run
from engine.telemetry import HISTORY_COLUMNS, WATCHABLE, History


def spiral_spec(activation: str = "relu") -> engine.NetworkSpec:
    return engine.NetworkSpec(
        (2,),
        (engine.Dense(8, activation), engine.Dropout(0.1), engine.Dense(8, "tanh"), engine.Dense(1)),
        "binary_cross_entropy",
    )


@pytest.fixture(scope="module")
def spiral() -> engine.Dataset:
    return engine.datasets.load("spiral", seed=3, samples=200)


@pytest.fixture(scope="module")
def digits() -> engine.Dataset:
    return engine.datasets.load("digits", seed=7)


TRAINING = engine.TrainingSpec(optimizer=engine.Adam(learning_rate=0.01), batch_size=10, epochs=30, seed=7)


def fingerprint(trainer: engine.Trainer) -> str:
    parameters = trainer.network.parameters()
    return hashlib.sha256(b"".join(parameters[key].tobytes() for key in sorted(parameters))).hexdigest()


@pytest.fixture(scope="module")
def expected(spiral: engine.Dataset) -> str:
    trainer = engine.Trainer(spiral_spec(), TRAINING, spiral)
    trainer.run()
    return fingerprint(trainer)


def test_a_run_ends_with_its_history(spiral: engine.Dataset) -> None:
    trainer = engine.Trainer(spiral_spec(), TRAINING, spiral)
    history = trainer.run()
    assert trainer.state == "finished"
    assert history.column("epoch").tolist() == list(range(31))
    losses = history.column("train_loss")
    assert np.isfinite(losses).all() and losses[-1] < losses[0]
    assert history.column("step")[-1] == 30 * 15
    assert (np.diff(history.column("seconds")) >= 0).all()
    assert 0.0 <= history.column("test_metric")[-1] <= 1.0


def test_the_seconds_of_a_run_are_those_of_all_its_training(
    digits: engine.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = engine.NetworkSpec((64,), (engine.Dense(32, "relu"), engine.Dense(10)), "softmax_cross_entropy")
    trainer = engine.Trainer(spec, dataclasses.replace(TRAINING, epochs=1200), digits)
    monkeypatch.setattr(run, "CHUNK_SECONDS", 0.002)  # a call ends within an epoch; the rest of it is a call too
    trainer.step(1)
    stepper, before = trainer._run.stepper, trainer._run.seconds
    advance, taken = stepper.advance, []

    def timed(*numbers: int) -> None:
        began = time.perf_counter()
        advance(*numbers)
        taken.append(time.perf_counter() - began)

    monkeypatch.setattr(stepper, "advance", timed)
    trainer.run()
    assert len(taken) > 3 and sum(taken) <= trainer._run.seconds - before <= 1.1 * sum(taken)


def test_watching_pausing_and_pacing_change_no_bit(spiral: engine.Dataset, expected: str) -> None:
    trainer = engine.Trainer(spiral_spec(), TRAINING, spiral)
    trainer.watch(WATCHABLE, sample=("train", 3))
    trainer.set_pace(2000.0)
    trainer.start()
    seen = set()
    for _ in range(4):
        time.sleep(0.02)
        snapshot = trainer.mailbox.take()
        seen.add(snapshot and snapshot.state)
        trainer.pause()
        trainer.start()
    trainer.step(3)
    trainer.step_epoch()
    trainer.set_pace(None)
    trainer.start()
    assert trainer.wait(20)
    assert trainer.state == "finished"
    assert fingerprint(trainer) == expected
    trainer.close()


def test_a_checkpoint_goes_on_as_if_never_closed(spiral: engine.Dataset, expected: str) -> None:
    first = engine.Trainer(spiral_spec(), TRAINING, spiral)
    first.step(101)
    kept = first.checkpoint()
    second = engine.Trainer.from_checkpoint(spiral_spec(), TRAINING, spiral, kept)
    assert second.state == "paused"
    second.run()
    assert fingerprint(second) == expected
    assert second.history.column("epoch").tolist() == list(range(31))


def test_reset_gives_the_same_weights_and_a_new_run(spiral: engine.Dataset) -> None:
    trainer = engine.Trainer(spiral_spec(), TRAINING, spiral)
    before, run = fingerprint(trainer), trainer.run_number
    trainer.step(5)
    assert fingerprint(trainer) != before
    trainer.reset()
    assert trainer.state == "ready" and fingerprint(trainer) == before and trainer.run_number != run
    trainer.reset(seed=8)
    assert fingerprint(trainer) != before


def test_divergence_is_noticed_and_the_last_finite_weights_stay(spiral: engine.Dataset) -> None:
    spec = engine.NetworkSpec((2,), (engine.Dense(8, "relu"), engine.Dense(1)), "mean_squared_error")
    wild = engine.TrainingSpec(optimizer=engine.SGD(learning_rate=1e6), batch_size=10, epochs=50, seed=1)
    trainer = engine.Trainer(spec, wild, spiral)
    trainer.run()
    assert trainer.state == "diverged"
    assert trainer.error is not None and "layer" in trainer.error.where and "step" in trainer.error.where
    assert all(np.isfinite(value).all() for value in trainer.network.parameters().values())


def test_pause_is_obeyed_within_100_ms_even_in_a_whole_set_batch() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20000, 200)).astype(np.float32)
    y = rng.integers(0, 2, 20000)
    data = engine.Dataset(x, y, x[:100], y[:100], task="binary")
    spec = engine.NetworkSpec(
        (200,), (engine.Dense(256, "relu"), engine.Dense(256, "relu"), engine.Dense(1)), "binary_cross_entropy"
    )
    trainer = engine.Trainer(spec, engine.TrainingSpec(batch_size=20000, epochs=1000), data)
    trainer.start()
    while trainer.snapshot().step < 1:
        time.sleep(0.05)
    delays = []
    for _ in range(3):
        trainer.start()
        time.sleep(0.15)
        began = time.perf_counter()
        trainer.pause()
        delays.append(time.perf_counter() - began)
        assert trainer.state == "paused"
    trainer.close()
    assert min(delays) < 0.1, delays  # the least of three: other work on the machine may delay one


def test_edits_keep_the_weights_that_fit(spiral: engine.Dataset) -> None:
    trainer = engine.Trainer(spiral_spec(), TRAINING, spiral)
    trainer.step(20)
    before = trainer.network.parameters()
    trainer.change(spec=spiral_spec("abs"))
    after = trainer.network.parameters()
    assert all(np.array_equal(before[key], after[key]) for key in before)
    old = trainer.spec
    wider = engine.NetworkSpec((2,), (old.layers[0], engine.Dense(5, "relu"), *old.layers[1:]), old.loss)
    trainer.change(spec=wider)
    grown = trainer.network.parameters()
    assert np.array_equal(grown["0.kernel"], before["0.kernel"])
    assert np.array_equal(grown["4.kernel"], before["3.kernel"])
    trainer.change(
        training=engine.TrainingSpec(optimizer=engine.SGD(learning_rate=0.001), batch_size=7, epochs=40, seed=7)
    )
    trainer.run()
    assert trainer.state == "finished" and trainer.history.column("epoch")[-1] == 40


def test_ends_at_a_loss_or_a_time(spiral: engine.Dataset) -> None:
    by_loss = engine.TrainingSpec(batch_size=10, epochs=10**6, seed=7, target_loss=0.6)
    trainer = engine.Trainer(spiral_spec("tanh"), by_loss, spiral)
    assert trainer.run().column("train_loss")[-1] <= 0.6
    by_time = engine.TrainingSpec(batch_size=10, epochs=10**9, seed=7, time_limit=0.2)
    began = time.monotonic()
    trainer = engine.Trainer(spiral_spec("tanh"), by_time, spiral)
    trainer.run()
    assert trainer.state == "finished" and time.monotonic() - began < 5


def test_dead_units_are_those_of_the_definition(digits: engine.Dataset) -> None:
    spec = engine.NetworkSpec(
        (64,),
        (
            engine.Dense(100, "relu", "he_normal"),
            engine.Dense(100, "relu", "he_normal"),
            engine.Dense(10, initializer="he_normal"),
        ),
        "softmax_cross_entropy",
    )
    training = engine.TrainingSpec(
        optimizer=engine.SGD(learning_rate=0.8), batch_size=32, epochs=12, seed=3, short_batch="drop"
    )
    trainer = engine.Trainer(spec, training, digits)
    trainer.run()
    snapshot = trainer.snapshot()
    z = trainer.network.preactivations(digits.x_train)
    for number in (0, 1):
        layer = snapshot.layers[number]
        assert not layer.provisional
        assert np.array_equal(layer.dead, (z[number] <= 0).all(axis=0))
        assert np.allclose(layer.max_z, z[number].max(axis=0))
        assert np.allclose(layer.active_share, (z[number] > 0).mean(axis=0), atol=1e-6)
        assert ((layer.dead_since >= 0) == layer.dead).all()
    assert snapshot.layers[0].dead.sum() > 10
    assert not snapshot.layers[2].dead.any()
    findings = engine.diagnosis.examine(trainer)
    assert findings[0].kind == "dead" and findings[0].neurons == tuple(np.flatnonzero(snapshot.layers[0].dead))


def test_long_histories_are_thinned_by_epoch_number() -> None:
    history = History()
    epoch, kept = 0, []
    while epoch < 10**9:
        history.add(**dict.fromkeys(HISTORY_COLUMNS, 0.0) | {"epoch": epoch})
        kept.append(epoch)
        epoch = history.next_kept(epoch)
        assert history.keeps(epoch)
    assert kept[:300] == [*range(256), *range(256, 344, 2)]
    assert history.column("epoch").tolist() == kept and len(kept) < 3100
    assert History.from_dict(history.to_dict()).column("epoch").tolist() == kept
    history.add(**dict.fromkeys(HISTORY_COLUMNS, 0.0) | {"epoch": 10**9 - 1})
    assert history.column("epoch")[-1] == 10**9 - 1


def test_a_tiny_network_trains_many_epochs_in_a_call() -> None:
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
    data = engine.Dataset(x, np.array([0, 1, 1, 0]), x, np.array([0, 1, 1, 0]), task="binary")
    spec = engine.NetworkSpec((2,), (engine.Dense(2, "tanh"), engine.Dense(1)), "binary_cross_entropy")
    run = Run(spec, engine.TrainingSpec(epochs=100_000), data)
    run.prepare(lambda done, total: True)
    calls = 0
    while not run.at_limit:
        run.advance(1 << 40, run.epoch_limit, lambda: False)
        calls += 1
    assert calls < 100_000 / 20


def test_deaths_are_dated_alike_in_every_run(digits: engine.Dataset) -> None:
    layers = (engine.Dense(60, "relu", "he_normal"), engine.Dense(10, initializer="he_normal"))
    spec = engine.NetworkSpec((64,), layers, "softmax_cross_entropy")
    training = engine.TrainingSpec(optimizer=engine.SGD(learning_rate=1.0), batch_size=32, epochs=15, seed=2)
    plain = engine.Trainer(spec, training, digits)
    plain.run()
    watched = engine.Trainer(spec, training, digits)
    watched.watch(WATCHABLE)
    watched.set_pace(5000.0)
    watched.start()
    assert watched.wait(30)
    first, second = plain.snapshot().layers[0], watched.snapshot().layers[0]
    watched.close()
    assert first.dead.any() and np.array_equal(first.dead_since, second.dead_since)


def test_a_milestone_goes_over_samples_until_no_unit_may_have_died() -> None:
    x = np.linspace(-1, 1, 5000, dtype=np.float32)[:, None]
    data = engine.Dataset(x, x.copy(), x[:0], x[:0], task="regression")
    layers = (engine.Dense(4, "relu"), *(engine.Dense(64, "tanh") for _ in range(3)), engine.Dense(1))
    training = engine.TrainingSpec(engine.SGD(1e-9), batch_size=500, epochs=4)
    for bias, dead in ((0.5, False), (-0.9995, False), (-1.0, True)):
        trainer = engine.Trainer(engine.NetworkSpec((1,), layers), training, data)
        kernel, biases = np.ones((1, 4), np.float32), np.array([1, 0, bias, 1], np.float32)
        trainer.edit_parameters({"0.kernel": kernel, "0.bias": biases})
        seen: list[int] = []
        survey = trainer._run.stepper.survey
        trainer._run.stepper.survey = lambda x, *sums, seen=seen, survey=survey: (seen.append(len(x)), survey(x, *sums))
        trainer.run()
        assert (sum(seen) < 5_000) == (bias > 0), "units that show themselves clear themselves"
        assert trainer._observer.units.dead_since[0].tolist() == [-1, -1, 0 if dead else -1, -1]
        if dead:
            assert sum(seen) < 10_000, "what is known to be dead is not looked for again"


def test_a_snapshot_after_a_milestone_tells_of_all_samples() -> None:
    x = np.linspace(-1, 1, 5000, dtype=np.float32)[:, None]
    data = engine.Dataset(x, x.copy(), x[:0], x[:0], task="regression")
    layers = (engine.Dense(2, "relu"), *(engine.Dense(64, "tanh") for _ in range(3)), engine.Dense(1))
    trainer = engine.Trainer(engine.NetworkSpec((1,), layers), TRAINING, data)
    trainer.edit_parameters({"0.kernel": np.ones((1, 2), np.float32), "0.bias": np.array([1, -1], np.float32)})
    trainer.step(0)
    layer = trainer.snapshot().layers[0]
    assert layer.dead.tolist() == [False, True]
    assert layer.active_share[0] == np.float32(4999 / 5000)


def test_a_death_in_the_first_epoch_is_not_from_the_start(spiral: engine.Dataset) -> None:
    spec = engine.NetworkSpec((2,), (engine.Dense(4, "relu"), engine.Dense(1)), "binary_cross_entropy")
    trainer = engine.Trainer(spec, TRAINING, spiral)
    trainer.edit_parameters({"0.bias": np.array([-1e3, 0, 0, 0], np.float32)})
    trainer.step(2)
    trainer.edit_parameters({"0.bias": np.array([-1e3, -1e3, 0, 0], np.float32)})
    assert trainer.snapshot().layers[0].dead_since[:2].tolist() == [0, 1]


def test_a_sparse_unit_is_not_dead() -> None:
    x = np.linspace(-1, 1, 1000, dtype=np.float32)[:, None]
    data = engine.Dataset(x, x.copy(), x, x.copy(), task="regression")
    spec = engine.NetworkSpec((1,), (engine.Dense(2, "relu"), engine.Dense(1)))
    trainer = engine.Trainer(spec, engine.TrainingSpec(epochs=0), data)
    trainer.edit_parameters({"0.kernel": np.ones((1, 2), np.float32), "0.bias": np.array([-0.999, -1.0], np.float32)})
    layer = trainer.snapshot().layers[0]
    assert layer.dead.tolist() == [False, True]
    assert layer.active_share[0] == pytest.approx(0.001)


def test_extras_come_when_watched(spiral: engine.Dataset) -> None:
    trainer = engine.Trainer(spiral_spec(), TRAINING, spiral)
    trainer.watch(WATCHABLE, sample=("test", 0))
    trainer.open()
    deadline = time.monotonic() + 20
    snapshot = None
    while time.monotonic() < deadline:
        snapshot = trainer.mailbox.take() or snapshot
        if snapshot and all(
            getattr(snapshot, name) is not None
            for name in ("parameters", "plane", "activations", "distributions", "predictions", "unit_epochs", "sample")
        ):
            break
        time.sleep(0.02)
    trainer.close()
    assert snapshot is not None and snapshot.state == "ready"
    assert snapshot.plane is not None and snapshot.plane.layers[0].shape == (8, 60, 60)
    assert snapshot.activations is not None and snapshot.activations.layers[0].shape == (150, 8)
    assert snapshot.predictions is not None and snapshot.predictions.confusion_test is not None
    assert snapshot.predictions.confusion_test.sum() == 50
    assert snapshot.sample is not None and np.isfinite(snapshot.sample.loss)


def test_a_network_that_cannot_take_the_data_is_refused(spiral: engine.Dataset) -> None:
    with pytest.raises(engine.RelumeError, match="units"):
        engine.Trainer(engine.NetworkSpec((2,), (engine.Dense(4),), "binary_cross_entropy"), TRAINING, spiral)
    with pytest.raises(engine.RelumeError, match="inputs"):
        engine.Trainer(engine.NetworkSpec((3,), (engine.Dense(1),), "binary_cross_entropy"), TRAINING, spiral)
