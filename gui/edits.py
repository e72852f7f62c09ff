"""Edits of a network's layers as pure functions: a spec goes in, another comes out. The last layer is the output.

A layer is told by its index in `NetworkSpec.parts`, so that layers within blocks are edited like all others.

Where maps would meet a layer that takes rows of values, a Flatten comes between them (`told` says so). All raise
RelumeError for what cannot be.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from typing import Any

from engine.errors import RelumeError
from engine.layers import LAYERS, Conv1D, Conv2D, Dense, Flatten, Maxout, Residual
from engine.layers.base import Layer, Shape
from engine.layers.convolution import Convolution
from engine.shape_fit import flattened
from engine.spec import NetworkSpec


def _with(spec: NetworkSpec, layers: Sequence[Layer]) -> NetworkSpec:
    fitted = flattened(layers, spec.input_shape)
    if fitted == spec.layers and tuple(layers) != spec.layers:
        place = next(i for i, layer in enumerate(fitted, 1) if isinstance(layer, Flatten))
        raise RelumeError("Flatten stays: the layer after it takes one row of values, not maps.", f"layer {place}")
    return dataclasses.replace(spec, layers=fitted)


def output_index(spec: NetworkSpec) -> int:
    """The output's index in `spec.parts`: the last."""
    return len(spec.parts) - 1


def place_of(spec: NetworkSpec, index: int) -> tuple[str, int, int]:
    """Where a layer stands: the path of the block that it is in ("" for none), its place there, how many may change
    places with it. Raises RelumeError for the projection of a block, which has no place among layers."""
    part = spec.parts[index]
    if part.skips:
        raise RelumeError("A block makes its projection by itself.", f"layer {part.number}", "Edit the layers within.")
    return part.block, int(part.path.rpartition(".")[2]), len(_inside(spec, part.block)) - (not part.block)


def _inside(spec: NetworkSpec, block: str) -> list[Layer]:
    """The layers of a block, of the network itself for ""."""
    if not block:
        return list(spec.layers)
    index = spec.place(block)
    assert index is not None
    return list(spec.parts[index].layer.layers)  # type: ignore[attr-defined]


def _with_inside(spec: NetworkSpec, block: str, layers: Sequence[Layer]) -> NetworkSpec:
    """The same network with other layers in a block."""
    if not block:
        return _with(spec, layers)
    outer, _, place = block.rpartition(".")
    around = _inside(spec, outer)
    around[int(place)] = dataclasses.replace(around[int(place)], layers=tuple(layers))  # type: ignore[call-arg]
    return _with_inside(spec, outer, around)


def index_of(spec: NetworkSpec, block: str, place: int) -> int:
    """The index in `spec.parts` of a layer of a block."""
    index = spec.place(f"{block}.{place}".lstrip("."))
    assert index is not None
    return index


def new_layer(spec: NetworkSpec, kind: str) -> Layer:
    """A layer of this kind: a Dense one like the last hidden one, others with what suits a beginning."""
    if kind == "Dense":
        before = [other for other in spec.layers[:-1] if isinstance(other, Dense)]
        return before[-1] if before else Dense(_some_units(spec), "relu")
    cls = LAYERS.get(kind).cls
    if issubclass(cls, Maxout):
        return cls(_some_units(spec))
    return cls(activation="relu") if issubclass(cls, Convolution) else cls()


def _some_units(spec: NetworkSpec) -> int:
    return 8 if len(spec.input_shape) == 1 else 32


def add_layer(spec: NetworkSpec, layer: Layer | None = None, at: int | None = None) -> NetworkSpec:
    """Adds a layer before place `at`; by itself just before the output, or at the last place that it fits into.

    None: a Dense layer like its neighbour. A residual block that is empty gets layers that suit its place.
    """
    layer = layer or new_layer(spec, "Dense")
    last = len(spec.layers) - 1
    places = range(last, -1, -1) if at is None else [max(0, min(at, last))]
    fed = (spec.input_shape, *spec.shapes())
    refused: RelumeError | None = None
    for place in places:
        try:
            made = filled(layer, fed[place])
            return _with(spec, (*spec.layers[:place], made, *spec.layers[place:]))
        except RelumeError as error:
            refused = error  # of the first place in the end: there it would be fed the data
    assert refused is not None
    raise refused


def filled(layer: Layer, fed: Shape) -> Layer:
    """An empty residual block with two layers that keep the shape that it is fed; any other layer as it is."""
    if not isinstance(layer, Residual) or layer.layers:
        return layer
    if len(fed) == 1:
        return dataclasses.replace(layer, layers=(Dense(fed[-1], "relu"), Dense(fed[-1])))
    kind = Conv1D if len(fed) == 2 else Conv2D
    first, second = (kind(fed[-1], 3, padding="same", activation=name) for name in ("relu", "linear"))
    return dataclasses.replace(layer, layers=(first, second))


def add_within(spec: NetworkSpec, index: int, layer: Layer) -> NetworkSpec:
    """Adds a layer at the end of a block; of a Dense or convolutional one as many units as the block gives."""
    part = spec.parts[index]
    width = {name: part.given[-1] for name in ("units", "filters") if hasattr(layer, name)}
    same = {"padding": "same"} if hasattr(layer, "padding") else {}
    layer = filled(dataclasses.replace(layer, **width, **same), part.given)
    return _with_inside(spec, part.path, [*_inside(spec, part.path), layer])


def remove_layer(spec: NetworkSpec, index: int) -> NetworkSpec:
    """Removes a hidden layer; the output stays."""
    if not 0 <= index < output_index(spec):
        return spec
    block, place, _ = place_of(spec, index)
    layers = _inside(spec, block)
    del layers[place]
    return _with_inside(spec, block, layers)


def move_layer(spec: NetworkSpec, index: int, to: int) -> NetworkSpec:
    """Moves a hidden layer to place `to` among the hidden ones, or among those of its block."""
    if not 0 <= index < output_index(spec):
        return spec
    block, place, count = place_of(spec, index)
    layers = _inside(spec, block)
    layers.insert(max(0, min(to, count - 1)), layers.pop(place))
    return _with_inside(spec, block, layers)


def duplicate_layer(spec: NetworkSpec, index: int) -> NetworkSpec:
    """A copy of a hidden layer right after it."""
    if not 0 <= index < output_index(spec):
        return spec
    block, place, _ = place_of(spec, index)
    layers = _inside(spec, block)
    layers.insert(place, layers[place])
    return _with_inside(spec, block, layers)


def set_layer(spec: NetworkSpec, index: int, **changes: Any) -> NetworkSpec:
    """Changes fields of one layer."""
    part = spec.parts[index]
    block, place, _ = place_of(spec, index)
    layer = dataclasses.replace(part.layer, **changes)  # type: ignore[type-var]
    if getattr(layer, "off", ()):  # units that are gone do not come back switched off
        layer = dataclasses.replace(layer, off=layer.switched_off(part.fed))  # type: ignore
    layers = _inside(spec, block)
    layers[place] = layer
    return _with_inside(spec, block, layers)


def can_freeze(spec: NetworkSpec, index: int) -> bool:
    """Whether the layer has weights that can be frozen."""
    return 0 <= index < len(spec.parts) and hasattr(spec.parts[index].layer, "trainable")


def freeze_layer(spec: NetworkSpec, index: int) -> NetworkSpec:
    """Freezes a layer's weights, or lets them go."""
    return set_layer(spec, index, trainable=not getattr(spec.parts[index].layer, "trainable", True))


def can_switch(spec: NetworkSpec, index: int) -> bool:
    """Whether neurons of this layer can be switched off: those of hidden layers."""
    return 0 <= index < output_index(spec) and hasattr(spec.parts[index].layer, "off")


def is_off(spec: NetworkSpec, index: int, unit: int) -> bool:
    """Whether this neuron is switched off."""
    return unit in getattr(spec.parts[index].layer, "off", ())


def switch_unit(spec: NetworkSpec, index: int, unit: int) -> NetworkSpec:
    """Switches one neuron off, or on again."""
    if not can_switch(spec, index):
        raise RelumeError("Only neurons of hidden layers can be switched off.", f"layer {spec.parts[index].number}")
    off: set[int] = set(getattr(spec.parts[index].layer, "off", ()))
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
