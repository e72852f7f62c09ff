"""Layers that are random in training: what they draw, and that prediction passes everything on."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine.kernels import layout as at
from engine.kernels.program import Program
from engine.layers import AlphaDropout, Dropout, GaussianNoise, Layer
from engine.layers.alpha_dropout import DROPPED
from engine.network import Network
from engine.spec import NetworkSpec

WIDTH = 1000


def trained(layer: Layer, x: np.ndarray, seed: int = 3, step: int = 1) -> np.ndarray:
    """What the layer makes of x in a step of training: the weights of a sum pass it on."""
    network = Network(NetworkSpec((WIDTH,), (layer, engine.Dense(1)), "mean_squared_error"), seed)
    program = Program(network, training=True, task="regression")
    program.set_seed(seed)
    program.make()
    for lane in program.lane_table:
        lane[at.TIME] = step
    values = program.forward(x)[0][1]
    return values


@pytest.mark.parametrize("layer", [Dropout(0.4), AlphaDropout(0.3), GaussianNoise(0.5)])
def test_prediction_passes_everything_on(layer: Layer) -> None:
    network = Network(NetworkSpec((WIDTH,), (layer, engine.Dense(1)), "mean_squared_error"), 1)
    x = np.random.default_rng(0).normal(size=(5, WIDTH)).astype(np.float32)
    assert np.array_equal(network.activations(x)[0], x)


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    x = np.random.default_rng(0).normal(size=(400, WIDTH)).astype(np.float32)
    y = trained(AlphaDropout(0.3), x)
    assert abs(float(y.mean())) < 0.01 and float(y.std()) == pytest.approx(1.0, abs=0.01)
    a = 1.0 / np.sqrt(0.7 * (1.0 + 0.3 * DROPPED**2))
    dropped = np.isclose(y, a * DROPPED - a * 0.3 * DROPPED, atol=1e-6)
    assert float(dropped.mean()) == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(y[~dropped], a * x[~dropped] - a * 0.3 * DROPPED, rtol=1e-4, atol=1e-5)


def test_gaussian_noise_is_normal() -> None:
    noise = trained(GaussianNoise(0.5), np.zeros((400, WIDTH), np.float32)) / 0.5
    assert abs(float(noise.mean())) < 0.01 and float(noise.std()) == pytest.approx(1.0, abs=0.01)
    for bound, share in ((1.0, 0.3173), (2.0, 0.0455), (3.0, 0.0027)):
        assert float((np.abs(noise) > bound).mean()) == pytest.approx(share, abs=0.003)
    assert abs(float(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1])) < 0.01
    assert float((noise**4).mean()) == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("layer", [AlphaDropout(0.3), GaussianNoise(0.5)])
def test_what_is_drawn_depends_on_seed_and_step_only(layer: Layer) -> None:
    x = np.random.default_rng(0).normal(size=(9, WIDTH)).astype(np.float32)
    first = trained(layer, x)
    assert np.array_equal(first, trained(layer, x))
    assert not np.array_equal(first, trained(layer, x, seed=4)) and not np.array_equal(first, trained(layer, x, step=2))


def test_randomized_leaky_relu_draws_its_slopes_in_training_only() -> None:
    spec = NetworkSpec((8,), (engine.Dense(8, "rrelu", initializer="identity"), engine.Dense(1)), "mean_squared_error")
    network = Network(spec, 1)
    x = np.random.default_rng(0).normal(size=(4000, 8)).astype(np.float32)
    below = x < 0
    assert np.allclose(network.activations(x)[0], np.where(below, 11 / 48 * x, x), rtol=1e-5)
    program = Program(network, training=True, task="regression")
    program.set_seed(3)
    a = program.forward(x)[0][1]
    assert np.array_equal(a[~below], x[~below])
    slopes = a[below] / x[below]
    assert slopes.min() >= 0.1249 and slopes.max() <= 0.3334
    assert float(slopes.mean()) == pytest.approx(11 / 48, abs=0.002)
    assert float(slopes.std()) == pytest.approx((1 / 3 - 1 / 8) / np.sqrt(12), rel=0.02)
