"""The blocks of a program by name: small pieces of work, each compiled on its own when it is first needed."""

from __future__ import annotations

import functools
from collections.abc import Callable

from engine import activations, losses
from engine.kernels import (
    affine,
    convolution,
    elementwise,
    gates,
    layer_norm,
    noise,
    normalization,
    own_formula,
    pooling,
    repeat,
    rows,
    scores,
    skip,
)
from engine.kernels.block import Block
from engine.layers.glu import GATES

_NAMED: dict[str, Callable[[], Block]] = {
    "affine": affine.affine,
    "convolution": convolution.convolution,
    "grouped convolution": convolution.grouped_convolution,
    "depthwise convolution": convolution.depthwise_convolution,
    "repeat channels": repeat.repeat_channels,
    "max pool": pooling.max_pool,
    "average pool": pooling.average_pool,
    "batch norm": normalization.batch_norm,
    "moving norm": normalization.moving_norm,
    "own formula": own_formula.own_formula,
    "dropout": noise.dropout,
    "alpha dropout": noise.alpha_dropout,
    "gaussian noise": noise.gaussian_noise,
    "random slopes": noise.random_slopes,
    "layer norm": layer_norm.layer_norm,
    "crelu": gates.crelu,
    "switch": elementwise.switch,
    "softmax": rows.softmax,
    "max of pieces": rows.largest,
    "fork": skip.fork,
    "add": skip.add,
}
_TABLES: dict[str, Callable[[], tuple[str, ...]]] = {
    "activation": activations.names,
    "gate": lambda: GATES,
    "loss": losses.names,
    "class-weighted": lambda: tuple(each.name for each in losses.LOSSES if "binary" in each.tasks),
    "metric": lambda: tuple(scores.METRICS),
}
_FAMILIES: dict[str, Callable[[str], Block]] = {
    "activation": elementwise.activation,
    "gate": gates.gate,
    "loss": scores.loss,
    "class-weighted": scores.weighted_loss,
    "metric": lambda name: scores.METRICS[name](),
}


def names() -> tuple[str, ...]:
    """Every block's name."""
    return (*_NAMED, *(f"{family} {name}" for family, table in _TABLES.items() for name in table()))


@functools.cache
def find(name: str) -> Block:
    """The block called `name`: "affine", "dropout", "activation relu", "loss huber", "metric accuracy"."""
    family, _, rest = name.partition(" ")
    return _FAMILIES[family](rest) if family in _FAMILIES else _NAMED[name]()
