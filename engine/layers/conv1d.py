"""Conv1D: a window of weights slides along a signal; every filter gives a signal."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from engine.errors import RelumeError
from engine.fields import field
from engine.layers import convolution, windows
from engine.layers.base import Call, Shape
from engine.layers.convolution import Convolution


@dataclasses.dataclass(frozen=True)
class Conv1D(Convolution):
    """a = f(z), z[t] = bias + sum over i of x[t strides + i dilation] kernel[i].

    (length, channels) -> (positions, filters), as one side of `windows.Window`; beyond the ends x is 0.
    kernel (kernel_size, channels / groups, filters), bias (filters,): a unit is a filter. To the kernels it is a
    convolution of maps of one row.
    """

    filters: int = field(8, "int", "Filters", "Signals that the layer makes.", minimum=1, maximum=100_000)
    kernel_size: int = field(3, "int", "Kernel size", "Length of the window of weights.", minimum=1, maximum=1000)

    def window(self, input_shape: Shape) -> windows.Window:
        row = (1, *input_shape)
        return windows.Window(row, self.kernel_size, self.strides, self.padding, self.dilation_rate, flat=True)

    def output_shape(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 2:
            raise RelumeError(
                f"Conv1D takes signals (length, channels), not the shape {input_shape}.",
                "Conv1D",
                "Use data of that shape" + (", or a Reshape layer before it." if len(input_shape) == 1 else "."),
            )
        window = self.window(input_shape)
        if self.padding == "valid" and window.reach > input_shape[0]:
            raise RelumeError(
                f"A window that reaches over {window.reach} values does not fit into a length of {input_shape[0]}.",
                "Conv1D",
                'Use a smaller one, less dilation, or padding "same".',
            )
        self.check_groups(input_shape[-1])
        return window.positions[1], self.filters

    def kernel_shape(self, input_shape: Shape) -> Shape:
        return self.kernel_size, input_shape[-1] // self.groups, self.filters

    def weighted(self, input_shape: Shape) -> Call:
        arguments: tuple[Any, ...] = ("kernel", "bias", self.window(input_shape).steps)
        return Call("convolve_signal", convolve_signal, (*arguments, self.dilation_rate, self.groups))

    def weighted_backward(
        self, x: np.ndarray, gradient: np.ndarray, kernel: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        steps = self.window(x.shape[1:]).steps
        before, own = self._maps_backward(x[:, None], gradient[:, None], kernel[None], steps)
        return before[:, 0], own[0]


def convolve_signal(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, steps: tuple[int, ...], dilation: int, groups: int
) -> np.ndarray:
    """z (n, positions, filters) of x (n, length, channels); steps: `Window.steps`."""
    return convolution.convolve_groups(x[:, None], kernel[None], bias, steps, dilation, groups)[:, 0]
