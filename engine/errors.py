"""The one exception that bad input may raise."""

from __future__ import annotations

from typing import Any


class RelumeError(Exception):
    """What is wrong, where it is, and what to do about it.

    Args:
        what: one sentence on what is wrong.
        where: the place: a file with line and column, or a layer ("layer 2, units").
        fix: one sentence on what to do next.
    """

    def __init__(self, what: str, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(what, where, fix)

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head} {self.fix}".strip()


def expect(value: Any, kinds: type | tuple[type, ...], where: str) -> None:
    """Raises RelumeError unless `value` is of one of the kinds."""
    if not isinstance(value, kinds):
        nouns = " or ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
        raise RelumeError(f"This must be of the type {nouns}, not {shown(value)}.", where)


def shown(value: Any) -> str:
    """A value as messages show it: on one line, cut when it is long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python refuses to write whole numbers of thousands of digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
