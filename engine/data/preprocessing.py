"""From raw values to what the network is fed, and from its output back to the target's own units."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from engine.data.features import make_features
from engine.data.rows import row_slices
from engine.errors import RelumeError
from engine.fields import from_plain, to_plain


@dataclasses.dataclass(frozen=True)
class RawColumn:
    """A column of a table and the raw columns it becomes: itself, or 0 and 1 for each of the values of a text.

    `fill` stands for a missing number, `decimal` is the mark that its numbers are written with.
    """

    name: str
    values: tuple[str, ...] = ()
    fill: float | None = None
    decimal: str = "."

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", tuple(str(value) for value in self.values))

    @property
    def width(self) -> int:
        return max(1, len(self.values))

    def to_dict(self) -> dict[str, Any]:
        return to_plain(self)


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """input = (made(raw) - input_offset) / input_scale;  fed target = (target - target_offset) / target_scale.

    Args:
        raw_names: the columns of raw values, one after the other; of images the values of one, row by row.
        features: inputs made from raw x and y (`engine.data.features`), or None for the raw columns themselves.
        input_offset, input_scale: one value per input, or one for all (the values of an image); empty for none.
        target_offset, target_scale: one value per target; empty for none.
        columns: the table's columns that the raw ones are made of (`engine.data.cells.encode`); empty for numbers.
    """

    raw_names: tuple[str, ...]
    features: tuple[str, ...] | None = None
    input_offset: tuple[float, ...] = ()
    input_scale: tuple[float, ...] = ()
    target_offset: tuple[float, ...] = ()
    target_scale: tuple[float, ...] = ()
    columns: tuple[RawColumn, ...] = ()

    def __post_init__(self) -> None:
        for name in ("raw_names", "features"):
            value = getattr(self, name)
            object.__setattr__(self, name, None if value is None else tuple(str(item) for item in value))
        for name in ("input_offset", "input_scale", "target_offset", "target_scale"):
            object.__setattr__(self, name, _numbers(getattr(self, name), name))
        made = (c if isinstance(c, RawColumn) else from_plain(RawColumn, c) for c in self.columns)
        object.__setattr__(self, "columns", tuple(made))
        if self.columns and sum(column.width for column in self.columns) != len(self.raw_names):
            raise RelumeError("The table's columns do not fit the raw ones.", "preprocessing")
        for kind, width in (("input", len(self.input_names)), ("target", len(self.target_offset))):
            offset, scale = getattr(self, f"{kind}_offset"), getattr(self, f"{kind}_scale")
            if len(offset) != len(scale) or len(offset) not in (0, 1, width) or 0.0 in scale:
                raise RelumeError(f"The {kind} scaling does not fit its columns.", "preprocessing")

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of what the network is fed."""
        return self.raw_names if self.features is None else self.features

    def apply(self, raw: np.ndarray) -> np.ndarray:
        """Raw values (n, raw columns) -> inputs float32 (n, inputs); images stay (n, rows, columns, channels).

        Without made inputs and scaling, float32 values are handed on as they are. Raises RelumeError for another width.
        """
        raw = np.asarray(raw)
        if raw.ndim < 2 or math.prod(raw.shape[1:]) != len(self.raw_names):
            raise RelumeError(
                f"Raw inputs must have {len(self.raw_names)} columns, not the shape {raw.shape}.", "inputs"
            )
        made = raw if self.features is None else make_features(raw, self.features)
        if not self.input_offset:
            return np.ascontiguousarray(made, dtype=np.float32)
        scaled = np.empty(made.shape, np.float32)
        for rows in row_slices(made):
            flat = made[rows].reshape(rows.stop - rows.start, -1).astype(np.float64)
            scaled[rows] = ((flat - self.input_offset) / self.input_scale).reshape(made[rows].shape)
        return scaled

    def scale_targets(self, targets: np.ndarray) -> np.ndarray:
        """Targets in their own units (n, outputs) -> float32 targets for training."""
        if self.target_offset:
            targets = (np.asarray(targets, dtype=np.float64) - self.target_offset) / self.target_scale
        return np.ascontiguousarray(targets, dtype=np.float32)

    def targets_to_units(self, values: np.ndarray) -> np.ndarray:
        """What the network says (n, outputs) -> the target's own units."""
        if not self.target_offset:
            return np.asarray(values)
        values = np.asarray(values)
        scaled = values.astype(np.float64) * self.target_scale + self.target_offset
        return scaled.astype(values.dtype if values.dtype.kind == "f" else np.float32)

    def to_dict(self) -> dict[str, Any]:
        return to_plain(self)

    @classmethod
    def from_dict(cls, data: Any) -> Preprocessing:
        """The inverse of `to_dict`. Raises RelumeError."""
        try:
            return from_plain(cls, data)
        except (TypeError, ValueError):
            raise RelumeError("The preprocessing cannot be read.", "preprocessing") from None


def fit_scaling(values: np.ndarray, scaling: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """(offset, scale) of each column of the training part; () and () for "none". A constant column keeps scale 1.

    The pixels of images (n, rows, columns, channels) share one offset and one scale.
    """
    if scaling == "none":
        return (), ()
    if values.ndim > 2:
        values = values.reshape(-1, 1)
    if scaling == "standard":
        offset, scale = _moments(values)
    else:
        offset = values.min(axis=0).astype(np.float64)
        scale = values.max(axis=0) - offset
    # A column that is constant but for rounding must not be blown up.
    scale = np.where(scale <= 1e-9 * np.maximum(np.abs(offset), 1e-30), 1.0, scale)
    return tuple(offset.tolist()), tuple(scale.tolist())


def _moments(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(mean, standard deviation) of each column, summed in float64."""
    mean, squares = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    for rows in row_slices(values):
        mean += values[rows].sum(axis=0, dtype=np.float64) / len(values)
    for rows in row_slices(values):
        squares += np.square(values[rows] - mean).sum(axis=0)
    return mean, np.sqrt(squares / len(values))


def _numbers(values: Any, name: str) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if not np.isfinite(numbers).all():
        raise RelumeError(f"{name} must be finite.", "preprocessing")
    return numbers
