"""Split, make features, scale: from raw data to a Dataset."""

from __future__ import annotations

import dataclasses

import numpy as np

from engine.data.dataset import Dataset
from engine.data.preprocessing import Preprocessing, RawColumn, fit_scaling
from engine.data.rows import row_slices
from engine.data.sets import OWN_SHARE, RawData, stream
from engine.data.spec import DataSpec
from engine.errors import RelumeError


def split_rows(count: int, share: float, seed: int, labels: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Shuffled row numbers (train, test). With `labels`, every class keeps its share; both parts get a row at least."""
    # Not scikit-learn's: its import would cost the start of the program half a second.
    if count < 2:
        raise RelumeError("There are too few rows to split.", "data", "Give at least two rows.")
    train_count = min(max(int(np.floor(count * share + 1e-9)), 1), count - 1)
    dice = stream(seed, 2)
    order = dice.permutation(count)
    if labels is None:
        return order[:train_count], order[train_count:]
    classes, members = np.unique(labels, return_inverse=True)
    exact = np.bincount(members) * (train_count / count)
    quota = np.floor(exact).astype(np.int64)
    for index in np.argsort(quota - exact, kind="stable")[: train_count - int(quota.sum())]:
        quota[index] += 1
    train = np.zeros(count, dtype=bool)
    for index in range(len(classes)):
        train[order[members[order] == index][: quota[index]]] = True
    return order[train[order]], order[~train[order]]


def finish(raw: RawData, spec: DataSpec, name: str, title: str, regression: bool) -> Dataset:
    """RawData -> Dataset as the spec says. Scaling is fitted on the training part only."""
    train, test = _parts(raw, spec, regression)
    x = fill_missing(raw.x, train, spec.missing) if raw.columns else raw.x
    parts = _taken(x, train, raw.unit), _taken(x, test, raw.unit)
    made = Preprocessing(raw.names, spec.features)
    offset, scale = fit_scaling(made.apply(parts[0]), spec.scaling)
    target = fit_scaling(raw.y[train], spec.target_scaling) if regression else ((), ())
    columns = _filled(raw, train, spec.missing)
    preprocessing = Preprocessing(raw.names, spec.features, offset, scale, *target, columns)
    y_train, y_test = raw.y[train], raw.y[test]
    if regression:
        y_train, y_test = preprocessing.scale_targets(y_train), preprocessing.scale_targets(y_test)
        task = "regression"
    else:
        task = "binary" if len(raw.class_names) == 2 else "multiclass"
    return Dataset(
        x_train=preprocessing.apply(parts[0]),
        y_train=y_train,
        x_test=preprocessing.apply(parts[1]),
        y_test=y_test,
        task=task,
        feature_names=preprocessing.input_names,
        class_names=raw.class_names,
        name=name,
        title=title,
        target_names=raw.target_names,
        raw_train=parts[0],
        raw_test=parts[1],
        preprocessing=preprocessing,
        image_shape=raw.image_shape,
        notes=raw.notes,
    )


def _parts(raw: RawData, spec: DataSpec, regression: bool) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers (train, test): the data's own split while the share is not asked to be another."""
    if raw.train_count is not None and spec.train_share == OWN_SHARE:
        return np.arange(raw.train_count), np.arange(raw.train_count, len(raw.x))
    return split_rows(len(raw.x), spec.train_share, spec.seed, None if regression else raw.y)


def _taken(x: np.ndarray, rows: np.ndarray, unit: float) -> np.ndarray:
    """Some rows of x / unit, float32."""
    taken = np.empty((len(rows), *x.shape[1:]), np.float32)
    for part in row_slices(taken):
        taken[part] = x[rows[part]]
        if unit != 1.0:
            taken[part] /= np.float32(unit)
    return taken


def fill_missing(x: np.ndarray, train: np.ndarray, how: str) -> np.ndarray:
    """NaN -> the mean, median or most frequent value of the column's training rows (0 where there is none)."""
    holes = np.isnan(x)
    if not holes.any():
        return x
    filled = x.copy()
    for column in np.flatnonzero(holes.any(axis=0)):
        filled[holes[:, column], column] = _typical(x[train, column], how)
    return filled


def _filled(raw: RawData, train: np.ndarray, how: str) -> tuple[RawColumn, ...]:
    """The table's columns with what stands for a missing number; rows with one are not dropped when predicting."""
    columns, at = [], 0
    for column in raw.columns:
        fill = None if column.values or how == "drop rows" else _typical(raw.x[train, at], how)
        columns.append(dataclasses.replace(column, fill=fill))
        at += column.width
    return tuple(columns)


def _typical(column: np.ndarray, how: str) -> float:
    known = column[~np.isnan(column)]
    if not len(known):
        return 0.0
    if how == "most frequent":
        values, counts = np.unique(known, return_counts=True)
        return float(values[counts.argmax()])
    return float(np.median(known) if how == "median" else known.mean())
