"""Kinds of layers, optimizers and schedules: classes in a table, told by "kind" in plain data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from engine.errors import RelumeError
from engine.fields import from_plain
from engine.registry import Registry


@dataclasses.dataclass(frozen=True)
class Kind:
    """An entry of a table: the class and its words. The name is that of the class."""

    name: str
    cls: type[Any]
    title: str
    advice: str


def from_kind(table: Registry[Kind], data: Any, noun: str, example: str) -> Any:
    """What a mapping with a "kind" and its fields describes. Raises RelumeError for anything else.

    Args:
        noun: "an optimizer"; example: a kind of it.
    """
    if not isinstance(data, Mapping) or "kind" not in data:
        what = f"{noun[0].upper()}{noun[1:]} must be a mapping with its kind."
        raise RelumeError(what, noun.partition(" ")[2], f'For example {{"kind": "{example}"}}.')
    fields = {key: value for key, value in data.items() if key != "kind"}
    return from_plain(table.get(data["kind"]).cls, fields, str(data["kind"]))
