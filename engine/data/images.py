"""The user's own images: IDX files of images and labels, whole, so that a project can carry them."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np

from engine.data.held import Held
from engine.data.idx import Header, read_header, read_idx, read_into
from engine.data.sets import OWN_SHARE, RawData, pixel_names
from engine.data.spec import DataSpec
from engine.errors import RelumeError, expect

FORMAT = "idx"
Result = TypeVar("Result")
MOST_VALUES = 200_000  # of one image: 256 x 256 x 3
MOST_CLASSES = 1000
ROLES = ("images", "labels", "test images", "test labels")


@dataclasses.dataclass(frozen=True, eq=False)
class Images:
    """Images (n, rows, columns) or (n, rows, columns, channels) and their labels, with a test part or without.

    Args:
        names: role (ROLES) -> the file's name; held: role -> its bytes, packed or not, as they came.
        headers: role -> what the file declares.
    """

    names: Mapping[str, str]
    held: Mapping[str, Held] = dataclasses.field(repr=False)
    headers: Mapping[str, Header] = dataclasses.field(init=False)

    def __post_init__(self) -> None:
        headers = {}
        for role, held in self.held.items():
            with held.opened() as file:
                headers[role] = read_header(file, self.names[role])
        object.__setattr__(self, "headers", headers)
        for part in ("", "test "):
            if f"{part}images" in self.names:
                self._check_part(part)
        shape, test = self.headers["images"].shape, self.headers["test images"].shape if self.has_test else None
        if test is not None and test[1:] != shape[1:]:
            raise RelumeError(
                f"Training images are {_size(shape)} and test images {_size(test)}.", self.name,
                "Move one of the files elsewhere.",
            )  # fmt: skip
        if int(np.prod(shape[1:])) > MOST_VALUES:
            raise RelumeError(f"Images of {_size(shape)} have more than {MOST_VALUES:,} values.", self.name)

    def _check_part(self, part: str) -> None:
        images, labels = self.headers[f"{part}images"], self.headers[f"{part}labels"]
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

    def values(self, role: str, rows: int | None = None) -> np.ndarray:
        """The values of a file in its own type, or of its first samples. Raises RelumeError."""
        with self.held[role].opened() as file:
            return read_idx(file, self.names[role], rows)

    def values_into(self, role: str, values: np.ndarray, unit: float) -> None:
        """Fills `values` with those of a file over `unit`. Raises RelumeError."""
        with self.held[role].opened() as file:
            read_into(file, values, unit, self.names[role])

    @property
    def data(self) -> bytes:
        """All files, one after the other."""
        return b"".join(held.read() for held in self.held.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain data with the files in base64."""
        return self.outline() | {"data": base64.b64encode(self.data).decode("ascii")}

    def outline(self) -> dict[str, Any]:
        """Which files there are, without their bytes."""
        files = [{"role": role, "name": self.names[role], "bytes": held.size} for role, held in self.held.items()]
        return {"format": FORMAT, "files": files}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Images:
        """The inverse of `to_dict`; "data" may be the bytes themselves. Raises RelumeError."""
        try:
            content = data["data"]
            if not isinstance(content, bytes):
                content = base64.b64decode(content, validate=True)
            names, parts, at = {}, {}, 0
            for file in data["files"]:
                role, size = ROLES[ROLES.index(file["role"])], int(file["bytes"])
                names[role], parts[role] = str(file["name"]), Held(io.BytesIO(content[at : at + size]))
                at += size
            return cls(names, parts)
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
    if paths["labels"] is None and len(_header(images).shape) == 1:
        raise RelumeError("This file holds labels, not images.", images.name, "Choose the file of the images.")
    for role in ("labels", "test labels"):
        if role in paths and paths[role] is None and paths[role.replace("labels", "images")] is not None:
            raise RelumeError(
                "The file of the labels is not beside the images.", images.name, f"Choose the {role}, an IDX file too."
            )
    found = {role: path for role in ROLES if (path := paths.get(role)) is not None}
    return Images({role: path.name for role, path in found.items()}, {r: _held(path) for r, path in found.items()})


def _header(path: Path) -> Header:
    return _reading(path, lambda file: read_header(file, path.name))


def _held(path: Path) -> Held:
    _header(path)  # before anything is copied
    return _reading(path, Held)


def _reading(path: Path, read: Callable[[IO[bytes]], Result]) -> Result:
    """What `read` makes of the file. Raises RelumeError."""
    try:
        with path.open("rb") as file:
            return read(file)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "bad name"
        raise RelumeError(f"The file cannot be read: {reason}.", path.name, "Choose another file.") from None


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
    shape = images.headers["images"].shape[1:]
    is_image, is_split = len(shape) > 1, images.has_test and spec.train_share == OWN_SHARE
    unit = 255.0 if is_image and images.headers["images"].dtype == np.uint8 else 1.0
    x = _ready(images, unit) if is_split else _as_stored(images)
    if len(shape) in (0, 2):
        x, shape = x[..., None], (*shape, 1)
    names = pixel_names(shape) if is_image else tuple(f"x{k + 1}" for k in range(shape[0]))
    targets = tuple(f"label {k + 1}" for k in range(y.shape[1])) if y.ndim > 1 and y.shape[1] > 1 else ("label",)
    return RawData(
        x, y, names, targets, class_names, shape if is_image else None,
        unit=1.0 if is_split else unit,
        train_count=len(labels[0]) if images.has_test else None,
    ), regression  # fmt: skip


def _ready(images: Images, unit: float) -> np.ndarray:
    """Both parts one after the other as they are fed, float32: they are not taken apart again, only cut."""
    train, test = images.headers["images"].shape, images.headers["test images"].shape
    x = np.empty((train[0] + test[0], *train[1:]), np.float32)
    for role, part in (("images", x[: train[0]]), ("test images", x[train[0] :])):
        images.values_into(role, part, unit)
    return x


def _as_stored(images: Images) -> np.ndarray:
    """All samples in the file's own type, to be dealt out to the parts."""
    x = images.values("images")
    return np.concatenate([x, images.values("test images")]) if images.has_test else x


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
