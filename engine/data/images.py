"""The user's own images: IDX files of images and labels, whole, so that a project can carry them."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.idx import Header, read_file, read_header, read_idx
from engine.data.sets import RawData, pixel_names
from engine.data.spec import DataSpec
from engine.errors import RelumeError, expect

FORMAT = "idx"
MOST_VALUES = 200_000  # of one image: 256 x 256 x 3
MOST_CLASSES = 1000
ROLES = ("images", "labels", "test images", "test labels")


@dataclasses.dataclass(frozen=True, eq=False)
class Images:
    """Images (n, rows, columns) or (n, rows, columns, channels) and their labels, with a test part or without.

    Args:
        names: role (ROLES) -> the file's name; contents: role -> its bytes, packed or not, as they came.
    """

    names: Mapping[str, str]
    contents: Mapping[str, bytes] = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        for part in ("", "test "):
            if f"{part}images" in self.names:
                self._check_part(part)
        shape, test = self.header("images").shape, self.header("test images").shape if self.has_test else None
        if test is not None and test[1:] != shape[1:]:
            raise RelumeError(
                f"Training images are {_size(shape)} and test images {_size(test)}.", self.name,
                "Move one of the files elsewhere.",
            )  # fmt: skip
        if int(np.prod(shape[1:])) > MOST_VALUES:
            raise RelumeError(f"Images of {_size(shape)} have more than {MOST_VALUES:,} values.", self.name)

    def _check_part(self, part: str) -> None:
        images, labels = self.header(f"{part}images"), self.header(f"{part}labels")
        names = f"{self.names[f'{part}images']}, {self.names[f'{part}labels']}"
        if len(labels.shape) > 2:
            raise RelumeError(f"Labels have 1 or 2 dimensions, not {len(labels.shape)}.", names, "Choose the labels.")
        if images.shape[0] != labels.shape[0]:
            raise RelumeError(
                f"There are {images.shape[0]:,} images and {labels.shape[0]:,} labels.", names,
                "Choose files that belong together.",
            )  # fmt: skip

    @property
    def name(self) -> str:
        return self.names["images"]

    @property
    def has_test(self) -> bool:
        return "test images" in self.names

    @functools.cached_property
    def _headers(self) -> dict[str, Header]:
        return {role: read_header(io.BytesIO(data), self.names[role]) for role, data in self.contents.items()}

    def header(self, role: str) -> Header:
        """What the file of this role declares."""
        return self._headers[role]

    def values(self, role: str, rows: int | None = None) -> np.ndarray:
        """The values of a file in its own type, or of its first samples. Raises RelumeError."""
        return read_idx(self.contents[role], self.names[role], rows)

    @property
    def data(self) -> bytes:
        """All files, one after the other."""
        return b"".join(self.contents.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain data with the files in base64."""
        return self.outline() | {"data": base64.b64encode(self.data).decode("ascii")}

    def outline(self) -> dict[str, Any]:
        """Which files there are, without their bytes."""
        files = [{"role": r, "name": self.names[r], "bytes": len(data)} for r, data in self.contents.items()]
        return {"format": FORMAT, "files": files}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Images:
        """The inverse of `to_dict`; "data" may be the bytes themselves. Raises RelumeError."""
        try:
            content = data["data"]
            if not isinstance(content, bytes):
                content = base64.b64decode(content, validate=True)
            names, contents, at = {}, {}, 0
            for file in data["files"]:
                role, size = ROLES[ROLES.index(file["role"])], int(file["bytes"])
                names[role], contents[role] = str(file["name"]), content[at : at + size]
                at += size
            return cls(names, contents)
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise RelumeError("The images in the project cannot be read.", "DataSpec, table") from None


def open_images(
    source: str | Path, labels: str | Path | None = None, test: str | Path | None = None,
    test_labels: str | Path | None = None,
) -> Images:  # fmt: skip
    """Reads an IDX file of images with its labels; what is not named is looked for beside it.

    Beside train-images-idx3-ubyte these are train-labels-idx1-ubyte, and t10k-images-idx3-ubyte with its labels as the
    test part; .gz may be there or not. Raises RelumeError.
    """
    for option, value in (("source", source), ("labels", labels), ("test", test), ("test_labels", test_labels)):
        if value is not None or option == "source":
            expect(value, (str, Path), f"open_images, {option}")
    images = Path(source)
    paths: dict[str, Path | None] = {"images": images}
    paths["labels"] = Path(labels) if labels is not None else find_labels(images)
    paths["test images"] = Path(test) if test is not None else _find_test(images)
    if paths["test images"] is not None:
        paths["test labels"] = Path(test_labels) if test_labels is not None else find_labels(paths["test images"])
    if test is None and paths.get("test labels") is None:
        paths["test images"] = None
    contents = {"images": read_file(images)}
    if paths["labels"] is None and len(read_header(io.BytesIO(contents["images"]), images.name).shape) == 1:
        raise RelumeError("This file holds labels, not images.", images.name, "Choose the file of the images.")
    for role in ("labels", "test labels"):
        if role in paths and paths[role] is None and paths[role.replace("labels", "images")] is not None:
            raise RelumeError(
                "The file of the labels is not beside the images.", images.name, f"Choose the {role}, an IDX file too."
            )
    found = {role: path for role in ROLES if (path := paths.get(role)) is not None}
    contents |= {role: read_file(path) for role, path in found.items() if role != "images"}
    return Images({role: path.name for role, path in found.items()}, contents)


def find_labels(images: Path) -> Path | None:
    """The labels beside a file of images, by its name."""
    return _beside(images, re.sub("idx[1-4]", "idx1", images.name.replace("images", "labels")))


def _find_test(images: Path) -> Path | None:
    tests = (_beside(images, images.name.replace("train", word)) for word in ("t10k", "test"))
    return next((path for path in tests if path is not None), None)


def _beside(path: Path, name: str) -> Path | None:
    if name == path.name:
        return None
    plain = name.removesuffix(".gz")
    tried = (path.with_name(other) for other in (name, plain, f"{plain}.gz"))
    return next((other for other in tried if other.is_file()), None)


def raw_images(spec: DataSpec) -> tuple[RawData, bool]:
    """(raw data, whether it is regression) of a DataSpec with images; bytes stay bytes, pixel / 255 comes later."""
    images = spec.table
    assert isinstance(images, Images)
    if spec.target or spec.inputs is not None:
        raise RelumeError("Images have labels and no columns to choose.", images.name, "Leave target and inputs out.")
    parts = ("", "test ") if images.has_test else ("",)
    labels = [images.values(f"{part}labels") for part in parts]
    y = np.concatenate([values.reshape(len(values), -1) for values in labels])
    regression = spec.task == "regression" or (spec.task == "auto" and (y.dtype.kind == "f" or y.shape[1] > 1))
    class_names: tuple[str, ...] = ()
    if regression:
        y = y.astype(np.float64)
    else:
        y, class_names = _classes(y, images, spec.task)
    pixels = [images.values(f"{part}images") for part in parts]
    x = np.concatenate(pixels) if len(pixels) > 1 else pixels[0]
    is_image = x.ndim > 2
    if x.ndim in (1, 3):
        x = x[..., None]
    shape = x.shape[1:]
    names = pixel_names(shape) if is_image else tuple(f"x{k + 1}" for k in range(shape[0]))
    targets = tuple(f"label {k + 1}" for k in range(y.shape[1])) if y.ndim > 1 and y.shape[1] > 1 else ("label",)
    return RawData(
        x, y, names, targets, class_names, shape if is_image else None,
        unit=255.0 if is_image and x.dtype == np.uint8 else 1.0,
        train_count=len(pixels[0]) if images.has_test else None,
    ), regression  # fmt: skip


def _classes(y: np.ndarray, images: Images, task: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(class numbers, class names): the labels that there are, in their order."""
    where = images.names["labels"]
    known = np.unique(y)
    if y.shape[1] > 1 or (y.dtype.kind == "f" and (known != np.round(known)).any()):
        raise RelumeError("These labels are not class numbers.", where, "Take them as regression.")
    most = 2 if task == "binary" else MOST_CLASSES
    if not 2 <= len(known) <= most:
        raise RelumeError(
            f"There are {len(known)} different labels; classes are 2 to {most:,}.", where, "Choose another task."
        )
    return np.searchsorted(known, y[:, 0]).astype(np.int64), tuple(f"{value:g}" for value in known)


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape[1:]))
