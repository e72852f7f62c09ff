"""Samples that are images: their shape, whether the network is fed flat rows or not."""

from __future__ import annotations

from typing import Any

import numpy as np


def image_shape(data: Any) -> tuple[int, int, int] | None:
    """(rows, columns, channels) where a sample is an image, else None."""
    shape = getattr(data, "image_shape", None)
    if shape is None and data is not None and data.x_train.ndim > 2:
        shape = data.x_train.shape[1:]
    if shape is None or len(shape) < 2:
        return None
    return int(shape[0]), int(shape[1]), int(shape[2]) if len(shape) > 2 else 1


def pixels_of(sample: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """(rows, columns) of one sample, the mean over its channels."""
    return sample.reshape(shape).mean(axis=2)


def pixel_words(data: Any) -> str:
    """ "28 × 28 pixels", with the channels where there are several."""
    shape = image_shape(data) or (0, 0, 1)
    return f"{shape[0]} × {shape[1]} pixels" + (f", {shape[2]} channels" if shape[2] > 1 else "")
