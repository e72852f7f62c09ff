"""Beside PyTorch, where it is installed: `make proof` brings it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import optimizers
from engine.kernels.stepper import Stepper
from engine.layers import Dense
from engine.network import Network
from engine.optimizers import Optimizer
from engine.spec import NetworkSpec, TrainingSpec

torch = pytest.importorskip("torch", reason="PyTorch is not installed; `make proof` brings it.")
optim = torch.optim

PAIRS: dict[str, tuple[Optimizer, Callable[[Any], Any]]] = {
    "SGD": (optimizers.SGD(0.1), lambda p: optim.SGD(p, 0.1)),
    "momentum": (optimizers.SGD(0.1, momentum=0.9), lambda p: optim.SGD(p, 0.1, momentum=0.9)),
    "Nesterov": (
        optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ),
    "RMSprop": (optimizers.RMSprop(1e-3), lambda p: optim.RMSprop(p, 1e-3)),
    "RMSprop with momentum": (optimizers.RMSprop(1e-3, momentum=0.5), lambda p: optim.RMSprop(p, 1e-3, momentum=0.5)),
    "Adagrad": (optimizers.Adagrad(), optim.Adagrad),
    "Adam": (optimizers.Adam(), optim.Adam),
    "AdamW": (optimizers.AdamW(weight_decay=0.1), lambda p: optim.AdamW(p, weight_decay=0.1)),
    "AMSGrad": (optimizers.AMSGrad(), lambda p: optim.Adam(p, amsgrad=True)),
    "Adamax": (optimizers.Adamax(), optim.Adamax),
    "NAdam": (optimizers.NAdam(), optim.NAdam),
    "RAdam": (optimizers.RAdam(), optim.RAdam),
    "Adadelta": (optimizers.Adadelta(), optim.Adadelta),
}


def test_every_optimizer_that_pytorch_has_is_compared() -> None:
    assert {optimizer.kind for optimizer, _ in PAIRS.values()} == set(optimizers.names()) - {"Lion"}


@pytest.mark.parametrize("name", PAIRS)
def test_a_hundred_steps_of_a_formula(name: str) -> None:
    """In float64, with gradients from 1e-6 to 100."""
    optimizer, peer = PAIRS[name]
    rng = np.random.default_rng(0)
    gradients = rng.normal(size=(100, 50)) * 10 ** rng.uniform(-6, 2, size=50)
    w = rng.normal(size=50)
    theirs = torch.nn.Parameter(torch.tensor(w))
    their_optimizer, slots = peer([theirs]), {slot: np.full(50, optimizer.initial(slot)) for slot in optimizer.slots}
    for step, gradient in enumerate(gradients, 1):
        w, slots = optimizer.update(w, gradient, slots, step)
        theirs.grad = torch.tensor(gradient)
        their_optimizer.step()
    np.testing.assert_allclose(w, theirs.detach().numpy(), rtol=1e-8)


@pytest.mark.parametrize("name", PAIRS)
def test_a_hundred_steps_of_training(name: str) -> None:
    """In float32, the kernels beside a network of PyTorch's: within 1e-5 of the largest weight."""
    optimizer, peer = PAIRS[name]
    rng = np.random.default_rng(1)
    x, y = (rng.normal(size=(64, width)).astype(np.float32) for width in (6, 3))
    network = Network(NetworkSpec((6,), (Dense(16, "tanh"), Dense(3))), 1)
    theirs = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))
    weights = network.parameters()
    with torch.no_grad():
        for index, key in ((0, "0"), (2, "1")):
            theirs[index].weight.copy_(torch.tensor(weights[f"{key}.kernel"].T))
            theirs[index].bias.copy_(torch.tensor(weights[f"{key}.bias"]))
    their_optimizer = peer(theirs.parameters())
    Stepper(network, TrainingSpec(optimizer, batch_size=64), x, y).advance(1000, 100, 1000)
    inputs, targets = torch.tensor(x), torch.tensor(y)
    for _ in range(100):
        their_optimizer.zero_grad()
        torch.nn.functional.mse_loss(theirs(inputs), targets).backward()
        their_optimizer.step()
    for key, parameter in zip(network.slices, theirs.parameters(), strict=True):
        value = parameter.detach().numpy()
        mine = network.parameters()[key]
        off = np.abs(mine - (value.T if value.ndim == 2 else value)).max()
        assert off <= 1e-5 * max(1.0, float(np.abs(value).max())), key
