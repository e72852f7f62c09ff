"""PyTorch's activations and their derivatives as plain calls: what its autograd runs, without its bookkeeping."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

aten, F = torch.ops.aten, torch.nn.functional
torch.set_num_threads(1)

SELU = (1.6732632423543772, 1.0507009873554805, 1.0)
QUARTER, ONE = torch.full((1,), 0.25), torch.ones(1)


def _swish_backward(g: Tensor, z: Tensor, a: Tensor) -> Tensor:
    s = torch.sigmoid(ONE * z)
    return g * (s + ONE * a * (1 - s))


def _dsilu(z: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return s * (1 + z * (1 - s))


def _dsilu_backward(g: Tensor, z: Tensor, a: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return g * s * (1 - s) * (2 + z * (1 - 2 * s))


def _elish_backward(g: Tensor, z: Tensor, a: Tensor) -> Tensor:
    s = torch.sigmoid(z)
    return g * (s * torch.where(z > 0, 1.0, torch.exp(z)) + a * (1 - s))


def _hard_elish_backward(g: Tensor, z: Tensor, a: Tensor) -> Tensor:
    gate = torch.clamp((z + 1) * 0.5, 0, 1)
    inside = torch.where((z > -1) & (z <= 1), 0.5, 0.0)
    return g * (gate * torch.where(z > 0, 1.0, torch.exp(z)) + inside * torch.where(z > 0, z, torch.expm1(z)))


def _quick_gelu_backward(g: Tensor, z: Tensor, a: Tensor) -> Tensor:
    s = torch.sigmoid(1.702 * z)
    return g * (s + 1.702 * a * (1 - s))


def _pelu_backward(g: Tensor, z: Tensor, a: Tensor) -> Tensor:
    """With the gradients of both options, which are 1."""
    slope = aten.elu_backward(g, 1.0, 1.0, 1.0, True, a)
    (g * a).sum()
    (slope * z).sum()
    return slope


def _srelu_backward(g: Tensor, z: Tensor, a: Tensor) -> Tensor:
    """With the gradients of all four options."""
    above, below = z > 1.0, z <= 0.0
    (g * above).sum()
    (g * torch.clamp(z - 1.0, min=0.0)).sum()
    (g * below).sum()
    (g * torch.clamp(z, max=0.0)).sum()
    return aten.leaky_relu_backward(g, z, 0.2, False)


#: Name -> (a of z, gradient of z from that of a, z and a).
PAIRS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor, Tensor], Tensor]]] = {
    "linear": (torch.clone, lambda g, z, a: g.clone()),
    "relu": (torch.relu, lambda g, z, a: aten.threshold_backward(g, a, 0)),
    "leaky_relu": (F.leaky_relu, lambda g, z, a: aten.leaky_relu_backward(g, z, 0.01, False)),
    "prelu": (lambda z: F.prelu(z, QUARTER), lambda g, z, a: aten._prelu_kernel_backward(g, z, QUARTER)[0]),
    "rrelu": (lambda z: F.leaky_relu(z, 11 / 48), lambda g, z, a: aten.leaky_relu_backward(g, z, 11 / 48, False)),
    "pelu": (F.elu, _pelu_backward),
    "srelu": (lambda z: F.leaky_relu(z, 0.2), _srelu_backward),
    "relu6": (F.relu6, lambda g, z, a: aten.hardtanh_backward(g, z, 0.0, 6.0)),
    "elu": (F.elu, lambda g, z, a: aten.elu_backward(g, 1.0, 1.0, 1.0, True, a)),
    "selu": (F.selu, lambda g, z, a: aten.elu_backward(g, *SELU, True, a)),
    "celu": (F.celu, lambda g, z, a: aten.elu_backward(g, 1.0, 1.0, 1.0, True, a)),
    "softplus": (F.softplus, lambda g, z, a: aten.softplus_backward(g, z, 1.0, 20.0)),
    "gelu": (F.gelu, lambda g, z, a: aten.gelu_backward(g, z)),
    "gelu_tanh": (
        lambda z: F.gelu(z, approximate="tanh"),
        lambda g, z, a: aten.gelu_backward(g, z, approximate="tanh"),
    ),
    "silu": (F.silu, lambda g, z, a: aten.silu_backward(g, z)),
    "swish": (lambda z: z * torch.sigmoid(ONE * z), _swish_backward),
    "mish": (F.mish, lambda g, z, a: aten.mish_backward(g, z)),
    "abs": (torch.abs, lambda g, z, a: g * z.sign()),
    "sigmoid": (torch.sigmoid, lambda g, z, a: aten.sigmoid_backward(g, a)),
    "hard_sigmoid": (F.hardsigmoid, lambda g, z, a: aten.hardsigmoid_backward(g, z)),
    "hard_sigmoid_survey": (
        lambda z: torch.clamp((z + 1) * 0.5, 0, 1),
        lambda g, z, a: aten.hardtanh_backward(g, z, -1.0, 1.0) * 0.5,
    ),
    "tanh": (torch.tanh, lambda g, z, a: aten.tanh_backward(g, a)),
    "hard_tanh": (F.hardtanh, lambda g, z, a: aten.hardtanh_backward(g, z, -1.0, 1.0)),
    "softsign": (F.softsign, lambda g, z, a: g / (1 + z.abs()).square_()),
    "hard_swish": (F.hardswish, lambda g, z, a: aten.hardswish_backward(g, z)),
    "sin": (torch.sin, lambda g, z, a: g * torch.cos(z)),
    "gaussian": (lambda z: torch.exp(-z * z), lambda g, z, a: g * z * a * -2.0),
    "squared_relu": (lambda z: torch.relu(z).square_(), lambda g, z, a: g * torch.relu(z) * 2.0),
    "dsilu": (_dsilu, _dsilu_backward),
    "elish": (lambda z: torch.where(z > 0, z, torch.expm1(z)) * torch.sigmoid(z), _elish_backward),
    "hard_elish": (
        lambda z: torch.where(z > 0, z, torch.expm1(z)) * torch.clamp((z + 1) * 0.5, 0, 1),
        _hard_elish_backward,
    ),
    "quick_gelu": (lambda z: z * torch.sigmoid(1.702 * z), _quick_gelu_backward),
    "log_sigmoid": (F.logsigmoid, lambda g, z, a: g * torch.sigmoid(-z)),
    "tanhshrink": (F.tanhshrink, lambda g, z, a: g * torch.tanh(z).square_()),
    "hard_shrink": (F.hardshrink, lambda g, z, a: aten.hardshrink_backward(g, z, 0.5)),
    "soft_shrink": (F.softshrink, lambda g, z, a: aten.softshrink_backward(g, z, 0.5)),
    "square": (torch.square, lambda g, z, a: g * z * 2.0),
    "snake": (lambda z: z + torch.sin(z).square_(), lambda g, z, a: g * (torch.sin(2.0 * z) + 1.0)),
    "step": (lambda z: (z > 0).float(), lambda g, z, a: torch.zeros_like(g)),
    "threshold": (lambda z: F.threshold(z, 1.0, 0.0), lambda g, z, a: aten.threshold_backward(g, z, 1.0)),
}


def pair(name: str, z: np.ndarray, gradient: np.ndarray) -> Callable[[int], None]:
    """Forward and derivative so many times. Raises ValueError where PyTorch has no such activation."""
    if name not in PAIRS:
        raise ValueError(f"PyTorch's peer has no {name}.")
    forward, backward = PAIRS[name]
    x, g = torch.from_numpy(z), torch.from_numpy(gradient)

    def run(times: int) -> None:
        with torch.inference_mode():
            for _ in range(times):
                backward(g, x, forward(x))

    return run
