"""JAX on request: python benchmarks/peers/jax_peer.py --threads N; requests as in benchmarks/protocol.py.

A request may name its `settings`: "scan" compiles a whole epoch into one call, else each step is one call.
Before JAX is loaded the process is bound to as many cores as it has threads: that is how JAX knows.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import numpy as np  # noqa: E402

from benchmarks.protocol import Answer, Request, load_pair, seconds_of, serve, timed_epochs  # noqa: E402

Tree = Any


def bind(threads: int) -> None:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    os.environ.setdefault("JAX_PLATFORMS", "cpu")


def parameters(spec: dict[str, Any]) -> Tree:
    """He-normal kernels; dense ones (inputs, units), convolutions (height, width, channels, filters)."""
    rng, shape, found = np.random.default_rng(7), list(spec["input_shape"]), []
    for layer in spec["layers"]:
        kernel: tuple[int, ...] = ()
        kind = layer["kind"]
        if kind == "Dense":
            kernel = (shape[-1], layer["units"])
            shape = [layer["units"]]
        elif kind in ("Conv2D", "MaxPool2D"):
            convolves = kind == "Conv2D"
            size = layer["kernel_size"] if convolves else layer["pool_size"]
            stride = layer["strides"] or size
            channels = layer["filters"] if convolves else shape[2]
            kernel = (size, size, shape[2], channels) if convolves else ()
            same = layer["padding"] == "same"
            extents = [-(-e // stride) if same else (e - size) // stride + 1 for e in shape[:2]]
            shape = [*extents, channels]
        elif kind == "Flatten":
            shape = [shape[0] * shape[1] * shape[2]]
        elif kind != "Dropout":
            raise ValueError(f"JAX's peer has no {kind}.")
        if kernel:
            drawn = rng.standard_normal(kernel) * np.sqrt(2 / np.prod(kernel[:-1]))
            found.append((drawn.astype(np.float32), np.zeros(kernel[-1], np.float32)))
        else:
            found.append(())
    return found


def forward(spec: dict[str, Any], weights: Tree, x: Any, key: Any) -> Any:
    import jax
    from jax import lax, numpy as jnp

    functions = {
        "relu": jax.nn.relu, "tanh": jnp.tanh, "sigmoid": jax.nn.sigmoid, "elu": jax.nn.elu, "silu": jax.nn.silu,
        "gelu": lambda z: jax.nn.gelu(z, approximate=False), "leaky_relu": jax.nn.leaky_relu, "selu": jax.nn.selu,
        "softplus": jax.nn.softplus, "mish": jax.nn.mish, "linear": lambda z: z,
    }  # fmt: skip
    for number, (layer, own) in enumerate(zip(spec["layers"], weights, strict=True)):
        kind = layer["kind"]
        if kind == "Dense":
            x = x @ own[0] + own[1]
        elif kind == "Conv2D":
            strides, padding = (layer["strides"],) * 2, layer["padding"].upper()
            names = ("NHWC", "HWIO", "NHWC")
            x = lax.conv_general_dilated(x, own[0], strides, padding, dimension_numbers=names) + own[1]
        elif kind == "MaxPool2D":
            size, stride = layer["pool_size"], layer["strides"] or layer["pool_size"]
            window, strides = (1, size, size, 1), (1, stride, stride, 1)
            x = lax.reduce_window(x, -jnp.inf, lax.max, window, strides, layer["padding"].upper())
        elif kind == "Flatten":
            x = x.reshape(len(x), -1)
        elif kind == "Dropout":
            keep = 1.0 - layer["rate"]
            mask = jax.random.bernoulli(jax.random.fold_in(key, number), keep, x.shape)
            x = jnp.where(mask, x / keep, 0.0)
        x = functions[layer.get("activation", "linear")](x)
    return x


def loss_of(name: str) -> Callable[[Any, Any], Any]:
    import jax
    from jax import numpy as jnp

    def cross_entropy(o: Any, y: Any) -> Any:
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(o), y[:, None], axis=1))

    losses: dict[str, Callable[[Any, Any], Any]] = {
        "softmax_cross_entropy": cross_entropy,
        "binary_cross_entropy": lambda o, y: jnp.mean(jax.nn.softplus(o) - y * o),
        "mean_squared_error": lambda o, y: jnp.mean((o - y) ** 2),
        "mean_absolute_error": lambda o, y: jnp.mean(jnp.abs(o - y)),
        "huber": lambda o, y: jnp.mean(jnp.where(jnp.abs(o - y) < 1, 0.5 * (o - y) ** 2, jnp.abs(o - y) - 0.5)),
    }
    return losses[name]


def update_of(item: dict[str, Any]) -> Callable[[Any, Any, Any, Any], tuple[Any, Any]]:
    """(weight, gradient, two slots, step) -> (weight, slots)."""
    from jax import numpy as jnp

    rate, kind = item["learning_rate"], item["kind"]

    def sgd(w: Any, g: Any, slots: Any, step: Any) -> Any:
        v = item["momentum"] * slots[0] + g
        return (w - rate * v, (v, slots[1])) if item["momentum"] else (w - rate * g, slots)

    def adam(w: Any, g: Any, slots: Any, step: Any) -> Any:
        b1, b2 = item["beta_1"], item["beta_2"]
        m, v = b1 * slots[0] + (1 - b1) * g, b2 * slots[1] + (1 - b2) * g * g
        w = w * (1 - rate * item["weight_decay"]) if kind == "AdamW" else w
        divisor = jnp.sqrt(v / (1 - b2**step)) + item["epsilon"]
        return w - rate / (1 - b1**step) * m / divisor, (m, v)

    def rmsprop(w: Any, g: Any, slots: Any, step: Any) -> Any:
        s = item["rho"] * slots[0] + (1 - item["rho"]) * g * g
        return w - rate * g / (jnp.sqrt(s) + item["epsilon"]), (s, slots[1])

    rules = {"SGD": sgd, "Adam": adam, "AdamW": adam, "RMSprop": rmsprop}
    return rules[kind]


@functools.lru_cache(maxsize=16)
def programs(design: str) -> tuple[Any, Any]:
    """(one step, one epoch), jitted; the state is given up to the result."""
    import jax
    from jax import lax, numpy as jnp

    spec, training = json.loads(design)
    loss, update = loss_of(spec["loss"]), update_of(training["optimizer"])

    def step(state: Any, inputs: Any, targets: Any) -> Any:
        weights, slots, count = state
        key = jax.random.fold_in(jax.random.key(7), count)
        value, gradient = jax.value_and_grad(lambda w: loss(forward(spec, w, inputs, key), targets))(weights)
        leaves, tree = jax.tree.flatten(weights)
        new = [update(*item, count + 1.0) for item in zip(leaves, jax.tree.leaves(gradient), slots, strict=True)]
        return (jax.tree.unflatten(tree, [w for w, _ in new]), [s for _, s in new], count + 1), value

    def picked(state: Any, x: Any, y: Any, rows: Any) -> Any:
        return step(state, x[rows], y[rows])

    def epoch(state: Any, x: Any, y: Any, rows: Any) -> Any:
        state, values = lax.scan(lambda s, r: step(s, x[r], y[r]), state, rows)
        return state, jnp.mean(values)

    return jax.jit(picked, donate_argnums=0), jax.jit(epoch, donate_argnums=0)


@functools.lru_cache(maxsize=1)
def data(x_path: str, y_path: str, shape: tuple[int, ...], one_hot: bool) -> tuple[Any, Any]:
    import jax

    x, y = load_pair({"x": x_path, "y": y_path}, shape)
    y = y.astype(np.int32) if one_hot else y.astype(np.float32).reshape(len(y), -1)
    return jax.device_put(x), jax.device_put(y)


def train(request: Request) -> Answer:
    import jax
    from jax import numpy as jnp

    started, spec, training = time.perf_counter(), request["spec"], request["training"]
    x, y = data(request["x"], request["y"], tuple(spec["input_shape"]), spec["loss"] == "softmax_cross_entropy")
    weights = jax.tree.map(jnp.array, parameters(spec))
    slots = [(jnp.zeros_like(leaf), jnp.zeros_like(leaf)) for leaf in jax.tree.leaves(weights)]
    state: Any = (weights, slots, jnp.array(0, jnp.int32))
    one_step, one_epoch = programs(json.dumps((spec, training)))
    n, batch, rng = len(x), training["batch_size"], np.random.default_rng(7)
    steps = max(1, n // batch)
    batch = min(n, batch)

    def epoch() -> tuple[int, float]:
        nonlocal state
        rows = rng.permutation(n)[: steps * batch].astype(np.int32).reshape(steps, batch)
        if "scan" in request.get("settings", []):
            state, loss = one_epoch(state, x, y, rows)
            return rows.size, float(loss)
        losses = []
        for picked in rows:
            state, loss = one_step(state, x, y, picked)
            losses.append(loss)
        return rows.size, float(jnp.mean(jnp.stack(losses)))

    epoch()
    return timed_epochs(epoch, seconds_of(request), started)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    bind(parser.parse_args().threads)
    serve(train)


if __name__ == "__main__":
    main()
