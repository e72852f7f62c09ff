"""Whole networks: gradients, parameters, what bad input is told."""

import numpy as np
import pytest

from engine import RelumeError, activations, losses
from engine.layers import Dense, Dropout
from engine.network import Network
from engine.spec import NetworkSpec


def _problem(spec: NetworkSpec, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    outputs = spec.output_shape[0]
    x = rng.normal(size=(n, *spec.input_shape))
    if "regression" in losses.get(spec.loss).tasks:
        y = rng.normal(size=(n, outputs))
        return x, np.abs(y) if losses.get(spec.loss).least_target == 0.0 else y
    return x, rng.integers(0, max(2, outputs), n)


@pytest.mark.parametrize("name", activations.names())
def test_gradients(name: str) -> None:
    """float64 against central differences, float32 against float64."""
    layers = (Dense(7, name, l1=0.01, l2=0.02), Dropout(0.4), Dense(18, name), Dense(2, "linear"))
    spec = NetworkSpec((5,), layers)
    x, y = _problem(spec, 150)
    exact, quick = Network(spec, 3, "float64"), Network(spec, 3)
    loss, gradients = exact.gradients(x, y)
    rng, h = np.random.default_rng(0), 1e-6
    for key, gradient in gradients.items():
        start = exact.parameters()[key]
        for place in [tuple(rng.integers(0, size) for size in gradient.shape) for _ in range(4)]:
            ends = []
            for side in (h, -h):
                moved = start.copy()
                moved[place] += side
                exact.set_parameters({key: moved})
                ends.append(exact.gradients(x, y)[0])
            exact.set_parameters({key: start})
            assert gradient[place] == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-5, abs=2e-6), (key, place)
    loss32, gradients32 = quick.gradients(x, y)
    assert loss32 == pytest.approx(loss, rel=1e-5)
    for key, gradient in gradients.items():
        assert gradients32[key].dtype == np.float32
        assert np.allclose(gradients32[key], gradient, atol=2e-5 * max(1.0, np.abs(gradient).max())), key


@pytest.mark.parametrize("loss", losses.names())
def test_gradients_of_every_loss(loss: str) -> None:
    spec = NetworkSpec((4,), (Dense(9, "tanh"), Dense(losses.get(loss).outputs or 3)), loss)
    x, y = _problem(spec, 200)
    exact, quick = Network(spec, 3, "float64").gradients(x, y), Network(spec, 3).gradients(x, y)
    assert quick[0] == pytest.approx(exact[0], rel=1e-5)
    assert all(np.allclose(quick[1][key], exact[1][key], atol=1e-6) for key in exact[1])


@pytest.mark.parametrize("shape", [(1, 1), (3, 17), (40, 33), (100, 130)])
@pytest.mark.parametrize("n", [0, 1, 7, 129, 300])
def test_shapes_and_the_twin(shape: tuple[int, int], n: int) -> None:
    spec = NetworkSpec((shape[0],), (Dense(shape[1], "relu"), Dropout(0.5), Dense(11, "silu")))
    x = np.random.default_rng(1).normal(size=(n, shape[0]))
    quick, exact = Network(spec, 2), Network(spec, 2, "float64")
    assert [z.shape for z in quick.preactivations(x)] == [(n, shape[1]), (n, shape[1]), (n, 11)]
    for a, b in zip(quick.activations(x), exact.activations(x), strict=True):
        assert a.dtype == np.float32 and np.allclose(a, b, atol=1e-5)
    assert np.array_equal(quick.predict(x), quick.activations(x)[-1])


def test_parameters_are_copies_and_seeded() -> None:
    spec = NetworkSpec((3,), (Dense(4, "prelu"), Dense(2, "swish")))
    network = Network(spec, 1)
    assert list(network.parameters()) == [
        "0.kernel", "0.bias", "0.activation.slope", "1.kernel", "1.bias", "1.activation.beta",
    ]  # fmt: skip
    network.parameters()["0.kernel"][:] = 9.0
    assert (network.parameters()["0.kernel"] != 9.0).all()
    assert (network.parameters()["0.activation.slope"] == 0.25).all()
    assert np.array_equal(Network(spec, 1).vector, network.vector)
    assert not np.array_equal(Network(spec, 2).vector, network.vector)


@pytest.mark.parametrize(
    ("mapping", "words"),
    [
        ({"0.kernel": np.zeros((2, 2))}, "shape"),
        ({"0.bias": [np.nan] * 4}, "finite"),
        ({"0.bias": [1e300] * 4}, "finite"),
        ({"7.bias": [0.0]}, "no parameter"),
        ({"0.bias": ["a"] * 4}, "numbers"),
        ({"1.bias": [5.0, 5.0], "0.bias": [np.inf] * 4}, "finite"),
    ],
)
def test_bad_parameters_change_nothing(mapping: dict, words: str) -> None:
    network = Network(NetworkSpec((3,), (Dense(4), Dense(2))), 1)
    before = network.vector.copy()
    with pytest.raises(RelumeError, match=words):
        network.set_parameters(mapping)
    assert np.array_equal(network.vector, before)


@pytest.mark.parametrize("x", [np.zeros((2, 4)), np.zeros(3), "abc", [["a", "b", "c"]], [[1, 2], [3]], None])
def test_bad_inputs_are_told(x: object) -> None:
    network = Network(NetworkSpec((3,), (Dense(4),)), 1)
    with pytest.raises(RelumeError):
        network.predict(x)


def test_bad_arguments_are_told() -> None:
    spec = NetworkSpec((3,), (Dense(2),))
    for arguments in ({"seed": -1}, {"seed": 1.5}, {"dtype": "int32"}):
        with pytest.raises(RelumeError):
            Network(spec, **arguments)
    with pytest.raises(RelumeError):
        Network(spec).gradients(np.zeros((3, 3)), np.zeros((2, 2)))


def test_weights_that_fit_are_kept() -> None:
    old = Network(NetworkSpec((2,), (Dense(8, "relu"), Dense(8, "relu"), Dense(1))), 1)
    kept = old.parameters()

    def after(*layers: Dense | Dropout) -> dict[str, np.ndarray]:
        return old.with_spec(NetworkSpec((2,), layers), seed=9).parameters()

    same = after(Dense(8, "tanh"), Dense(8, "prelu"), Dense(1))
    assert all(np.array_equal(same[key], kept[key]) for key in kept)
    longer = after(Dense(8, "relu"), Dense(8, "relu"), Dense(8, "relu"), Dense(1))
    assert np.array_equal(longer["3.kernel"], kept["2.kernel"]) and np.array_equal(longer["1.kernel"], kept["1.kernel"])
    shorter = after(Dense(8, "relu"), Dense(1))
    assert np.array_equal(shorter["0.kernel"], kept["0.kernel"])
    assert np.array_equal(shorter["1.kernel"], kept["2.kernel"])
    wider = after(Dense(8, "relu"), Dense(10, "relu"), Dense(1))
    assert np.array_equal(wider["1.kernel"][:, :8], kept["1.kernel"])
    assert np.array_equal(wider["2.kernel"][:8], kept["2.kernel"])
    dropped = after(Dense(8, "relu"), Dropout(0.1), Dense(8, "relu"), Dense(1))
    assert np.array_equal(dropped["2.kernel"], kept["1.kernel"])
    assert np.array_equal(dropped["3.kernel"], kept["2.kernel"])
