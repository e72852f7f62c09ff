"""One way for all panels to change the document."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.errors import RelumeError
from gui import edits
from gui.session import Session
from gui.words import error_words


def change(
    session: Session, text: str, make: Callable[[], dict[str, Any]], merge: str | None = None, wanted: str = ""
) -> None:
    """Edits with the parts that `make` gives ({"spec": ...}); values that cannot be are told and change nothing.

    wanted: the kind of layer that is added; what else came with it is told.
    """
    old = session.document.spec
    try:
        parts = make()
    except RelumeError as error:
        session.notice.emit(error_words(error), "warning")
        session.document_changed.emit()  # fields show the document again, not what was refused
        return
    session.edit(text, merge=merge, **parts)
    words = edits.told(old, session.document.spec, wanted)
    if words and "data" not in parts:  # what other data bring the session tells, once they are there
        session.notice.emit(words, "info")
