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


def expect(value: Any, kind: type, where: str) -> None:
    """Raises RelumeError unless `value` is a `kind`."""
    if not isinstance(value, kind):
        raise RelumeError(f"This must be a {kind.__name__}, not {value!r:.80}.", where)
