"""Long arrays part by part: what is made on the way to a result never takes as much room as the array itself."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

PART = 1 << 18  # values


def row_slices(array: np.ndarray) -> Iterator[slice]:
    """The rows of `array` in order, some at a time."""
    step = max(1, PART // max(1, math.prod(array.shape[1:])))
    for start in range(0, len(array), step):
        yield slice(start, min(start + step, len(array)))
