"""A first network for data that come without one."""

from __future__ import annotations

import math

from engine.data.dataset import Dataset
from engine.layers import Dense
from engine.optimizers import Adam
from engine.outputs import DEFAULT_LOSSES, fit_output
from engine.spec import NetworkSpec, TrainingSpec


def default_design(dataset: Dataset) -> tuple[NetworkSpec, TrainingSpec]:
    """Two hidden layers that grow with the number of inputs, and steps that grow with the number of samples.

    Points in a plane and curves get small networks and many epochs; tables and images wider ones and fewer.
    """
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
