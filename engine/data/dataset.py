"""A data set in two parts, ready for training."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from engine.data.preprocessing import Preprocessing
from engine.data.rows import row_slices
from engine.errors import RelumeError, expect, shown

TASKS = ("binary", "multiclass", "regression")
_FOUND: Any = None  # the default of what is found out from the arrays; never None once the data set is made


@dataclasses.dataclass(frozen=True, eq=False)
class Dataset:
    """Inputs and targets, split for training and testing. Arrays are read-only.

    Inputs that are contiguous float32 already are taken as they are, without a copy: do not change them afterwards.

    Args:
        x_train, x_test: float32 (n, inputs) or (n, rows, columns, channels), finite.
        y_train, y_test: int64 class numbers (n,), or float32 (n, outputs) for regression, scaled as trained.
        task: "binary", "multiclass" or "regression"; None asks the targets.
        feature_names: what the network is fed; class_names: one per class; target_names: one per output.
        raw_train, raw_test: float32 values before made features and scaling, named by `raw_names`.
        preprocessing: the way from raw to x, and from outputs to the target's units.
        image_shape: (rows, columns) or (rows, columns, channels) where a sample is an image, flat or not.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    task: str = _FOUND
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    name: str = "data"
    title: str = ""
    target_names: tuple[str, ...] = ()
    raw_train: np.ndarray = _FOUND
    raw_test: np.ndarray = _FOUND
    preprocessing: Preprocessing = _FOUND
    image_shape: tuple[int, ...] | None = None
    notes: tuple[str, ...] = ()  # what was done to the rows, in words

    def __post_init__(self) -> None:
        put = lambda name, value: object.__setattr__(self, name, value)  # noqa: E731
        given = {part: getattr(self, f"x_{part}") for part in ("train", "test")}
        for part in ("train", "test"):
            put(f"x_{part}", _inputs(getattr(self, f"x_{part}"), f"x_{part}"))
        if self.x_train.shape[1:] != self.x_test.shape[1:]:
            raise RelumeError("Training and test inputs differ in width.", "Dataset")
        if len(self.x_train) == 0:
            raise RelumeError("There is no training sample.", "Dataset", "Give more rows or a larger training share.")
        targets = [_array(getattr(self, f"y_{part}"), f"y_{part}") for part in ("train", "test")]
        if self.task is None:
            put("task", _guess_task(targets[0]))
        if not isinstance(self.task, str) or self.task not in TASKS:
            raise RelumeError(f"There is no task {self.task!r}.", "Dataset, task", f"Choose {', '.join(TASKS)}.")
        for part, values in zip(("train", "test"), targets, strict=True):
            checked = _values(values, part) if self.task == "regression" else _labels(values, part)
            if len(checked) != len(getattr(self, f"x_{part}")):
                raise RelumeError("Inputs and targets differ in number.", f"y_{part}")
            put(f"y_{part}", checked)
        for name in ("feature_names", "class_names", "target_names"):
            put(name, _names(getattr(self, name), name))
        self._fill_names(put)
        for part in ("train", "test"):
            raw, x = getattr(self, f"raw_{part}"), getattr(self, f"x_{part}")
            put(f"raw_{part}", x if raw is None or raw is given[part] else _inputs(raw, f"raw_{part}"))
        if self.image_shape is None and self.x_train.ndim in (3, 4):
            put("image_shape", self.x_train.shape[1:])
        if self.preprocessing is None:
            put("preprocessing", Preprocessing(self.feature_names))
        expect(self.preprocessing, Preprocessing, "Dataset, preprocessing")
        expect(self.name, str, "Dataset, name")
        expect(self.title, str, "Dataset, title")
        put("title", self.title or self.name)

    def _fill_names(self, put: Any) -> None:
        width = int(np.prod(self.x_train.shape[1:]))
        names = self.feature_names or tuple(f"x{i + 1}" for i in range(width))
        if len(names) != width:
            raise RelumeError(f"{width} inputs have {len(names)} names.", "Dataset, feature_names")
        put("feature_names", names)
        if self.task == "regression":
            outputs = self.y_train.shape[1]
            if self.y_test.shape[1] != outputs:
                raise RelumeError("Training and test targets differ in width.", "Dataset")
            default = ("y",) if outputs == 1 else tuple(f"y{i + 1}" for i in range(outputs))
            put("target_names", self.target_names or default)
            return
        top = int(max(self.y_train.max(initial=0), self.y_test.max(initial=0))) + 1
        classes = 2 if self.task == "binary" else max(top, len(self.class_names), 2)
        if top > classes:
            raise RelumeError("A binary target has more than two classes.", "Dataset, y", 'Use task "multiclass".')
        names = self.class_names or tuple(str(i) for i in range(classes))
        if len(names) != classes:
            raise RelumeError(f"{classes} classes have {len(names)} names.", "Dataset, class_names")
        put("class_names", names)
        put("target_names", self.target_names or ("class",))

    @property
    def raw_names(self) -> tuple[str, ...]:
        """The names of the raw columns."""
        return self.preprocessing.raw_names

    @property
    def target_name(self) -> str:
        return self.target_names[0]

    @property
    def outputs(self) -> int:
        """Targets for regression, classes otherwise."""
        return self.y_train.shape[1] if self.task == "regression" else len(self.class_names)

    @property
    def target_scale(self) -> np.ndarray:
        """Target units per unit of y, (outputs,) float64; ones without scaling and for classes."""
        scale = self.preprocessing.target_scale
        return np.array(scale) if scale else np.ones(self.outputs if self.task == "regression" else 1)


def _names(values: Any, name: str) -> tuple[str, ...]:
    try:
        return tuple(str(value) for value in values) if not isinstance(values, str) else (values,)
    except TypeError:
        raise RelumeError(f"{name} must be a list of names, not {shown(values)}.", f"Dataset, {name}") from None


def _array(values: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:
        raise RelumeError("The rows differ in length.", f"Dataset, {name}") from None
    if array.dtype.kind not in "fiub" and array.size:
        raise RelumeError(f"These are not numbers but {array.dtype}.", f"Dataset, {name}")
    return array


def _float32(values: Any, name: str) -> np.ndarray:
    """A read-only view where nothing is to be converted, else a copy."""
    with np.errstate(over="ignore"):
        array = np.asarray(_array(values, name), dtype=np.float32, order="C")
    view = array.reshape(array.shape)
    view.flags.writeable = False
    return view


def _inputs(values: Any, name: str) -> np.ndarray:
    array = _float32(values, name)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim < 2 or 0 in array.shape[1:]:
        raise RelumeError(f"Inputs must have the shape (n, inputs), not {array.shape}.", f"Dataset, {name}")
    return _finite(array, name)


def _values(values: np.ndarray, part: str) -> np.ndarray:
    array = _float32(values, f"y_{part}")
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2:
        raise RelumeError(f"Targets must have the shape (n, outputs), not {array.shape}.", f"Dataset, y_{part}")
    return _finite(array, f"y_{part}")


def _finite(array: np.ndarray, name: str) -> np.ndarray:
    for rows in row_slices(array):
        finite = np.isfinite(array[rows])
        if not finite.all():
            bad = np.argwhere(~finite)
            row, column = rows.start + int(bad[0][0]), int(bad[0][1])
            raise RelumeError(
                f"The value {array[rows][tuple(bad[0])]} is not finite.",
                f"Dataset, {name}, row {row + 1}, column {column + 1}",
                "Correct or remove it.",
            )
    return array


def _labels(values: np.ndarray, part: str) -> np.ndarray:
    place = f"Dataset, y_{part}"
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise RelumeError(f"Class numbers must have the shape (n,), not {values.shape}.", place)
    wrong = RelumeError("Classes must be whole numbers from 0.", place, "Number the classes 0, 1, 2, ...")
    if values.dtype.kind not in "iubf" or not np.isfinite(values).all() or (values != np.round(values)).any():
        raise wrong
    if values.size and (values.min() < 0 or values.max() > 100_000):
        raise wrong
    labels = values.astype(np.int64)
    labels.flags.writeable = False
    return labels


def _guess_task(targets: np.ndarray) -> str:
    if targets.dtype.kind not in "iub" or targets.ndim > 1:
        return "regression"
    return "binary" if targets.max(initial=0) <= 1 else "multiclass"
