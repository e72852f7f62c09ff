"""The user's own table: the bytes of a CSV or TSV file, what was found in them, and the cells."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.data.cells import MISSING_WORDS
from engine.data.layout import Layout, find_layout
from engine.data.text import MAX_BYTES, clean_text
from engine.errors import RelumeError, expect

if TYPE_CHECKING:
    import polars

PREVIEW_ROWS = 100
MAX_CATEGORIES = 100
MAX_CATEGORY_LENGTH = 100
_PLAIN = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:inf|infinity)$"
_DECIMAL_COMMA = r"^[+-]?(\d{1,3}(\.\d{3})+|\d*)(,\d+)?([eE][+-]?\d+)?$"
_THOUSANDS = r"^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$|^[+-]?\d+(\.\d+)?$"


@dataclasses.dataclass(frozen=True)
class Column:
    """One column: its type, how many values are missing, how many differ, and the first cell that breaks its type."""

    name: str
    kind: str  # "number", "category" or "text"
    missing: int
    distinct: int
    bad_row: int | None = None  # a cell of a number column that is no finite number
    bad_text: str = ""


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """A table file, whole, so that a project can carry it.

    Args:
        name: the file's name; data: its bytes; encoding, delimiter, header, decimal: as found or as chosen.
        columns: in the file's order; rows: without the header; preview: the first rows as text.
    """

    name: str
    data: bytes = dataclasses.field(repr=False)
    encoding: str
    delimiter: str
    header: bool
    decimal: str
    columns: tuple[Column, ...]
    rows: int
    preview: tuple[tuple[str, ...], ...] = dataclasses.field(repr=False)
    lines: np.ndarray = dataclasses.field(repr=False)  # the file's line of each row
    cells: polars.DataFrame = dataclasses.field(repr=False)  # text, stripped, null where missing

    def column(self, name: str) -> Column:
        """The column called `name`. Raises RelumeError."""
        if name in self._by_name:
            return self._by_name[name]
        known = ", ".join(column.name for column in self.columns[:20])
        raise RelumeError(f"There is no column {name!r}.", self.name, f"Columns: {known}.")

    @functools.cached_property
    def _by_name(self) -> dict[str, Column]:
        return {column.name: column for column in self.columns}

    def numbers(self, name: str) -> np.ndarray:
        """A number column, float64 (rows,), NaN where missing. Raises RelumeError naming a cell that is no number."""
        column = self.column(name)
        if column.kind != "number":
            raise RelumeError(f"The column {name!r} holds texts, not numbers.", self.name, "Choose another column.")
        if column.bad_row is not None:
            raise RelumeError(
                f"{column.bad_text!r} is not a finite number.",
                f"{self.name}, line {self.lines[column.bad_row]}, column {name!r}",
                "Correct the cell, empty it, or leave the column out.",
            )
        numbers = _plain(self.cells[name]) if self.decimal == "." else None
        if numbers is None or numbers.null_count() > column.missing:
            numbers = _parse(self.cells[name], self.decimal, self.delimiter)[0]
        return numbers.to_numpy().astype(np.float64)

    def texts(self, name: str) -> list[str | None]:
        """Any column as it stands, None where missing."""
        return self.cells[self.column(name).name].to_list()

    def suggest_target(self) -> str:
        """The last column that is no free text, or the last."""
        usable = [column.name for column in self.columns if column.kind != "text"]
        return (usable or [self.columns[-1].name])[-1]

    def to_dict(self) -> dict[str, Any]:
        """Plain data with the whole file in base64."""
        return self.outline() | {"data": base64.b64encode(self.data).decode("ascii")}

    def outline(self) -> dict[str, Any]:
        """How the file is read, without its bytes."""
        return {name: getattr(self, name) for name in ("name", "encoding", "delimiter", "header", "decimal")}

    @classmethod
    def from_dict(cls, data: Any) -> Table:
        """The inverse of `to_dict`; "data" may be the bytes themselves. Raises RelumeError."""
        options = dict(data) if isinstance(data, Mapping) else {}
        try:
            content = options.pop("data")
            if not isinstance(content, bytes):
                content = base64.b64decode(content, validate=True)
            return open_table(content, **{str(key): value for key, value in options.items()})
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise RelumeError("The table in the project cannot be read.", "DataSpec, table") from None


def open_table(
    source: str | Path | bytes,
    name: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
    decimal: str | None = None,
) -> Table:
    """Reads a CSV or TSV file, or its bytes; what is not given is found. Raises RelumeError with line and column."""
    expect(source, (str, Path, bytes), "open_table, source")
    for option, value in (("encoding", encoding), ("delimiter", delimiter), ("decimal", decimal)):
        if value is not None:
            expect(value, str, f"open_table, {option}")
    if header is not None:
        expect(header, bool, "open_table, header")
    data = source if isinstance(source, bytes) else _read(Path(source))
    name = name or ("table" if isinstance(source, bytes) else Path(source).name)
    text, encoding = clean_text(data, name, encoding)
    layout = find_layout(text, name, delimiter)
    cells = _cells(layout, name)
    if header is None:
        header = _has_header(cells)
    lines = layout.lines[1:] if header else layout.lines
    titles = _titles(cells, header, name, int(layout.lines[0]))
    cells = cells.slice(1) if header else cells
    cells.columns = titles
    if not len(cells):
        raise RelumeError("There is a header and no row.", name, "Add rows below the header.")
    cells = cells.drop([t for t in titles if t.startswith("column ") and cells[t].null_count() == len(cells)])
    if not cells.width:
        raise RelumeError("Every cell is empty.", name, "Choose a file with values.")
    if decimal is None:
        decimal = _find_decimal(cells, layout.delimiter)
    elif decimal not in (".", ","):
        raise RelumeError(f"{decimal!r} cannot be the decimal mark.", name, "Use . or ,")
    columns = _columns(cells, decimal, layout.delimiter)
    preview = tuple(tuple(value or "" for value in row) for row in cells.head(PREVIEW_ROWS).rows())
    return Table(name, data, encoding, layout.delimiter, header, decimal, columns, len(cells), preview, lines, cells)


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RelumeError("The file is larger than 512 MiB.", path.name, "Take a part of it.")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "bad name"
        raise RelumeError(f"The file cannot be read: {reason}.", path.name, "Choose another file.") from None


def _cells(layout: Layout, where: str) -> polars.DataFrame:
    """All cells as text, stripped, null where missing; the header is row 0."""
    import polars as pl

    try:
        frame = pl.read_csv(
            layout.text,
            has_header=False,
            infer_schema=False,
            separator=layout.delimiter,
            quote_char='"' if layout.quoted else None,
            new_columns=[f"{i}" for i in range(layout.columns)],
        )
    except pl.exceptions.PolarsError as error:
        raise RelumeError(f"The table cannot be read: {str(error).splitlines()[0]}", where) from None
    if frame.height != len(layout.lines) or frame.width != layout.columns:
        raise RelumeError("The rows of the table cannot be told apart.", where, "Save it as a plain CSV file.")
    stripped = pl.all().str.strip_chars()
    return frame.select(
        pl.when(stripped.str.to_lowercase().is_in(MISSING_WORDS)).then(None).otherwise(stripped).name.keep()
    )


def _has_header(cells: polars.DataFrame) -> bool:
    """A first row without numbers is a header, unless all is text and its texts come again below."""
    import polars as pl

    first, rest = cells.head(1), cells.slice(1)
    names = first.row(0)
    if not len(rest) or first.select(pl.all().str.contains(_PLAIN).fill_null(False)).row(0).count(True):
        return False
    if any(rest[title].drop_nulls().str.contains(_PLAIN).any() for title in rest.columns):
        return True
    if len(set(names)) < len(names):
        return False
    return not any(
        name is not None and bool((rest[title] == name).any()) for title, name in zip(cells.columns, names, strict=True)
    )


def _titles(cells: polars.DataFrame, header: bool, where: str, line: int) -> list[str]:
    row = cells.row(0) if header else (None,) * cells.width
    titles = [title or f"column {number}" for number, title in enumerate(row, 1)]
    seen: dict[str, int] = {}
    for number, title in enumerate(titles, 1):
        if title in seen:
            raise RelumeError(
                f"Two columns are called {title!r}.",
                f"{where}, line {line}, columns {seen[title]} and {number}",
                "Rename one of them.",
            )
        seen[title] = number
    return titles


def _find_decimal(cells: polars.DataFrame, delimiter: str) -> str:
    import polars as pl

    sample = cells.head(1000)
    hints = sample.select(pl.all().str.contains(r"\d,\d|^,\d").any()).row(0)
    for title in (title for title, hint in zip(cells.columns, hints, strict=True) if hint):
        known = sample[title].drop_nulls()
        thousands = delimiter == "," and known.str.contains(_THOUSANDS).all()
        if not thousands and known.str.contains(_DECIMAL_COMMA).sum() > 0.8 * len(known):
            return ","
    return "."


def _plain(cells: polars.Series) -> polars.Series:
    import polars as pl

    return cells.cast(pl.Float64, strict=False)


def _parse(cells: polars.Series, decimal: str, delimiter: str) -> tuple[polars.Series, polars.Series]:
    """(numbers, whether each cell that holds something is no number)."""
    import polars as pl

    text = cells.str.replace("−", "-", literal=True)
    good = text.str.contains(_DECIMAL_COMMA if decimal == "," else _PLAIN)
    if decimal == "," and not good.fill_null(True).all() and text.str.contains(_PLAIN).fill_null(True).all():
        decimal, good = ".", text.str.contains(_PLAIN)
    if decimal == "," and text.str.contains(",", literal=True).any():
        text = text.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    elif decimal == "." and delimiter != " " and text.str.contains(",", literal=True).any():
        thousands = text.str.contains(_THOUSANDS)
        text = pl.select(
            pl.when(thousands).then(text.str.replace_all(",", "", literal=True)).otherwise(text)
        ).to_series()
        good = good | thousands
    numbers = text.cast(pl.Float64, strict=False)
    numbers = pl.select(pl.when(good).then(numbers).otherwise(None)).to_series()
    return numbers, cells.is_not_null() & (numbers.is_null() | numbers.is_infinite().fill_null(False))


def _columns(cells: polars.DataFrame, decimal: str, delimiter: str) -> tuple[Column, ...]:
    import polars as pl

    plain: dict[str, tuple[int, int]] = {}
    if decimal == ".":  # all columns of plain numbers in one pass; the others one by one
        numbers = cells.cast(pl.Float64, strict=False)
        missing = cells.null_count().row(0)
        whole = [m == n < len(cells) for m, n in zip(missing, numbers.null_count().row(0), strict=True)]
        finite = numbers.select(pl.all().is_finite().all()).row(0)
        distinct = numbers.select(pl.all().drop_nulls().n_unique()).row(0)
        found = zip(cells.columns, whole, finite, missing, distinct, strict=True)
        plain = {title: (m, d) for title, is_number, good, m, d in found if is_number and good}
    return tuple(
        Column(title, "number", *plain[title]) if title in plain else _describe(cells[title], decimal, delimiter)
        for title in cells.columns
    )


def _describe(cells: polars.Series, decimal: str, delimiter: str) -> Column:
    known = len(cells) - cells.null_count()
    numbers, bad = _parse(cells, decimal, delimiter)
    wrong = int(bad.sum())
    finite_share = 1 - wrong / known if known else 0.0
    if finite_share >= 0.8 or (known and numbers.drop_nulls().len() == known):
        row = bad.arg_max() if wrong else None
        text = str(cells[row])[:40] if row is not None else ""
        return Column(cells.name, "number", cells.null_count(), numbers.drop_nulls().n_unique(), row, text)
    distinct = cells.drop_nulls().n_unique()
    few = 0 < distinct <= min(MAX_CATEGORIES, max(2, known // 2))
    kind = "category" if few and int(cells.str.len_chars().max() or 0) <= MAX_CATEGORY_LENGTH else "text"  # type: ignore[arg-type]
    return Column(cells.name, kind, cells.null_count(), distinct)
