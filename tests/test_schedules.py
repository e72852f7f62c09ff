"""Every schedule: plain data, the compiled rate beside Python's, known values; warm-up, plateaus, clipping."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest

import engine
from engine import RelumeError, schedules
from engine.kernels.stepper import Stepper
from engine.kinds import Kind
from engine.monitor import Monitor
from engine.network import Network
from engine.schedules import SCHEDULES, ReduceLROnPlateau, rate_at, schedule_from_dict
from engine.spec import NetworkSpec, TrainingSpec

EVERY = pytest.mark.parametrize("record", list(SCHEDULES), ids=lambda record: record.name)
MANY = 10**9


def _stepper(n: int = 50, layers: tuple | None = None, **training: Any) -> Stepper:
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(n, 3)).astype(np.float32), rng.normal(size=(n, 2)).astype(np.float32)
    spec = NetworkSpec((3,), layers or (engine.Dense(6, "tanh", l2=1e-3), engine.Dense(2)))
    options = {"optimizer": engine.SGD(0.3), "batch_size": 12, "short_batch": "keep", "epochs": 9, **training}
    return Stepper(Network(spec, 1), TrainingSpec(**options), x, y, "regression")


@EVERY
def test_plain_data_round_trip(record: Kind) -> None:
    schedule = record.cls()
    assert schedule_from_dict(schedule.to_dict()) == schedule
    training = TrainingSpec(schedule=schedule, warmup=2, clip_norm=1.0, patience=3)
    assert TrainingSpec.from_dict(training.to_dict()) == training
    with pytest.raises(RelumeError, match="Unknown field"):
        schedule_from_dict({**schedule.to_dict(), "speed": 1})
    for item in dataclasses.fields(schedule):
        with pytest.raises(RelumeError):
            record.cls(**{item.name: -1.0})


def test_specs_from_before_have_no_schedule() -> None:
    old = TrainingSpec.from_dict({"optimizer": {"kind": "Adam"}, "batch_size": 8})
    assert old.schedule is None and old.warmup == 0 and old.patience is None and not schedules.moves(old)
    assert not {"guided step", "clipped values", "clipped norm"} & {kernel.title for kernel in _stepper().kernels}
    for bad in ({"schedule": "CosineDecay"}, {"schedule": {"kind": "Cosine"}}, {"warmup": -1}, {"clip_norm": 0}):
        with pytest.raises(RelumeError):
            TrainingSpec.from_dict(bad)


@EVERY
@pytest.mark.parametrize("warmup", [0.0, 1.3])
def test_the_compiled_rate_is_pythons(record: Kind, warmup: float) -> None:
    stepper = _stepper(schedule=record.cls(), warmup=warmup)
    for step in range(60):
        epoch, batch = divmod(step, 5)
        begin, end = epoch + 12 * batch / 50, epoch + min(1.0, 12 * (batch + 1) / 50)
        stepper.advance(MANY, 1, MANY)
        assert stepper._numbers[0] == pytest.approx(rate_at(stepper.training, begin, end), rel=1e-12)


def test_known_rates() -> None:
    def rates(schedule: schedules.Schedule | None, *times: float, **training: Any) -> list[float]:
        spec = TrainingSpec(engine.SGD(1.0), epochs=20, schedule=schedule, **training)
        return [rate_at(spec, time, time + 0.1) for time in times]

    assert rates(None, 0.0, 0.9, 5.0, warmup=1) == pytest.approx([0.1, 1.0, 1.0])
    assert rates(engine.StepDecay(5, 0.1), 4.9, 5.0, 10.0) == pytest.approx([1, 0.1, 0.01])
    assert rates(engine.ExponentialDecay(2, 0.25), 0, 1, 2) == pytest.approx([1, 0.5, 0.25])
    assert rates(engine.CosineDecay(), 0, 10, 20, 30) == pytest.approx([1, 0.5, 0, 0])
    assert rates(engine.CosineDecay(8, alpha=0.2), 2, 6, 10, warmup=2) == pytest.approx([1, 0.6, 0.2])
    assert rates(engine.PolynomialDecay(alpha=0.1), 0, 10, 20) == pytest.approx([1, 0.55, 0.1])
    assert rates(engine.OneCycle(), 0, 6, 20) == pytest.approx([0.04, 1, 4e-6])


@pytest.mark.parametrize("record", [record for record in SCHEDULES if record.name != "ReduceLROnPlateau"],
                         ids=lambda record: record.name)  # fmt: skip
@pytest.mark.parametrize("cut", [(1, MANY), (MANY, 1), (3, 2)])
def test_the_same_bits_however_it_is_cut(record: Kind, cut: tuple[int, int]) -> None:
    ends = []
    for tiles, batches in ((MANY, MANY), cut):
        options = {"schedule": record.cls(), "warmup": 1.5, "clip_value": 0.3, "clip_norm": 0.2}
        stepper = _stepper(n=500, batch_size=150, optimizer=engine.Adam(0.02), **options)
        while stepper.epoch < 6:
            stepper.advance(tiles, batches, 6)
        ends.append((stepper.network.vector.tobytes(), stepper.step))
    assert ends[0] == ends[1]


def test_a_plateau_lowers_the_rate_and_a_better_loss_does_not() -> None:
    training = TrainingSpec(schedule=ReduceLROnPlateau(0.5, patience=2, min_delta=0.1))
    monitor, weights = Monitor(), np.zeros(1, np.float32)
    losses = [1.0, 0.95, 0.92, 0.5, 0.5, 0.45, 0.45, 0.45]
    nan = math.nan
    figures = [dict(train_loss=value, test_loss=nan, train_metric=nan, test_metric=nan) for value in losses]
    told = [monitor.see(epoch, row, training, weights) for epoch, row in enumerate(figures, 1)]
    assert told == [1, 1, 0.5, 1, 1, 0.5, 1, 0.5]


def test_a_run_on_a_plateau_goes_to_the_least_rate() -> None:
    data = engine.datasets.load("xor", seed=1, samples=60, noise=0.4)
    spec = NetworkSpec((2,), (engine.Dense(4, "tanh"), engine.Dense(1)), "binary_cross_entropy")
    schedule = ReduceLROnPlateau(0.1, patience=1, min_delta=1.0, min_lr=1e-4)
    trainer = engine.Trainer(spec, TrainingSpec(engine.SGD(0.1), epochs=12, schedule=schedule), data)
    trainer.run()
    assert trainer.snapshot().learning_rate == pytest.approx(1e-4)
    trainer.change(training=dataclasses.replace(trainer.training, optimizer=engine.SGD(0.5)))
    assert trainer.snapshot().learning_rate == 0.5, "a rate that was just set is the rate"
    trainer.close()


# ---- clipping -------------------------------------------------------------------------------------


def _clipped(flat: np.ndarray, training: TrainingSpec) -> np.ndarray:
    """torch.nn.utils.clip_grad_value_, then clip_grad_norm_."""
    if training.clip_value is not None:
        flat = np.clip(flat, -training.clip_value, training.clip_value)
    if training.clip_norm is not None:
        flat = flat * min(1.0, training.clip_norm / (np.linalg.norm(flat) + 1e-6))
    return flat


@pytest.mark.parametrize("limits", [{"clip_value": 0.02}, {"clip_norm": 0.1}, {"clip_value": 0.05, "clip_norm": 0.2}],
                         ids=str)  # fmt: skip
@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_clipped_steps_are_those_of_numpy(limits: dict, l2: float) -> None:
    layers = (engine.Dense(6, "tanh", l2=l2), engine.Dense(2))
    stepper = _stepper(layers=layers, batch_size=50, optimizer=engine.Adam(0.01), **limits)
    twin = Network(stepper.network.spec, 1, "float64")
    twin.set_parameters(stepper.network.parameters())
    optimizer = stepper.training.optimizer
    slots = {name: np.zeros(len(twin.vector)) for name in optimizer.slots}
    cut = 0
    for step in range(1, 41):
        stepper.advance(MANY, 1, MANY)
        gradients = twin.gradients(stepper.x, stepper.targets)[1]
        flat = np.concatenate([gradients[key].ravel() for key in twin.slices])
        clipped = _clipped(flat, stepper.training)
        cut += not np.array_equal(flat, clipped)
        twin.vector[:], slots = optimizer.update(twin.vector, clipped, slots, step)
        assert np.allclose(stepper.network.vector, twin.vector, atol=2e-5), step
    assert cut > 5, "limits that cut nothing show nothing"


def test_clipped_norm_of_deferred_kernels_with_two_threads() -> None:
    from engine.kernels import threads

    ends, before = [], threads.threads()
    for count in (1, 2):
        threads.set_threads(count)
        rng = np.random.default_rng(1)
        x, y = rng.normal(size=(600, 300)).astype(np.float32), rng.normal(size=(600, 4)).astype(np.float32)
        spec = NetworkSpec((300,), (engine.Dense(256, "relu"), engine.Dense(200, "relu"), engine.Dense(4)))
        training = TrainingSpec(engine.Adam(), batch_size=200, clip_norm=0.01, clip_value=1e-3, short_batch="keep")
        stepper = Stepper(Network(spec, 1), training, x, y, "regression")
        stepper.advance(MANY, 6, MANY)
        assert stepper._program.defers and np.isfinite(stepper.gradient_norms()).all()
        ends.append(stepper.network.vector.tobytes())
    threads.set_threads(before)
    assert ends[0] == ends[1]


def test_a_gradient_that_is_no_number_is_not_clipped_away() -> None:
    stepper = _stepper(clip_value=0.1, clip_norm=1.0)
    stepper.x[3, 1] = np.nan
    stepper.advance(MANY, MANY, 2)
    assert stepper.diverged == (0, "activation")
