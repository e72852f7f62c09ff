"""Compiled kernels on the disk: one file each, in a folder for each version of the sources, compiler and processor.

A file is the SHA-256 of its name and the rest, then the symbol, a zero, and the object file. One that is not as it was
written, or that belongs to another kernel, counts as not there.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import platform
import threading
from pathlib import Path

import llvmlite
from llvmlite import binding

from engine.kernels.head_start import OBJECTS, base_folder

_SOURCES = ("maths.py", "activations", "losses.py", "optimizers", "schedules.py", "kernels")
_lock = threading.RLock()
_folder: Path | None = None
_asked = False


def cache_folder() -> Path:
    """Where the kernels of this version are kept."""
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parents[1]
    for name in _SOURCES:
        for path in sorted(root.joinpath(name).glob("*.py")) or [root / name]:
            digest.update(path.read_bytes())
    versions = (_numba_version(), llvmlite.__version__, platform.python_version(), platform.machine())
    processor = (binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())
    digest.update(repr((versions, processor)).encode())
    return base_folder() / f"kernels-{digest.hexdigest()[:16]}"


def _numba_version() -> str:
    """The name of what was installed: importing it, or its metadata, would take longer than all kernels."""
    found = importlib.util.find_spec("numba")
    place = Path(found.origin or "").parents[1] if found is not None else Path()
    return ",".join(sorted(path.name for path in place.glob("numba-*.dist-info")))


def folder() -> Path | None:
    """The cache folder, made if need be; None where nothing can be kept: then all is compiled in memory."""
    global _asked, _folder
    with _lock:
        if not _asked:
            _asked = True
            with contextlib.suppress(OSError):
                wanted = cache_folder()
                wanted.mkdir(parents=True, exist_ok=True)
                _write(wanted / f"probe-{os.getpid()}", b"").unlink()
                _folder = wanted
        return _folder


def is_empty() -> bool:
    """Whether there is a cache and nothing in it: nothing was compiled yet, or other sources were."""
    place = folder()
    return place is not None and not any(place.glob(f"*{OBJECTS}"))


def read(name: str) -> tuple[str, bytes] | None:
    """(symbol, object file) of a kernel; None where there is none that can be trusted."""
    place = folder()
    if place is None:
        return None
    try:
        data = (place / f"{name}{OBJECTS}").read_bytes()
    except OSError:
        return None
    digest, body = data[:32], data[32:]
    if digest != _digest(name, body):
        return None
    symbol, _, code = body.partition(b"\0")
    return symbol.decode(), code


def write(name: str, symbol: str, code: bytes) -> None:
    """Keeps a kernel, where that is possible."""
    place = folder()
    if place is None:
        return
    body = symbol.encode() + b"\0" + code
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)  # it may have been cleared meanwhile
        temporary = _write(place / f"{name}-{os.getpid()}", _digest(name, body) + body)
        os.replace(temporary, place / f"{name}{OBJECTS}")


def _digest(name: str, body: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\0" + body).digest()


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
