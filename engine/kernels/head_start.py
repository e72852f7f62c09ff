"""On a machine where nothing was compiled yet, a second process begins while the window is still being built.

Nothing here loads the compiler: that would hold the window up.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

import platformdirs

OBJECTS = ".kernel"  # what the file of a kernel ends in
FIRST = "--first"  # instead of titles: the kernels of the first network, from the end


class Compiler(subprocess.Popen[str]):
    """A process that compiles. It tells the title of each kernel before it begins it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        super().__init__(
            command, env=environment, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._title = ""
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.stdout is not None
        with self.stdout:
            for line in self.stdout:
                self._title = line.rstrip("\n")
        self._title = ""

    def is_at(self, title: str) -> bool:
        """Whether it is compiling this kernel."""
        return self._title == title


_process: Compiler | None = None


def base_folder() -> Path:
    """Where compiled kernels are kept, a folder for each version."""
    return Path(os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_dir("relume", appauthor=False))


def begin() -> None:
    """Starts the second process, where there is a processor for it and nothing was ever compiled."""
    global _process
    if _process is None and not any(base_folder().glob(f"kernels-*/*{OBJECTS}")):
        _process = compiler([FIRST])
        if _process is not None:
            atexit.register(_process.kill)


def running() -> Compiler | None:
    """The process, if it is still at work."""
    return _process if _process is not None and _process.poll() is None else None


def compiler(words: Sequence[str]) -> Compiler | None:
    """A process that compiles what the words say into the disk cache; None where there is no processor for it."""
    if (os.cpu_count() or 1) < 2 or not sys.executable:
        return None
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        return Compiler([sys.executable, "-m", "engine.warm_up", *words], {**os.environ, "PYTHONPATH": paths})
    except OSError:
        return None
