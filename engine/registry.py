"""An ordered table: name -> frozen record. One registry for each family of entries."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from engine.errors import RelumeError, shown


class Named(Protocol):
    @property
    def name(self) -> str: ...


Record = TypeVar("Record", bound=Named)


class Registry(Generic[Record]):
    """Records in the order in which menus show them.

    `what` names one entry in messages, for example "activation".
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._records: dict[str, Record] = {}

    def add(self, record: Record) -> Record:
        if record.name in self._records:
            raise ValueError(f"two {self.what} records are called {record.name!r}")
        self._records[record.name] = record
        return record

    def get(self, name: str) -> Record:
        """The record called `name`. Raises RelumeError with the nearest names otherwise."""
        try:
            return self._records[name]
        except (KeyError, TypeError):
            near = difflib.get_close_matches(shown(name).strip("'"), self._records, n=3, cutoff=0.5)
            fix = f"Did you mean {' or '.join(near)}?" if near else f"Known: {', '.join(self._records)}."
            raise RelumeError(f"There is no {self.what} called {shown(name)}.", fix=fix) from None

    def names(self) -> tuple[str, ...]:
        return tuple(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, name: object) -> bool:
        return name in self._records
