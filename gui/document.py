"""What a project is: the frozen document, and its one undo command."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Iterable
from typing import Any

from PySide6.QtGui import QUndoCommand, QUndoStack

from engine.data.spec import DataSpec
from engine.default_network import first_design
from engine.hand_edit import HandEdit
from engine.spec import NetworkSpec, TrainingSpec

#: Makes a document the one that is worked on, then does to its trainer what edits of weights ask for. The last two name
#: the run that is left, which going back finds again, and the one that may be found.
Show = Callable[["Document", Iterable[Callable[[Any], None]], object, object], None]


@dataclasses.dataclass(frozen=True)
class Document:
    """Everything the user designed. `speed` is in epochs per second, None is full speed."""

    spec: NetworkSpec
    training: TrainingSpec
    data: DataSpec
    speed: float | None = 4.0


def first_document() -> Document:
    """What a new window holds: a spiral and two layers of eight."""
    return Document(*first_design(), DataSpec("spiral", seed=7, samples=400, noise=0.05))


class Edit(QUndoCommand):
    """Replaces one document by another, or some weights by others. Edits with the same `merge` key in a row become
    one."""

    def __init__(
        self, text: str, old: Document, new: Document, show: Show, merge: str | None, *by_hand: HandEdit
    ) -> None:
        super().__init__(text)
        self.old, self.new, self.by_hand = old, new, by_hand
        self._show = show
        self._merge = merge
        self._before, self._after = object(), object()

    def id(self) -> int:
        return -1 if self._merge is None else zlib.crc32(self._merge.encode()) & 0x7FFFFFFF

    def mergeWith(self, other: QUndoCommand) -> bool:
        if not isinstance(other, Edit) or other._merge != self._merge:
            return False
        self.new, self._after = other.new, other._after
        self.by_hand += other.by_hand
        if self.new == self.old and not self.by_hand:
            self.setObsolete(True)
        return True

    def redo(self) -> None:
        self._show(self.new, [edit.do for edit in self.by_hand], self._before, self._after)

    def undo(self) -> None:
        self._show(self.old, [edit.undo for edit in reversed(self.by_hand)], self._after, self._before)


def place_of(spec: NetworkSpec, training: TrainingSpec, stack: QUndoStack) -> int:
    """How many steps are done before those that the trainer, which holds `spec` and `training`, did not take."""
    held, last = {"spec": spec, "training": training}, stack.command(stack.index() - 1)
    if not isinstance(last, Edit):
        return stack.index()
    refused = [name for name, value in held.items() if getattr(last.new, name) != value]
    for index in range(stack.index() - 1, -1 if refused else stack.index(), -1):
        step = stack.command(index)
        if not isinstance(step, Edit) or step.old.data != last.new.data:
            break
        if all(getattr(step.old, name) == held[name] for name in refused):
            return index
    return stack.index()
