"""Data sets by name, and the user's own tables."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from engine.data.dataset import Dataset
from engine.data.sets import DATASETS, DatasetInfo
from engine.data.spec import OWN_TABLE, DataSpec
from engine.data.split import finish
from engine.errors import RelumeError

__all__ = ["DATASETS", "DataSpec", "Dataset", "DatasetInfo", "get", "load", "load_spec", "names", "switch"]


def names() -> tuple[str, ...]:
    """The data sets that come with the program."""
    return DATASETS.names()


def get(name: str) -> DatasetInfo:
    """The record of one data set. Raises RelumeError with the nearest names."""
    return DATASETS.get(name)


def load(
    name: str,
    seed: int = 0,
    samples: int = 500,
    noise: float = 0.0,
    train_share: float = 0.75,
    classes: int = 2,
    features: Sequence[str] | None = None,
    scaling: str = "none",
    target_scaling: str = "none",
) -> Dataset:
    """The data set called `name`, split and scaled.

    Args:
        seed: draws the points, the noise and the split, each from a stream of its own.
        samples, noise (0 to 0.5), classes: for made sets; real tables keep all their rows.
        train_share: the part for training; classes keep their shares in both parts.
        features: for 2-D sets, of "x", "y", "x^2", "y^2", "xy", "sin x", "sin y"; None for x and y.
        scaling, target_scaling: "none", "standard" or "min-max", fitted on the training part.

    Raises:
        RelumeError: for an unknown name or a value that cannot be.
    """
    get(name)
    made = None if features is None else tuple(features)
    return load_spec(DataSpec(name, seed, samples, noise, train_share, classes, made, scaling, target_scaling))


def load_spec(spec: DataSpec) -> Dataset:
    """The data set that a DataSpec describes. Raises RelumeError."""
    if spec.features is not None and (spec.name == OWN_TABLE or not get(spec.name).has_features):
        raise RelumeError("Only sets of points in the plane have made inputs.", "DataSpec, features", "Leave them out.")
    record = get(spec.name)
    if record.has_samples and record.classes and spec.classes not in record.classes:
        choices = " or ".join(str(count) for count in record.classes)
        raise RelumeError(f"{record.title} has {choices} classes, not {spec.classes}.", "DataSpec, classes")
    raw = record.make(spec.samples, spec.noise, spec.classes, spec.seed)
    return finish(raw, spec, record.name, record.title, record.task == "regression")


def switch(spec: DataSpec, name: str) -> DataSpec:
    """`spec` for another data set: what suits both stays, the rest takes the new set's defaults."""
    record = get(name)
    changes: dict[str, Any] = {"name": name, "scaling": "none", "target_scaling": "none", **dict(record.defaults)}
    if record.has_samples and record.classes and spec.classes not in record.classes:
        changes["classes"] = record.classes[0]
    if not record.has_features:
        changes["features"] = None
    own: dict[str, Any] = {"table": None, "target": (), "inputs": None, "task": "auto", "missing": "drop rows"}
    return dataclasses.replace(spec, **(own | changes))
