"""The workloads W1 to W6: network, training, and made data of the right shape. W7 is in activation_costs.py."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

import numpy as np

import engine
from engine.layers import Dense, Layer
from engine.spec import NetworkSpec, TrainingSpec

LOSS = "softmax_cross_entropy"


@dataclasses.dataclass(frozen=True)
class Workload:
    """What is trained. `data(samples)` gives float32 x (n, *input_shape) and int64 classes or float32 targets y."""

    name: str
    title: str
    make_spec: Callable[[], NetworkSpec]
    training: TrainingSpec
    samples: int
    brief: int  # samples for side-by-side runs: whole epochs of the slowest engine must stay short

    @property
    def spec(self) -> NetworkSpec:
        return self.make_spec()

    def data(self, samples: int | None = None) -> tuple[np.ndarray, np.ndarray]:
        spec, n = self.spec, samples or self.samples
        if spec.input_shape == (2,):
            return spiral(n)
        return clouds(n, spec.input_shape, math.prod(spec.output_shape))


def spiral(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two arms, targets -1 and +1 as Playground has them."""
    rng = np.random.default_rng(0)
    turn = np.linspace(0.0, 1.0, (n + 1) // 2)
    angle = np.concatenate([1.75 * turn, 1.75 * turn + 0.5]) * 2 * np.pi
    radius = np.tile(5.0 * turn, 2)
    x = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)[:n]
    y = np.repeat([1.0, -1.0], (n + 1) // 2)[:n, None]
    order = rng.permutation(n)
    return x[order].astype(np.float32), y[order].astype(np.float32)


def clouds(n: int, shape: tuple[int, ...], classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise around one centre for each class."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((classes, *shape), dtype=np.float32)
    y = rng.integers(0, classes, n)
    x = rng.standard_normal((n, *shape), dtype=np.float32)
    for start in range(0, n, 1024):  # no second array of the size of x
        x[start : start + 1024] += 0.5 * centres[y[start : start + 1024]]
    return x, y


def _spiral_network(activation: str) -> Callable[[], NetworkSpec]:
    return lambda: NetworkSpec((2,), (Dense(8, activation), Dense(8, activation), Dense(1, "tanh")))


def _dense(inputs: int, widths: list[int], activation: str = "relu") -> Callable[[], NetworkSpec]:
    hidden = [Dense(width, activation) for width in widths]
    return lambda: NetworkSpec((inputs,), (*hidden, Dense(10)), LOSS)


def _small_images() -> NetworkSpec:
    layers: tuple[Layer, ...] = (
        engine.Conv2D(16, 5, padding="valid", activation="relu"), engine.MaxPool2D(2),
        engine.Conv2D(32, 5, padding="valid", activation="relu"), engine.MaxPool2D(2),
        engine.Flatten(), Dense(128, "relu"), Dense(10),
    )  # fmt: skip
    return NetworkSpec((28, 28, 1), layers, LOSS)


def _coloured_images() -> NetworkSpec:
    layers: list[Layer] = []
    for filters in (32, 32, 64):
        layers.append(engine.Conv2D(filters, 5, padding="same", activation="relu"))
        layers.append(engine.MaxPool2D(3, strides=2, padding="same"))
    return NetworkSpec((32, 32, 3), (*layers, engine.Flatten(), Dense(10)), LOSS)


def _training(optimizer: engine.optimizers.Optimizer, batch: int) -> TrainingSpec:
    return TrainingSpec(optimizer, batch_size=batch, seed=7, short_batch="drop")


_ALL = (
    Workload("W1_tanh", "spiral, 2-8-8-1 tanh", _spiral_network("tanh"), _training(engine.SGD(0.015), 10), 250, 250),
    Workload("W1_relu", "spiral, 2-8-8-1 relu", _spiral_network("relu"), _training(engine.SGD(0.015), 10), 250, 250),
    Workload("W2", "digits, 64-64-32-10", _dense(64, [64, 32]), _training(engine.Adam(), 32), 1797, 1797),
    Workload("W3", "images, 784-256-128-10", _dense(784, [256, 128]), _training(engine.Adam(), 128), 60_000, 12_800),
    Workload("W4", "28 x 28, two convolutions", _small_images, _training(engine.Adam(), 64), 12_800, 3_200),
    Workload(
        "W5", "32 x 32 x 3, three convolutions", _coloured_images,
        _training(engine.SGD(0.01, momentum=0.9), 128), 2_560, 640,
    ),
    Workload(
        "W6_relu", "20 hidden layers of 64 relu", _dense(64, [64] * 20), _training(engine.SGD(0.01), 32), 1797, 1797
    ),
    Workload(
        "W6_sigm", "20 hidden layers of 64 sigmoid", _dense(64, [64] * 20, "sigmoid"),
        _training(engine.SGD(0.01), 32), 1797, 1797,
    ),
)  # fmt: skip
WORKLOADS: dict[str, Workload] = {workload.name: workload for workload in _ALL}
