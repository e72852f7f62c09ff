"""What a project is: the frozen document, and its one undo command."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable

from PySide6.QtGui import QUndoCommand

from engine.data.spec import DataSpec
from engine.spec import NetworkSpec, TrainingSpec


@dataclasses.dataclass(frozen=True)
class Document:
    """Everything the user designed. `speed` is in epochs per second, None is full speed."""

    spec: NetworkSpec
    training: TrainingSpec
    data: DataSpec
    speed: float | None = 4.0


class Edit(QUndoCommand):
    """Replaces one document by another. Edits with the same `merge` key in a row become one."""

    def __init__(
        self, text: str, old: Document, new: Document, show: Callable[[Document], None], merge: str | None
    ) -> None:
        super().__init__(text)
        self.old, self.new = old, new
        self._show = show
        self._merge = merge

    def id(self) -> int:
        return -1 if self._merge is None else zlib.crc32(self._merge.encode()) & 0x7FFFFFFF

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, Edit) or other._merge != self._merge:
            return False
        self.new = other.new
        if self.new == self.old:
            self.setObsolete(True)
        return True

    def redo(self) -> None:
        self._show(self.new)

    def undo(self) -> None:
        self._show(self.old)
