"""Reshape: the same values, row by row, as maps or signals of another shape."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from engine.errors import RelumeError
from engine.fields import field
from engine.layers.base import Call, Layer, Operation, Parameters, Shape


@dataclasses.dataclass(frozen=True)
class Reshape(Layer):
    """x in the shape `target_shape`, the last axis fastest. Nothing is computed.

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

    def forward(self, x: np.ndarray, parameters: Parameters, by_batch: bool = False) -> tuple[np.ndarray, np.ndarray]:
        a = shaped(x, self.output_shape(x.shape[1:]))
        return a, a

    def backward(
        self, x: np.ndarray, z: np.ndarray, a: np.ndarray, gradient: np.ndarray, parameters: Parameters
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        return gradient.reshape(x.shape), {}

    def calls(self, input_shape: Shape) -> tuple[Call, ...]:
        return (Call("shaped", shaped, (self.output_shape(input_shape),)),)

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        return ()


def shaped(x: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return x.reshape((len(x), *shape))
