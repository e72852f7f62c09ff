"""Flatten: images become flat rows of values."""

from __future__ import annotations

import dataclasses
import math

from engine.layers.base import Shape
from engine.layers.shaping import ShapingLayer


@dataclasses.dataclass(frozen=True)
class Flatten(ShapingLayer):
    """(height, width, channels) -> (height width channels,), row by row, channels fastest."""

    def output_shape(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)
