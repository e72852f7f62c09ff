"""The user's own table: the bytes of a CSV or TSV file, what was found in them, and the cells."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """Stub until the importer lands."""

    name: str

    def to_dict(self) -> dict[str, Any]:
        return {"name": self.name}

    @classmethod
    def from_dict(cls, data: Any) -> Table:
        return cls(data["name"])
