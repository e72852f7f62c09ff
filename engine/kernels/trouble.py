"""Where a number stands that is not finite."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

import numpy as np


def in_values(values: Iterable[tuple[int, int, int, int]], rows: int) -> int | None:
    """The first layer whose z or a holds one; `values`: of every layer address and width of z, and of a."""
    for layer, (z, z_width, a, a_width) in enumerate(values):
        if not (_finite(z, rows * z_width) and _finite(a, rows * a_width)):
            return layer
    return None


def in_vectors(tensors: np.ndarray, *vectors: np.ndarray) -> int:
    """The first layer for which one of these vectors does; `tensors`: rows of (begin, end, layer)."""
    parts = ((layer, vector[start:stop]) for start, stop, layer in tensors for vector in vectors)
    return int(next(layer for layer, part in parts if not np.isfinite(part).all()))


def _finite(address: int, count: int) -> bool:
    values = np.ctypeslib.as_array((ctypes.c_float * count).from_address(address))
    return bool(np.isfinite(values).all())
