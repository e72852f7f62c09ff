"""Looking at a network in training: live pictures are of the weights of the moment, on time, and within the budget."""

from __future__ import annotations

import dataclasses
import time
import types

import numpy as np
import pytest

import engine
from engine import observer as looking
from engine.layers import Conv2D, Dense, Dropout, Flatten, MaxPool2D
from engine.live import SIZES, LiveSize
from engine.probes import Probes
from engine.run import Run
from engine.telemetry import HISTORY_COLUMNS, Activations, History
from engine.units import by_unit

LOSS = "softmax_cross_entropy"
DENSE = engine.NetworkSpec((64,), (Dense(20, "relu"), Dropout(0.3), Dense(12, "tanh"), Dense(10)), LOSS)
MAPS = engine.NetworkSpec(
    (8, 8, 1), (Conv2D(6, 3, activation="relu"), MaxPool2D(2), Flatten(), Dense(9, "relu"), Dense(10)), LOSS
)


def run_of(spec: engine.NetworkSpec) -> Run:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(900, *spec.input_shape)).astype(np.float32)
    y = rng.integers(0, 10, 900)
    data = engine.Dataset(x, y, x[:300], y[:300], task="multiclass", class_names=tuple("0123456789"))
    run = Run(spec, engine.TrainingSpec(engine.SGD(0.05), batch_size=32, seed=3), data)
    assert run.prepare(lambda done, all_: True)
    return run


@pytest.mark.parametrize("spec", [DENSE, MAPS], ids=["dense", "maps"])
def test_live_pictures_are_those_of_the_network_at_that_step(spec: engine.NetworkSpec) -> None:
    run = run_of(spec)
    probes = Probes(run, lambda: False)
    for _ in range(3):
        run.advance(5, None, lambda: False)
        seen = probes.compute("activations", None, resting=False)
        expected = run.network.activations(run.data.x_train[seen.samples])
        for got, wanted, layer in zip(seen.layers, expected, spec.layers, strict=True):
            if hasattr(layer, "activation"):
                assert np.allclose(got, by_unit(wanted), rtol=1e-5, atol=1e-6)
            else:
                assert got.shape == (len(seen.samples), 0)
    kept = seen.layers[0].copy()
    run.advance(5, None, lambda: False)
    assert not np.array_equal(probes.compute("activations", None, resting=False).layers[0], kept)
    assert np.array_equal(seen.layers[0], kept), "an older picture stays as it was"


@pytest.mark.parametrize("spec", [DENSE, MAPS], ids=["dense", "maps"])
def test_of_a_slow_network_some_samples_are_renewed_at_a_time(
    spec: engine.NetworkSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LiveSize, "count", 6)
    run = run_of(spec)
    probes = Probes(run, lambda: False)

    def is_now(seen: Activations, rows: slice) -> bool:
        wanted = [by_unit(a) for a in run.network.activations(run.data.x_train[seen.samples[rows]])]
        return all(np.allclose(got[rows], a, atol=1e-6) for got, a in zip(seen.layers, wanted, strict=True) if got.size)

    first = probes.compute("activations", None, resting=False)
    assert len(first.samples) == 12 and is_now(first, slice(None)), "the first time all of them"
    run.advance(20, None, lambda: False)
    advanced = time.monotonic()
    for turn in range(3):
        seen = probes.compute("activations", None, resting=False)
        begin = 6 * turn % 12
        assert is_now(seen, slice(begin, begin + 6)), "six at a time, by turns"
        assert is_now(seen, slice(0, 12)) == (turn > 0)
        assert (seen.taken > advanced) == (turn > 0), "it is as old as its oldest samples"
        assert not np.array_equal(first.layers[0], seen.layers[0]), "an older picture stays as it was"


def test_live_predictions_are_of_some_samples_and_count_those(monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(DENSE)
    monkeypatch.setattr("engine.probes.LIVE_PREDICTIONS", 1e-9)
    probes = Probes(run, lambda: False)
    live, full = (probes.compute("predictions", None, resting) for resting in (False, True))
    assert (len(full.test_samples), full.confusion_train.sum()) == (300, 900)
    assert len(live.test_samples) <= 12 and live.confusion_test.sum() == len(live.test_samples)
    assert np.allclose(live.test, full.test[live.test_samples], rtol=1e-5, atol=1e-7)


def test_there_are_at_least_as_many_samples_as_classes() -> None:
    size = LiveSize(seconds=1e-6, flops=1e9, most=400, least=10)
    for _ in range(100):
        size.took(1.0)
    assert size.count == 12
    assert LiveSize(1e-6, 1e9, most=5, least=10).count == 5, "where there are as many"


def test_the_number_of_live_samples_follows_their_cost_and_rests() -> None:
    for each in (1e-6, 2e-5, 1e-3):
        size, counts = LiveSize(0.0003, 1e5, 400), []
        for number in range(400):
            size.took(0.00005 + each * size.count + (0.1 if number % 7 == 0 else 0.0))  # the system has other work
            counts.append(size.count)
        assert len(set(counts[200:])) == 1, "it rests"
        assert each * size.count <= 1.3 * 0.0003 or size.count == SIZES[0]
    assert LiveSize(1.0, 1.0, 150).count == 150 and LiveSize(1e-9, 1e9, 150).count == SIZES[0]
    assert LiveSize(1.0, 1.0, 5).count == 5, "not more than there are"


class Clock:
    """Time that passes only where something is done."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Watched:
    """A run in a time of its own, in which pictures of activations and predictions cost what they are said to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, costs: tuple[float, float]) -> None:
        self.clock, self.run = Clock(), run_of(DENSE)
        self.made: list[tuple[str, float]] = []
        self.trainer = engine.Trainer(self.run.spec, self.run.training, self.run.data)
        self.trainer.step(1)
        self.trainer.watched = frozenset({"activations", "predictions"})
        monkeypatch.setattr(looking, "time", types.SimpleNamespace(monotonic=self.clock.monotonic))
        original = Probes.compute

        def compute(probes: Probes, name: str, sample: object, resting: bool) -> object:
            self.clock.now += dict(zip(("activations", "predictions"), costs, strict=True))[name]
            self.made.append((name, self.clock.now))
            return original(probes, name, None, resting)

        monkeypatch.setattr(Probes, "compute", compute)

    def train(self, seconds: float, somebody: bool = True) -> tuple[float, float]:
        """Seconds trained and seconds looked; `somebody` takes every snapshot."""
        self.trainer.state = "running"
        began, trained = self.clock.now, 0.0
        while self.clock.now < began + seconds:
            self.trainer._run.advance(1, None, lambda: False)
            self.clock.now += 0.012
            trained += 0.012
            self.trainer._observer.worked(0.012)
            self.trainer._observer.look()
            if somebody:
                self.trainer.mailbox.take()
        self.trainer.state = "paused"
        return trained, self.clock.now - began - trained


def test_what_nobody_looked_at_is_not_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(monkeypatch, (0.002, 0.008))
    watched.train(20)
    watched.train(20, somebody=False)
    trained, looked = watched.train(3)
    assert looked < looking.BUDGET * trained + 0.02


@pytest.mark.parametrize("costs", [(0.0004, 0.005), (0.002, 0.008)], ids=["usual", "dear"])
def test_heatmap_and_predictions_are_on_time_within_the_budget(
    monkeypatch: pytest.MonkeyPatch, costs: tuple[float, float]
) -> None:
    watched = Watched(monkeypatch, costs)
    trained, looked = watched.train(20)
    seconds, made = trained + looked, watched.made
    assert looked < looking.BUDGET * trained + 0.12, "what is saved up at first counts too"
    pictures = [at for name, at in made if name == "activations"]
    confusions = np.array([at for name, at in made if name == "predictions"])
    assert np.diff(confusions).max() < (1.1 if costs[0] < 0.001 else 1.6)
    assert len(pictures) / seconds > (25 if costs[0] < 0.001 else 3)


def test_columns_of_a_snapshot_stay_as_they_were() -> None:
    history = History()
    row = dict.fromkeys(HISTORY_COLUMNS, 0.5)
    for epoch in range(3):
        history.add(**{**row, "epoch": epoch})
    columns = history.columns()
    history.add(**{**row, "epoch": 3})
    assert columns["epoch"].tolist() == [0, 1, 2] and history.columns()["epoch"].tolist() == [0, 1, 2, 3]
    assert len(history) == 4
    with pytest.raises(ValueError, match="read-only"):
        columns["train_loss"][0] = 1.0
    history.add(**{**row, "epoch": 1001})
    assert len(history) == 5 and history.columns()["epoch"][-1] == 1001, "the newest is shown where it is not kept"
    history.add(**{**row, "epoch": 1004})
    assert history.columns()["epoch"].tolist() == [0, 1, 2, 3, 1004]


def test_a_layer_later_is_the_same_layer_with_new_numbers() -> None:
    trainer = engine.Trainer(DENSE, run_of(DENSE).training, run_of(DENSE).data)
    layer = trainer.snapshot().layers[0]
    later = layer.renewed(2.5, False, np.ones((3, 20)))
    same = dataclasses.replace(layer, gradient_norm=2.5, provisional=False, activations=later.activations)
    for field in dataclasses.fields(layer):
        assert getattr(later, field.name) is getattr(same, field.name)
    with pytest.raises(dataclasses.FrozenInstanceError):
        later.gradient_norm = 1.0  # type: ignore[misc]
