"""A plot as plain data, and its writers: PNG, SVG, PDF, and the data behind it as CSV.

Views describe what they show with these records; nothing here knows a window. Colours are names of
`resources/palette.json` ("accent", "ink 2", "dead") or "category 0" to "category 6".
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.errors import RelumeError
from engine.files.atomic import write_atomic


@dataclasses.dataclass(frozen=True, eq=False)
class Line:
    x: np.ndarray
    y: np.ndarray
    label: str = ""
    color: str = "accent"
    dashed: bool = False
    width: float = 2.0


@dataclasses.dataclass(frozen=True, eq=False)
class Points:
    x: np.ndarray
    y: np.ndarray
    label: str = ""
    color: str = "category 0"
    marker: str = "circle"  # circle diamond square triangle plus star hexagon
    hollow: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Image:
    """values (rows, columns), row 0 at the bottom unless `top_down`; extent (left, right, bottom, top)."""

    values: np.ndarray
    extent: tuple[float, float, float, float]
    colors: str = "sequential"  # "diverging", "decision" (its inner 55 %), or "categories" (values are class numbers)
    low: float = 0.0
    high: float = 1.0
    label: str = ""
    top_down: bool = False
    dead_rows: tuple[int, ...] = ()
    numbers: bool = False  # write each value into its cell (confusion matrix)
    tile: bool = False  # one of many small pictures: framed, and without a colour bar


@dataclasses.dataclass(frozen=True, eq=False)
class Bars:
    """Bars side by side; horizontal ones carry their names on the y axis."""

    names: tuple[str, ...]
    lengths: np.ndarray
    label: str = ""
    horizontal: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Segments:
    """Separate lines; widths in px, one colour name each."""

    x0: np.ndarray
    y0: np.ndarray
    x1: np.ndarray
    y1: np.ndarray
    widths: np.ndarray
    colors: tuple[str, ...]
    label: str = ""
    opacity: float | np.ndarray = 1.0
    curved: bool = False  # leave and arrive level
    dotted: bool | np.ndarray = False


@dataclasses.dataclass(frozen=True, eq=False)
class Text:
    x: float
    y: float
    words: str
    color: str = "ink"
    align: str = "center"  # "left": begins at x; "right": ends there
    bold: bool = False


Mark = Line | Points | Image | Bars | Segments | Text


@dataclasses.dataclass(frozen=True, eq=False)
class Panel:
    marks: tuple[Mark, ...]
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    x_log: bool = False
    y_log: bool = False
    x_ticks: tuple[tuple[float, str], ...] | None = None
    y_ticks: tuple[tuple[float, str], ...] | None = None
    equal: bool = False  # one unit is as long in x as in y
    axes: bool = True
    extent: tuple[float, float, float, float] | None = None  # (left, right, bottom, top) in sight; None: all


@dataclasses.dataclass(frozen=True, eq=False)
class Figure:
    title: str
    panels: tuple[Panel, ...]
    columns: int = 1
    size: tuple[float, float] | None = None  # of a panel, in inches; None: what suits most plots


#: What `export_figure` writes, by suffix.
FORMATS = (".png", ".svg", ".pdf", ".csv")


def export_figure(
    figure: Figure, path: Path | str, theme: str = "light", check: Callable[[], object] | None = None
) -> Path:
    """Writes `figure` to `path`; the format follows the suffix: .png .svg .pdf .csv.

    `theme` is "light" or "dark"; `check` may raise at the last moment and leave the old file. The CSV form is told in
    `engine.files.figure_table`. Raises RelumeError.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise RelumeError(
            f"A plot cannot be written as {suffix or 'a file without a suffix'}.", path.name,
            f"End the name in {', '.join(FORMATS)}.",
        )  # fmt: skip
    if suffix == ".csv":
        from engine.files.figure_table import table_of

        return write_atomic(path, table_of(figure), check)
    from engine.files.figure_pictures import picture_of

    return write_atomic(path, picture_of(figure, suffix[1:], theme), check)
