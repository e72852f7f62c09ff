"""The built-in examples: one JSON file each in resources/examples, checked when it is read."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.data.spec import DataSpec
from engine.errors import RelumeError
from engine.registry import Registry
from engine.spec import NetworkSpec, TrainingSpec

FOLDER = Path(__file__).resolve().parent.parent / "resources" / "examples"


@dataclasses.dataclass(frozen=True)
class Example:
    """A whole document, ready to run. `pace` is in epochs per second, None is full speed."""

    name: str
    title: str
    line: str
    group: str
    data: DataSpec
    spec: NetworkSpec
    training: TrainingSpec
    pace: float | None
    order: int = 0


def read_example(path: Path) -> Example:
    """Reads one file. Raises RelumeError naming the file."""
    try:
        plain: dict[str, Any] = json.loads(path.read_text("utf-8"))
        return Example(
            path.stem, str(plain["title"]), str(plain["line"]), str(plain["group"]), DataSpec.from_dict(plain["data"]),
            NetworkSpec.from_dict(plain["spec"]), TrainingSpec.from_dict(plain["training"]), plain["pace"],
            int(plain["order"]),
        )  # fmt: skip
    except RelumeError as error:
        raise RelumeError(error.what, f"{path.name}, {error.where}", error.fix) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RelumeError(f"The example cannot be read: {error}.", path.name, "Restore the file.") from None


class Examples:
    """The examples in their order, read when they are first asked for."""

    @functools.cached_property
    def _table(self) -> Registry[Example]:
        table: Registry[Example] = Registry("example")
        for example in sorted(map(read_example, FOLDER.glob("*.json")), key=lambda example: example.order):
            table.add(example)
        return table

    def get(self, name: str) -> Example:
        """The example called `name`. Raises RelumeError for an unknown name."""
        return self._table.get(name)

    def names(self) -> tuple[str, ...]:
        return self._table.names()

    def __iter__(self) -> Iterator[Example]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)

    def __contains__(self, name: object) -> bool:
        return name in self._table


EXAMPLES = Examples()
