"""Every initializer: scale, shape, streams."""

import dataclasses
import math

import numpy as np
import pytest

from engine import RelumeError, initializers
from engine.data.dataset import Dataset
from engine.fields import NamedOptions
from engine.layers import Conv2D, Dense, Dropout, Flatten
from engine.network import Network
from engine.spec import NetworkSpec, TrainingSpec
from engine.trainer import Trainer

SHAPE = (300, 200)
STANDARD = {
    "zeros": 0.0, "normal": 0.05, "uniform": 0.05 / math.sqrt(3), "glorot_normal": math.sqrt(2 / 500),
    "glorot_uniform": math.sqrt(2 / 500), "he_normal": math.sqrt(2 / 300), "he_uniform": math.sqrt(2 / 300),
    "lecun_normal": math.sqrt(1 / 300), "lecun_uniform": math.sqrt(1 / 300), "orthogonal": math.sqrt(1 / 300),
    "auto": 1.5 / math.sqrt(300), "truncated_normal": 0.05 * 0.87963, "constant": 0.0, "identity": math.sqrt(1 / 300),
    "lsuv": math.sqrt(1 / 300), "asymmetric": math.sqrt((0.6007**2 + 0.5) / 300),
}  # fmt: skip


@pytest.mark.parametrize("name", initializers.names())
def test_scale(name: str) -> None:
    kernel = initializers.draw(name, np.random.default_rng(1), SHAPE, gain=1.5)
    assert kernel.shape == SHAPE
    assert kernel.std() == pytest.approx(STANDARD[name], rel=0.02)
    if name not in ("constant", "identity", "asymmetric"):
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
    for bad in ({"name": "normal", "width": 1.0}, {"name": "normal", "std": -1.0}, "norml",
                {"name": "truncated_normal", "std": -1.0}):  # fmt: skip
        with pytest.raises(RelumeError):
            Dense(5, initializer=bad)


def test_known_starts() -> None:
    rng = np.random.default_rng(1)
    assert np.array_equal(initializers.draw("identity", rng, (3, 5)), np.eye(3, 5))
    middle = initializers.draw(NamedOptions("identity", (("scale", -2.0),)), rng, (3, 3, 2, 2))
    assert np.array_equal(middle[1, 1], -2.0 * np.eye(2)) and np.count_nonzero(middle) == 2
    assert (initializers.draw(NamedOptions("constant", (("value", -0.5),)), rng, (3, 5)) == -0.5).all()
    assert np.abs(initializers.draw("truncated_normal", rng, SHAPE)).max() <= 0.1


def test_an_asymmetric_start_has_biases_of_its_own() -> None:
    """In each unit one of its numbers, bias included, is from Beta(2, 1): mean 2/3, E x^2 1/2."""
    kernel, bias = initializers.draw_with_bias("asymmetric", np.random.default_rng(1), (3, 4000))
    every = np.vstack([kernel, bias])
    assert every.mean() == pytest.approx(2 / 3 / 4, rel=0.05)
    assert (every**2).mean() == pytest.approx(0.75 * 0.6007**2 / 3 + 0.5 / 4, rel=0.05)
    assert bias.mean() == pytest.approx(every.mean(), rel=0.15), "the bias is one of them"
    network = Network(NetworkSpec((3,), (Dense(4000, initializer="asymmetric"), Dense(2))), 5)
    parameters = network.parameters()
    assert parameters["0.bias"].any() and not parameters["1.bias"].any()
    assert np.array_equal(parameters["0.kernel"], Network(network.spec, 5).parameters()["0.kernel"])


def test_lsuv_begins_with_unit_variance() -> None:
    rng = np.random.default_rng(0)
    x = 30.0 * rng.random((400, 6, 6, 2)).astype(np.float32)
    spec = NetworkSpec(
        (6, 6, 2),
        (Conv2D(5, 3, activation="relu", initializer="lsuv"), Flatten(), *(Dense(20, name, "lsuv") for name in
         ("sigmoid", "abs", "tanh")), Dense(3)), "softmax_cross_entropy",
    )  # fmt: skip
    data = Dataset(x, rng.integers(0, 3, 400), x, rng.integers(0, 3, 400), task="multiclass")
    ends = []
    for _ in range(2):
        trainer = Trainer(spec, TrainingSpec(epochs=0, seed=3), data)
        trainer.run()
        z = trainer.network.preactivations(x)
        assert [float(z[layer].std()) for layer in (0, 2, 3, 4)] == pytest.approx([1.0] * 4, rel=0.1)
        again = Trainer.from_checkpoint(spec, trainer.training, data, trainer.checkpoint())
        assert again.snapshot().epoch == 0
        for key, value in again.network.parameters().items():
            assert np.array_equal(value, trainer.network.parameters()[key]), "scaled once"
        ends.append(trainer.network.vector.tobytes())
        trainer.edit_parameters({"0.kernel": np.full((3, 3, 2, 5), 0.25)})
        trainer.change(spec=dataclasses.replace(spec, layers=spec.layers[:-1] + (Dense(3, "tanh"),)))
        trainer.snapshot()
        assert (trainer.network.parameters()["0.kernel"] == 0.25).all(), "what was set by hand stays"
        for each in (trainer, again):
            each.close()
    assert ends[0] == ends[1]
    flat = Dataset(np.zeros((9, 2)), np.zeros(9), np.zeros((0, 2)), np.zeros(0), task="regression")
    trainer = Trainer(NetworkSpec((2,), (Dense(3, "relu", "lsuv"), Dense(1))), TrainingSpec(epochs=1), flat)
    trainer.run()
    assert trainer.state == "finished"
    trainer.close()
