"""Files that are either whole and new or whole and old, whatever happens while they are written."""

from __future__ import annotations

import os
import re
import stat
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from engine.errors import RelumeError

_TEMPORARY = re.compile(r"\.relume-(\d+)-[0-9a-f]{8}\.tmp(\.\w+)?")


def write_atomic(path: Path | str, data: bytes, check: Callable[[], object] | None = None) -> Path:
    """Writes `data` to `path` at once: a reader sees the old file or the new one, also after a crash.

    A symbolic link stays one; its target is replaced. `check` as for `replacing`. Raises RelumeError naming the file.
    """
    with replacing(path, check) as temporary:
        temporary.write_bytes(data)
    return Path(path)


@contextmanager
def replacing(path: Path | str, check: Callable[[], object] | None = None) -> Iterator[Path]:
    """A temporary file beside `path`, for the block to fill; it takes the place of `path` if all goes well.

    `check` is called just before, and may raise to leave the old file as it was. Raises RelumeError naming the file.
    """
    name = Path(path).name or str(path)
    if "\0" in str(path):
        raise RelumeError("A file name cannot hold a null character.", name, "Choose another name.")
    target = Path(os.path.realpath(path))
    if target.is_dir():
        raise RelumeError("This is a folder.", name, "Choose a file name.")
    sweep(target.parent)
    temporary = target.with_name(f".relume-{os.getpid()}-{uuid.uuid4().hex[:8]}.tmp{target.suffix}")
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        if target.exists():
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        _flush(temporary)
        if check is not None:
            check()
        os.replace(temporary, target)
        _flush_folder(target.parent)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RelumeError(
            f"The file cannot be written: {reason}.", name, "Choose another folder, or free some space."
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Removes what processes that are gone have left half written."""
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            match = _TEMPORARY.fullmatch(entry.name)
            if match and not is_alive(int(match[1])):
                with suppress(OSError):
                    os.unlink(entry.path)


def is_alive(process: int) -> bool:
    """Whether there is a process of this number; True where that cannot be found out."""
    if os.name != "posix":
        return True  # there, asking might end the process
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _flush(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    with suppress(OSError):  # not every file system lets a folder be opened
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
