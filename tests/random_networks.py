"""Random networks of whatever the tables hold: a new kind of layer, activation or loss is among them by itself."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from engine import RelumeError, activations, losses
from engine.data.features import FEATURES
from engine.data.preprocessing import Preprocessing
from engine.fields import FieldInfo
from engine.layers import LAYERS, Dense, Flatten, Layer
from engine.network import Network
from engine.spec import NetworkSpec

Shape = tuple[int, ...]
SHAPES: tuple[Shape, ...] = ((5,), (8,), (6, 7, 2), (9, 9, 1), (10, 3))
MOST = 4000  # values of a layer


def layer(rng: np.random.Generator, kind: str, shape: Shape) -> Layer | None:
    """One of this kind with other fields than usual, that takes the shape; None where none was found."""
    cls = LAYERS.get(kind).cls
    for _ in range(20):
        named = {item.name: item.metadata.get("info") for item in dataclasses.fields(cls)}
        fields = {name: _drawn(rng, info) for name, info in named.items() if info is not None and rng.random() < 0.7}
        fields |= {
            name: _inner(rng, shape) for name, info in named.items() if info is not None and info.kind == "layers"
        }
        try:
            made = cls(**{name: value for name, value in fields.items() if value is not None})
            if math.prod(made.output_shape(shape)) <= MOST:
                return made
        except (RelumeError, TypeError):
            continue
    return None


def _inner(rng: np.random.Generator, shape: Shape) -> tuple[Layer, ...]:
    """Up to three layers for the inside of a block that is fed this shape."""
    layers: list[Layer] = []
    for _ in range(rng.integers(1, 4)):
        made = layer(rng, str(rng.choice(LAYERS.names())), shape)
        if made is not None and len(made.output_shape(shape)) == len(shape):
            layers.append(made)
            shape = made.output_shape(shape)
    return tuple(layers)


def _drawn(rng: np.random.Generator, info: FieldInfo) -> Any:
    """A value of a field; None for what a field says by other means than these."""
    if info.kind == "flag":
        return bool(rng.random() < 0.5)
    if info.kind in ("choice", "named") and info.choices is not None:
        return str(rng.choice(info.choices()))
    if info.kind == "units":
        return tuple(int(unit) for unit in rng.choice(4, 2, replace=False))
    if info.kind == "int":
        low = int(info.minimum or 0)
        return int(rng.integers(low, min(info.maximum or 6, low + 6) + 1))
    if info.kind == "float":
        low = max(value for value in (info.minimum, info.above, 0.0) if value is not None)
        high = min(value for value in (info.maximum, info.below, low + 1.0) if value is not None)
        return float(rng.uniform(low, high))
    return None


def moved(network: Network, seed: int = 1, size: float = 0.2) -> Network:
    """With every parameter a little away from its beginning; variances stay above 0."""
    rng = np.random.default_rng(seed)
    network.set_parameters({
        key: rng.uniform(0.5, 2.0, value.shape) if "variance" in key else value + size * rng.normal(size=value.shape)
        for key, value in network.parameters().items()
    })  # fmt: skip
    return network


def network(seed: int) -> tuple[Network, Preprocessing]:
    """A network of up to eight random layers and an output, any loss, and any preprocessing that fits."""
    rng = np.random.default_rng([5, seed])
    shape = SHAPES[rng.integers(len(SHAPES))]
    layers: list[Layer] = []
    at = shape
    for _ in range(rng.integers(1, 9)):
        made = layer(rng, str(rng.choice(LAYERS.names())), at)
        if made is None or (len(made.output_shape(at)) < len(at) and rng.random() < 0.7):
            continue  # maps stay maps for a while
        layers.append(made)
        at = made.output_shape(at)
    if len(at) > 1:
        layers.append(Flatten())
    loss = losses.get(str(rng.choice(losses.names())))
    activation = str(rng.choice(activations.names())) if loss.link == "identity" else "linear"
    layers.append(Dense(loss.outputs or int(rng.integers(2, 5)), activation))
    spec = NetworkSpec(shape, tuple(layers), loss.name)
    return moved(Network(spec, seed), seed), preprocessing(rng, spec, loss)


def preprocessing(rng: np.random.Generator, spec: NetworkSpec, loss: losses.Loss) -> Preprocessing:
    width, outputs = math.prod(spec.input_shape), spec.output_shape[-1]
    names: tuple[str, ...] = tuple(f"column {k}" for k in range(width))
    features: tuple[str, ...] | None = None
    if len(spec.input_shape) == 1 and width <= len(FEATURES) and rng.random() < 0.5:
        names, features = ("x", "y"), FEATURES.names()[:width]
    scaling: dict[str, tuple[float, ...]] = {}
    if rng.random() < 0.7:
        many = 1 if len(spec.input_shape) > 1 else width
        scaling |= {"input_offset": tuple(rng.normal(size=many)), "input_scale": tuple(rng.uniform(0.5, 2.0, many))}
    if "regression" in loss.tasks and rng.random() < 0.5:
        offset, scale = tuple(rng.normal(size=outputs)), tuple(rng.uniform(0.5, 5.0, outputs))
        scaling |= {"target_offset": offset, "target_scale": scale}
    return Preprocessing(names, features, **scaling)
