"""A window that slides over the rows and columns of feature maps: shapes, padding, and what kernels must know."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from engine.errors import RelumeError
from engine.fields import field

PADDINGS = ("valid", "same")
GEOMETRY_WORDS = 13


def padding_field() -> Any:
    help = "valid: only where the window fits whole; same: beyond the edges too, so that strides 1 keep the size."
    return field("valid", "choice", "Padding", help, choices=lambda: PADDINGS)


@dataclasses.dataclass(frozen=True)
class Window:
    """A size x size window with strides over (height, width, channels), channels last.

    Its cells are `dilation` apart, so that it reaches over (size - 1) dilation + 1.
    "valid": only where the window fits whole: (extent - reach) // stride + 1 positions.
    "same": ceil(extent / stride) positions; what is missing is added on both sides, the odd one after
    (TensorFlow's rule).

    Args:
        flat: the window is 1 x size, for signals of one row.
    """

    input_shape: tuple[int, ...]
    size: int
    stride: int
    padding: str
    dilation: int = 1
    flat: bool = False

    def check(self, kind: str) -> None:
        """Raises RelumeError where the window does not fit its input."""
        if len(self.input_shape) != 3:
            raise RelumeError(
                f"{kind} takes images (height, width, channels), not the shape {self.input_shape}.",
                kind,
                "Put it before the layer that flattens, or use data with an image shape.",
            )
        if self.padding == "valid" and self.reach > min(self.input_shape[:2]):
            height, width = self.input_shape[:2]
            apart = f", {self.dilation} apart," if self.dilation > 1 else ""
            raise RelumeError(
                f"A window of {self.size} x {self.size}{apart} does not fit into {height} x {width}.",
                kind,
                'Use a smaller one, padding "same", or less pooling before.',
            )

    @property
    def reach(self) -> int:
        """From the first to the last cell of a side."""
        return (self.size - 1) * self.dilation + 1

    @property
    def _reaches(self) -> tuple[int, int]:
        """(height, width)"""
        return 1 if self.flat else self.reach, self.reach

    @property
    def positions(self) -> tuple[int, int]:
        """(rows, columns) of the output."""
        (height, width), (high, wide) = self.input_shape[:2], self._reaches
        if self.padding == "same":
            return -(-height // self.stride), -(-width // self.stride)
        return (height - high) // self.stride + 1, (width - wide) // self.stride + 1

    @property
    def before(self) -> tuple[int, int]:
        """(rows, columns) that are added before the first."""
        if self.padding == "valid":
            return 0, 0
        missing = [
            max((positions - 1) * self.stride + reach - extent, 0)
            for positions, reach, extent in zip(self.positions, self._reaches, self.input_shape[:2], strict=True)
        ]
        return missing[0] // 2, missing[1] // 2

    @property
    def steps(self) -> tuple[int, ...]:
        """(rows out, columns out, reach, stride, rows before, columns before)"""
        return (*self.positions, self.reach, self.stride, *self.before)

    def geometry(self, filters: int, groups: int = 1) -> tuple[int, ...]:
        """(height, width, channels, filters, rows out, columns out, size, stride, rows before, columns before,
        cells in a column of the window, dilation, groups)"""
        cells = 1 if self.flat else self.size
        window = (*self.positions, self.size, self.stride, *self.before, cells, self.dilation)
        return (*self.input_shape, filters, *window, groups)


# In plain numpy, for twins and exported scripts; `steps` as above. A window is gone through cell by cell: what the
# place (i, j) within its reach sees at all positions together is a strided view.


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
