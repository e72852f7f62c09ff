"""A window that slides over the rows and columns of feature maps: shapes, padding, and what kernels must know."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from engine.errors import RelumeError
from engine.fields import field

PADDINGS = ("valid", "same")
GEOMETRY_WORDS = 10


def padding_field() -> Any:
    help = "valid: only where the window fits whole; same: beyond the edges too, so that strides 1 keep the size."
    return field("valid", "choice", "Padding", help, choices=lambda: PADDINGS)


@dataclasses.dataclass(frozen=True)
class Window:
    """A size x size window with strides over (height, width, channels), channels last.

    "valid": only where the window fits whole: (extent - size) // stride + 1 positions.
    "same": ceil(extent / stride) positions; what is missing is added on both sides, the odd one after
    (TensorFlow's rule).
    """

    input_shape: tuple[int, ...]
    size: int
    stride: int
    padding: str

    def check(self, kind: str) -> None:
        """Raises RelumeError where the window does not fit its input."""
        if len(self.input_shape) != 3:
            raise RelumeError(
                f"{kind} takes images (height, width, channels), not the shape {self.input_shape}.",
                kind,
                "Put it before the layer that flattens, or use data with an image shape.",
            )
        if self.padding == "valid" and self.size > min(self.input_shape[:2]):
            height, width = self.input_shape[:2]
            raise RelumeError(
                f"A window of {self.size} x {self.size} does not fit into {height} x {width}.",
                kind,
                'Use a smaller one, padding "same", or less pooling before.',
            )

    @property
    def positions(self) -> tuple[int, int]:
        """(rows, columns) of the output."""
        height, width = self.input_shape[:2]
        if self.padding == "same":
            return -(-height // self.stride), -(-width // self.stride)
        return (height - self.size) // self.stride + 1, (width - self.size) // self.stride + 1

    @property
    def before(self) -> tuple[int, int]:
        """(rows, columns) that are added before the first."""
        if self.padding == "valid":
            return 0, 0
        missing = [
            max((positions - 1) * self.stride + self.size - extent, 0)
            for positions, extent in zip(self.positions, self.input_shape[:2], strict=True)
        ]
        return missing[0] // 2, missing[1] // 2

    @property
    def steps(self) -> tuple[int, ...]:
        """(rows out, columns out, size, stride, rows before, columns before)"""
        return (*self.positions, self.size, self.stride, *self.before)

    def geometry(self, filters: int) -> tuple[int, ...]:
        """(height, width, channels, filters, rows out, columns out, size, stride, rows before, columns before)"""
        return (*self.input_shape, filters, *self.steps)


# In plain numpy, for twins and exported scripts; `steps` as above. A window is gone through cell by cell: what the
# cell (i, j) sees at all positions together is a strided view.


def padded(x: np.ndarray, steps: tuple[int, ...], fill: float) -> np.ndarray:
    """x (n, height, width, channels) and around it what windows reach beyond the edges."""
    rows, columns, size, stride, top, left = steps
    below = max((rows - 1) * stride + size - top - x.shape[1], 0)
    right = max((columns - 1) * stride + size - left - x.shape[2], 0)
    return np.pad(x, ((0, 0), (top, below), (left, right), (0, 0)), constant_values=fill)


def seen(wide: np.ndarray, steps: tuple[int, ...], i: int, j: int) -> np.ndarray:
    """What the cell (i, j) of the window sees of padded values: a view (n, rows out, columns out, channels)."""
    rows, columns, size, stride, top, left = steps
    return wide[:, i : i + (rows - 1) * stride + 1 : stride, j : j + (columns - 1) * stride + 1 : stride]


def cropped(wide: np.ndarray, steps: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of `padded`: the part that is x (n, height, width, channels)."""
    top, left = steps[-2:]
    return wide[:, top : top + shape[1], left : left + shape[2]]
