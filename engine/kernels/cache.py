"""The folder of compiled kernels as a whole: of this version and of older ones. Code that is loaded needs no file."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path

from engine.kernels.object_files import cache_folder

_OURS = re.compile(r"kernels-[0-9a-f]{16}")


@dataclasses.dataclass(frozen=True)
class CacheSize:
    """What all versions take on the disk."""

    folder: Path
    bytes: int
    versions: int


def _versions() -> list[Path]:
    """The folders of all versions, and nothing else that may lie beside them."""
    base = cache_folder().parent
    try:
        return [
            path for path in base.iterdir() if _OURS.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
        ]
    except OSError:
        return []


def cache_size() -> CacheSize:
    """Where compiled kernels are kept, and how much they take. Files that go meanwhile count as 0."""
    total, versions = 0, _versions()
    for path in (path for version in versions for path in version.rglob("*")):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return CacheSize(cache_folder().parent, total, len(versions))


def clear_cache() -> CacheSize:
    """Throws compiled kernels of every version away, and tells what is left. What is in use goes on from memory; the
    next start compiles again."""
    versions = _versions()
    for version in versions:
        shutil.rmtree(version, ignore_errors=True)
    if cache_folder() in versions:  # what is compiled from now on is kept again
        cache_folder().mkdir(parents=True, exist_ok=True)
    return cache_size()
