"""A first network for data that come without one."""

from __future__ import annotations

import math

from engine.data.dataset import Dataset
from engine.layers import Conv2D, Dense, Flatten, Layer, MaxPool2D
from engine.optimizers import Adam
from engine.outputs import DEFAULT_LOSSES, fit_output
from engine.spec import NetworkSpec, TrainingSpec


def first_design() -> tuple[NetworkSpec, TrainingSpec]:
    """What a new window holds: two layers of eight for points in a plane."""
    spec = NetworkSpec((2,), (Dense(8, "relu"), Dense(8, "relu"), Dense(1)), "binary_cross_entropy")
    return spec, TrainingSpec(Adam(learning_rate=0.01), batch_size=10, epochs=2000, seed=9)


def default_design(dataset: Dataset) -> tuple[NetworkSpec, TrainingSpec]:
    """Two hidden layers that grow with the number of inputs, and steps that grow with the number of samples.

    Points in a plane and curves get small networks and many epochs; tables and flat images wider ones and fewer.
    Images (rows, columns, channels) get a network of their own.
    """
    if dataset.x_train.ndim > 2:
        return _image_design(dataset)
    inputs, samples = math.prod(dataset.x_train.shape[1:]), len(dataset.x_train)
    activation = "tanh" if inputs == 1 else "relu"
    units = 16 if inputs <= 2 else min(128, 16 * math.ceil(inputs / 16) + 16)
    hidden = (Dense(units, activation), Dense(max(8, units // 2), activation))
    loss = DEFAULT_LOSSES[str(dataset.task)]
    spec = fit_output(NetworkSpec((inputs,), (*hidden, Dense(1)), loss), dataset)
    batch_size = min(64, max(8, samples // 40))
    steps = 8000 if inputs <= 2 else 3000
    epochs = min(500, max(20, steps * batch_size // max(1, samples)))
    training = TrainingSpec(Adam(learning_rate=0.01 if inputs <= 2 else 0.003), batch_size, epochs)
    return spec, training


def _image_design(dataset: Dataset) -> tuple[NetworkSpec, TrainingSpec]:
    """Convolutions under a small dense layer, some 1,600 steps."""
    shape, samples = dataset.x_train.shape[1:], len(dataset.x_train)
    before = _convolutions(shape) if len(shape) == 3 else ()
    layers = (*before, Flatten(), Dense(64 if before else 128, "relu"), Dense(1))
    spec = fit_output(NetworkSpec(shape, layers, DEFAULT_LOSSES[str(dataset.task)]), dataset)
    batch_size = min(64, max(8, samples // 40))
    epochs = min(100, max(5, 1600 * batch_size // samples))
    return spec, TrainingSpec(Adam(learning_rate=0.001), batch_size, epochs)


def _convolutions(shape: tuple[int, ...]) -> tuple[Layer, ...]:
    """Convolutions, each halved by a pool, until a map is smaller than 8 x 8."""
    layers: list[Layer] = []
    size, filters = min(shape[:2]), 16
    while size >= 8 and filters <= 64:
        layers += [Conv2D(filters, 3, activation="relu"), MaxPool2D(2)]
        size, filters = (size - 2) // 2, 2 * filters
    return tuple(layers)
