"""Data sets by name, and the user's own tables."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine import memory
from engine.data import fetch as fetching
from engine.data.dataset import Dataset
from engine.data.fetch import REMOTE, RemoteSet, images_of, is_fetched
from engine.data.idx import looks_like_idx
from engine.data.images import Images, open_images, raw_images
from engine.data.sets import DATASETS, OWN_SHARE, DatasetInfo
from engine.data.spec import OWN_TABLE, DataSpec
from engine.data.split import finish
from engine.data.table import Column, Table, open_table
from engine.data.table_data import guess_task, raw_data
from engine.errors import RelumeError, expect

__all__ = [
    "DATASETS",
    "OWN_TABLE",
    "REMOTE",
    "Column",
    "DataSpec",
    "Dataset",
    "DatasetInfo",
    "Images",
    "Table",
    "fetch",
    "get",
    "guess_task",
    "is_fetched",
    "keeps_parts",
    "load",
    "load_spec",
    "names",
    "open_fetched",
    "open_images",
    "open_own",
    "open_table",
    "read_table",
    "switch",
]


#: Bytes of one value of a point while it is made: several columns in float64, then float32.
MADE_BYTES = 64
_TABLE_OPTIONS = ("name", "encoding", "delimiter", "header", "decimal")
_IMAGE_OPTIONS = ("labels", "test", "test_labels")


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
        train_share: the part for training; classes keep their shares in both parts. Sets that come split (images) stay
            so at the default.
        features: for 2-D sets, of "x", "y", "x^2", "y^2", "xy", "sin x", "sin y"; None for x and y.
        scaling, target_scaling: "none", "standard" or "min-max", fitted on the training part.

    Raises:
        RelumeError: for an unknown name or a value that cannot be, and for a set that is still to be fetched.
    """
    if isinstance(name, str) and name in REMOTE:
        own, share = open_fetched(REMOTE.get(name)), train_share
        return load_spec(DataSpec(OWN_TABLE, seed, train_share=share, scaling=scaling, table=own))
    get(name)
    made: Any = features  # DataSpec makes it a tuple
    return load_spec(DataSpec(name, seed, samples, noise, train_share, classes, made, scaling, target_scaling))


def load_spec(spec: DataSpec) -> Dataset:
    """The data set that a DataSpec describes. Raises RelumeError."""
    expect(spec, DataSpec, "load_spec")
    if spec.features is not None and (spec.name == OWN_TABLE or not get(spec.name).has_features):
        raise RelumeError("Only sets of points in the plane have made inputs.", "DataSpec, features", "Leave them out.")
    if spec.table is not None:
        own, regression = raw_images(spec) if isinstance(spec.table, Images) else raw_data(spec)
        memory.check_data(own.x.shape, spec.table.name)
        return finish(own, spec, OWN_TABLE, spec.table.name, regression)
    record = get(spec.name)
    if record.has_samples and record.classes and spec.classes not in record.classes:
        choices = " or ".join(str(count) for count in record.classes)
        raise RelumeError(f"{record.title} has {choices} classes, not {spec.classes}.", "DataSpec, classes")
    if record.has_samples:
        made = math.prod((spec.samples, len(spec.features or ()) + 2))
        memory.check(made * MADE_BYTES, f"{spec.samples:,} points", f"DataSpec, {record.name}", "Ask for fewer.")
    raw = record.make(spec.samples, spec.noise, spec.classes, spec.seed)
    return finish(raw, spec, record.name, record.title, record.task == "regression")


def fetch(name: str, report: fetching.Report = lambda done, all_: None) -> Path:
    """Brings a data set of `REMOTE` to this computer, and returns its folder.

    Args:
        report: hears (bytes so far, bytes in all) between two pieces; what it raises ends the fetch.

    Raises:
        RelumeError: for an unknown name, and where it could not be fetched; nothing half done stays.
    """
    return fetching.fetch(REMOTE.get(name), report)


def open_fetched(record: RemoteSet) -> Images:
    """The images of a set that was fetched. Raises RelumeError while it is not there."""
    images = open_images(images_of(record))
    return Images({**images.names, "images": record.title}, images.held)


def keeps_parts(spec: DataSpec) -> bool:
    """Whether the data come in a training and a test part that `spec` leaves as they are."""
    own = spec.table
    has_parts = get(spec.name).has_parts if own is None else isinstance(own, Images) and own.has_test
    return has_parts and spec.train_share == OWN_SHARE


def open_own(source: str | Path | bytes, **reading: Any) -> Table | Images:
    """The user's own file: IDX files are told by their first bytes or their name, the rest are tables.

    Args:
        reading: encoding, delimiter, header, decimal of a table; labels, test, test_labels of images.

    Raises:
        RelumeError: for a file that cannot be read, and for an option of the other kind.
    """
    expect(source, (str, Path, bytes), "open_own, source")
    is_idx = looks_like_idx(source)
    kind, options = ("images", _IMAGE_OPTIONS) if is_idx else ("tables", _TABLE_OPTIONS)
    for option in reading:
        if option not in options:
            raise RelumeError(f"{kind.capitalize()} have no {option}.", "open_own", f"There are {', '.join(options)}.")
    if is_idx and isinstance(source, bytes):
        raise RelumeError("Images are read from files.", "open_own", "Give the path of the images.")
    return open_images(source, **reading) if is_idx else open_table(source, **reading)  # type: ignore[arg-type]


def read_table(
    source: str | Path | bytes | Table | Images,
    target: str | Sequence[str] | None = None,
    task: str = "auto",
    inputs: Sequence[str] | None = None,
    missing: str = "drop rows",
    seed: int = 0,
    train_share: float = 0.75,
    scaling: str = "none",
    target_scaling: str = "none",
    **reading: Any,
) -> Dataset:
    """A CSV or TSV file, or IDX files of images, as a data set.

    Args:
        source: of images their file; the labels and a test part are found beside it by their names (`open_images`).
        target: the column to learn, or several for regression; None takes the last column that is no free text.
        task: "binary", "multiclass", "regression", or "auto": texts and a few whole numbers are classes.
        inputs: the columns to learn from; None for all that hold numbers or categories.
        missing: "drop rows", or fill in from the training part: "mean", "median", "most frequent".
        train_share: images with a test part keep it at the default.
        reading: as of `open_own`, where what is found is not right.

    Raises:
        RelumeError: naming the line and the column, and what to do.
    """
    own = source if isinstance(source, Table | Images) else open_own(source, **reading)
    columns: Any = target, inputs  # DataSpec makes them tuples
    spec = DataSpec(
        name=OWN_TABLE,
        seed=seed,
        train_share=train_share,
        scaling=scaling,
        target_scaling=target_scaling,
        table=own,
        target=columns[0],
        inputs=columns[1],
        task=task,
        missing=missing,
    )
    return load_spec(spec)


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
