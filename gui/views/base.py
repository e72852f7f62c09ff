"""What every view shares: one contract between the frame clock and a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QWidget

from engine.files.figures import Figure
from engine.telemetry import Snapshot

if TYPE_CHECKING:
    from gui.session import Session


class View(QWidget):
    """A picture of snapshots. Created once, then only updated; costs nothing while hidden.

    A subclass sets `name` (for settings and accessible names) and `title` (what the tab says), and overrides
    the methods below. It reads the session (document, dataset, selection) but never the trainer.
    """

    name = ""
    title = ""
    #: the extras (engine.telemetry.WATCHABLE) it needs while it is visible
    watches: frozenset[str] = frozenset()
    #: how often a second it is drawn at most while the network trains
    most_frames = 30

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setAccessibleName(self.title)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Draws the newest snapshot; called on the GUI thread, only while visible."""

    def reset(self) -> None:
        """The document or the data changed: forget everything that came from the old ones."""

    def summary(self) -> str:
        """The picture in a sentence or two, for screen readers."""
        return ""

    def describe(self) -> None:
        """Gives screen readers the summary of the newest picture."""
        words = self.summary()
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words)

    def head_widgets(self) -> list[QWidget]:
        """Small controls for the right end of the panel's head."""
        return []

    def menu_actions(self) -> list[QAction]:
        """What the panel's own menu offers, beside the export."""
        return []

    def figure(self) -> Figure | None:
        """The picture as plain data, for export; None while there is nothing to show."""
        return None
