"""Folders that go when the program ends. What a program that was killed has left goes at the next start."""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

from engine.files.atomic import is_alive

_NAME = re.compile(r"relume-(\d+)-\w+")


def temporary_folder() -> Path:
    """A new folder, this program's own."""
    _sweep(Path(tempfile.gettempdir()))
    path = Path(tempfile.mkdtemp(prefix=f"relume-{os.getpid()}-"))
    atexit.register(_remove, path, os.getpid())
    return path


def _remove(path: Path, owner: int) -> None:
    if os.getpid() == owner:  # a fork ends without it
        shutil.rmtree(path, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Removes folders of programs that are gone."""
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            match = _NAME.fullmatch(entry.name)
            if match and entry.is_dir(follow_symlinks=False) and not is_alive(int(match[1])):
                shutil.rmtree(entry.path, ignore_errors=True)
