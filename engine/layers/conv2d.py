"""Conv2D: a window of weights slides over the image; every filter gives a map."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from engine.fields import field
from engine.layers import windows
from engine.layers.base import Call, Operation, Shape
from engine.layers.weighted import WeightedLayer, activation_field, initializer_field, l1_field, l2_field, off_field


@dataclasses.dataclass(frozen=True)
class Conv2D(WeightedLayer):
    """a = f(z), z[r, c] = bias + sum over (i, j) of x[r strides + i, c strides + j] kernel[i, j].

    (height, width, channels) -> (rows, columns, filters), as `windows.Window` says; beyond the edges x is 0.
    kernel (kernel_size, kernel_size, channels, filters), bias (filters,): a unit is a filter.
    """

    filters: int = field(8, "int", "Filters", "Maps that the layer makes.", minimum=1, maximum=100_000)
    kernel_size: int = field(
        3, "int", "Kernel size", "Height and width of the window of weights.", minimum=1, maximum=1000
    )
    strides: int = field(1, "int", "Strides", "How far the window moves at a time.", minimum=1, maximum=1000)
    padding: str = windows.padding_field()
    activation: Any = activation_field()
    initializer: Any = initializer_field()
    l1: float = l1_field()
    l2: float = l2_field()
    off: tuple[int, ...] = off_field()

    def window(self, input_shape: Shape) -> windows.Window:
        return windows.Window(input_shape, self.kernel_size, self.strides, self.padding)

    def output_shape(self, input_shape: Shape) -> Shape:
        window = self.window(input_shape)
        window.check(self.kind)
        return *window.positions, self.filters

    def kernel_shape(self, input_shape: Shape) -> Shape:
        return self.kernel_size, self.kernel_size, input_shape[-1], self.filters

    def weighted(self, input_shape: Shape) -> Call:
        return Call("convolve", convolve, ("kernel", "bias", self.window(input_shape).steps))

    def weighted_backward(
        self, x: np.ndarray, gradient: np.ndarray, kernel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        steps = self.window(x.shape[1:]).steps
        wide = windows.padded(x, steps, 0.0)
        wide_gradient, kernel_gradient = np.zeros_like(wide), np.empty_like(kernel)
        for i in range(self.kernel_size):
            for j in range(self.kernel_size):
                kernel_gradient[i, j] = np.tensordot(windows.seen(wide, steps, i, j), gradient, ((0, 1, 2), (0, 1, 2)))
                windows.seen(wide_gradient, steps, i, j)[...] += gradient @ kernel[i, j].T
        return windows.cropped(wide_gradient, steps, x.shape), kernel_gradient

    def weighted_operation(self, input_shape: Shape) -> Operation:
        return Operation(
            "convolution",
            math.prod(input_shape),
            math.prod(self.output_shape(input_shape)),
            ("kernel", "bias"),
            geometry=self.window(input_shape).geometry(self.filters),
        )


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, steps: tuple[int, ...]) -> np.ndarray:
    """z of `Conv2D`; steps: `Window.steps`."""
    wide = windows.padded(x, steps, 0.0)
    z = np.zeros((len(x), steps[0], steps[1], len(bias)), dtype=x.dtype) + bias
    for i in range(steps[2]):
        for j in range(steps[2]):
            z += np.tensordot(windows.seen(wide, steps, i, j), kernel[i, j], 1)
    return z
