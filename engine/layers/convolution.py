"""What the convolutions have in common: a window of weights that slides over maps or signals."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from engine.errors import RelumeError
from engine.fields import field
from engine.layers import windows
from engine.layers.activated import activation_field, off_field, trainable_field
from engine.layers.base import Operation, Shape
from engine.layers.weighted import WeightedLayer, initializer_field, l1_field, l2_field


@dataclasses.dataclass(frozen=True)
class Convolution(WeightedLayer):
    """Every filter sees the channels of its group: filter f those from (f // n) d on, d = channels / groups,
    n = filters / groups. groups = channels is called depthwise.

    A kind says how its window lies (`window`) and what its kernel is.
    """

    filters: int = field(8, "int", "Filters", "Maps that the layer makes.", minimum=1, maximum=100_000)
    kernel_size: int = field(
        3, "int", "Kernel size", "Height and width of the window of weights.", minimum=1, maximum=1000
    )
    strides: int = field(1, "int", "Strides", "How far the window moves at a time.", minimum=1, maximum=1000)
    padding: str = windows.padding_field()
    dilation_rate: int = field(
        1, "int", "Dilation", "How far the weights of the window are apart; 1: side by side.",
        minimum=1, maximum=1000, kw_only=True,
    )  # fmt: skip
    groups: int = field(
        1, "int", "Groups", "Filters of a group see its share of the channels only; as many as channels: depthwise.",
        minimum=1, maximum=100_000, kw_only=True,
    )  # fmt: skip
    activation: Any = activation_field()
    initializer: Any = initializer_field()
    l1: float = l1_field()
    l2: float = l2_field()
    off: tuple[int, ...] = off_field()
    trainable: bool = trainable_field()

    def window(self, input_shape: Shape) -> windows.Window:
        raise NotImplementedError

    def check_groups(self, channels: int) -> None:
        """Raises RelumeError where groups cannot be of equal size."""
        for count, noun in ((channels, "channels"), (self.filters, "filters")):
            if count % self.groups:
                raise RelumeError(
                    f"{self.groups} groups cannot share {count} {noun} evenly.",
                    self.kind,
                    "Use a number of groups that divides the channels that come in and the filters.",
                )

    def weighted_operation(self, input_shape: Shape) -> Operation:
        channels, groups, block = input_shape[-1], self.groups, "convolution"
        if groups > 1 or self.dilation_rate > 1:
            block = "grouped convolution"
        if self._is_depthwise(channels):  # of channels that were repeated
            channels = groups = self.filters
            block = "depthwise convolution"
        fed = (*input_shape[:-1], channels)
        return Operation(
            block,
            math.prod(fed),
            math.prod(self.output_shape(input_shape)),
            ("kernel", "bias"),
            geometry=self.window(fed).geometry(self.filters, groups),
        )

    def operations(self, input_shape: Shape, by_batch: bool = False) -> tuple[Operation, ...]:
        own, channels = super().operations(input_shape, by_batch), input_shape[-1]
        if not self._is_depthwise(channels) or self.filters == channels:
            return own
        times, inputs = self.filters // channels, math.prod(input_shape)
        repeat = Operation("repeat channels", inputs, inputs * times, geometry=(times,), prepares=True)
        return repeat, *own

    def _is_depthwise(self, channels: int) -> bool:
        return self.groups > 1 and self.groups == channels

    def _maps_backward(
        self, x: np.ndarray, gradient: np.ndarray, kernel: np.ndarray, steps: tuple[int, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """(gradient of x, gradient of the kernel) where both have rows and columns."""
        wide = windows.padded(x, steps, 0.0)
        wide_gradient, kernel_gradient = np.zeros_like(wide), np.empty_like(kernel)
        depth, n = kernel.shape[2], self.filters // self.groups
        for g in range(self.groups):
            channels, units = slice(g * depth, (g + 1) * depth), slice(g * n, (g + 1) * n)
            given = gradient[..., units]
            for i, j in np.ndindex(kernel.shape[:2]):
                place = i * self.dilation_rate, j * self.dilation_rate
                seen = windows.seen(wide[..., channels], steps, *place)
                kernel_gradient[i, j, :, units] = np.tensordot(seen, given, ((0, 1, 2), (0, 1, 2)))
                windows.seen(wide_gradient[..., channels], steps, *place)[...] += given @ kernel[i, j, :, units].T
        return windows.cropped(wide_gradient, steps, x.shape), kernel_gradient


def convolve_groups(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, steps: tuple[int, ...], dilation: int, groups: int
) -> np.ndarray:
    """z (n, rows, columns, filters) of x (n, height, width, channels); steps: `Window.steps`."""
    wide = windows.padded(x, steps, 0.0)
    depth, n = kernel.shape[2], kernel.shape[3] // groups
    parts = []
    for g in range(groups):
        own, weights = wide[..., g * depth : (g + 1) * depth], kernel[..., g * n : (g + 1) * n]
        cells = [
            np.tensordot(windows.seen(own, steps, i * dilation, j * dilation), weights[i, j], 1)
            for i in range(kernel.shape[0])
            for j in range(kernel.shape[1])
        ]
        parts.append(sum(cells[1:], cells[0]))
    return np.concatenate(parts, axis=3) + bias
