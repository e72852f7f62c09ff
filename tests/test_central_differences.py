"""Gradients of whole networks against central differences, and float32 against float64.

The float64 network runs the numpy twins: the float64 mode of the engine. What is proven of them holds for the kernels,
which are compared with them here. Near a corner of an activation, of a maximum or of a loss there is no derivative:
a direction in which two step sizes do not agree is told apart by that, and left out; most must remain.
"""

from __future__ import annotations

import numpy as np
import pytest

from engine import activations, losses
from engine.layers import LAYERS, Dense, Flatten, Layer
from engine.network import Network
from engine.spec import NetworkSpec
from tests import random_networks
from tests.counts import FULL, count

STEP = 1e-5
WIDE = 1e4  # outputs beyond it leave no digits for differences


def targets_of(loss: losses.Loss, outputs: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Values where the loss takes them (whole ones from 0 serve every regression), else classes."""
    if "regression" in loss.tasks:
        return rng.uniform(0.1, 3.0, (n, outputs)).astype(np.float32)
    return rng.integers(0, max(2, outputs), n)


def difference(network: Network, x: np.ndarray, y: np.ndarray, key: str, along: np.ndarray, h: float) -> float:
    before = network.parameters()[key]
    ends = []
    for side in (2 * h, h, -h, -2 * h):
        network.set_parameters({key: before + side * along})
        ends.append(network.gradients(x, y)[0])
    network.set_parameters({key: before})
    return (8.0 * (ends[1] - ends[2]) - (ends[0] - ends[3])) / (12.0 * h)  # fourth order: its own error is far below


def proven(network: Network, x: np.ndarray, y: np.ndarray, directions: int = 1) -> tuple[int, int]:
    """(directions that are smooth, all); every smooth one must agree within 1e-6."""
    rng, smooth, tried = np.random.default_rng(0), 0, 0
    loss, gradients = network.gradients(x, y)
    assert np.isfinite(loss)
    for key, gradient in gradients.items():
        for _ in range(directions):
            along = rng.normal(size=gradient.shape) / np.sqrt(gradient.size)
            found, finer = (difference(network, x, y, key, along, h) for h in (STEP, STEP / 4))
            exact, size = float((gradient * along).sum()), float(np.abs(gradient * along).sum())
            # what rounding of the loss leaves of a difference; below it nothing can be told
            allowed = 1e-6 * max(abs(exact), size) + 100 * np.finfo(float).eps * (1 + abs(loss)) / STEP
            tried += 1
            if abs(found - finer) > allowed:
                continue  # a corner between the ends
            smooth += 1
            assert abs(found - exact) <= allowed, (key, found, exact)
    return smooth, tried


def same_in_float32(network: Network, x: np.ndarray, y: np.ndarray) -> None:
    """Kernels within 1e-4 of the twin: outputs, loss, and every gradient beside the largest."""
    quick = Network(network.spec, network.seed)
    quick.set_parameters(network.parameters())
    network.set_parameters(quick.parameters())  # the same numbers, rounded
    expected = network.predict(x)
    scale = float(np.abs(expected).max())
    np.testing.assert_allclose(quick.predict(x), expected, rtol=1e-4, atol=1e-4 * scale)
    (loss, gradients), (wide_loss, wide) = quick.gradients(x, y), network.gradients(x, y)
    assert loss == pytest.approx(wide_loss, rel=1e-4, abs=1e-6)
    largest = max((float(np.abs(value).max()) for value in wide.values()), default=0.0)
    for key, value in wide.items():
        np.testing.assert_allclose(gradients[key], value, rtol=1e-4, atol=1e-4 * largest, err_msg=key)


def checked(spec: NetworkSpec, seed: int, n: int = 4) -> tuple[int, int]:
    network = random_networks.moved(Network(spec, seed, "float64"), seed)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, *spec.input_shape)).astype(np.float32)
    y = targets_of(losses.get(spec.loss), spec.output_shape[-1], n, rng)
    return proven(network, x, y)


def spec_of(made: Layer, shape: tuple[int, ...], activation: str, loss: str) -> NetworkSpec:
    """The layer between two dense ones or alone before one, so that its own inputs want a gradient too."""
    flat = (Flatten(),) if len(made.output_shape(shape)) > 1 else ()
    before = (Dense(shape[0], "tanh"),) if len(shape) == 1 else ()
    outputs = losses.get(loss).outputs or 3
    return NetworkSpec(shape, (*before, made, *flat, Dense(4, activation), Dense(outputs)), loss)


def one_of(kind: str, seed: int) -> tuple[Layer, tuple[int, ...]]:
    rng = np.random.default_rng(seed)
    for shape in (*random_networks.SHAPES[seed % 2 :], *random_networks.SHAPES):
        made = random_networks.layer(rng, kind, shape)
        if made is not None:
            return made, shape
    raise AssertionError(f"no shape fits {kind}: add one to random_networks.SHAPES")


@pytest.mark.parametrize("kind", LAYERS.names())
def test_every_layer_with_every_activation_and_loss(kind: str) -> None:
    """All of them in `make proof`; otherwise each activation and each loss once with every kind of layer."""
    names, objectives = activations.names(), losses.names()
    cases = [(a, o) for a in names for o in objectives]
    if not FULL:
        cases = [(a, objectives[i % len(objectives)]) for i, a in enumerate(names)][:: max(1, len(names) // 8)]
    smooth = tried = 0
    for seed, (activation, loss) in enumerate(cases):
        made, shape = one_of(kind, seed)
        found = checked(spec_of(made, shape, activation, loss), seed)
        smooth, tried = smooth + found[0], tried + found[1]
    assert smooth >= 0.8 * tried, f"only {smooth} of {tried} directions could be told"


@pytest.mark.parametrize("loss", losses.names())
@pytest.mark.parametrize("activation", activations.names())
def test_every_activation_with_every_loss(activation: str, loss: str) -> None:
    outputs = losses.get(loss).outputs or 3
    spec = NetworkSpec((5,), (Dense(6, activation), Dense(4, "tanh"), Dense(outputs)), loss)
    smooth, tried = checked(spec, 3)
    assert smooth >= 0.5 * tried


def random_case(seed: int) -> tuple[Network, np.ndarray, np.ndarray] | None:
    """The float64 network of a seed with samples; None where its numbers leave no digits for a comparison."""
    made, _ = random_networks.network(seed)
    network = Network(made.spec, seed, "float64")
    network.set_parameters(made.parameters())
    rng = np.random.default_rng([6, seed])
    x = rng.normal(size=(5, *network.spec.input_shape)).astype(np.float32)
    y = targets_of(losses.get(network.spec.loss), network.spec.output_shape[-1], 5, rng)
    loss = network.gradients(x, y)[0]
    usable = np.isfinite(loss) and loss < WIDE and all(np.abs(a).max() < WIDE for a in network.activations(x))
    return (network, x, y) if usable else None


def test_random_networks_by_central_differences() -> None:
    wanted, smooth, tried, seed, done = count(15, 200), 0, 0, 0, 0
    while done < wanted:
        assert seed < 2 * wanted, "too many of them cannot be compared"
        case, seed = random_case(seed), seed + 1
        if case is not None:
            found = proven(*case)
            smooth, tried, done = smooth + found[0], tried + found[1], done + 1
    assert smooth >= 0.8 * tried, f"only {smooth} of {tried} directions could be told"


@pytest.mark.parametrize("seed", range(count(12, 200)))
def test_random_networks_in_float32(seed: int) -> None:
    case = random_case(seed)
    if case is not None and not any(activations.get("step").name in str(layer) for layer in case[0].spec.layers):
        same_in_float32(*case)
