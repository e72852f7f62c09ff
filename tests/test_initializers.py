"""Every initializer: scale, shape, streams."""

import math

import numpy as np
import pytest

from engine import RelumeError, initializers
from engine.layers import Dense, Dropout
from engine.network import Network
from engine.spec import NetworkSpec

SHAPE = (300, 200)
STANDARD = {
    "zeros": 0.0, "normal": 0.05, "uniform": 0.05 / math.sqrt(3), "glorot_normal": math.sqrt(2 / 500),
    "glorot_uniform": math.sqrt(2 / 500), "he_normal": math.sqrt(2 / 300), "he_uniform": math.sqrt(2 / 300),
    "lecun_normal": math.sqrt(1 / 300), "lecun_uniform": math.sqrt(1 / 300), "orthogonal": math.sqrt(1 / 300),
    "auto": 1.5 / math.sqrt(300),
}  # fmt: skip


@pytest.mark.parametrize("name", initializers.names())
def test_scale(name: str) -> None:
    kernel = initializers.draw(name, np.random.default_rng(1), SHAPE, gain=1.5)
    assert kernel.shape == SHAPE
    assert kernel.std() == pytest.approx(STANDARD[name], rel=0.02)
    assert abs(kernel.mean()) <= 3 * STANDARD[name] / math.sqrt(kernel.size) + 1e-12


def test_orthogonal_columns_and_rows() -> None:
    for shape in ((7, 4), (4, 7), (5, 5)):
        q = initializers.draw("orthogonal", np.random.default_rng(1), shape)
        small = q.T @ q if shape[0] >= shape[1] else q @ q.T
        assert np.allclose(small, np.eye(min(shape)))


def test_auto_keeps_the_variance_through_dropout_too() -> None:
    x = np.random.default_rng(0).normal(size=(4000, 256)).astype(np.float32)
    for name in ("relu", "tanh", "abs", "gelu", "sigmoid"):
        layers = (Dense(256, name), Dropout(0.5), *(Dense(256, name) for _ in range(4)))
        z = Network(NetworkSpec((256,), layers), seed=3).preactivations(x)
        for layer in (0, 2, 5):
            assert np.mean(z[layer] ** 2) == pytest.approx(1.0, rel=0.2), (name, layer)


def test_each_layer_draws_from_its_own_stream() -> None:
    first = Network(NetworkSpec((4,), (Dense(4), Dense(4, "relu"))), 5).parameters()
    other = Network(NetworkSpec((4,), (Dense(9), Dense(4, "relu"))), 5).parameters()
    again = Network(NetworkSpec((4,), (Dense(4), Dense(4, "relu"), Dense(4))), 5).parameters()
    assert np.array_equal(first["1.kernel"], again["1.kernel"])
    assert not np.array_equal(first["0.kernel"], first["1.kernel"])
    assert other["0.kernel"].shape == (4, 9)
    assert not np.array_equal(first["0.kernel"], Network(NetworkSpec((4,), (Dense(4),)), 6).parameters()["0.kernel"])


def test_options() -> None:
    layer = Dense(50, initializer={"name": "normal", "std": 2.0})
    kernel = Network(NetworkSpec((100,), (layer,)), 1).parameters()["0.kernel"]
    assert kernel.std() == pytest.approx(2.0, rel=0.05)
    for bad in ({"name": "normal", "width": 1.0}, {"name": "normal", "std": -1.0}, "norml"):
        with pytest.raises(RelumeError):
            Dense(5, initializer=bad)
