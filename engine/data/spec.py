"""What data to load: frozen, validated, to and from plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.data.features import FEATURES
from engine.data.table import Table
from engine.errors import RelumeError
from engine.fields import check_fields, field, from_plain, to_plain

if TYPE_CHECKING:
    from engine.data.images import Images

#: The name of a DataSpec that holds the user's own table.
OWN_TABLE = "table"
SCALINGS = ("none", "standard", "min-max")
TASKS = ("auto", "binary", "multiclass", "regression")
MISSING = ("drop rows", "mean", "median", "most frequent")


def _names() -> tuple[str, ...]:
    from engine.data.sets import DATASETS

    return (*DATASETS.names(), OWN_TABLE)


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """A data set by name, or the user's own table or images, with everything that shapes it.

    `samples`, `noise` and `classes` count for made sets only, `features` for 2-D sets only, and the fields
    from `table` on for own tables only. `target` may be one column or several (regression). Data that come split into
    training and test part stay so while `train_share` is its default.
    """

    name: str = field("spiral", "choice", "Data set", choices=_names)
    seed: int = field(0, "int", "Data seed", "Draws other points and another split.", minimum=0, maximum=2**53)
    samples: int = field(500, "int", "Points", "How many points are made.", minimum=4, maximum=1_000_000)
    noise: float = field(0.0, "float", "Noise", "How far points stray.", minimum=0, maximum=0.5)
    train_share: float = field(0.75, "float", "Training share", "The rest is kept for testing.", above=0, below=1)
    classes: int = field(2, "int", "Classes", minimum=2, maximum=7)
    features: tuple[str, ...] | None = None
    scaling: str = field("none", "choice", "Input scaling", "Fitted on the training part.", choices=lambda: SCALINGS)
    target_scaling: str = field(
        "none", "choice", "Target scaling", "For regression; errors keep the target's units.", choices=lambda: SCALINGS
    )
    table: Table | Images | None = None
    target: tuple[str, ...] = ()
    inputs: tuple[str, ...] | None = None
    task: str = field("auto", "choice", "Task", "What the target is.", choices=lambda: TASKS)
    missing: str = field("drop rows", "choice", "Missing values", choices=lambda: MISSING)

    def __post_init__(self) -> None:
        for name in ("features", "target", "inputs"):
            object.__setattr__(self, name, _texts(getattr(self, name), name))
        check_fields(self, "DataSpec")
        if (self.table is not None) != (self.name == OWN_TABLE):
            raise RelumeError(
                f"The name {OWN_TABLE!r} and a table belong together.", "DataSpec, table", "Open a table file."
            )
        if self.features is not None:
            for feature in self.features:
                FEATURES.get(feature)
            ordered = tuple(name for name in FEATURES.names() if name in self.features)
            if not ordered:
                raise RelumeError("No input is switched on.", "DataSpec, features", "Switch at least one on.")
            object.__setattr__(self, "features", ordered)

    def to_dict(self) -> dict[str, Any]:
        """Plain data; an own table goes along, whole."""
        return to_plain(self)

    def outline(self) -> dict[str, Any]:
        """Plain data without the bytes of an own table; `from_dict` wants them back as the table's "data"."""
        return {**to_plain(self, without=("table",)), "table": self.table.outline() if self.table else None}

    @classmethod
    def from_dict(cls, data: Any) -> DataSpec:
        """The inverse of `to_dict`. Raises RelumeError for anything that is not such a mapping."""
        if isinstance(data, Mapping) and data.get("table") is not None:
            data = {**data, "table": _own_from_dict(data["table"])}
        return from_plain(cls, data)


def _own_from_dict(data: Any) -> Table | Images:
    if isinstance(data, Mapping) and data.get("format") == "idx":
        from engine.data.images import Images

        return Images.from_dict(data)
    return Table.from_dict(data)


def _texts(value: Any, name: str) -> tuple[str, ...] | None:
    if value is None:
        return () if name == "target" else None
    items = (value,) if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise RelumeError(f"{name} must be a list of names, not {value!r}.", f"DataSpec, {name}")
    return tuple(items)
