"""A copy of a file that waits on the disk: images in memory twice would be as much again as the whole window."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import threading
import weakref
from collections.abc import Iterator
from typing import IO

SMALL = 1 << 20  # bytes that stay in memory


class Held:
    """The content of a file, in a nameless one that goes with it; in memory where the disk has no room."""

    def __init__(self, source: IO[bytes]) -> None:
        source.seek(0)
        self._turn = threading.Lock()
        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(SMALL)  # noqa: SIM115 - closed with this
        try:
            shutil.copyfileobj(source, self._file, SMALL)
        except OSError:
            self._file.close()
            source.seek(0)
            self._file = io.BytesIO(source.read())
        self.size = self._file.seek(0, os.SEEK_END)
        weakref.finalize(self, self._file.close)

    @contextlib.contextmanager
    def opened(self) -> Iterator[IO[bytes]]:
        """The content as a file at its beginning, for one reader at a time."""
        with self._turn:
            self._file.seek(0)
            yield self._file

    def read(self) -> bytes:
        """All of it."""
        with self.opened() as file:
            return file.read()
