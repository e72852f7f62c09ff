"""What the heatmap shows, as plain arrays: by samples or by epochs, with the groups of its columns."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from engine.data.extent import is_made_plane
from engine.telemetry import Snapshot
from gui.numbers import count as whole, number

if TYPE_CHECKING:
    from engine.data.dataset import Dataset


@dataclasses.dataclass(frozen=True, eq=False)
class HeatmapData:
    """Per layer `values` (columns, units) and `dead`: bool (units,), or (columns, units) over the epochs.

    `columns` are sample numbers (indices into x_train) or epochs; `groups` are (label, class, count).
    """

    mode: str  # "samples" or "epochs"
    columns: np.ndarray
    values: tuple[np.ndarray, ...]
    dead: tuple[np.ndarray, ...]
    groups: tuple[tuple[str, int, int], ...]
    targets: np.ndarray | None  # of every column, regression only
    caption: str
    taken: float
    known: SampleGroups | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class SampleGroups:
    """What is known of the shown samples, whatever the network makes of them."""

    samples: np.ndarray
    dataset: object
    groups: tuple[tuple[str, int, int], ...]
    targets: np.ndarray | None
    caption: str


def samples_data(snapshot: Snapshot, data: Dataset, known: SampleGroups | None = None) -> HeatmapData | None:
    """Units x training samples, sorted by class or by target. `known`: of an earlier snapshot."""
    seen = snapshot.activations
    if seen is None or not len(seen.samples):
        return None
    if known is None or known.samples is not seen.samples or known.dataset is not data:
        if seen.samples.max() >= len(data.y_train):
            return None
        known = _sample_groups(seen.samples, data)
    dead = tuple(layer.dead for layer in snapshot.layers)
    return HeatmapData(
        "samples", seen.samples, seen.layers, dead, known.groups, known.targets, known.caption, seen.taken, known
    )


def _sample_groups(samples: np.ndarray, data: Dataset) -> SampleGroups:
    count, total = len(samples), len(data.y_train)
    words = f"{whole(total)} training samples"
    if count != total:
        words = f"{whole(count)} of {words}"
    y = data.y_train[samples]
    targets = None
    groups: tuple[tuple[str, int, int], ...]
    if data.task == "regression":
        targets = data.preprocessing.targets_to_units(y)[:, 0].astype(float)
        low, high = number(float(targets.min())), number(float(targets.max()))
        by = data.feature_names[0] if data.raw_train.shape[1:] == (1,) else "target"
        groups = ((f"target {low} to {high}", 0, count),)
        caption = f"{words}, sorted by {by}"
    else:
        edges = np.flatnonzero(np.diff(y)) + 1
        starts, stops = np.concatenate([[0], edges]), np.concatenate([edges, [count]])
        groups = tuple(
            (_class_name(data, int(y[start])), int(y[start]), int(stop - start))
            for start, stop in zip(starts, stops, strict=True)
        )
        caption = f"{words}, sorted by class" + (", then by radius" if is_made_plane(data) else "")
    return SampleGroups(samples, data, groups, targets, caption)


def epochs_data(snapshot: Snapshot, value: str) -> HeatmapData | None:
    """Units x epochs: `value` "active_share" or "mean"; dead cells from the epoch of their death on."""
    seen = snapshot.unit_epochs
    if seen is None or not len(seen.epochs):
        return None
    values = seen.active_share if value == "active_share" else seen.mean
    count = len(seen.epochs)
    last = int(seen.epochs[-1])
    caption = f"epochs {int(seen.epochs[0])} to {last}" + (f", {count} of them kept" if count <= last else "")
    return HeatmapData("epochs", seen.epochs, values, seen.dead, (("", 0, count),), None, caption, snapshot.taken)


def _class_name(data: Dataset, group: int) -> str:
    name = data.class_names[group] if group < len(data.class_names) else str(group)
    return f"class {name}" if len(name) <= 2 else name
