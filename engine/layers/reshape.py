"""Reshape: the same values, row by row, as maps or signals of another shape."""

from __future__ import annotations

import dataclasses
import math

from engine.errors import RelumeError
from engine.fields import field
from engine.layers.base import Shape
from engine.layers.shaping import ShapingLayer


@dataclasses.dataclass(frozen=True)
class Reshape(ShapingLayer):
    """x in the shape `target_shape`, the last axis fastest.

    One extent may be -1: as many as there are. (-1, 1) makes a signal of one channel of a row of values.
    """

    target_shape: tuple[int, ...] = field(
        (-1, 1), "shape", "Shape", "Length × channels, or height × width × channels; -1: as many as there are."
    )

    def output_shape(self, input_shape: Shape) -> Shape:
        values, known = math.prod(input_shape), math.prod(extent for extent in self.target_shape if extent > 0)
        free = -1 in self.target_shape
        if values % known or not free and values != known:
            wanted = " x ".join(str(extent) for extent in self.target_shape)
            raise RelumeError(
                f"{values} values do not make the shape {wanted}.",
                "Reshape",
                f"Use extents whose product is {values}, or -1 for one of them.",
            )
        return tuple(values // known if extent < 0 else extent for extent in self.target_shape)
