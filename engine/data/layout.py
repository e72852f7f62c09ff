"""Where the rows and cells of a text table are: delimiter, quotes, line numbers, ragged rows.

One vectorised pass over the bytes; the cells themselves are read by polars.
"""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from engine.errors import RelumeError

#: In order of preference among those that fit equally well: a comma may also be a decimal point.
DELIMITERS = ("\t", ";", "|", ",")
MAX_COLUMNS = 20_000
MAX_CELLS = 50_000_000
_SAMPLE = 65536


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """The table's text without blank rows, and the line on which each row starts."""

    text: bytes
    delimiter: str
    quoted: bool  # False: a quote is a character like any other
    lines: np.ndarray  # int64 (rows,), from 1, the header's included
    columns: int


def find_layout(text: bytes, where: str, delimiter: str | None = None) -> Layout:
    """The layout of clean UTF-8 text. Raises RelumeError naming the line of a ragged row or a stray quote."""
    if delimiter is None:
        delimiter = find_delimiter(text)
    elif len(delimiter) != 1 or delimiter.isalnum() or ord(delimiter) > 126 or delimiter in '"\n\r.+-_':
        raise RelumeError(f"{delimiter!r} cannot be a delimiter.", where, "Use a comma, semicolon, tab or bar.")
    text, quotes = _checked_quotes(text, delimiter, where)
    starts, ends, cells = _records(text, delimiter, quotes)
    lines = 1 + np.searchsorted(_positions(text, "\n"), starts, side="left")
    full = ends > starts
    if not full.all():
        text = b"\n".join(text[a:b] for a, b in zip(starts[full], ends[full], strict=True))
        lines, cells = lines[full], cells[full]
    if not len(lines):
        raise RelumeError("The file is empty.", where, "Choose a file with a header and rows.")
    usual = int(np.bincount(np.minimum(cells, MAX_COLUMNS + 1)).argmax())
    if usual > MAX_COLUMNS or usual * len(lines) > MAX_CELLS:
        raise RelumeError(f"{len(lines)} rows of {usual} cells are too many.", where, "Take a part of the table.")
    odd = np.flatnonzero(cells != usual)
    if len(odd):
        have = int(cells[odd[0]])
        raise RelumeError(
            f"This row has {have} cell{'s' * (have != 1)}, the others have {usual}.",
            f"{where}, line {lines[odd[0]]}, column {min(have, usual) + 1}",
            "Add or remove cells, or put a text that holds the delimiter in quotes.",
        )
    return Layout(text, delimiter, quotes is not None, lines, usual)


def find_delimiter(text: bytes) -> str:
    """The delimiter that cuts the first rows most evenly into two cells or more; a comma if none does."""
    sample = text[:_SAMPLE]
    if len(text) > _SAMPLE:
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    best, best_share = ",", 0.0
    for delimiter in DELIMITERS:
        quotes = _positions(sample, '"')
        starts, ends, cells = _records(sample, delimiter, quotes if _is_standard(sample, delimiter, quotes) else None)
        cells = cells[ends > starts]
        usual = int(np.bincount(cells).argmax()) if len(cells) else 1
        share = float((cells == usual).mean()) if usual > 1 else 0.0
        if share > best_share + 0.02:
            best, best_share = delimiter, share
    return best


def _positions(text: bytes, character: str) -> np.ndarray:
    return np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord(character))


def _records(text: bytes, delimiter: str, quotes: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(start, end, number of cells) of every row; what lies between two quotes cuts nothing."""
    cuts, breaks = _positions(text, delimiter), _positions(text, "\n")
    if quotes is not None and len(quotes):
        cuts = cuts[np.searchsorted(quotes, cuts) % 2 == 0]
        breaks = breaks[np.searchsorted(quotes, breaks) % 2 == 0]
    ends = breaks if text.endswith(b"\n") else np.append(breaks, len(text))
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else ends
    cells = np.diff(np.searchsorted(cuts, ends), prepend=0) + 1
    return starts, ends, cells


def _stray(text: bytes, delimiter: str, quotes: np.ndarray) -> np.ndarray:
    """Positions of quotes that neither open a cell at its start, nor close one at its end, nor stand doubled."""
    if not len(quotes):
        return quotes
    characters = np.frombuffer(b"\n" + text + b"\n", dtype=np.uint8)
    edges = np.array([ord(delimiter), ord("\n"), ord('"')], dtype=np.uint8)
    opening, closing = quotes[0::2], quotes[1::2]
    bad = np.concatenate(
        [opening[~np.isin(characters[opening], edges)], closing[~np.isin(characters[closing + 2], edges)]]
    )
    return np.sort(bad)


def _is_standard(text: bytes, delimiter: str, quotes: np.ndarray) -> bool:
    return len(_stray(text, delimiter, quotes)) == 0


def _checked_quotes(text: bytes, delimiter: str, where: str) -> tuple[bytes, np.ndarray | None]:
    """(text, quote positions), or None for positions where quotes are plain characters, as in 5" of rain."""
    quotes = _positions(text, '"')
    stray = _stray(text, delimiter, quotes)
    if len(stray):  # perhaps only blanks stand before the quotes
        mark = re.escape(delimiter.encode())
        tight = re.sub(rb'(?:(?<=%b)|(?<=\n)) +(?=")' % mark, b"", text)
        tight = re.sub(rb'(?<=") +(?=%b|\n)' % mark, b"", tight)
        tight_quotes = _positions(tight, '"')
        if _is_standard(tight, delimiter, tight_quotes):
            text, quotes, stray = tight, tight_quotes, tight_quotes[:0]
    if len(stray):
        if not re.search(rb'(?:^|%b|\n)"' % re.escape(delimiter.encode()), text):
            return text, None
        line = text.count(b"\n", 0, int(stray[0])) + 1
        raise RelumeError(
            "A quote stands inside a cell.", f"{where}, line {line}", 'Double it ("") or put the whole cell in quotes.'
        )
    if len(quotes) % 2:
        line = text.count(b"\n", 0, int(quotes[-1])) + 1
        raise RelumeError("A quote is opened and never closed.", f"{where}, line {line}", "Close or remove it.")
    return text, quotes
