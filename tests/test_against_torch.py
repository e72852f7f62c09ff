"""Beside PyTorch, where it is installed: `make proof` brings it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import losses, optimizers, schedules
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


def _pair() -> tuple[Network, Any, np.ndarray, np.ndarray]:
    """One network twice, and data."""
    rng = np.random.default_rng(1)
    x, y = (rng.normal(size=(64, width)).astype(np.float32) for width in (6, 3))
    network = Network(NetworkSpec((6,), (Dense(16, "tanh"), Dense(3))), 1)
    theirs = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.Tanh(), torch.nn.Linear(16, 3))
    weights = network.parameters()
    with torch.no_grad():
        for index, key in ((0, "0"), (2, "1")):
            theirs[index].weight.copy_(torch.tensor(weights[f"{key}.kernel"].T))
            theirs[index].bias.copy_(torch.tensor(weights[f"{key}.bias"]))
    return network, theirs, x, y


@pytest.mark.parametrize("name", PAIRS)
def test_a_hundred_steps_of_training(name: str) -> None:
    """In float32, the kernels beside a network of PyTorch's: within 1e-5 of the largest weight."""
    optimizer, peer = PAIRS[name]
    network, theirs, x, y = _pair()
    their_optimizer = peer(theirs.parameters())
    Stepper(network, TrainingSpec(optimizer, batch_size=64), x, y).advance(1000, 100, 1000)
    _train(theirs, their_optimizer, x, y)
    _compare(network, theirs)


def _train(theirs: Any, optimizer: Any, x: np.ndarray, y: np.ndarray, clip: Any = None, scheduler: Any = None) -> None:
    """A hundred steps of PyTorch."""
    inputs, targets = torch.tensor(x), torch.tensor(y)
    for _ in range(100):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(theirs(inputs), targets).backward()
        if clip is not None:
            clip(theirs.parameters())
        optimizer.step()
        if scheduler is not None:
            scheduler.step()


def _compare(network: Network, theirs: Any) -> None:
    for key, parameter in zip(network.slices, theirs.parameters(), strict=True):
        value = parameter.detach().numpy()
        mine = network.parameters()[key]
        off = np.abs(mine - (value.T if value.ndim == 2 else value)).max()
        assert off <= 1e-5 * max(1.0, float(np.abs(value).max())), key


CLIPS: dict[str, tuple[dict[str, float], Callable[[Any], Any]]] = {
    "clip_value": ({"clip_value": 0.01}, lambda p: torch.nn.utils.clip_grad_value_(p, 0.01)),
    "clip_norm": ({"clip_norm": 0.2}, lambda p: torch.nn.utils.clip_grad_norm_(p, 0.2)),
}


@pytest.mark.parametrize("name", CLIPS)
@pytest.mark.parametrize("optimizer", ["momentum", "Adam"])
def test_a_hundred_clipped_steps(name: str, optimizer: str) -> None:
    limits, clip = CLIPS[name]
    mine, peer = PAIRS[optimizer]
    network, theirs, x, y = _pair()
    Stepper(network, TrainingSpec(mine, batch_size=64, **limits), x, y).advance(1000, 100, 1000)  # type: ignore[arg-type]
    _train(theirs, peer(theirs.parameters()), x, y, clip)
    _compare(network, theirs)


DECAYS: dict[str, tuple[schedules.Schedule, Callable[[Any], Any]]] = {
    "StepDecay": (schedules.StepDecay(30, 0.3), lambda o: optim.lr_scheduler.StepLR(o, 30, 0.3)),
    "ExponentialDecay": (schedules.ExponentialDecay(1, 0.97), lambda o: optim.lr_scheduler.ExponentialLR(o, 0.97)),
    "PolynomialDecay": (
        schedules.PolynomialDecay(power=2.0), lambda o: optim.lr_scheduler.PolynomialLR(o, 100, 2.0)
    ),
    "CosineDecay": (schedules.CosineDecay(), lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 100)),
    # PyTorch's is at its end in the last step, ours after it
    "OneCycle": (schedules.OneCycle(99), lambda o: optim.lr_scheduler.OneCycleLR(o, 0.1, 100, cycle_momentum=False)),
}  # fmt: skip


@pytest.mark.parametrize("name", DECAYS)
def test_a_hundred_steps_at_a_rate_that_moves(name: str) -> None:
    """An epoch is one step."""
    schedule, peer = DECAYS[name]
    network, theirs, x, y = _pair()
    if name == "OneCycle":  # PyTorch's rise ends a step earlier
        schedule = schedules.OneCycle(99, rise=29 / 99)
    training = TrainingSpec(optimizers.SGD(0.1), batch_size=64, epochs=100, schedule=schedule)
    Stepper(network, training, x, y).advance(1000, 100, 1000)
    optimizer = optim.SGD(theirs.parameters(), 0.1)
    _train(theirs, optimizer, x, y, scheduler=peer(optimizer))
    _compare(network, theirs)


F = torch.nn.functional
PEERS: dict[str, tuple[Any, Callable[[Any, Any], Any]]] = {
    "log_cosh": ("log_cosh", lambda o, t: torch.log(torch.cosh(o - t)).mean()),
    "poisson": ("poisson", lambda o, t: F.poisson_nll_loss(o, t.abs())),
    "huber": ("huber", F.huber_loss),
    "kl_divergence": (
        "kl_divergence",
        lambda o, t: F.kl_div(o.log_softmax(1), t.softmax(1), reduction="batchmean"),
    ),
    "smoothed softmax": (
        {"name": "softmax_cross_entropy", "label_smoothing": 0.2},
        lambda o, t: F.cross_entropy(o, t.argmax(1), label_smoothing=0.2),
    ),
    "focal": ("focal", lambda o, t: _focal(F.cross_entropy(o, t.argmax(1), reduction="none"))),
    "binary_focal": (
        "binary_focal",
        lambda o, t: _focal(F.binary_cross_entropy_with_logits(o, (t > 0).double(), reduction="none")),
    ),
}


def _focal(each: Any) -> Any:
    """As torchvision.ops.sigmoid_focal_loss writes it, without alpha."""
    return ((1.0 - torch.exp(-each)) ** 2 * each).mean()


@pytest.mark.parametrize("name", PEERS)
def test_losses_and_their_gradients(name: str) -> None:
    loss, peer = PEERS[name]
    rng = np.random.default_rng(2)
    width = losses.get(loss if isinstance(loss, str) else loss["name"]).outputs or 4
    spec = NetworkSpec((width,), (Dense(width),), loss)
    o, t = rng.normal(size=(2, 50, width)) * 2.0
    theirs = torch.tensor(o, requires_grad=True)
    expected = peer(theirs, torch.tensor(t))
    expected.backward()
    record = losses.get(spec.loss)
    if "regression" in record.tasks:
        y, task = np.abs(t) if name == "poisson" else t, "regression"
    elif record.distributions:
        y, task = torch.tensor(t).softmax(1).numpy(), "regression"
    else:
        y, task = (t[:, 0] > 0).astype(int) if width == 1 else t.argmax(1), "binary" if width == 1 else "multiclass"
    targets = losses.encode_targets(spec.loss, y, task, width).astype(np.float64)
    value, gradient = losses.evaluate(spec.loss, o, targets)
    assert value == pytest.approx(expected.item(), rel=1e-5)
    np.testing.assert_allclose(gradient, theirs.grad.numpy(), atol=1e-6)
