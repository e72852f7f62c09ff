"""The data behind a plot as CSV: one line per point, cell, bar, segment or text, in columns that are always the same.

panel, kind, label: where it belongs; name: the bar's name, the text's words, or "dead" for a cell of a dead row;
x, y: the place (a cell's is its middle); x2, y2: a segment's other end; value: a cell's value, a bar's length or a
segment's width. A line of kind "axes" opens each panel: its label names the x axis, its name the y axis.
Numbers are written so that they read back exactly; what is not a number is left empty. A text that a spreadsheet
would take for a formula is led by an apostrophe.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engine.files.figures import Bars, Figure, Image, Line, Mark, Points, Segments, Text

COLUMNS = ("panel", "kind", "label", "name", "x", "y", "x2", "y2", "value")
Row = dict[str, Any]


def table_of(figure: Figure) -> bytes:
    """The CSV file, UTF-8."""
    memory = io.StringIO(newline="")
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow(COLUMNS)
    for number, panel in enumerate(figure.panels, 1):
        title = panel.title or figure.title or f"panel {number}"
        rows: list[tuple[str, str, Row]] = [("axes", panel.x_label, {"name": panel.y_label})]
        for kind, label, row in [*rows, *_rows(panel.marks)]:
            cells = {"panel": title, "kind": kind, "label": label, **row}
            writer.writerow([_cell(cells.get(column)) for column in COLUMNS])
    return memory.getvalue().encode("utf-8", "replace")


def safe_text(text: str) -> str:
    """The text as a cell that no spreadsheet runs."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r", "\n") else text


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return safe_text(value)
    number = float(value)
    return repr(number) if math.isfinite(number) else ""


def _rows(marks: tuple[Mark, ...]) -> Iterator[tuple[str, str, Row]]:
    for mark in marks:
        kind = type(mark).__name__
        for row in _READERS[kind](mark):
            yield kind.lower(), getattr(mark, "label", ""), row


def _of_points(mark: Line | Points) -> Iterator[Row]:
    for x, y in zip(mark.x, mark.y, strict=True):
        yield {"x": x, "y": y}


def _of_image(mark: Image) -> Iterator[Row]:
    rows, columns = mark.values.shape
    left, right, bottom, top = mark.extent
    first, last = (top, bottom) if mark.top_down else (bottom, top)
    for row, values in enumerate(np.asarray(mark.values, dtype=np.float64).tolist()):
        y = first + (last - first) * (row + 0.5) / rows
        name = "dead" if row in mark.dead_rows else None
        for column, value in enumerate(values):
            yield {"x": left + (right - left) * (column + 0.5) / columns, "y": y, "value": value, "name": name}


def _of_bars(mark: Bars) -> Iterator[Row]:
    for name, length in zip(mark.names, mark.lengths, strict=True):
        yield {"name": name, "value": length}


def _of_segments(mark: Segments) -> Iterator[Row]:
    for x, y, x2, y2, width in zip(mark.x0, mark.y0, mark.x1, mark.y1, mark.widths, strict=True):
        yield {"x": x, "y": y, "x2": x2, "y2": y2, "value": width}


def _of_text(mark: Text) -> Iterator[Row]:
    yield {"x": mark.x, "y": mark.y, "name": mark.words}


_READERS: dict[str, Any] = {
    "Line": _of_points, "Points": _of_points, "Image": _of_image, "Bars": _of_bars, "Segments": _of_segments,
    "Text": _of_text,
}  # fmt: skip
