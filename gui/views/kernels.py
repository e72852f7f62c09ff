"""A layer's kernel as what can be drawn: a matrix with names, or one image for each unit. Plain arrays, no drawing."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from engine.spec import NetworkSpec
from gui.views.layer_words import LayerWords

INPUTS = -1
GAP = np.nan  # between the windows of several channels


@dataclasses.dataclass(frozen=True, eq=False)
class Kernel:
    """`matrix` (inputs, units) with a name for every input and what they are; `images` (units, rows, columns) where
    the inputs are pixels, NaN between channels."""

    matrix: np.ndarray
    names: Sequence[str]
    what: str
    images: np.ndarray | None = None


def drawn_kernel(
    kernel: np.ndarray,
    words: LayerWords,
    spec: NetworkSpec,
    image: tuple[int, int, int] | None,
    names: Sequence[str],
) -> Kernel:
    """How a kernel is drawn.

    Args:
        kernel: (inputs, units), (rows, columns, channels, units), or of signals (places, channels, units).
        image: (rows, columns, channels) of a sample that is an image.
        names: of the network's inputs.
    """  # fmt: skip
    first, fed = words.previous == INPUTS, spec.parts[words.previous]
    pieces = getattr(spec.parts[words.index].layer, "pieces", 0)
    if pieces:
        matrix = kernel.transpose(1, 0, 2).reshape(-1, kernel.shape[-1])  # a piece stays together
        named = names if first and len(names) == len(kernel) else _numbers(len(kernel))
        source = "inputs" if first else f"neurons of layer {fed.number}"
        places = tuple(f"piece {piece}, {name}" for piece in range(1, pieces + 1) for name in named)
        return Kernel(matrix, places, f"{source} of each piece")
    if kernel.ndim > 2:
        signal = kernel.ndim == 3
        kernel = kernel[None] if signal else kernel  # a signal is an image of one row
        rows, columns, channels, units = kernel.shape
        matrix = kernel.transpose(2, 0, 1, 3).reshape(-1, units)  # the window of one channel stays together
        channel = "channel" if first else "filter"
        named = _window_names(channel, channels, 0 if signal else rows, columns)
        if getattr(spec.parts[words.index].layer, "groups", 1) > 1:
            channel += " of the group"
        what = f"{channel} and place in the window" if signal else f"{channel}, row and column of the window"
        return Kernel(matrix, named, what if first else f"{what}; filters of layer {fed.number}",
                      _side_by_side(kernel) if first else None)  # fmt: skip
    count, width = kernel.shape
    if first:
        fits = image is not None and image[2] == 1 and image[0] * image[1] == count
        pictures = kernel.T.reshape(width, *image[:2]) if fits and image is not None else None
        return Kernel(kernel, names if len(names) == count else _numbers(count), "inputs", pictures)
    units = fed.given[-1]
    if units == count:
        return Kernel(kernel, _numbers(count), f"neurons of layer {fed.number}")
    return Kernel(kernel, _place_names(count, units), f"places and filters of layer {fed.number}")


def _side_by_side(kernel: np.ndarray) -> np.ndarray:
    """(units, rows, columns) with the windows of the channels beside each other."""
    rows, _, channels, units = kernel.shape
    parts = [kernel[:, :, c].transpose(2, 0, 1) for c in range(channels)]
    gap = np.full((units, rows, 1), GAP, np.float32)
    return np.concatenate([piece for part in parts for piece in (gap, part)][1:], axis=2)


@functools.lru_cache(maxsize=16)
def _numbers(count: int) -> tuple[str, ...]:
    return tuple(str(i + 1) for i in range(count))


@functools.lru_cache(maxsize=16)
def _place_names(count: int, filters: int) -> tuple[str, ...]:
    return tuple(f"place {i // filters + 1}, filter {i % filters + 1}" for i in range(count))


@functools.lru_cache(maxsize=16)
def _window_names(channel: str, channels: int, rows: int, columns: int) -> tuple[str, ...]:
    """rows: 0 where a window has columns only."""
    if not rows:
        return tuple(f"{channel} {c + 1}, {k + 1}" for c, k in np.ndindex(channels, columns))
    return tuple(f"{channel} {c + 1}, {r + 1}, {k + 1}" for c, r, k in np.ndindex(channels, rows, columns))
