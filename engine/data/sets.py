"""The data sets that come with the program: one record each, and every menu, command and test knows it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.data import points
from engine.data.preprocessing import RawColumn
from engine.registry import Registry

FOLDER = Path(__file__).resolve().parents[2] / "resources" / "data"


#: The training share that leaves data with a split of their own as they are.
OWN_SHARE = 0.75


@dataclasses.dataclass(frozen=True, eq=False)
class RawData:
    """A data set before split and scaling.

    Args:
        x: (n, columns) or images (n, rows, columns, channels); y: classes (n,) or values (n, outputs).
        unit: raw values are x / unit, so that images may wait as bytes.
        train_count: the first so many rows are for training where nobody asks for another split; None: there is none.
    """

    x: np.ndarray
    y: np.ndarray
    names: tuple[str, ...]
    target_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    image_shape: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()
    columns: tuple[RawColumn, ...] = ()  # of the own table that x was made of
    unit: float = 1.0
    train_count: int | None = None


@dataclasses.dataclass(frozen=True)
class DatasetInfo:
    """One data set.

    Args:
        name: for scripts; title: for the screen; line: one sentence about it.
        task: "classification" or "regression".
        kind: "2d" (a plane of points), "1d" (a curve), "table" or "image".
        make: (samples, noise, classes, seed) -> RawData; the last sees only what it uses.
        classes: the numbers of classes on offer; () for regression.
        has_samples, has_noise: whether these controls change it.
        defaults: DataSpec fields that suit it, applied when it is chosen on the screen.
    """

    name: str
    title: str
    line: str
    task: str
    kind: str
    make: Callable[[int, float, int, int], RawData]
    classes: tuple[int, ...] = ()
    has_samples: bool = True
    has_noise: bool = True
    defaults: tuple[tuple[str, Any], ...] = ()

    @property
    def has_features(self) -> bool:
        """Whether inputs such as x^2 can be made from it."""
        return self.kind == "2d"


DATASETS: Registry[DatasetInfo] = Registry("data set")


def stream(seed: int, purpose: int) -> np.random.Generator:
    """One random stream of many: 0 points, 1 noise, 2 split."""
    return np.random.default_rng([seed, purpose])


def _made(function: Callable[..., points.Made], names: tuple[str, ...], target: str) -> Callable[..., RawData]:
    def make(samples: int, noise: float, classes: int, seed: int) -> RawData:
        x, y = function(samples, noise, classes, stream(seed, 0), stream(seed, 1))
        class_names = () if y.ndim == 2 else tuple("ABCDEFG"[:classes])
        return RawData(x, y, names, (target,), class_names)

    return make


def _plane(name: str, title: str, line: str, function: Any, classes: tuple[int, ...] = (), **more: Any) -> None:
    make = _made(function, ("x", "y"), "class" if classes else "target")
    task = "classification" if classes else "regression"
    DATASETS.add(DatasetInfo(name, title, line, task, "2d", make, classes, **more))


def _curve(name: str, title: str, line: str, function: Any) -> None:
    DATASETS.add(DatasetInfo(name, title, line, "regression", "1d", _made(function, ("x",), "y")))


def _table(name: str, title: str, line: str, classes: int, load: Any, kind: str = "table", **more: Any) -> None:
    task = "classification" if classes else "regression"
    make = lambda samples, noise, count, seed: load()  # noqa: E731
    choices = (classes,) if classes else ()
    DATASETS.add(DatasetInfo(name, title, line, task, kind, make, choices, False, False, **more))


def _embedded(name: str, target: str) -> RawData:
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    x, y, names = arrays["x"].astype(np.float64), arrays["y"], tuple(arrays["names"].tolist())
    if "classes" in arrays:
        return RawData(x, y, names, (target,), tuple(arrays["classes"].tolist()))
    return RawData(x, y[:, None], names, (target,))


def pixel_names(shape: tuple[int, ...]) -> tuple[str, ...]:
    """The names of the values of an image (rows, columns) or (rows, columns, channels), in their order."""
    height, width, *channels = shape
    places = (f"row {row + 1}, column {column + 1}" for row in range(height) for column in range(width))
    if math.prod(channels) == 1:
        return tuple(places)
    return tuple(f"{place}, channel {channel + 1}" for place in places for channel in range(channels[0]))


def _digits() -> RawData:
    data = _embedded("digits", "digit")
    return dataclasses.replace(data, x=data.x / 16.0, names=pixel_names((8, 8)), image_shape=(8, 8))


def _fashion() -> RawData:
    """Bytes as they are; (12000, 28, 28, 1), of which the first 10,000 are for training."""
    with np.load(FOLDER / "fashion_mnist_12k.npz", allow_pickle=False) as file:
        x, y, classes = file["x"][..., None], file["y"].astype(np.int64), tuple(file["classes"].tolist())
    shape = x.shape[1:]
    return RawData(x, y, pixel_names(shape), ("garment",), classes, shape, unit=255.0, train_count=10_000)


MANY = (2, 3, 4, 5, 6, 7)
_plane("circles", "Circles", "A disc inside a ring; no straight line parts them.", points.circles, MANY)
_plane("xor", "Exclusive-or", "Opposite quadrants share a class.", points.xor, (2,))
_plane("gaussians", "Gaussians", "Clouds that a line can part, until noise mixes them.", points.gaussians, MANY)
_plane("spiral", "Spiral", "Arms wound around each other; the hardest of the plane.", points.spiral, MANY)
_plane("moons", "Moons", "Two half circles that reach into each other.", points.moons, (2,))
_plane("plane", "Plane", "A tilted plane: one linear unit is enough.", points.plane)
_plane("multi_gaussians", "Hills and hollows", "Six Gaussian hills and hollows.", points.multi_gaussians)
_curve("abs", "|x|", "A kink at 0: one abs unit, or two ReLUs.", points.absolute)
_curve("sine", "Sine", "One period; targets of both signs.", points.sine)
_curve("cubic", "Cubic", "x cubed; targets of both signs.", points.cubic)
_curve("x_sin_5x", "x sin 5x", "Waves that grow; targets of both signs.", points.x_sin_5x)
_curve("step", "Step", "A jump from -1 to 1.", points.step)
_STANDARD = (("scaling", "standard"),)
_table("digits", "Digits 8x8", "1,797 handwritten digits of 8 x 8 pixels.", 10, _digits, "image")
_table(
    "fashion_mnist_12k",
    "Fashion-MNIST",
    "12,000 garments of 28 x 28 pixels, 10,000 of them for training.",
    10,
    _fashion,
    "image",
    defaults=(("train_share", OWN_SHARE),),
)
_table("iris", "Iris", "150 flowers, three kinds.", 3, lambda: _embedded("iris", "class"), defaults=_STANDARD)
_table("wine", "Wine", "178 wines, three growers.", 3, lambda: _embedded("wine", "class"), defaults=_STANDARD)
_table(
    "breast_cancer",
    "Breast cancer",
    "569 tumours, benign or malignant.",
    2,
    lambda: _embedded("breast_cancer", "class"),
    defaults=_STANDARD,
)
_table(
    "diabetes",
    "Diabetes",
    "442 patients; how far the disease went in a year.",
    0,
    lambda: _embedded("diabetes", "disease progression"),
    defaults=(("scaling", "standard"), ("target_scaling", "standard")),
)
