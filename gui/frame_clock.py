"""The one timer between the trainer and the pictures: takes the newest snapshot and hands it to what is visible."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Slot

from engine.telemetry import Snapshot
from gui.session import Session
from gui.views.base import View

FRAME_MS = 30
TEXT_SECONDS = 0.2
COLLECT_SECONDS = 1.0
FULL_EVERY = 30


class Reader(Protocol):
    """Shows numbers and words of a snapshot; at most 5 times a second."""

    def show_snapshot(self, snapshot: Snapshot) -> None: ...


class FrameClock(QObject):
    """Drives every view. Hidden views cost nothing; Python's garbage is collected here, in the GUI thread only."""

    def __init__(
        self, session: Session, visible_views: Callable[[], Iterable[View]], readers: Iterable[Reader]
    ) -> None:
        super().__init__(session)
        self.session = session
        self._visible_views = visible_views
        self._readers = tuple(readers)
        self._shown: dict[View, Snapshot] = {}
        self._shown_at: dict[View, float] = {}
        self._told: Snapshot | None = None
        self._told_at = self._described_at = 0.0
        self._collected_at = time.monotonic()
        self._collections = 0
        self._timer = QTimer(self, timerType=Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.tick)

    def start(self) -> None:
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()

    @Slot()
    def tick(self) -> None:
        views = [view for view in self._visible_views() if view.isVisible()]
        self.session.watch(frozenset().union(*(view.watches for view in views)))
        self.session.take_snapshot()
        snapshot = self.session.snapshot
        if snapshot is None:
            return
        now = time.monotonic()
        for view in views:
            least = 1 / view.most_frames - FRAME_MS / 2000  # half a tick early is not too early
            early = snapshot.state == "running" and now - self._shown_at.get(view, 0.0) < least
            if self._shown.get(view) is not snapshot and not early:
                self._shown[view], self._shown_at[view] = snapshot, now
                view.show_snapshot(snapshot)
        at_once = self._told is None or snapshot.state != self._told.state or snapshot.state != "running"
        if snapshot is not self._told and (at_once or now - self._told_at >= TEXT_SECONDS):
            self._told, self._told_at = snapshot, now
            for reader in self._readers:
                reader.show_snapshot(snapshot)
        if now - self._described_at >= TEXT_SECONDS:
            self._described_at = now
            for view in views:
                view.describe()
        if now - self._collected_at > COLLECT_SECONDS:
            self._collected_at = now
            self._collections += 1
            gc.collect(2 if self._collections % FULL_EVERY == 0 else 1)
