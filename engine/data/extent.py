"""How far a picture of two inputs reaches."""

from __future__ import annotations

import numpy as np

from engine.data.dataset import Dataset
from engine.data.sets import DATASETS

MARGIN = 0.04


def is_made_plane(data: Dataset) -> bool:
    """Whether these are made points of a plane, around 0 and with one unit for both inputs."""
    return data.name in DATASETS and DATASETS.get(data.name).kind == "2d"


def plane_extent(data: Dataset) -> tuple[float, float, float, float]:
    """(left, right, bottom, top) around all samples of two raw inputs.

    A made set of points lies in a square around 0; the columns of a table, such as age and income, have a range each.
    """
    parts = [raw for raw in (data.raw_train, data.raw_test) if len(raw)]
    low = np.min([raw.min(axis=0) for raw in parts], axis=0).astype(np.float64)
    high = np.max([raw.max(axis=0) for raw in parts], axis=0).astype(np.float64)
    if is_made_plane(data):
        reach = float(max(-low.min(), high.max())) * (1 + MARGIN) or 1.0
        return -reach, reach, -reach, reach
    return (*with_room(low[0], high[0]), *with_room(low[1], high[1]))


def with_room(low: float, high: float) -> tuple[float, float]:
    """The range of one axis, with a little room at both ends."""
    alike = high - low <= 1e-6 * max(abs(low), abs(high))
    room = 0.5 * max(abs(low), 1.0) if alike else MARGIN * (high - low)
    return float(low - room), float(high + room)
