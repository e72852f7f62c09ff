"""Edits of a network's layers as pure functions: a spec goes in, another comes out. The last layer is the output."""

from __future__ import annotations

import dataclasses
from typing import Any

from engine.layers import Dense
from engine.layers.base import Layer
from engine.spec import NetworkSpec


def _with(spec: NetworkSpec, layers: list[Layer]) -> NetworkSpec:
    return dataclasses.replace(spec, layers=tuple(layers))


def hidden_count(spec: NetworkSpec) -> int:
    """How many layers stand before the output."""
    return len(spec.layers) - 1


def add_layer(spec: NetworkSpec, layer: Layer | None = None, at: int | None = None) -> NetworkSpec:
    """Adds a layer before index `at`, just before the output by itself; a Dense layer like its neighbour."""
    layers = list(spec.layers)
    place = len(layers) - 1 if at is None else max(0, min(at, len(layers) - 1))
    if layer is None:
        before = [other for other in layers[:place] if isinstance(other, Dense)]
        layer = before[-1] if before else Dense(8, "relu")
    layers.insert(place, layer)
    return _with(spec, layers)


def remove_layer(spec: NetworkSpec, index: int) -> NetworkSpec:
    """Removes a hidden layer; the output stays."""
    if not 0 <= index < hidden_count(spec):
        return spec
    return _with(spec, [layer for number, layer in enumerate(spec.layers) if number != index])


def move_layer(spec: NetworkSpec, index: int, to: int) -> NetworkSpec:
    """Moves a hidden layer to index `to` among the hidden ones."""
    last = hidden_count(spec)
    if not 0 <= index < last:
        return spec
    layers = list(spec.layers)
    layers.insert(max(0, min(to, last - 1)), layers.pop(index))
    return _with(spec, layers)


def duplicate_layer(spec: NetworkSpec, index: int) -> NetworkSpec:
    """A copy of a hidden layer right after it."""
    if not 0 <= index < hidden_count(spec):
        return spec
    return add_layer(spec, spec.layers[index], index + 1)


def set_layer(spec: NetworkSpec, index: int, **changes: Any) -> NetworkSpec:
    """Changes fields of one layer. Raises RelumeError for values that cannot be."""
    layers: list[Layer] = list(spec.layers)
    layers[index] = dataclasses.replace(layers[index], **changes)  # type: ignore[type-var]
    return _with(spec, layers)
