"""Networks that nobody tuned for: odd widths and batches, depth, dropout, other losses, optimizers and activations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

import engine
from benchmarks.duel import Design, Duel, Outcome
from benchmarks.engines import Field, Trouble, progress
from benchmarks.page import times
from benchmarks.report import rates
from benchmarks.workloads import clouds
from engine.errors import RelumeError
from engine.layers import Dense, Dropout, Layer
from engine.optimizers import Optimizer
from engine.spec import NetworkSpec, TrainingSpec

WORDS = (
    "Widths, batches, depths, losses and optimizers that no kernel was made for; three rounds each, ratio to the best "
    "peer with the best number of threads of both."
)
CROSS, ROUNDS = "softmax_cross_entropy", 3


def _tower(
    inputs: int, widths: list[int], outputs: int, activation: str, loss: str = CROSS, rate: float = 0.0
) -> NetworkSpec:
    layers: list[Layer] = []
    for width in widths:
        layers.append(Dense(width, activation))
        if rate:
            layers.append(Dropout(rate))
    return NetworkSpec((inputs,), (*layers, Dense(outputs)), loss)


def _dense_cases() -> Iterator[tuple[str, NetworkSpec, Optimizer, int, int]]:
    adam, sgd = engine.Adam(), engine.SGD(0.01, momentum=0.9)
    yield "one unit, batch 1", _tower(1, [1], 1, "tanh", "mean_squared_error"), sgd, 1, 200
    yield "3-17-5, batch 1", _tower(3, [17], 5, "relu"), adam, 1, 500
    yield "13-33-17-3 gelu, batch 7", _tower(13, [33, 17], 3, "gelu"), adam, 7, 1001
    yield (
        "30-45-45-1 silu, binary, AdamW, batch 33",
        _tower(30, [45, 45], 1, "silu", "binary_cross_entropy"),
        engine.AdamW(),
        33,
        1650,
    )
    yield "100-129-65-7 elu, RMSprop, batch 33", _tower(100, [129, 65], 7, "elu"), engine.RMSprop(), 33, 3300
    yield "8-100-1 tanh, huber, batch 500", _tower(8, [100], 1, "tanh", "huber"), adam, 500, 10_000
    yield "20-200-200-4 relu, dropout, batch 64", _tower(20, [200, 200], 4, "relu", rate=0.3), adam, 64, 3200
    yield "50 layers of 16 tanh, batch 20", _tower(10, [16] * 50, 2, "tanh"), sgd, 20, 400
    yield "5 layers of 300 mish, batch 100", _tower(50, [300] * 5, 10, "mish"), adam, 100, 2000
    yield "500-1000-1000-10 relu, batch 32", _tower(500, [1000, 1000], 10, "relu"), adam, 32, 640
    yield "64-2048-10 relu, batch 256", _tower(64, [2048], 10, "relu"), sgd, 256, 2560
    yield "784-30-10 sigmoid, SGD, batch 10", _tower(784, [30], 10, "sigmoid"), engine.SGD(0.1), 10, 5000
    yield "4-8-2 relu, absolute error, batch 1000", _tower(4, [8], 2, "relu", "mean_absolute_error"), sgd, 1000, 50_000


def _image_cases() -> Iterator[tuple[str, NetworkSpec, Optimizer, int, int]]:
    small = (
        engine.Conv2D(12, 3, padding="same", activation="tanh"), engine.MaxPool2D(2), engine.Flatten(), Dense(10),
    )  # fmt: skip
    yield "8 x 8 x 1, 12 filters of 3 tanh, batch 33", NetworkSpec((8, 8, 1), small, CROSS), engine.Adam(), 33, 1650
    deep = (
        engine.Conv2D(24, 3, strides=2, padding="valid", activation="relu"),
        engine.Conv2D(40, 3, padding="same", activation="relu"), engine.Conv2D(56, 1, activation="relu"),
        engine.Flatten(), Dense(50, "relu"), Dense(7),
    )  # fmt: skip
    yield (
        "25 x 25 x 5, 24-40-56 filters, strides, batch 7",
        NetworkSpec((25, 25, 5), deep, CROSS),
        engine.Adam(),
        7,
        280,
    )


def designs() -> Iterator[Design]:
    for cases in (_dense_cases, _image_cases):
        for number, (title, spec, optimizer, batch, samples) in enumerate(cases(), 1):
            outputs = spec.output_shape[-1]
            x, y = clouds(samples, spec.input_shape, max(2, outputs))
            if spec.loss not in (CROSS, "binary_cross_entropy"):
                y = np.random.default_rng(1).standard_normal((samples, outputs), dtype=np.float32)
            name = f"{cases.__name__[1]}{number}"
            yield Design(name, title, spec, TrainingSpec(optimizer, batch, seed=7, short_batch="drop"), x, y)


def measure(field: Field, seconds: float, quick: bool = False) -> str:
    """The table, worst first."""
    outcomes: list[Outcome] = []
    for design in designs():
        try:
            outcomes.append(Duel(field, design, seconds, thorough=False).run(1 if quick else ROUNDS))
        except (Trouble, RelumeError) as trouble:
            progress(f"{design.title} is left out: {trouble}")
    outcomes.sort(key=lambda outcome: outcome.ratio(outcome.best()))
    for outcome in outcomes[:3]:
        progress(f"worst: {outcome.design.title}: {times(outcome.ratio(outcome.best()))}")
    return rates(outcomes)
