"""Known results that a student can repeat; bounds are honest for the few runs made here."""

from __future__ import annotations

import math

import numpy as np
import pytest

import engine
from engine import Dense, Network, NetworkSpec, TrainingSpec

XOR = np.array([[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]])


def digits_run(seed: int, activation: str, initializer: str, training: TrainingSpec, *widths: int) -> engine.Trainer:
    hidden = tuple(Dense(width, activation, initializer) for width in widths)
    spec = NetworkSpec((64,), (*hidden, Dense(10, "linear", initializer)), "softmax_cross_entropy")
    trainer = engine.Trainer(spec, training, engine.datasets.load("digits", seed=seed))
    trainer.run()
    return trainer


def stds(activation: str, initializer: object, layers: int = 10, width: int = 500) -> np.ndarray:
    """The standard deviation of the activations of each layer for inputs N(0, 1)."""
    network = Network(
        NetworkSpec((width,), tuple(Dense(width, activation, initializer) for _ in range(layers))), seed=4
    )
    x = np.random.default_rng(1).standard_normal((1000, width))
    return np.array([a.std() for a in network.activations(x)])


@pytest.mark.parametrize(("dtype", "most"), [("float32", 1e-4), ("float64", 1e-11)])
def test_linear_layers_collapse_into_one(dtype: str, most: float) -> None:
    network = Network(NetworkSpec((30,), tuple(Dense(30) for _ in range(8))), seed=3, dtype=dtype)
    rng = np.random.default_rng(0)
    network.set_parameters({f"{layer}.bias": rng.normal(size=30) for layer in range(8)})
    w, b = np.eye(30), np.zeros(30)
    for layer in range(8):
        kernel = network.parameters()[f"{layer}.kernel"].astype(np.float64)
        w, b = w @ kernel, b @ kernel + network.parameters()[f"{layer}.bias"]
    x = rng.normal(size=(100, 30)).astype(np.float32)
    assert np.abs(network.predict(x) - (x @ w + b)).max() < most


def test_selu_is_a_fixed_point() -> None:
    assert stds("selu", "lecun_normal") == pytest.approx(np.ones(10), abs=0.05)


def test_tanh_fades_with_weights_that_are_too_small() -> None:
    seen = stds("tanh", {"name": "normal", "std": 0.01})
    assert seen[0] == pytest.approx(0.2135, rel=0.03)
    assert seen[1:] / seen[:-1] == pytest.approx(np.full(9, 0.2236), rel=0.03)


def test_xavier_and_he() -> None:
    tanh = [0.628, 0.487, 0.408, 0.358, 0.321, 0.293, 0.272, 0.254, 0.241, 0.227]
    assert stds("tanh", "lecun_normal") == pytest.approx(tanh, rel=0.03)
    relu = stds("relu", "lecun_normal")
    assert (relu[-1] / relu[0]) ** (1 / 9) == pytest.approx(math.sqrt(0.5), rel=0.05)
    he = stds("relu", "he_normal")
    assert he.min() > 0.7 and he.max() < 1.0
    assert stds("abs", "he_normal")[-1] / stds("abs", "he_normal")[0] == pytest.approx(math.sqrt(2) ** 9, rel=0.25)
    assert stds("abs", "auto").min() > 0.5 and stds("abs", "auto").max() < 1.1, "abs needs gain 1"


@pytest.mark.parametrize(("width", "share"), [(3, 0.579), (5, 0.126), (10, 0.0013)])
def test_narrow_and_deep_networks_are_born_dead(width: int, share: float) -> None:
    runs, hidden = 250, 9
    layers = (*(Dense(width, "relu", "he_normal") for _ in range(hidden)), Dense(1, "linear", "he_normal"))
    spec = NetworkSpec((1,), layers)
    x = np.array([[-1.0], [1.0]])  # with zero biases f(c x) = c f(x): two points tell all
    dead = sum(not Network(spec, seed, "float64").predict(x).any() for seed in range(runs))
    spread = math.sqrt(share * (1 - share) / runs)
    assert dead / runs == pytest.approx(share, abs=4 * spread + 1 / runs)
    assert dead / runs <= 1 - (1 - 2.0**-width) ** hidden + 4 * spread


def test_some_xor_point_has_no_active_unit_in_three_of_four_starts() -> None:
    spec = NetworkSpec((2,), (Dense(2, "relu", "he_normal"), Dense(1)))
    runs = 400
    uncovered = sum((Network(spec, seed, "float64").activations(XOR)[0] <= 0).all(1).any() for seed in range(runs))
    assert uncovered / runs == pytest.approx(0.75, abs=4 * math.sqrt(0.1875 / runs))


def xor_runs(optimizer: object, epochs: int, runs: int) -> list[np.ndarray]:
    y = np.array([0, 1, 1, 0])
    data = engine.Dataset(XOR, y, XOR, y, task="binary")
    spec = NetworkSpec((2,), (Dense(1, "abs"),))
    trainings = [TrainingSpec(optimizer, batch_size=4, epochs=epochs, seed=seed) for seed in range(runs)]  # type: ignore[arg-type]
    return [engine.Trainer(spec, training, data).run().table() for training in trainings]


def test_one_abs_unit_solves_xor_in_one_newton_step() -> None:
    for rows in xor_runs(engine.SGD(0.5), 2, 60):
        assert rows[1, 4] < 1e-7 and rows[2, 3] < 1e-7, "right after the first update; noticed in the second epoch"
        assert rows[1, 6] == 1.0


def test_one_abs_unit_solves_xor_with_adam() -> None:
    assert all(rows[-1, 3] < 1e-3 and rows[-1, 5] == 1.0 for rows in xor_runs(engine.Adam(0.01), 1000, 15))


def test_two_summed_relus_solve_xor_in_fewer_than_half_of_the_runs() -> None:
    y, runs = np.array([0, 1, 1, 0]), 80
    data = engine.Dataset(XOR, y, XOR, y, task="binary")
    spec = NetworkSpec((2,), (Dense(2, "relu", "he_normal"), Dense(1, trainable=False)))
    ends = []
    for seed in range(runs):
        training = TrainingSpec(engine.Adam(0.01), batch_size=4, epochs=1000, seed=seed)
        trainer = engine.Trainer(spec, training, data)
        trainer.edit_parameters({"1.kernel": np.ones((2, 1))})
        ends.append(float(trainer.run().column("test_metric")[-1]))
    assert ends.count(1.0) / runs == pytest.approx(0.425, abs=4 * math.sqrt(0.25 / runs))
    assert ends.count(0.75) > 0.8 * (runs - ends.count(1.0)), "most failures stay at three of the four points"


@pytest.mark.parametrize("name", ["iris", "digits"])
def test_the_first_loss_is_ln_k(name: str) -> None:
    data = engine.datasets.load(name, seed=1, scaling="standard" if name == "iris" else "none")
    classes = len(data.class_names)
    small = Dense(classes, initializer={"name": "normal", "std": 0.01})
    spec = NetworkSpec(data.x_train.shape[1:], (Dense(64, "relu"), small), "softmax_cross_entropy")
    history = engine.Trainer(spec, TrainingSpec(epochs=0, seed=1), data).run()
    assert history.column("train_loss")[0] == pytest.approx(math.log(classes), rel=0.02)


def test_layer_sizes_of_keras_mnist_network() -> None:
    spec = NetworkSpec((784,), (Dense(512, "relu"), Dense(512, "relu"), Dense(10)), "softmax_cross_entropy")
    assert spec.parameter_count() == 669_706


@pytest.mark.parametrize(
    ("activation", "initializer", "accuracy"),
    [("relu", "he_normal", 0.973), ("abs", "lecun_normal", 0.978), ("tanh", "lecun_normal", 0.971),
     ("sigmoid", "lecun_normal", 0.930), ("linear", "lecun_normal", 0.967), ("leaky_relu", "he_normal", 0.974),
     ("silu", "he_normal", 0.972), ("elu", "he_normal", 0.970), ("selu", "lecun_normal", 0.969)],
)  # fmt: skip
def test_digits(activation: str, initializer: str, accuracy: float) -> None:
    seeds = range(4)
    ends = []
    for seed in seeds:
        training = TrainingSpec(engine.Adam(1e-3), batch_size=32, epochs=30, seed=seed, short_batch="keep")
        trainer = digits_run(seed, activation, initializer, training, 64, 32)
        ends.append(trainer.history.column("test_metric")[-1])
    assert np.mean(ends) == pytest.approx(accuracy, abs=0.02), "one split of 450 varies by a point and more"


def death(rate: float, activation: str = "relu", seeds: int = 5) -> tuple[float, float]:
    """(share of dead units in the first layer, test accuracy), means over some seeds."""
    shares, ends = [], []
    for seed in range(seeds):
        training = TrainingSpec(engine.SGD(rate), batch_size=32, epochs=20, seed=seed, short_batch="drop")
        trainer = digits_run(seed, activation, "he_normal", training, 100, 100)
        shares.append(trainer.snapshot().layers[0].dead.mean())
        ends.append(trainer.history.column("test_metric")[-1])
    return float(np.mean(shares)), float(np.mean(ends))


def test_large_steps_kill_relus_and_leaky_relu_comes_to_the_rescue() -> None:
    calm, brisk, wild, wildest = (death(rate) for rate in (0.1, 0.5, 0.8, 1.0))
    assert calm[0] < 0.08 and brisk[0] < 0.10 < 0.25 < wild[0] < wildest[0] and wildest[0] > 0.6
    assert brisk[1] > 0.96, "death is invisible in the accuracy"
    leaky = death(1.0, "leaky_relu")
    assert leaky[0] == 0.0 and leaky[1] > wildest[1] + 0.25


@pytest.mark.parametrize(
    ("activation", "initializer"), [("relu", "he_normal"), ("abs", "auto"), ("relu", "asymmetric")]
)
def test_deep_and_narrow_relu_networks_collapse_where_abs_does_not(activation: str, initializer: str) -> None:
    constant = 0
    for seed in range(12):
        layers = (*(Dense(2, activation, initializer) for _ in range(9)), Dense(1, "linear", initializer))
        data = engine.datasets.load("abs", seed=seed, samples=4000)
        training = TrainingSpec(engine.Adam(1e-3), batch_size=64, epochs=65, seed=seed)
        trainer = engine.Trainer(NetworkSpec((1,), layers), training, data)
        trainer.run()
        constant += np.ptp(trainer.network.predict(data.x_test)) < 0.05
    if activation == "abs":
        assert constant <= 1
    else:
        assert constant <= 7 if initializer == "asymmetric" else constant >= 8
