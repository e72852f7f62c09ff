"""The training panel."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from engine.telemetry import Snapshot
from gui.session import Session


class TrainingPanel(QWidget):
    """The training of the document."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        head = QLabel("TRAINING")
        head.setProperty("role", "head")
        column.addWidget(head)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Follows training."""
