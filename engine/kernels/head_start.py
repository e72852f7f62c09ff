"""On a machine where nothing was compiled yet, a second process begins while the window is still being built.

Nothing here loads the compiler: that would hold the window up.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import platformdirs

FIRST = "--first"  # instead of titles: the kernels of the first network, from the end
_process: subprocess.Popen[bytes] | None = None


def base_folder() -> Path:
    """Where compiled kernels are kept, a folder for each version."""
    return Path(os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_dir("relume", appauthor=False))


def begin() -> None:
    """Starts the second process, where there is a processor for it and nothing was ever compiled."""
    global _process
    if _process is None and not any(base_folder().glob("kernels-*/**/*.nbi")):
        _process = compiler([FIRST])
        if _process is not None:
            atexit.register(_process.kill)


def running() -> subprocess.Popen[bytes] | None:
    """The process, if it is still at work."""
    return _process if _process is not None and _process.poll() is None else None


def compiler(words: Sequence[str]) -> subprocess.Popen[bytes] | None:
    """A process that compiles what the words say into the disk cache; None where there is no processor for it."""
    if (os.cpu_count() or 1) < 2 or not sys.executable:
        return None
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "engine.warm_up", *words],
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None
