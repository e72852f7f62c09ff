"""A window that slides over the rows and columns of feature maps: shapes, padding, and what kernels must know."""

from __future__ import annotations

import dataclasses

from engine.errors import RelumeError

PADDINGS = ("valid", "same")


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

    def geometry(self, filters: int) -> tuple[int, ...]:
        """(height, width, channels, filters, rows out, columns out, size, stride, rows before, columns before)"""
        return (*self.input_shape, filters, *self.positions, self.size, self.stride, *self.before)
