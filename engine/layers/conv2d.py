"""Conv2D: a window of weights slides over the image; every filter gives a map."""

from __future__ import annotations

import dataclasses

import numpy as np

from engine.layers import windows
from engine.layers.base import Call, Shape
from engine.layers.convolution import Convolution, convolve_groups


@dataclasses.dataclass(frozen=True)
class Conv2D(Convolution):
    """a = f(z), z[r, c] = bias + sum over (i, j) of x[r strides + i dilation, c strides + j dilation] kernel[i, j].

    (height, width, channels) -> (rows, columns, filters), as `windows.Window` says; beyond the edges x is 0.
    kernel (kernel_size, kernel_size, channels / groups, filters), bias (filters,): a unit is a filter.
    Dilation and strides may both be above 1, as in PyTorch.
    """

    def window(self, input_shape: Shape) -> windows.Window:
        return windows.Window(input_shape, self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def output_shape(self, input_shape: Shape) -> Shape:
        window = self.window(input_shape)
        window.check(self.kind)
        self.check_groups(input_shape[-1])
        return *window.positions, self.filters

    def kernel_shape(self, input_shape: Shape) -> Shape:
        return self.kernel_size, self.kernel_size, input_shape[-1] // self.groups, self.filters

    def weighted(self, input_shape: Shape) -> Call:
        steps = self.window(input_shape).steps
        if self.groups == self.dilation_rate == 1:
            return Call("convolve", convolve, ("kernel", "bias", steps))
        return Call("convolve_groups", convolve_groups, ("kernel", "bias", steps, self.dilation_rate, self.groups))

    def weighted_backward(
        self, x: np.ndarray, gradient: np.ndarray, kernel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        return self._maps_backward(x, gradient, kernel, self.window(x.shape[1:]).steps)


def convolve(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, steps: tuple[int, ...]) -> np.ndarray:
    """z of a plain `Conv2D`; steps: `Window.steps`."""
    wide = windows.padded(x, steps, 0.0)
    z = np.zeros((len(x), steps[0], steps[1], len(bias)), dtype=x.dtype) + bias
    for i in range(steps[2]):
        for j in range(steps[2]):
            z += np.tensordot(windows.seen(wide, steps, i, j), kernel[i, j], 1)
    return z
