"""Edits of a network's layers as pure functions: a spec goes in, another comes out. The last layer is the output.

Where maps would meet a layer that takes rows of values, a Flatten comes between them (`told` says so). All raise
RelumeError for what cannot be.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from engine.errors import RelumeError
from engine.layers import LAYERS, Dense, Flatten
from engine.layers.base import Layer
from engine.layers.convolution import Convolution
from engine.layers.weighted import WeightedLayer
from engine.shape_fit import flattened
from engine.spec import NetworkSpec


def _with(spec: NetworkSpec, layers: Sequence[Layer]) -> NetworkSpec:
    fitted = flattened(layers, spec.input_shape)
    if fitted == spec.layers and tuple(layers) != spec.layers:
        place = next(i for i, layer in enumerate(fitted, 1) if isinstance(layer, Flatten))
        raise RelumeError("Flatten stays: the layer after it takes one row of values, not maps.", f"layer {place}")
    return dataclasses.replace(spec, layers=fitted)


def hidden_count(spec: NetworkSpec) -> int:
    """How many layers stand before the output."""
    return len(spec.layers) - 1


def new_layer(spec: NetworkSpec, kind: str) -> Layer:
    """A layer of this kind: a Dense one like the last hidden one, others with what suits a beginning."""
    if kind == "Dense":
        before = [other for other in spec.layers[:-1] if isinstance(other, Dense)]
        return before[-1] if before else Dense(8 if len(spec.input_shape) == 1 else 32, "relu")
    cls = LAYERS.get(kind).cls
    return cls(activation="relu") if issubclass(cls, Convolution) else cls()


def add_layer(spec: NetworkSpec, layer: Layer | None = None, at: int | None = None) -> NetworkSpec:
    """Adds a layer before index `at`; by itself just before the output, or at the last place that it fits into.

    None: a Dense layer like its neighbour.
    """
    layer = layer or new_layer(spec, "Dense")
    last = hidden_count(spec)
    places = range(last, -1, -1) if at is None else [max(0, min(at, last))]
    refused: RelumeError | None = None
    for place in places:
        try:
            return _with(spec, (*spec.layers[:place], layer, *spec.layers[place:]))
        except RelumeError as error:
            refused = error  # of the first place in the end: there it would be fed the data
    assert refused is not None
    raise refused


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
    """Changes fields of one layer."""
    layers: list[Layer] = list(spec.layers)
    layers[index] = dataclasses.replace(layers[index], **changes)  # type: ignore[type-var]
    if getattr(layers[index], "off", ()):  # units that are gone do not come back switched off
        fed = (spec.input_shape, *spec.shapes())[index]
        layers[index] = dataclasses.replace(layers[index], off=layers[index].switched_off(fed))  # type: ignore
    return _with(spec, layers)


def can_freeze(spec: NetworkSpec, index: int) -> bool:
    """Whether the layer has weights that can be frozen."""
    return 0 <= index < len(spec.layers) and hasattr(spec.layers[index], "trainable")


def freeze_layer(spec: NetworkSpec, index: int) -> NetworkSpec:
    """Freezes a layer's weights, or lets them go."""
    return set_layer(spec, index, trainable=not getattr(spec.layers[index], "trainable", True))


def can_switch(spec: NetworkSpec, index: int) -> bool:
    """Whether neurons of this layer can be switched off: those of hidden layers."""
    return 0 <= index < hidden_count(spec) and isinstance(spec.layers[index], WeightedLayer)


def is_off(spec: NetworkSpec, index: int, unit: int) -> bool:
    """Whether this neuron is switched off."""
    return unit in getattr(spec.layers[index], "off", ())


def switch_unit(spec: NetworkSpec, index: int, unit: int) -> NetworkSpec:
    """Switches one neuron off, or on again."""
    if not can_switch(spec, index):
        raise RelumeError("Only neurons of hidden layers with weights can be switched off.", f"layer {index + 1}")
    off: set[int] = set(getattr(spec.layers[index], "off", ()))
    return set_layer(spec, index, off=tuple(off ^ {unit}))


def told(old: NetworkSpec, new: NetworkSpec, wanted: str = "") -> str:
    """What came or went beside what was asked for; `wanted` is the kind that was to be added."""
    before, after = (Counter(layer.kind for layer in spec.layers) for spec in (old, new))
    if after["Flatten"] - before["Flatten"] - (wanted == "Flatten") > 0:
        place = next(i for i, layer in enumerate(new.layers) if isinstance(layer, Flatten))
        return f"Layer {place + 1}, Flatten, was added: layer {place + 2} takes one row of values, not maps."
    if old.input_shape == new.input_shape:
        return ""
    gone = [kind for kind in before if before[kind] > after[kind] and kind != "Dense"]
    if not gone:
        return ""
    words = " and ".join(filter(None, (", ".join(gone[:-1]), gone[-1])))
    return f"{words} {'do' if len(gone) > 1 else 'does'} not fit these data and left the network. Undo brings all back."
