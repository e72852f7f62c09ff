"""The cells of a table as numbers, by plain functions that exported scripts carry too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

#: What stands for "no value", in any case, beside an empty cell.
MISSING_WORDS = ("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "?", "-", "--", "missing")


def encode(rows: Sequence[Any], columns: Sequence[Any]) -> np.ndarray:
    """Rows of cells -> raw values (rows, raw columns), float32.

    `columns` are (name, values, fill, decimal): a number stays one, NaN or `fill` where missing; a text becomes 0 and 1
    for each of the values, all 0 where missing. Raises ValueError naming a cell that is neither.
    """
    found = []
    for place, (name, values, fill, decimal) in enumerate(columns):
        cells = [row[place] for row in rows]
        if values:
            texts = [text_of(cell, name, values) for cell in cells]
            found += [[float(text == value) for text in texts] for value in values]
        else:
            found.append([number_of(cell, name, fill, decimal) for cell in cells])
    return np.array(found, dtype=np.float32).T


def decode(raw: np.ndarray, columns: Iterable[Any]) -> list[list[Any]]:
    """The inverse of `encode`: what was missing is filled or ""."""
    cells: list[list[Any]] = []
    at = 0
    for _, values, _, _ in columns:
        part = raw[:, at : at + max(1, len(values))]
        at += part.shape[1]
        chosen = part.argmax(axis=1)
        texts = [values[k] if row[k] else "" for k, row in zip(chosen, part, strict=True)] if values else part[:, 0]
        cells.append(list(texts))
    return [list(row) for row in zip(*cells, strict=True)]


def text_of(cell: Any, name: str, values: Sequence[str]) -> str:
    text = "" if cell is None else str(cell).strip()
    if text in values:
        return text
    if text.lower() in MISSING_WORDS:
        return ""
    raise ValueError(f"{text!r} is no value of the column {name!r}: {', '.join(values)}")


def number_of(cell: Any, name: str, fill: float | None, decimal: str) -> float:
    if isinstance(cell, str):
        text = cell.strip().replace("\u2212", "-")
        if text.lower() in MISSING_WORDS:
            text = "nan"
        text = text.replace(".", "").replace(",", ".") if decimal == "," else text.replace(",", "")
        try:
            value = float(text)
        except ValueError:
            raise ValueError(f"{cell!r} in the column {name!r} is not a number") from None
    else:
        value = float("nan") if cell is None else float(cell)
    return fill if fill is not None and value != value else value
