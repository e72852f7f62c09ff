"""Compiled training: the same bits however it is cut, batches, metrics, trouble noticed in time."""

import dataclasses
import math

import numpy as np
import pytest

from engine import RelumeError
from engine.kernels.stepper import Stepper
from engine.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten
from engine.losses import encode_targets
from engine.network import Network
from engine.optimizers import SGD, Adam, Optimizer
from engine.spec import NetworkSpec, TrainingSpec
from engine.unit_history import UnitStatistics

MANY = 10**9


def _stepper(n: int = 300, seed: int = 3, **training: object) -> Stepper:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
    spec = NetworkSpec((4,), (Dense(20, "relu", l2=1e-4), Dropout(0.2), Dense(9, "tanh"), Dense(2)),
                       "softmax_cross_entropy")  # fmt: skip
    options = {"optimizer": Adam(0.01), "batch_size": 140, "seed": 5, **training}
    return Stepper(Network(spec, seed), TrainingSpec(**options), x, encode_targets(spec.loss, y, "binary", 2))  # type: ignore[arg-type]


def _bits(stepper: Stepper) -> tuple:
    state = stepper.state()
    arrays = [state["epoch_sums"], state["last_sums"], *(state[key] for key in sorted(state) if "slot" in key)]
    return (stepper.network.vector.tobytes(), stepper.step, *(a.tobytes() for a in arrays))


def test_learns_what_it_is_shown() -> None:
    stepper = _stepper(batch_size=20)
    before = stepper.evaluate(stepper.x, stepper.targets)
    stepper.advance(MANY, MANY, 100)
    loss, metric = stepper.evaluate(stepper.x, stepper.targets)
    assert stepper.epoch == 100 and stepper.step == 1500 and stepper.batch == 0 and stepper.diverged is None
    assert loss < 0.3 * before[0] and metric > 0.93
    assert stepper.last_metric > 0.85 and len(stepper.gradient_norms()) == 4
    assert math.isnan(stepper.gradient_norms()[1]) and stepper.gradient_norms()[0] > 0


@pytest.mark.parametrize("cut", [(1, MANY), (2, MANY), (MANY, 1), (3, 2)])
def test_the_same_bits_however_it_is_cut(cut: tuple[int, int]) -> None:
    whole, parts = _stepper(), _stepper()
    whole.advance(MANY, MANY, 7)
    calls = 0
    while parts.epoch < 7:
        parts.forward(parts.x[:50])
        parts.evaluate(parts.x, parts.targets)
        parts.advance(*cut, 7)
        calls += 1
    assert calls > 5
    assert _bits(whole) == _bits(parts)


@pytest.mark.parametrize("tiles", [1, 2, 3, 5])
def test_resuming_gives_the_same_bits(tiles: int) -> None:
    whole, first, second = _stepper(), _stepper(), _stepper(seed=8)
    whole.advance(MANY, MANY, 5)
    first.advance(tiles, MANY, 5)
    second.network.set_parameters(first.network.parameters())
    second.set_state(first.state())
    second.advance(MANY, MANY, 5)
    assert _bits(whole) == _bits(second)


def test_seeds() -> None:
    ends = []
    for training in ({"seed": 5}, {"seed": 6}, {"seed": 5}):
        stepper = _stepper(**training)
        stepper.advance(MANY, MANY, 3)
        ends.append(stepper.network.vector.tobytes())
    assert ends[0] == ends[2] != ends[1]


@pytest.mark.parametrize(
    ("mode", "size", "batches", "samples"),
    [
        ("drop", 40, 7, 280), ("merge", 40, 7, 300), ("keep", 40, 8, 300), ("drop", 100, 3, 300),
        ("merge", 301, 1, 300), ("drop", 1000, 1, 300), ("keep", 300, 1, 300), ("merge", 299, 1, 300),
        ("drop", 1, 300, 300),
    ],
)  # fmt: skip
def test_short_batches(mode: str, size: int, batches: int, samples: int) -> None:
    stepper = _stepper(batch_size=size, short_batch=mode)
    assert stepper.batches_per_epoch == batches
    stepper.advance(MANY, MANY, 2)
    assert (stepper.epoch, stepper.step, stepper.samples_done) == (2, 2 * batches, 2 * samples)


def test_batch_size_changes_with_the_next_batch() -> None:
    stepper = _stepper(batch_size=100, short_batch="drop")
    stepper.advance(MANY, 1, 9)
    stepper.set_training(dataclasses.replace(stepper.training, batch_size=150))
    stepper.advance(MANY, 1, 9)
    assert (stepper.epoch, stepper.samples_done) == (1, 250)


def test_losses_are_sample_weighted_means_over_the_epoch() -> None:
    stepper = _stepper(batch_size=200, short_batch="keep", optimizer=SGD(0.1))
    stepper.advance(MANY, 1, 1)
    first = stepper.batch_loss
    stepper.advance(MANY, 1, 1)
    assert stepper.last_loss == pytest.approx((200 * first + 100 * stepper.batch_loss) / 300, rel=1e-6)


def test_r_squared_over_the_epoch() -> None:
    x = np.random.default_rng(1).normal(size=(90, 2)).astype(np.float32)
    y = np.stack([x[:, 0] + 5.0, np.full(90, 2.0)], axis=1).astype(np.float32)
    network = Network(NetworkSpec((2,), (Dense(2, initializer="zeros"),)), 1)
    network.set_parameters({"0.bias": [5.0, 2.0]})
    stepper = Stepper(network, TrainingSpec(SGD(1e-12), batch_size=32), x, y)
    stepper.advance(MANY, MANY, 1)
    expected = 1 - (x[:, 0] ** 2).sum() / ((x[:, 0] - x[:, 0].mean()) ** 2).sum()
    assert stepper.last_metric == pytest.approx((expected + 1.0) / 2, abs=1e-5)
    assert stepper.last_metric == pytest.approx(stepper.evaluate(x, y)[1], abs=1e-5)


def test_a_step_that_is_not_finite_is_not_taken() -> None:
    stepper = _stepper(optimizer=SGD(1e5))
    finite = stepper.network.vector.copy()
    for _ in range(1000):
        finite[:] = stepper.network.vector
        step = stepper.step
        stepper.advance(MANY, 1, MANY)
        if stepper.diverged:
            break
    assert stepper.diverged is not None and stepper.step == step
    assert stepper.diverged[0] in range(4) and stepper.diverged[1] in ("loss", "gradient", "weights", "activation")
    assert np.array_equal(stepper.network.vector, finite) and np.isfinite(finite).all()
    again = stepper.diverged
    stepper.advance(MANY, 1, MANY)
    assert stepper.diverged == again and np.array_equal(stepper.network.vector, finite)


def test_weights_that_would_overflow_are_noticed_in_their_step() -> None:
    x = np.full((4, 1), 1e18, np.float32)
    network = Network(NetworkSpec((1,), (Dense(1, initializer="zeros"),), "mean_absolute_error"), 1)
    stepper = Stepper(network, TrainingSpec(SGD(1e6, momentum=0.5), batch_size=4), x, np.ones((4, 1), np.float32))
    for _ in range(10**5):
        before, slot = network.vector.copy(), stepper.state()["slot.velocity"]
        stepper.advance(MANY, 1, MANY)
        if stepper.diverged:
            break
        network.set_parameters({"0.kernel": [[3e38 * np.sign(network.vector[0])]]})
    assert stepper.diverged is not None and np.isfinite(network.vector).all()
    assert np.array_equal(network.vector, before)
    assert np.array_equal(stepper.state()["slot.velocity"], slot)


def test_nan_inputs_name_the_first_layer() -> None:
    stepper = _stepper()
    stepper.x[7, 2] = np.nan
    before = stepper.network.vector.copy()
    for _ in range(3):
        stepper.advance(MANY, MANY, 1)
    assert stepper.diverged == (0, "activation") and stepper.epoch == 0
    assert stepper.step == 1 or np.array_equal(stepper.network.vector, before)


def test_dropout_share_and_scale() -> None:
    x = np.ones((4096, 16), np.float32)
    network = Network(NetworkSpec((16,), (Dropout(0.25), Dense(1))), 1)
    stepper = Stepper(network, TrainingSpec(SGD(0.1), batch_size=4096), x, np.ones((4096, 1), np.float32))
    stepper.advance(1, 1, 1)
    masked = stepper._program.forward(x)[0][1]
    assert set(np.unique(masked)) == {np.float32(0.0), np.float32(1 / 0.75)}
    assert np.mean(masked == 0.0) == pytest.approx(0.25, abs=0.01)
    assert np.array_equal(stepper.forward(x)[0][1], x)


def test_another_spec_takes_over() -> None:
    old = _stepper()
    old.advance(MANY, 3, 9)
    spec = dataclasses.replace(old.network.spec, layers=(Dense(20, "tanh"), *old.network.spec.layers[1:]))
    new = Stepper(old.network.with_spec(spec), old.training, old.x, old.targets)
    new.take_over(old)
    assert (new.step, new.epoch, new.batch) == (old.step, old.epoch, old.batch)
    assert all(np.array_equal(new.state()[key], old.state()[key]) for key in ("slot.mean", "slot.square"))


def test_bad_state_and_data_are_told() -> None:
    stepper = _stepper()
    state = stepper.state()
    for change in ({"step": -1}, {"epoch": "x"}, {"slot.mean": np.zeros(3)}, {"start": 10**6}, {"epoch_sums": None}):
        with pytest.raises(RelumeError):
            stepper.set_state({**state, **change})
    with pytest.raises(RelumeError):
        Stepper(stepper.network, stepper.training, stepper.x[:, :3], stepper.targets)
    with pytest.raises(RelumeError):
        Stepper(stepper.network, stepper.training, stepper.x, stepper.targets[:-1])


def test_a_survey_counts_what_its_slow_twin_counts() -> None:
    x = np.random.default_rng(3).normal(size=(300, 6, 6, 2)).astype(np.float32)
    spec = NetworkSpec((6, 6, 2), (Conv2D(5, 3, activation="relu"), Flatten(), Dense(7, "tanh"), Dense(1)))
    stepper = Stepper(Network(spec, 4), TrainingSpec(), x, np.zeros((300, 1), np.float32))
    fast, slow = UnitStatistics(spec), UnitStatistics(spec)
    fast.survey(stepper, x)
    slow.add(stepper.forward(x))
    assert fast.samples == slow.samples == 300
    for layer in range(len(spec.layers)):
        np.testing.assert_array_equal(fast.max_z[layer], slow.max_z[layer])
        np.testing.assert_array_equal(fast.active[layer], slow.active[layer])
        np.testing.assert_allclose(fast.sums[layer], slow.sums[layer], rtol=1e-9)


def test_gradient_sizes_of_a_run_that_diverged_do_not_depend_on_how_it_was_cut() -> None:
    ends = []
    for batches in (MANY, 1):
        x = np.random.default_rng(1).normal(size=(300, 4)).astype(np.float32)
        network = Network(NetworkSpec((4,), (Dense(20, "linear"), Dense(1))), 1)
        stepper = Stepper(network, TrainingSpec(SGD(10.0), batch_size=1), x, x[:, :1].copy(), "regression")
        for _ in range(300):
            stepper.advance(MANY, batches, 1)
            if stepper.diverged:
                break
        assert stepper.diverged is not None and stepper.step > 1
        ends.append((stepper.step, network.vector.tobytes(), stepper._norms.tobytes()))
    assert ends[0][:2] == ends[1][:2]
    assert ends[0] == ends[1]


@pytest.mark.parametrize(
    ("optimizer", "between"),
    [(SGD(0.1), ()), (SGD(1e-12, momentum=0.9), (Dense(6),)), (Adam(1e4), (BatchNorm(), Dense(6, "tanh")))],
    ids=["SGD", "momentum", "Adam, batch norm"],
)
def test_a_large_number_in_the_middle_of_a_call_changes_nothing(optimizer: Optimizer, between: tuple) -> None:
    """Steps that were not looked at before are taken again with care: the end is that of a run step by step."""
    ends = []
    for batches in (MANY, 1):
        rng = np.random.default_rng(1)
        x = rng.normal(size=(320, 4)).astype(np.float32)
        x[257] *= 1e12
        network = Network(NetworkSpec((4,), (Dense(20), *between, Dense(1))), 1)
        training = TrainingSpec(optimizer, batch_size=8, seed=3)
        stepper = Stepper(network, training, x, rng.normal(size=(320, 1)).astype(np.float32) * 1e9, "regression")
        for _ in range(200):
            stepper.advance(MANY, batches, 4)
            if stepper.diverged or stepper.epoch == 4:
                break
        assert stepper.step > 1
        ends.append((stepper.diverged, network.vector.tobytes(), stepper.state()))
    (trouble, vector, one), (other_trouble, other_vector, other) = ends
    assert (trouble, vector) == (other_trouble, other_vector) and one.keys() == other.keys()
    assert one["careful"] == other["careful"] == 1
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)
