"""Layers that do not fit each other: a Flatten where maps meet a layer of rows, and what no shape can feed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.errors import RelumeError
from engine.layers import Flatten
from engine.layers.base import Layer, Shape


def flattened(layers: Sequence[Layer], input_shape: Shape) -> tuple[Layer, ...]:
    """`layers` with a Flatten before each one that takes rows of values and is fed maps.

    A Flatten that a new one leaves nothing to do goes. From the first layer on that fits in no way all stay as they
    are: `NetworkSpec` tells what is wrong with it.
    """
    fitted: list[Layer] = []
    shape, added = input_shape, False
    for number, layer in enumerate(layers):
        if added and isinstance(layer, Flatten) and len(shape) == 1:
            continue
        given = _output(layer, shape)
        if given is None and len(shape) > 1:
            given = _output(layer, (math.prod(shape),))
            if given is not None:
                fitted.append(Flatten())
                added = True
        if given is None:
            return (*fitted, *layers[number:])
        fitted.append(layer)
        shape = given
    return tuple(fitted)


def without_misfits(layers: Sequence[Layer], input_shape: Shape) -> tuple[Layer, ...]:
    """`layers` without those that the input shape cannot feed, as a convolution in a table, or leaves nothing to do."""
    kept: list[Layer] = []
    shape = input_shape
    for layer in layers:
        given = _output(layer, shape) or _output(layer, (math.prod(shape),))
        if given is None or isinstance(layer, Flatten) and len(shape) == 1:
            continue
        kept.append(layer)
        shape = given
    return tuple(kept)


def _output(layer: Layer, shape: Shape) -> Shape | None:
    """What the layer gives when it is fed this shape; None where it does not fit."""
    try:
        return layer.output_shape(shape)
    except RelumeError:
        return None
