"""Any size works: one number, one sample, thin, wide, deep, or larger than its window, each against the exact twin."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.kernels.product import DEPTH, HEIGHT, LANES, ROWS
from engine.kernels.program import MOST_ROWS, Program
from engine.kernels.stepper import Stepper
from engine.layers import AveragePool2D, BatchNorm, Conv1D, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D
from engine.losses import encode_targets
from engine.network import Network
from engine.optimizers import SGD, Adam, Optimizer
from engine.spec import NetworkSpec, TrainingSpec

MANY = 10**9
RATE = 0.01
Shape = tuple[int, ...]


def close(found: np.ndarray, expected: np.ndarray, scale: float, place: str) -> None:
    assert found.dtype == np.float32 and found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * scale, err_msg=place)


def largest(arrays: dict[str, np.ndarray]) -> float:
    return max(float(np.abs(value).max(initial=0.0)) for value in arrays.values())


def agree(shape: Shape, layers: tuple[Layer, ...], n: int, batch: int | None = None, steps: int = 3) -> Stepper:
    """The compiled network and its float64 twin: outputs, one gradient, and steps of SGD over the same batches."""
    spec = NetworkSpec(shape, layers, "mean_squared_error")
    rng = np.random.default_rng(7)
    quick, exact = Network(spec, 3), Network(spec, 3, "float64")
    exact.set_parameters(quick.parameters())
    x = rng.normal(size=(n, *shape)).astype(np.float32)
    y = rng.normal(size=(n, spec.output_shape[-1])).astype(np.float32)
    predicted = exact.predict(x)
    close(quick.predict(x), predicted, float(np.abs(predicted).max()), "predict")
    (loss, gradients), (expected_loss, expected) = quick.gradients(x, y), exact.gradients(x, y)
    assert loss == pytest.approx(expected_loss, rel=1e-4)
    for key, value in expected.items():
        close(gradients[key], value, largest(expected), f"gradient of {key}")

    training = TrainingSpec(SGD(RATE), batch_size=batch or n, short_batch="keep", seed=1)
    stepper = Stepper(quick, training, x, encode_targets(spec.loss, y, "regression", y.shape[1]))
    for _ in range(steps):
        start = stepper.state()["start"]
        stepper.advance(MANY, 1, MANY)
        taken = stepper._order[start : start + stepper.state()["batch_samples"]]
        gradients = exact.gradients(x[taken], y[taken])[1]
        exact.set_parameters({key: exact.parameters()[key] - RATE * value for key, value in gradients.items()})
    assert stepper.step == steps and stepper.diverged is None
    for key, value in exact.parameters().items():
        close(quick.parameters()[key], value, float(np.abs(value).max()) or 1.0, f"{key} after {steps} steps")
    return stepper


def dense(*widths: int, activation: str = "tanh") -> tuple[Layer, ...]:
    return (*(Dense(width, activation) for width in widths[:-1]), Dense(widths[-1]))


def deep(layer: Layer) -> tuple[Layer, ...]:
    """Fifty of them; their gain is 1, so that rounding does not grow from layer to layer."""
    return (layer,) * 50


def conv(filters: int, size: int, stride: int = 1, padding: str = "same") -> Conv2D:
    return Conv2D(filters, size, stride, padding, "tanh")


# ---- tables -----------------------------------------------------------------------------------


def test_one_number():
    agree((1,), (Dense(1),), 1)


@pytest.mark.parametrize("n", [1, 2, 5])
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_few_samples_and_small_batches(n: int, batch: int):
    agree((3,), dense(4, 2), n, batch)


def test_width():
    agree((2048,), dense(2048, 1), 3, steps=2)


def test_many_outputs_of_one_input():
    agree((1,), dense(1, 2048), 4)


@pytest.mark.parametrize("n", [1, 40])
def test_depth(n: int):
    agree((8,), (*deep(Dense(8, "tanh", "glorot_normal")), Dense(3)), n)


def test_layers_of_one_unit_fifty_deep():
    agree((1,), dense(*[1] * 50), 9)


def test_a_million_parameters():
    stepper = agree((50,), dense(1000, 1000, 2), 20, steps=2)
    assert len(stepper.network.vector) > 1_000_000


def test_a_million_samples():
    x = np.linspace(-1.0, 1.0, 1_000_000, dtype=np.float32)[:, None]
    network = Network(NetworkSpec((1,), (Dense(1, initializer="zeros"),)), 1)
    stepper = Stepper(network, TrainingSpec(SGD(0.1), batch_size=1024), x, 2.0 * x + 0.5, "regression")
    before = stepper.evaluate(x, 2.0 * x + 0.5)[0]
    assert before == pytest.approx(float(np.mean((2.0 * x.astype(np.float64) + 0.5) ** 2)), rel=1e-4)
    stepper.advance(MANY, MANY, 1)
    assert stepper.samples_done == 1_000_000 and stepper.evaluate(x, 2.0 * x + 0.5)[0] < 1e-6


@pytest.mark.parametrize("inputs", sorted({1, 2, LANES - 1, LANES, LANES + 1, 2 * LANES - 1, 2 * LANES + 1, 100}))
@pytest.mark.parametrize("units", sorted({1, LANES - 1, LANES, LANES + 1, 2 * LANES, 3 * LANES + 2}))
def test_widths_around_the_registers(inputs: int, units: int):
    agree((inputs,), dense(units, inputs), ROWS + 1)


@pytest.mark.parametrize("n", sorted({1, ROWS - 1, ROWS, ROWS + 1, 4 * ROWS - 1, 4 * ROWS, HEIGHT - 1, HEIGHT + 1}))
@pytest.mark.parametrize("inputs", [DEPTH - 1, DEPTH, DEPTH + 1, 2 * DEPTH + 1])
def test_products_around_the_sizes_of_their_copied_parts(n: int, inputs: int):
    agree((inputs,), dense(4 * LANES + 1, 67, 2), n, steps=2)


def tile_of(layers: tuple[Layer, ...], inputs: int) -> int:
    return Program(Network(NetworkSpec((inputs,), layers))).tile


@pytest.mark.parametrize("more", [-1, 0, 1])
@pytest.mark.parametrize("tiles", [1, 2, 4])
@pytest.mark.parametrize("width", [12, 3000])
def test_batches_around_the_tiles(more: int, tiles: int, width: int):
    layers = dense(width, 2)
    tile = tile_of(layers, 5)
    assert tile == MOST_ROWS if width == 12 else tile < MOST_ROWS
    stepper = agree((5,), layers, tiles * tile + more)
    assert stepper.at_batch_boundary


@pytest.mark.parametrize("batch", [1, 3, 60, 61, 127, 128, 129, 257, 258])
def test_batches_of_a_network_with_lanes(batch: int):
    agree((300,), dense(700, 300, 2), 258, batch, steps=2)


def test_more_than_the_whole_set_in_a_batch():
    agree((3,), dense(4, 1), 7, 1000)


# ---- images -----------------------------------------------------------------------------------

IMAGES: dict[str, tuple[Shape, tuple[Layer, ...]]] = {
    "one place": ((1, 1, 1), (conv(1, 1), MaxPool2D(1), AveragePool2D(1))),
    "one place, larger windows": ((1, 1, 3), (conv(5, 5), MaxPool2D(3, 2, "same"), AveragePool2D(4, 1, "same"))),
    "a kernel as large as the image": ((7, 7, 2), (conv(5, 7, 1, "valid"), conv(3, 1))),
    "a kernel as large as the image, beyond its edges": ((6, 6, 2), (conv(5, 6), conv(3, 6, 2))),
    "a kernel larger than the image": ((4, 3, 2), (conv(5, 9), conv(6, 9, 4))),
    "a pool as large as the image": ((5, 5, 3), (conv(4, 3), MaxPool2D(5), AveragePool2D(1))),
    "strides larger than the kernel": ((11, 10, 2), (conv(4, 2, 3, "valid"), conv(5, 1, 3))),
    "strides larger than the image": ((4, 5, 2), (conv(4, 3, 7), conv(3, 1, 9))),
    "strides of pools larger than their window": ((12, 11, 3), (MaxPool2D(2, 5), conv(4, 2), AveragePool2D(1, 2))),
    "one row": ((1, 40, 2), (conv(6, 3), MaxPool2D(2, padding="same"), conv(4, 5))),
    "one column": ((40, 1, 1), (conv(6, 3), AveragePool2D(3, 2, "same"), conv(4, 5))),
    "1 channel": ((9, 9, 1), (conv(1, 3), conv(1, 3, 2), conv(33, 3))),
    "33 channels": ((6, 5, 33), (conv(33, 3), conv(34, 2, 2), conv(1, 3))),
    "a reach as large as the image": ((7, 9, 2), (Conv2D(4, 3, 1, "valid", "tanh", dilation_rate=3), conv(3, 1))),
    "a reach larger than the image": ((4, 5, 2), (Conv2D(4, 3, 2, "same", "tanh", dilation_rate=9), conv(3, 1))),
    "one channel a group": ((5, 6, 33), (Conv2D(33, 3, 2, "same", groups=33), Conv2D(66, 2, groups=33))),
    "33 groups of three": ((4, 3, 99), (Conv2D(33, 2, 1, "same", "tanh", groups=33),)),
    "signal of one value": ((1, 1), (Conv1D(3, 5, 2, "same"), Conv1D(3, 3, 1, "same", groups=3))),
    "long signal": ((2000, 1), (Conv1D(4, 9, 3, activation="tanh"), Conv1D(5, 33, 2, "same", dilation_rate=8))),
    "fifty deep": ((5, 5, 2), deep(dataclasses.replace(conv(3, 3), initializer="glorot_normal"))),
    "wide maps": ((64, 64, 1), (conv(8, 11, 2), conv(8, 5), MaxPool2D(4))),
    "many filters": ((3, 3, 4), (conv(300, 3), conv(17, 1))),
}


@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.parametrize("name", IMAGES)
def test_images(name: str, n: int):
    shape, layers = IMAGES[name]
    agree(shape, (*layers, Flatten(), Dense(2)), n, steps=2)


@pytest.mark.parametrize("n", [MOST_ROWS - 1, MOST_ROWS, MOST_ROWS + 1, 2 * MOST_ROWS + 1])
def test_batches_of_images_around_the_tiles(n: int):
    agree((5, 4, 2), (conv(3, 3), MaxPool2D(2), Flatten(), Dense(2)), n, steps=2)


def test_batch_norm_of_a_batch_of_any_size():
    for n in (2, 3, MOST_ROWS + 1, 1000):
        spec = NetworkSpec((4, 4, 1), (conv(3, 3), BatchNorm(), Flatten(), BatchNorm(), Dense(2)))
        quick, exact = Network(spec, 1), Network(spec, 1, "float64")
        exact.set_parameters(quick.parameters())
        rng = np.random.default_rng(n)
        x, y = rng.normal(size=(n, 4, 4, 1)).astype(np.float32), rng.normal(size=(n, 2)).astype(np.float32)
        found, expected = quick.gradients(x, y)[1], exact.gradients(x, y)[1]
        for key, value in expected.items():
            close(found[key], value, largest(expected), key)


def test_a_batch_of_one_has_no_spread():
    """Every value is its own mean: nothing is learned below the norm, and nothing breaks."""
    network = Network(NetworkSpec((3,), (Dense(4, "tanh"), BatchNorm(), Dropout(0.5), Dense(1))), 1)
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    stepper = Stepper(network, TrainingSpec(SGD(0.1), batch_size=1), x, x[:, :1].copy(), "regression")
    before = network.parameters()
    stepper.advance(MANY, MANY, 4)
    after = network.parameters()
    assert stepper.diverged is None and stepper.step == 20 and np.isfinite(network.vector).all()
    assert np.array_equal(before["0.kernel"], after["0.kernel"])
    assert not np.array_equal(before["3.bias"], after["3.bias"])


@pytest.mark.parametrize(
    ("shape", "layers"),
    [((4,), (Dropout(0.1),)), ((4, 4, 1), (MaxPool2D(4), Flatten())), ((3,), (Flatten(),))],
    ids=str,
)
@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), Adam()], ids=str)
def test_a_network_without_parameters(shape: Shape, layers: tuple[Layer, ...], optimizer: Optimizer):
    spec = NetworkSpec(shape, layers, "mean_squared_error")
    x = np.random.default_rng(0).normal(size=(50, *shape)).astype(np.float32)
    y = np.ones((50, spec.output_shape[-1]), np.float32)
    quick, exact = Network(spec, 1), Network(spec, 1, "float64")
    np.testing.assert_allclose(quick.predict(x), exact.predict(x), rtol=1e-6)
    assert quick.gradients(x, y) == (pytest.approx(exact.gradients(x, y)[0], rel=1e-5), {})
    stepper = Stepper(quick, TrainingSpec(optimizer, batch_size=8), x, y, "regression")
    stepper.advance(MANY, MANY, 2)
    assert stepper.epoch == 2 and stepper.step == 12 and stepper.diverged is None and np.isfinite(stepper.last_loss)
    assert np.isnan(stepper.gradient_norms()).all()
