"""PyTorch on request: python benchmarks/peers/torch_peer.py --threads N; requests as in benchmarks/protocol.py.

A request may name its `settings`, any of "channels_last" and "compile". Optimizers are fused where PyTorch has it.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import torch  # noqa: E402
from torch import nn  # noqa: E402

from benchmarks.protocol import Answer, Request, load_pair, seconds_of, serve, timed_epochs  # noqa: E402

GATHERED_AT_ONCE = 1 << 20  # numbers; a larger set is gathered batch by batch, which stays in the cache
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "linear": nn.Identity, "relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU, "selu": nn.SELU, "gelu": nn.GELU, "silu": nn.SiLU, "softplus": nn.Softplus, "mish": nn.Mish,
}  # fmt: skip


class SamePool(nn.Module):
    """Max pooling with "same" padding: the odd one after, as TensorFlow pads."""

    def __init__(self, extent: int, size: int, stride: int) -> None:
        super().__init__()
        missing = max((-(-extent // stride) - 1) * stride + size - extent, 0)
        self.before, self.after = missing // 2, missing - missing // 2
        padding = self.before if self.before == self.after else 0
        self.pool = nn.MaxPool2d(size, stride, padding=padding, ceil_mode=self.after > self.before)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.pool(x)


def network(spec: dict[str, Any]) -> nn.Module:
    """The same layers; images are turned to channels first by the caller."""
    shape, parts = list(spec["input_shape"]), []
    for layer in spec["layers"]:
        kind = layer["kind"]
        if kind == "Dense":
            parts.append(nn.Linear(shape[-1], layer["units"]))
            shape = [layer["units"]]
        elif kind == "Conv2D":
            size, stride, same = layer["kernel_size"], layer["strides"], layer["padding"] == "same"
            if same and (stride != 1 or size % 2 == 0):
                raise ValueError("Only odd kernels with stride 1 are padded alike.")
            parts.append(nn.Conv2d(shape[2], layer["filters"], size, stride, padding=size // 2 if same else 0))
            extents = [extent if same else (extent - size) // stride + 1 for extent in shape[:2]]
            shape = [*extents, layer["filters"]]
        elif kind == "MaxPool2D":
            size, stride = layer["pool_size"], layer["strides"] or layer["pool_size"]
            same = layer["padding"] == "same"
            parts.append(SamePool(shape[0], size, stride) if same else nn.MaxPool2d(size, stride))
            shape[:2] = [-(-extent // stride) if same else (extent - size) // stride + 1 for extent in shape[:2]]
        elif kind == "Flatten":
            parts.append(nn.Flatten())
            shape = [shape[0] * shape[1] * shape[2]]
        elif kind == "Dropout":
            parts.append(nn.Dropout(layer["rate"]))
        elif kind == "BatchNorm":
            parts.append(nn.BatchNorm2d(shape[-1]) if len(shape) == 3 else nn.BatchNorm1d(shape[-1]))
        else:
            raise ValueError(f"PyTorch's peer has no {kind}.")
        if layer.get("activation", "linear") != "linear":
            parts.append(ACTIVATIONS[layer["activation"]]())
    return nn.Sequential(*parts)


def optimizer(item: dict[str, Any], parameters: Any) -> torch.optim.Optimizer:
    rate, kind = item["learning_rate"], item["kind"]
    if kind == "SGD":
        return torch.optim.SGD(
            parameters, rate, momentum=item["momentum"], nesterov=item.get("nesterov", False), fused=True
        )
    if kind in ("Adam", "AdamW"):
        more = {"weight_decay": item["weight_decay"]} if kind == "AdamW" else {}
        return getattr(torch.optim, kind)(parameters, rate, (item["beta_1"], item["beta_2"]), fused=True, **more)
    if kind == "Adagrad":
        return torch.optim.Adagrad(parameters, rate, fused=True)
    if kind == "RMSprop":
        return torch.optim.RMSprop(parameters, rate, momentum=item.get("momentum", 0.0), foreach=True)
    raise ValueError(f"PyTorch's peer has no {kind}.")


def loss_of(name: str) -> nn.Module:
    losses = {
        "softmax_cross_entropy": nn.CrossEntropyLoss, "binary_cross_entropy": nn.BCEWithLogitsLoss,
        "mean_squared_error": nn.MSELoss, "mean_absolute_error": nn.L1Loss, "huber": nn.HuberLoss,
    }  # fmt: skip
    return losses[name]()


@functools.lru_cache(maxsize=1)
def data(x_path: str, y_path: str, shape: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    x, y = (torch.from_numpy(array) for array in load_pair({"x": x_path, "y": y_path}, shape))
    return (x.permute(0, 3, 1, 2).contiguous() if x.dim() == 4 else x), y


@functools.lru_cache(maxsize=1)
def in_channels_last(x_path: str, y_path: str, shape: tuple[int, ...]) -> torch.Tensor:
    return data(x_path, y_path, shape)[0].to(memory_format=torch.channels_last)


@functools.lru_cache(maxsize=2)
def compiled(spec: str, channels_last: bool) -> Any:
    """One compilation for each design; its weights go on from request to request."""
    return torch.compile(made(json.loads(spec), channels_last))


def made(spec: dict[str, Any], channels_last: bool) -> nn.Module:
    model = network(spec).train()
    return model.to(memory_format=torch.channels_last) if channels_last else model


def train(request: Request) -> Answer:
    started, spec, training = time.perf_counter(), request["spec"], request["training"]
    settings, shape = request.get("settings", []), tuple(spec["input_shape"])
    channels_last = "channels_last" in settings
    x, y = data(request["x"], request["y"], shape)
    if channels_last:
        x = in_channels_last(request["x"], request["y"], shape)
    loss_function = loss_of(spec["loss"])
    if spec["loss"] != "softmax_cross_entropy" and y.dim() == 1:
        y = y.float()[:, None]
    model = compiled(json.dumps(spec), True) if "compile" in settings else made(spec, channels_last)
    stepper = optimizer(training["optimizer"], model.parameters())
    n, batch = len(x), training["batch_size"]
    whole = max(1, n // batch) * batch
    at_once = x.numel() <= GATHERED_AT_ONCE

    def epoch() -> tuple[int, float]:
        order, losses = torch.randperm(n)[:whole], []
        if at_once:
            pairs = zip(x[order].split(batch), y[order].split(batch), strict=True)
        else:
            pairs = ((x[rows], y[rows]) for rows in order.split(batch))
        for inputs, targets in pairs:
            stepper.zero_grad(set_to_none=True)
            loss = loss_function(model(inputs), targets)
            loss.backward()
            stepper.step()
            losses.append(loss.detach())
        return len(order), float(torch.stack(losses).mean())

    if "compile" in settings:
        epoch()
    return timed_epochs(epoch, seconds_of(request), started)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    torch.set_num_interop_threads(1)
    serve(train)


if __name__ == "__main__":
    main()
