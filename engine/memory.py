"""What fits into this machine's memory: a request that cannot is refused with the figures, before it is made."""

from __future__ import annotations

import math
import os
from pathlib import Path

from engine.errors import RelumeError

FLOAT = 4  # bytes of a float32
SLACK = 64 << 20  # for everything small
_MEMINFO = Path("/proc/meminfo")


def data_bytes(shape: tuple[int, ...], source: int = 0) -> int:
    """Bytes of a data set of `shape` (samples, ...) as float32, beside a source of `source` bytes a value."""
    return math.prod(shape) * (FLOAT + source)


def check_data(shape: tuple[int, ...], where: str, source: int = 0) -> None:
    """Raises RelumeError with the figures where a data set of `shape` cannot fit (as `data_bytes` counts)."""
    samples = f"{shape[0]:,} samples of {' x '.join(map(str, shape[1:]))} values"
    check(data_bytes(shape, source), samples, where, "Take a part of the data.")


def check(needed: int, what: str, where: str, fix: str) -> None:
    """Raises RelumeError where `what` takes more than there is; nothing where that cannot be found out."""
    there_is = available()
    if there_is is not None and needed > max(0, there_is - SLACK):
        raise RelumeError(
            f"{what} need {size_words(needed)} of memory, {size_words(there_is)} are available.", where, fix
        )


def available() -> int | None:
    """Bytes that may still be taken without swapping; None where the system does not tell."""
    try:
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    for name in ("SC_AVPHYS_PAGES", "SC_PHYS_PAGES"):  # macOS tells the whole only
        try:
            return os.sysconf(name) * os.sysconf("SC_PAGE_SIZE")
        except (AttributeError, OSError, ValueError):
            continue
    return _windows()


def _windows() -> int | None:
    try:
        import ctypes

        class Status(ctypes.Structure):
            _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [
                (name, ctypes.c_ulonglong)
                for name in ("all", "free", "all_pages", "free_pages", "all_virtual", "free_virtual", "extended")
            ]

        status = Status(length=ctypes.sizeof(Status))
        told = ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status))  # type: ignore[attr-defined]
        return int(status.free) if told else None
    except (AttributeError, OSError):
        return None


def size_words(count: int) -> str:
    """Bytes for a reader: "47.0 MB", "1.9 GB"."""
    for unit, size in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} bytes"
