"""IDX files, as those of MNIST, gz or not: two zero bytes, the type, the number of dimensions, their sizes, the values.

Everything is big-endian. What a header declares is held against the file and the memory before anything is allocated.
"""

from __future__ import annotations

import dataclasses
import gzip
import io
import math
import os
import re
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from engine import memory
from engine.errors import RelumeError

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 4
_GZIP = b"\x1f\x8b"
_MOST_PACKED = 1040  # deflate never makes more than this of one byte
_PART = 1 << 20
_NAME = re.compile(r"idx[1-4]|ubyte", re.IGNORECASE)
_BROKEN = (EOFError, OSError, zlib.error)


@dataclasses.dataclass(frozen=True)
class Header:
    """What the file declares: the type of its values and their shape (samples, ...)."""

    dtype: np.dtype
    shape: tuple[int, ...]

    @property
    def start(self) -> int:
        """Bytes before the values."""
        return 4 + 4 * len(self.shape)

    @property
    def size(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize

    def words(self) -> str:
        return f"{' x '.join(f'{extent:,}' for extent in self.shape)} values"


def looks_like_idx(source: str | Path | bytes) -> bool:
    """Whether this is meant to be an IDX file: by its first bytes, or by its name."""
    if isinstance(source, bytes):
        return _has_magic(io.BytesIO(source))
    try:
        with open(source, "rb") as file:
            return _has_magic(file) or _NAME.search(Path(source).name) is not None
    except (OSError, ValueError):
        return _NAME.search(Path(source).name) is not None


def _has_magic(file: IO[bytes]) -> bool:
    try:
        start = _unpacked(file)[0].read(4)
    except _BROKEN:
        return False
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in TYPES and 1 <= start[3] <= MOST_DIMENSIONS


def _unpacked(file: IO[bytes]) -> tuple[IO[bytes], bool]:
    """(the file's content from its beginning, whether it is packed)."""
    file.seek(0)
    packed = file.read(2) == _GZIP
    file.seek(0)
    return (gzip.GzipFile(fileobj=file, mode="rb"), True) if packed else (file, False)  # type: ignore[return-value]


def read_header(file: IO[bytes], where: str) -> Header:
    """What a file declares. Raises RelumeError: no IDX file, not of the declared length, more than fits into memory."""
    held = file.seek(0, os.SEEK_END)
    stream, packed = _unpacked(file)
    try:
        start = stream.read(4 + 4 * MOST_DIMENSIONS)
    except _BROKEN as error:
        raise _broken(error, where) from None
    header = _parsed(start, where)
    if not packed and held != header.start + header.size:
        raise _wrong_size(header, held - header.start, where)
    if packed and header.size > held * _MOST_PACKED:
        raise RelumeError(
            f"The header declares {header.words()} ({header.size:,} bytes); {held:,} packed bytes cannot hold them.",
            where, "Fetch the file again.",
        )  # fmt: skip
    memory.check_data(header.shape, where, source=header.dtype.itemsize)
    return header


def _parsed(start: bytes, where: str) -> Header:
    known = len(start) >= 4 and start[:2] == b"\0\0" and start[2] in TYPES
    if not known or not 1 <= start[3] <= MOST_DIMENSIONS:
        raise RelumeError(
            f"This is not an IDX file: it begins with {start[:4].hex(' ') or 'nothing'}.", where,
            "An IDX file begins with 00 00, a type (08 09 0b 0c 0d 0e) and 1 to 4 dimensions.",
        )  # fmt: skip
    count = start[3]
    if len(start) < 4 + 4 * count:
        raise RelumeError("The file ends within its header.", where, "Fetch the file again.")
    shape = struct.unpack(f">{count}I", start[4 : 4 + 4 * count])
    if 0 in shape:
        raise RelumeError(f"The file holds nothing: {' x '.join(map(str, shape))} values.", where)
    return Header(np.dtype(TYPES[start[2]]), shape)


def read_idx(file: IO[bytes], where: str = "", rows: int | None = None) -> np.ndarray:
    """The values in the file's own type, or the first `rows` samples only. Raises RelumeError as `read_header`."""
    header = read_header(file, where)
    count = header.shape[0] if rows is None else min(rows, header.shape[0])
    values = np.empty((count, *header.shape[1:]), header.dtype)
    read_into(file, values, 1, where)
    return values


def read_into(file: IO[bytes], values: np.ndarray, unit: float, where: str = "") -> None:
    """Fills `values` (samples, ...), contiguous, with those of a file over `unit`; nothing of its size is made beside.

    Fewer samples than the file has are its first. Raises RelumeError as `read_header`.
    """
    header = read_header(file, where)
    stream, _ = _unpacked(file)
    flat, at, size = values.reshape(-1), 0, header.dtype.itemsize
    try:
        stream.read(header.start)
        while at < len(flat):
            part = stream.read(min(_PART, (len(flat) - at) * size))
            known = len(part) // size
            if not known:
                raise _wrong_size(header, at * size + len(part), where)
            numbers = np.frombuffer(part, header.dtype, known)
            flat[at : at + known] = numbers
            if unit != 1:
                flat[at : at + known] /= values.dtype.type(unit)
            at += known
        if at * size == header.size and stream.read(1):
            raise _wrong_size(header, None, where)
    except _BROKEN as error:
        raise _broken(error, where) from None


def _wrong_size(header: Header, found: int | None, where: str) -> RelumeError:
    declared = f"its header declares {header.words()} ({header.size:,} bytes)"
    if found is None:
        return RelumeError(f"The file is too long: {declared}, it holds more.", where, "Fetch the file again.")
    what = "cut short" if found < header.size else "too long"
    return RelumeError(f"The file is {what}: {declared}, it holds {found:,}.", where, "Fetch the file again.")


def _broken(error: Exception, where: str) -> RelumeError:
    what = "The packed file is cut short." if isinstance(error, EOFError) else "The packed file is damaged."
    return RelumeError(what, where, "Fetch the file again.")
