"""Whole networks beside PyTorch's own functions: outputs, gradients by its autograd, moving means over steps.

The translation is by hand, layer by layer and activation by activation, so that it is a truth of its own; one that is
missing here is told. The float64 network (the numpy twins) must agree to 1e-9, the kernels to 1e-5 of the largest
number.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from engine import activations, losses
from engine.activations import resolve
from engine.kernels.stepper import Stepper
from engine.layers import LAYERS, BatchNorm, Conv2D, Dense, Flatten, Layer, Residual
from engine.losses import encode_targets
from engine.network import Network
from engine.optimizers import SGD
from engine.spec import NetworkSpec, TrainingSpec
from tests import random_networks
from tests.counts import count
from tests.test_central_differences import random_case, targets_of

torch = pytest.importorskip("torch", reason="PyTorch is not installed; `make proof` brings it.")
F = torch.nn.functional
Tensor = Any

ACTIVATIONS: dict[str, Callable[..., Tensor]] = {
    "linear": lambda z: z,
    "relu": F.relu,
    "leaky_relu": lambda z, slope: F.leaky_relu(z, slope),
    "prelu": lambda z, slope: torch.where(z > 0, z, slope * z),
    "rrelu": lambda z, lower, upper: F.rrelu(z, lower, upper, training=False),
    "pelu": lambda z, a, b: torch.where(z > 0, a / b * z, a * torch.expm1(torch.clamp(z, max=0) / b)),
    "srelu": lambda z, t_r, a_r, t_l, a_l: torch.where(
        z > t_r, t_r + a_r * (z - t_r), torch.where(z > t_l, z, t_l + a_l * (z - t_l))
    ),
    "relu6": F.relu6,
    "elu": lambda z, alpha: F.elu(z, alpha),
    "selu": F.selu,
    "celu": lambda z, alpha: F.celu(z, alpha),
    "softplus": F.softplus,
    "gelu": F.gelu,
    "gelu_tanh": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    "swish": lambda z, beta: z * torch.sigmoid(beta * z),
    "mish": F.mish,
    "abs": torch.abs,
    "sigmoid": torch.sigmoid,
    "hard_sigmoid": lambda z: F.relu6(z + 3) / 6,  # F.hardsigmoid multiplies by a sixth of float32, in float64 too
    "hard_sigmoid_survey": lambda z: torch.clamp((z + 1) / 2, 0, 1),
    "tanh": torch.tanh,
    "hard_tanh": F.hardtanh,
    "softsign": F.softsign,
    "hard_swish": F.hardswish,
    "sin": torch.sin,
    "gaussian": lambda z: torch.exp(-z * z),
    "squared_relu": lambda z: F.relu(z) ** 2,
    "dsilu": lambda z: torch.sigmoid(z) * (1 + z * (1 - torch.sigmoid(z))),
    "elish": lambda z: torch.where(z > 0, z, torch.expm1(z)) * torch.sigmoid(z),
    "hard_elish": lambda z: torch.where(z > 0, z, torch.expm1(z)) * torch.clamp((z + 1) / 2, 0, 1),
    "quick_gelu": lambda z: z * torch.sigmoid(1.702 * z),
    "log_sigmoid": F.logsigmoid,
    "tanhshrink": F.tanhshrink,
    "hard_shrink": lambda z, threshold: F.hardshrink(z, threshold),
    "soft_shrink": lambda z, threshold: F.softshrink(z, threshold),
    "square": lambda z: z * z,
    "snake": lambda z, a: z + torch.sin(a * z) ** 2 / a,
    "step": lambda z: (z > 0).to(z.dtype) + 0 * z,
    "threshold": lambda z, threshold, value: F.threshold(z, threshold, value),
}
GAMMA = losses.get("focal").options[0].default
LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {  # outputs, encoded targets
    "mean_squared_error": F.mse_loss,
    "mean_absolute_error": F.l1_loss,
    "huber": F.huber_loss,
    "softmax_cross_entropy": lambda o, t: F.cross_entropy(o, t),
    "binary_cross_entropy": F.binary_cross_entropy_with_logits,
    "hinge": lambda o, t: torch.clamp(1 - t * o, min=0).mean(),
    "log_cosh": lambda o, t: torch.log(torch.cosh(o - t)).mean(),
    "poisson": lambda o, t: F.poisson_nll_loss(o, t, log_input=True),
    "kl_divergence": lambda o, t: F.kl_div(F.log_softmax(o, 1), t, reduction="batchmean"),
    "focal": lambda o, t: -(t * (1 - o.softmax(1)) ** GAMMA * F.log_softmax(o, 1)).sum(1).mean(),
    "binary_focal": lambda o, t: (torch.sigmoid((1 - 2 * t) * o) ** GAMMA * F.softplus((1 - 2 * t) * o)).mean(),
}


def sides(extents: tuple[int, ...], size: int, stride: int, padding: str) -> list[int]:
    """TensorFlow's "same", as torch.nn.functional.pad wants it: last axis first."""
    found: list[int] = []
    for extent in reversed(extents):
        total = max((math.ceil(extent / stride) - 1) * stride + size - extent, 0) if padding == "same" else 0
        found += [total // 2, total - total // 2]
    return found


def first(x: Tensor) -> Tensor:
    return x.movedim(-1, 1)


def last(x: Tensor) -> Tensor:
    return x.movedim(1, -1)


def dense(layer: Any, x: Tensor, p: dict[str, Tensor], by_batch: bool) -> Tensor:
    return activated(layer, F.linear(x, p["kernel"].T, p["bias"]), p)


def convolution(layer: Any, x: Tensor, p: dict[str, Tensor], by_batch: bool) -> Tensor:
    """Conv1D and Conv2D."""
    places = x.ndim - 2
    reach = layer.dilation_rate * (layer.kernel_size - 1) + 1
    wide = F.pad(first(x), sides(x.shape[1:-1], reach, layer.strides, layer.padding))
    kernel = p["kernel"].movedim((-1, -2), (0, 1)).contiguous()
    function = F.conv1d if places == 1 else F.conv2d
    z = function(wide, kernel, p["bias"], layer.strides, 0, layer.dilation_rate, layer.groups)
    return activated(layer, last(z), p)


def max_pool(layer: Any, x: Tensor, p: dict[str, Tensor], by_batch: bool) -> Tensor:
    stride = layer.strides or layer.pool_size
    wide = F.pad(first(x), sides(x.shape[1:3], layer.pool_size, stride, layer.padding), value=-math.inf)
    return last(F.max_pool2d(wide, layer.pool_size, stride))


def average_pool(layer: Any, x: Tensor, p: dict[str, Tensor], by_batch: bool) -> Tensor:
    stride = layer.strides or layer.pool_size
    around = sides(x.shape[1:3], layer.pool_size, stride, layer.padding)
    wide, inside = F.pad(first(x), around), F.pad(torch.ones_like(first(x)), around)
    return last(F.avg_pool2d(wide, layer.pool_size, stride) / F.avg_pool2d(inside, layer.pool_size, stride))


def batch_norm(layer: Any, x: Tensor, p: dict[str, Tensor], by_batch: bool) -> Tensor:
    mean, variance = (p[f"moving_{name}"].detach().clone() for name in ("mean", "variance"))
    z = F.batch_norm(first(x), mean, variance, p["gamma"], p["beta"], by_batch, 1 - layer.momentum, layer.epsilon)
    if by_batch:
        p["moved"] = (mean, variance)  # type: ignore[assignment]
    return last(z)


def maxout(layer: Any, x: Tensor, p: dict[str, Tensor], by_batch: bool) -> Tensor:
    return activated(layer, (torch.einsum("ni,ipu->npu", x, p["kernel"]) + p["bias"]).max(dim=1).values, p)


def residual(layer: Any, x: Tensor, p: dict[str, Tensor], by_batch: bool) -> Tensor:
    body = skip = x
    for name, each, _ in layer.within(tuple(x.shape[1:])):
        own = {key.removeprefix(f"{name}."): value for key, value in p.items() if key.startswith(f"{name}.")}
        made = KINDS[each.kind](each, x if name == "projection" else body, own, by_batch)
        body, skip = (body, made) if name == "projection" else (made, skip)
        p |= {f"{name}.{key}": value for key, value in own.items() if key.endswith("moved")}
    return body + skip


KINDS: dict[str, Callable[[Any, Tensor, dict[str, Tensor], bool], Tensor]] = {
    "Dense": dense,
    "Conv1D": convolution,
    "Conv2D": convolution,
    "MaxPool2D": max_pool,
    "AveragePool2D": average_pool,
    "GlobalAveragePool2D": lambda layer, x, p, by_batch: x.mean(dim=(1, 2)),
    "GlobalMaxPool2D": lambda layer, x, p, by_batch: F.adaptive_max_pool2d(first(x), 1).flatten(1),
    "Flatten": lambda layer, x, p, by_batch: x.flatten(1),
    "Dropout": lambda layer, x, p, by_batch: x,  # nothing random in a proof
    "AlphaDropout": lambda layer, x, p, by_batch: x,
    "GaussianNoise": lambda layer, x, p, by_batch: x,
    "BatchNorm": batch_norm,
    "LayerNorm": lambda layer, x, p, by_batch: F.layer_norm(x, x.shape[-1:], p["gamma"], p["beta"], layer.epsilon),
    "Residual": residual,
    "Activation": lambda layer, x, p, by_batch: activated(layer, x, p),
    "Softmax": lambda layer, x, p, by_batch: x.softmax(-1),
    "Maxout": maxout,
    "Reshape": lambda layer, x, p, by_batch: x.reshape(len(x), *layer.output_shape(x.shape[1:])),
    "CReLU": lambda layer, x, p, by_batch: torch.cat([torch.relu(x), torch.relu(-x)], -1),
    "GLU": lambda layer, x, p, by_batch: x.chunk(2, -1)[0] * ACTIVATIONS[layer.gate](x.chunk(2, -1)[1]),
}


def activated(layer: Any, z: Tensor, p: dict[str, Tensor]) -> Tensor:
    record, values = resolve(layer.activation)
    options = [p.get(f"activation.{o.name}", v) for o, v in zip(record.options, values, strict=True)]
    a = ACTIVATIONS[record.name](z, *options)
    if layer.off:
        kept = torch.ones(a.shape[-1], dtype=a.dtype)
        kept[[unit for unit in layer.off if unit < len(kept)]] = 0  # others are gone with a change of width
        a = a * kept
    return a


def tensors(network: Network) -> dict[str, Tensor]:
    made = {key: torch.tensor(value, dtype=torch.float64) for key, value in network.parameters().items()}
    for key, (part, _) in network.slices.items():
        made[key].requires_grad_(part.stop <= network.trainable)
    return made


def run(spec: NetworkSpec, made: dict[str, Tensor], x: np.ndarray, by_batch: bool) -> tuple[Tensor, dict[str, Any]]:
    """(outputs, moving means and variances after this batch)"""
    at, moved = torch.tensor(x, dtype=torch.float64), {}
    for index, layer in enumerate(spec.layers):
        own = {key.partition(".")[2]: value for key, value in made.items() if key.startswith(f"{index}.")}
        at = KINDS[layer.kind](layer, at, own, by_batch)
        for key in [key for key in own if key.endswith("moved")]:
            start = f"{index}.{key.removesuffix('moved')}"
            moved[f"{start}moving_mean"], moved[f"{start}moving_variance"] = own[key]
    return at, moved


def loss_of(network: Network, made: dict[str, Tensor], outputs: Tensor, y: np.ndarray) -> Tensor:
    spec = network.spec
    targets = encode_targets(spec.loss, y, network._task(y), spec.output_shape[-1])
    loss = LOSSES[spec.loss](outputs, torch.tensor(targets, dtype=torch.float64))
    for key, l1, l2 in network.penalties():
        loss = loss + l1 * made[key].abs().sum() + l2 * (made[key] ** 2).sum()
    return loss


def known(spec: NetworkSpec) -> bool:
    layers = [part.layer for part in spec.parts]
    names = {resolve(layer.activation)[0].name for layer in layers if hasattr(layer, "activation")}
    return names <= set(ACTIVATIONS) and {layer.kind for layer in layers} <= set(KINDS) and spec.loss in LOSSES


def compared(network: Network, x: np.ndarray, y: np.ndarray) -> None:
    """The float64 network within 1e-9 of PyTorch, the kernels within 1e-5."""
    quick = Network(network.spec, network.seed)
    quick.set_parameters(network.parameters())
    network.set_parameters(quick.parameters())
    made = tensors(network)
    outputs = run(network.spec, made, x, False)[0].detach().numpy()
    loss = loss_of(network, made, run(network.spec, made, x, True)[0], y)
    if loss.requires_grad:
        loss.backward()
    for mine, allowed in ((network, 1e-9), (quick, 1e-5)):
        scale = max(1.0, float(np.abs(outputs).max()))
        np.testing.assert_allclose(mine.predict(x), outputs, rtol=allowed, atol=allowed * scale)
        value, gradients = mine.gradients(x, y)
        assert value == pytest.approx(loss.item(), rel=allowed, abs=allowed)
        grads = {key: made[key].grad.numpy() if made[key].grad is not None else 0.0 for key in gradients}
        largest = max(1.0, *(float(np.abs(value).max()) for value in grads.values()))
        for key, gradient in gradients.items():
            np.testing.assert_allclose(gradient, grads[key], rtol=allowed, atol=allowed * largest, err_msg=key)


def test_everything_is_translated() -> None:
    assert set(activations.names()) == set(ACTIVATIONS)
    assert set(losses.names()) == set(LOSSES)
    assert set(LAYERS.names()) == set(KINDS)


@pytest.mark.parametrize("loss", [name for name in losses.names() if name in LOSSES])
@pytest.mark.parametrize("activation", [name for name in activations.names() if name in ACTIVATIONS])
def test_every_activation_with_every_loss(activation: str, loss: str) -> None:
    outputs = losses.get(loss).outputs or 3
    spec = NetworkSpec((5,), (Dense(6, activation), Dense(4, "tanh"), Dense(outputs)), loss)
    network, rng = random_networks.moved(Network(spec, 3, "float64")), np.random.default_rng(0)
    x = rng.normal(size=(6, 5)).astype(np.float32)
    compared(network, x, targets_of(losses.get(loss), outputs, 6, rng))


def test_random_networks() -> None:
    wanted, done = count(15, 100), 0
    for seed in range(10 * wanted):
        case = random_case(seed)
        if case is not None and known(case[0].spec):
            compared(*case)
            done += 1
        if done == wanted:
            return
    raise AssertionError(f"only {done} networks could be compared")


@pytest.mark.parametrize(
    ("shape", "layers"),
    [
        ((6,), (Dense(9, "tanh"), BatchNorm(), Dense(3))),
        ((6, 5, 2), (Conv2D(4, 3, activation="relu"), BatchNorm(0.7, 1e-3), Flatten(), BatchNorm(), Dense(3))),
        ((6,), (Residual((Dense(5, "relu"), BatchNorm(), Dense(4))), Residual((BatchNorm(),)), Dense(3))),
    ],
)
def test_moving_means_and_variances_over_thirty_steps(shape: tuple[int, ...], layers: tuple[Layer, ...]) -> None:
    rng, rate, n = np.random.default_rng(2), 0.05, 40
    x, y = rng.normal(1.0, 2.0, (n, *shape)).astype(np.float32), rng.integers(0, 3, n)
    spec = NetworkSpec(shape, layers, "softmax_cross_entropy")
    network = random_networks.moved(Network(spec, 1))
    made = tensors(network)
    stepper = Stepper(
        network, TrainingSpec(SGD(rate), batch_size=n), x, encode_targets(spec.loss, y, "multiclass", 3), "multiclass"
    )
    for _ in range(30):
        stepper.advance(1000, 1, 10**6)
        outputs, moved = run(spec, made, x, True)
        loss_of(network, made, outputs, y).backward()
        with torch.no_grad():
            for value in made.values():
                if value.requires_grad:
                    value -= rate * value.grad
                    value.grad = None
        made.update(moved)
    for key, value in network.parameters().items():
        theirs = made[key].detach().numpy()
        np.testing.assert_allclose(value, theirs, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(theirs).max()), err_msg=key)
