"""Beside PyTorch, where it is installed: `make proof` brings it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import optimizers
from engine.kernels.stepper import Stepper
from engine.layers import Conv1D, Conv2D, Dense, Flatten
from engine.layers.convolution import Convolution
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


WINDOWS: dict[str, tuple[Convolution, tuple[int, ...]]] = {
    "plain": (Conv2D(8, 3), (9, 8, 6)),
    "stride": (Conv2D(8, 3, 2), (9, 8, 6)),
    "dilated": (Conv2D(8, 3, dilation_rate=2), (9, 8, 6)),
    "stride and dilation": (Conv2D(8, 2, 3, dilation_rate=2), (9, 11, 6)),
    "groups": (Conv2D(8, 3, groups=2), (9, 8, 6)),
    "depthwise": (Conv2D(6, 3, groups=6), (9, 8, 6)),
    "depthwise, two filters a channel": (Conv2D(12, 3, groups=6), (9, 8, 6)),
    "groups with gaps": (Conv2D(9, 3, dilation_rate=3, groups=3), (9, 8, 6)),
    "signal": (Conv1D(8, 5, 2), (21, 6)),
    "signal of groups with gaps": (Conv1D(9, 3, dilation_rate=4, groups=3), (21, 6)),
}


@pytest.mark.parametrize("name", WINDOWS)
def test_a_convolution(name: str) -> None:
    """Outputs and gradients of the float32 kernels."""
    layer, shape = WINDOWS[name]
    rng = np.random.default_rng(3)
    first = type(layer)(shape[-1], 1)  # so that the gradient of the layer's inputs counts
    network = Network(NetworkSpec(shape, (first, layer, Flatten())), 1)
    x = rng.normal(size=(4, *shape)).astype(np.float32)
    y = rng.normal(size=(4, network.spec.output_shape[0])).astype(np.float32)
    own = {key: torch.tensor(value, requires_grad=True) for key, value in network.parameters().items()}

    def convolved(values: Any, index: int, **options: int) -> Any:
        """Theirs has the channels first."""
        kernel = own[f"{index}.kernel"]
        swapped = kernel.permute(kernel.ndim - 1, kernel.ndim - 2, *range(kernel.ndim - 2))
        convolve = torch.nn.functional.conv2d if values.ndim == 4 else torch.nn.functional.conv1d
        return convolve(values, swapped, own[f"{index}.bias"], **options)

    options = {"stride": layer.strides, "dilation": layer.dilation_rate, "groups": layer.groups}
    values = convolved(torch.tensor(x).movedim(-1, 1), 0)
    z = convolved(values, 1, **options).movedim(1, -1)
    torch.nn.functional.mse_loss(z.reshape(4, -1), torch.tensor(y)).backward()
    np.testing.assert_allclose(network.preactivations(x)[1], z.detach().numpy(), rtol=1e-5, atol=1e-5)
    for key, gradient in network.gradients(x, y)[1].items():
        theirs = own[key].grad.numpy()
        np.testing.assert_allclose(gradient, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max(), err_msg=key)


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
