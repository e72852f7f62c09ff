"""A channel is a unit: statistics, probes and findings of feature maps, by the numpy twin of the network."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from engine.data.dataset import Dataset
from engine.diagnosis import examine_snapshot
from engine.layers import BatchNorm, Conv1D, Conv2D, Dense, Dropout, Flatten, MaxPool2D
from engine.network import Network
from engine.probes import SLICE_VALUES, Probes
from engine.spec import NetworkSpec, TrainingSpec
from engine.telemetry import LayerSnapshot, Snapshot
from engine.unit_history import UnitHistory, UnitStatistics
from engine.units import effort, unit_widths

LAYERS = (Conv2D(6, 3, activation="relu"), BatchNorm(), MaxPool2D(2), Flatten(), Dropout(0.2), Dense(5, "tanh"))
SPEC = NetworkSpec((10, 9, 2), (*LAYERS, Dense(3)), "softmax_cross_entropy")
DEAD = 2  # a filter


@pytest.fixture(scope="module")
def network() -> Network:
    made = Network(SPEC, seed=3, dtype="float64")
    bias = made.parameters()["0.bias"]
    bias[DEAD] = -50.0
    made.set_parameters({"0.bias": bias})
    return made


@pytest.fixture(scope="module")
def data() -> Dataset:
    rng = np.random.default_rng(1)
    x = rng.uniform(size=(90, 10, 9, 2)).astype(np.float32)
    return Dataset(x[:70], np.arange(70) % 3, x[70:], np.arange(20) % 3, task="multiclass")


@pytest.fixture
def probes(network, data) -> Probes:
    def forward(x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        passed = network._twin(x.astype(np.float64))
        return [(z.astype(np.float32), a.astype(np.float32)) for z, a in passed]

    stepper = SimpleNamespace(forward=forward, network=network)
    return Probes(SimpleNamespace(spec=SPEC, data=data, stepper=stepper), lambda: False)  # type: ignore[arg-type]


@pytest.fixture
def statistics(probes, data) -> UnitStatistics:
    seen = UnitStatistics(SPEC)
    for start in range(0, 70, 32):
        seen.add(probes.run.stepper.forward(data.x_train[start : start + 32]))
    return seen


def test_statistics_are_over_samples_and_positions(statistics, network, data):
    z, a = network._twin(data.x_train.astype(np.float64))[0]
    assert np.allclose(statistics.max_z[0], z.max(axis=(0, 1, 2)), atol=1e-5)
    assert np.allclose(statistics.mean(0), a.mean(axis=(0, 1, 2)), atol=1e-6)
    assert np.allclose(statistics.active_share(0), (a != 0).mean(axis=(0, 1, 2)), atol=1e-6)
    assert statistics.dead(0).tolist() == [unit == DEAD for unit in range(6)]
    assert statistics.active_share(0).max() <= 1


def test_a_pass_over_some_samples_may_clear_units_and_never_calls_one_dead(probes, data):
    layers = probes.run.stepper.forward(data.x_train[:3])
    suspects = [np.zeros(width, bool) for width in unit_widths(SPEC)]
    suspects[0][:] = True
    some, none = UnitStatistics(SPEC, suspects), UnitStatistics(SPEC, [np.zeros_like(units) for units in suspects])
    some.add(layers)
    none.add(layers)
    assert some.dead(0)[DEAD] and not some.dead(0).all() and not none.dead(0).any()


def test_layers_without_an_activation_have_no_units(statistics):
    assert unit_widths(SPEC) == [6, 0, 0, 0, 0, 5, 3]
    history = UnitHistory(SPEC)
    history.add(0, statistics)
    rows = history.epochs()
    assert [part.shape for part in rows.mean] == [(1, width) for width in unit_widths(SPEC)]
    other = UnitHistory(SPEC)
    other.set_state(history.state())
    assert np.array_equal(other.epochs().dead[0], rows.dead[0])


def test_the_heatmap_is_given_the_mean_of_every_map(probes, network, data):
    seen = probes.activations()
    a = network._twin(data.x_train[seen.samples].astype(np.float64))
    assert np.allclose(seen.layers[0], a[0][1].mean(axis=(1, 2)), atol=1e-6)
    assert [part.shape[1] for part in seen.layers] == unit_widths(SPEC)
    assert np.allclose(seen.layers[5], a[5][1], atol=1e-6)


def test_distributions_are_of_all_values(probes):
    told = probes.distributions()
    assert [one is not None for one in told.activations] == [True, False, False, False, False, True, True]
    assert told.activations[0].counts.sum() == 70 * 8 * 7 * 6
    assert told.weights[0].counts.sum() == 3 * 3 * 2 * 6


def test_a_sample_has_its_maps(probes):
    trace = probes.sample("test", 4)
    assert trace.activations[0].shape == (8, 7, 6) and trace.activations[3].shape == (4 * 3 * 6,)
    assert trace.output.shape == (3,) and abs(trace.output.sum() - 1) < 1e-5


def test_signals_are_maps_of_one_row():
    spec = NetworkSpec((30, 2), (Conv1D(6, 5, activation="relu"), Flatten(), Dense(3)), "softmax_cross_entropy")
    x, y = np.random.default_rng(1).normal(size=(40, 30, 2)).astype(np.float32), np.arange(40) % 3
    signals = Dataset(x[:30], y[:30], x[30:], y[30:], task="multiclass")
    network = Network(spec, 1)
    stepper = SimpleNamespace(forward=network._forward, network=network)
    probes = Probes(SimpleNamespace(spec=spec, data=signals, stepper=stepper), lambda: False)  # type: ignore[arg-type]
    trace = probes.sample("train", 3)
    assert [part.shape for part in trace.activations] == [(1, 26, 6), (26 * 6,), (3,)]
    a = network.activations(x[:30])[0]
    assert np.array_equal(trace.activations[0][0], a[3])
    seen = UnitStatistics(spec)
    seen.add(network._forward(x[:30]))
    assert np.allclose(seen.mean(0), a.mean(axis=(0, 1)), atol=1e-6)
    assert np.allclose(probes.activations().layers[0][0], a[probes.activations().samples[0]].mean(axis=0), atol=1e-6)


def test_slices_are_small_whatever_the_maps():
    large = NetworkSpec((64, 64, 3), (Conv2D(64, 3), Conv2D(64, 3), Flatten(), Dense(2)), "softmax_cross_entropy")
    work = effort(large)
    rows = Probes.slice_rows_of(work)
    assert rows >= 1 and (rows == 1 or rows * work.values <= SLICE_VALUES)
    flat = effort(NetworkSpec((784,), (Dense(256), Dense(10))))
    assert flat.flops >= 2 * (784 * 256 + 2560) and Probes.slice_rows_of(flat) > 100


def test_a_dead_filter_is_called_one(statistics):
    layers = []
    for number, width in enumerate(unit_widths(SPEC)):
        since = np.where(statistics.dead(number), 4, -1)
        layers.append(LayerSnapshot(
            statistics.dead(number), statistics.max_z[number], np.zeros(width), np.zeros(width), since, 0.1, False,
        ))  # fmt: skip
    snapshot = Snapshot(
        1, SPEC, TrainingSpec(), "paused", 9, 5, 0, 3, 1.0, 1.0, 0.1, 0.1, 0.9, 0.9, tuple(layers), {}, 1.0
    )
    (finding,) = examine_snapshot(snapshot)
    assert finding.title == "1 of 6 filters in layer 1 dead since epoch 4"
    assert finding.evidence.startswith(f"Filter {DEAD + 1}: ") and "at every position" in finding.evidence
    assert finding.neurons == (DEAD,)
