"""What the pooling layers have in common: a window that makes one value of many, channel by channel."""

from __future__ import annotations

import dataclasses
import math
from typing import ClassVar

from engine.fields import field
from engine.layers import windows
from engine.layers.base import Layer, Operation, Shape


@dataclasses.dataclass(frozen=True)
class Pool2D(Layer):
    """(height, width, channels) -> (rows, columns, channels), as `windows.Window` says. No parameters."""

    block: ClassVar[str]

    pool_size: int = field(2, "int", "Pool size", "Height and width of the window.", minimum=1, maximum=1000)
    strides: int | None = field(
        None, "int", "Strides", "How far the window moves at a time; as its size if empty.",
        minimum=1, maximum=1000, optional=True,
    )  # fmt: skip
    padding: str = windows.padding_field()

    def window(self, input_shape: Shape) -> windows.Window:
        return windows.Window(input_shape, self.pool_size, self.strides or self.pool_size, self.padding)

    def output_shape(self, input_shape: Shape) -> Shape:
        window = self.window(input_shape)
        window.check(self.kind)
        return *window.positions, input_shape[-1]

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        inputs, outputs = math.prod(input_shape), math.prod(self.output_shape(input_shape))
        geometry = self.window(input_shape).geometry(input_shape[-1])
        return (Operation(self.block, inputs, outputs, geometry=geometry),)


@dataclasses.dataclass(frozen=True)
class GlobalPool2D(Layer):
    """(height, width, channels) -> (channels,): one window over the whole map. No parameters, any size."""

    block: ClassVar[str]

    def output_shape(self, input_shape: Shape) -> Shape:
        self._window(input_shape).check(self.kind)
        return (input_shape[-1],)

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        geometry = self._window(input_shape).geometry(input_shape[-1])
        return (Operation(self.block, math.prod(input_shape), input_shape[-1], geometry=geometry),)

    def _window(self, input_shape: Shape) -> windows.Window:
        """As large as the longer side; beyond the shorter one there is nothing."""
        extent = max(input_shape[:2])
        return windows.Window(input_shape, extent, extent, "same")
