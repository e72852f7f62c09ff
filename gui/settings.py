"""What the program remembers between two starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QSettings

RECENT = 8
MOST_THREADS = 16  # that the engine takes


def _store() -> QSettings:
    return QSettings("Relume", "Relume")


def theme_mode() -> str:
    return str(_store().value("theme", "system"))


def set_theme_mode(mode: str) -> None:
    _store().setValue("theme", mode)


def gallery_at_start() -> bool:
    return str(_store().value("gallery at start", "true")) == "true"


def set_gallery_at_start(shown: bool) -> None:
    _store().setValue("gallery at start", "true" if shown else "false")


def last_folder() -> str:
    """The folder of the last file dialog, the home folder at first."""
    folder = str(_store().value("last folder", ""))
    return folder if folder and Path(folder).is_dir() else str(Path.home())


def set_last_folder(folder: str) -> None:
    _store().setValue("last folder", folder)


def recent_projects() -> list[str]:
    """Paths of projects that still exist, the newest first."""
    kept: Any = _store().value("recent", [])
    paths = [kept] if isinstance(kept, str) else list(kept or [])
    return [str(path) for path in paths if Path(str(path)).is_file()]


def add_recent_project(path: str) -> None:
    paths = [path, *(other for other in recent_projects() if other != path)]
    _store().setValue("recent", paths[:RECENT])


def window_geometry() -> QByteArray | None:
    kept = _store().value("window geometry")
    return kept if isinstance(kept, QByteArray) else None


def set_window_geometry(geometry: QByteArray) -> None:
    _store().setValue("window geometry", geometry)


def splitter_sizes(place: str, parts: int) -> list[int] | None:
    """The sizes that the user gave a splitter's parts, None while it was never moved."""
    kept: Any = _store().value(f"splitters/{place}")
    try:
        sizes = [int(size) for size in kept or ()]
    except (TypeError, ValueError):
        return None
    return sizes if len(sizes) == parts and sum(sizes) > 0 and min(sizes) >= 0 else None


def set_splitter_sizes(place: str, sizes: list[int]) -> None:
    _store().setValue(f"splitters/{place}", sizes)


def threads() -> int:
    """How many threads one training step may use."""
    kept: Any = _store().value("threads", 1)
    try:
        return min(MOST_THREADS, max(1, int(kept)))
    except (TypeError, ValueError):
        return 1


def set_threads(count: int) -> None:
    _store().setValue("threads", count)
