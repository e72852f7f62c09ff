"""From the user's own table to raw data: target, task, inputs, missing values."""

from __future__ import annotations

import numpy as np

from engine import memory
from engine.data.layout import MAX_CELLS
from engine.data.preprocessing import RawColumn
from engine.data.sets import RawData
from engine.data.spec import DataSpec
from engine.data.table import MAX_CATEGORIES, Column, Table
from engine.errors import RelumeError

MIN_ROWS = 4


def guess_task(table: Table, target: tuple[str, ...]) -> str:
    """Texts and a few whole numbers are classes; anything else, and several targets, are regression."""
    if len(target) > 1:
        return "regression"
    column = table.column(target[0])
    if column.kind != "number":
        return "binary" if column.distinct <= 2 else "multiclass"
    few = column.distinct <= 2 or (column.distinct <= 10 and column.distinct * 10 <= table.rows)
    if column.bad_row is None and few:
        values = table.numbers(column.name)
        values = values[~np.isnan(values)]
        if (values == np.round(values)).all():
            return "binary" if column.distinct <= 2 else "multiclass"
    return "regression"


def choose_inputs(table: Table, target: tuple[str, ...], inputs: tuple[str, ...] | None) -> list[Column]:
    """The columns that are inputs: those named, or all numbers and categories but the target."""
    if inputs is None:
        return [column for column in table.columns if column.name not in target and column.kind != "text"]
    chosen = [table.column(name) for name in inputs]
    for column in chosen:
        if column.name in target:
            raise RelumeError(f"The target {column.name!r} cannot be an input too.", table.name)
        if column.kind == "text":
            raise RelumeError(
                f"The column {column.name!r} holds {column.distinct} different texts.", table.name, "Leave it out."
            )
    return chosen


def raw_data(spec: DataSpec) -> tuple[RawData, bool]:
    """(raw data, whether it is regression) of a DataSpec with a table; NaN marks inputs still to fill in."""
    table = spec.table
    assert isinstance(table, Table)
    target = spec.target or (table.suggest_target(),)
    columns = choose_inputs(table, target, spec.inputs)
    if not columns:
        raise RelumeError(
            "No column is left as an input.",
            table.name,
            "The table needs a target and at least one more column of numbers or categories.",
        )
    task = guess_task(table, target) if spec.task == "auto" else spec.task
    regression = task == "regression"
    x, names = _inputs(table, columns)
    class_names: tuple[str, ...] = ()
    if regression:
        y = np.stack([table.numbers(name) for name in target], axis=1)
        keep = ~np.isnan(y).any(axis=1)
    else:
        y, class_names = _classes(table, target, task)
        keep = y >= 0
    notes = _told(table, columns, target, spec)
    if spec.missing == "drop rows":
        keep &= ~_missing_rows(table, columns)
    if keep.sum() < MIN_ROWS:
        fix = "Add rows." if table.rows < MIN_ROWS else "Fill missing values in instead of dropping rows."
        raise RelumeError(
            f"{keep.sum()} of {table.rows} rows are left to learn from, {MIN_ROWS} are needed.", table.name, fix
        )
    dropped = table.rows - int(keep.sum())
    if dropped:
        notes.append(f"{dropped} of {table.rows} rows dropped: a value is missing.")
    if not regression and len(np.unique(y[keep])) < 2:
        raise RelumeError(f"The target {target[0]!r} has one class only.", table.name, "Choose another target.")
    made = tuple(_raw_column(table, column) for column in columns)
    return RawData(x[keep], y[keep], names, target, class_names, None, tuple(notes), made), regression


def _inputs(table: Table, columns: list[Column]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Numbers as they are, NaN where missing; a category as one column of 0 and 1 per value, all 0 where missing."""
    width = sum(1 if column.kind == "number" else column.distinct for column in columns)
    if width * table.rows > MAX_CELLS:
        raise RelumeError(f"{table.rows} rows of {width} inputs are too many.", table.name, "Choose fewer inputs.")
    memory.check_data((table.rows, width), table.name, source=np.dtype(float).itemsize)
    x = np.zeros((table.rows, width))
    names: list[str] = []
    for column in columns:
        if column.kind == "number":
            x[:, len(names)] = table.numbers(column.name)
            names.append(column.name)
            continue
        cells = table.cells[column.name]
        for value in _values(table, column):
            x[:, len(names)] = (cells == value).fill_null(False).to_numpy()
            names.append(f"{column.name}={value}")
    return x, tuple(names)


def _values(table: Table, column: Column) -> list[str]:
    return table.cells[column.name].drop_nulls().unique().sort().to_list()


def _raw_column(table: Table, column: Column) -> RawColumn:
    if column.kind != "number":
        return RawColumn(column.name, tuple(_values(table, column)))
    commas = table.decimal == "," and table.cells[column.name].str.contains(",", literal=True).any()
    return RawColumn(column.name, decimal="," if commas else ".")


def _classes(table: Table, target: tuple[str, ...], task: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """(class numbers with -1 where missing, class names): numbers in their order, texts in the alphabet's."""
    if len(target) > 1:
        raise RelumeError("Classes have one target column.", table.name, "Choose one, or regression.")
    column = table.column(target[0])
    limit = 2 if task == "binary" else MAX_CATEGORIES
    if column.distinct > limit:
        raise RelumeError(
            f"The target {column.name!r} has {column.distinct} different values, {limit} at most can be classes.",
            table.name,
            "Choose another target or task.",
        )
    if column.kind == "number":
        numbers = table.numbers(column.name)
        known = np.unique(numbers[~np.isnan(numbers)])
        y = np.where(np.isnan(numbers), -1, np.searchsorted(known, numbers))
        return y.astype(np.int64), tuple(f"{value:g}" for value in known)
    texts = table.texts(column.name)
    values = sorted({text for text in texts if text is not None})
    number_of = {value: number for number, value in enumerate(values)}
    return np.array([-1 if text is None else number_of[text] for text in texts], dtype=np.int64), tuple(values)


def _missing_rows(table: Table, columns: list[Column]) -> np.ndarray:
    missing = np.zeros(table.rows, dtype=bool)
    for column in columns:
        if column.missing:
            missing |= table.cells[column.name].is_null().to_numpy()
    return missing


def _told(table: Table, columns: list[Column], target: tuple[str, ...], spec: DataSpec) -> list[str]:
    """What a reader should know about the rows and columns, in words."""
    notes = []
    used = {column.name for column in columns} | set(target)
    left = [column.name for column in table.columns if column.name not in used and column.kind == "text"]
    if left and spec.inputs is None:
        notes.append(f"Left out, because they hold free text: {', '.join(left[:10])}.")
    holes = sum(column.missing for column in columns)
    if holes and spec.missing != "drop rows":
        notes.append(f"{holes} missing values filled in ({spec.missing}; a missing category is no category).")
    return notes
