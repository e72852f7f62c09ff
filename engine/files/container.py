"""The container of a project: a zip archive of named members, each with its SHA-256 in a manifest.

Members are stored as they are, never compressed: what a header claims can be held against the size of the file,
so that a small file never becomes a large one. The same members give the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import RelumeError
from engine.files.atomic import write_atomic

FORMAT, VERSION = "Relume project", 1
MANIFEST = "relume.json"
MAX_BYTES = 2 << 30
MAX_MEMBERS = 10_000
MAX_JSON = 64 << 20
_DTYPES = ("<f4", "<f8", "<i8", "|b1")
_MOMENT = (1980, 1, 1, 0, 0, 0)
#: What the readers below raise for bytes that are not what they should be.
BROKEN = (
    AttributeError, EOFError, IndexError, KeyError, MemoryError, NotImplementedError, OverflowError, RecursionError,
    RuntimeError, SyntaxError, TypeError, ValueError, struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def damaged(name: str, detail: str = "") -> RelumeError:
    """The error for a file that is ours and not whole."""
    what = f"The project is damaged ({detail})." if detail else "The project is damaged."
    return RelumeError(what, name, "Open a copy or an older version of it.")


def write_container(path: Path | str, members: Mapping[str, bytes]) -> None:
    """Writes the members to `path`, atomically. Raises RelumeError."""
    size = sum(map(len, members.values()))
    if size > MAX_BYTES - (16 << 20):
        raise RelumeError("The project would be larger than 2 GiB.", Path(path).name, "Use a smaller network or table.")
    listed = {name: {"bytes": len(data), "sha256": _digest(data)} for name, data in members.items()}
    manifest = encode_json({"format": FORMAT, "version": VERSION, "members": listed})
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, data in {MANIFEST: manifest, **members}.items():
            entry = zipfile.ZipInfo(name, _MOMENT)
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, data)
    write_atomic(path, memory.getvalue())


def read_container(path: Path | str) -> dict[str, bytes]:
    """The members of `path`, all checked. Raises RelumeError: no project, damaged, or of a newer version."""
    name = Path(path).name or str(path)
    content = _read(path, name)
    if content[:4] != b"PK\x03\x04" or content[30 : 30 + len(MANIFEST)] != MANIFEST.encode():
        raise RelumeError("This is not a Relume project.", name, "Choose a file that ends in .relume.")
    try:
        _check_end(content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_entries(entries, len(content))
            manifest = decode_json(archive.read(MANIFEST))
            if manifest["format"] != FORMAT:
                raise RelumeError("This is not a Relume project.", name, "Choose a file that ends in .relume.")
            if int(manifest["version"]) > VERSION:
                raise RelumeError("The project was made by a newer version of Relume.", name, "Update Relume.")
            members = {entry.filename: archive.read(entry) for entry in entries[1:]}
            _check_members(members, manifest["members"])
    except BROKEN as error:
        raise damaged(name, str(error)[:80] if isinstance(error, _Mismatch) else "") from None
    return members


class _Mismatch(ValueError):
    """A check of the container failed; its words may be shown."""


def _read(path: Path | str, name: str) -> bytes:
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size > MAX_BYTES:
                raise RelumeError("The file is larger than 2 GiB: no Relume project is.", name, "Choose another file.")
            return file.read(MAX_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "bad name"
        raise RelumeError(f"The file cannot be read: {reason}.", name, "Choose another file.") from None


def _check_end(content: bytes) -> None:
    """The end record must be the last 22 bytes and claim no more than a project holds."""
    if len(content) < 22:
        raise _Mismatch("cut off")
    signature, _, _, _, count, size, start, comment = struct.unpack("<4s4H2LH", content[-22:])
    if signature != b"PK\x05\x06" or comment or start + size != len(content) - 22:
        raise _Mismatch("its end is missing")
    if not 0 < count <= MAX_MEMBERS or size > count * 400:
        raise _Mismatch("its table of contents is too long")


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    names = [entry.filename for entry in entries]
    if len(entries) > MAX_MEMBERS or len(set(names)) < len(names) or names[0] != MANIFEST:
        raise _Mismatch("its table of contents is wrong")
    plain = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
    if not plain or sum(max(entry.file_size, entry.compress_size) for entry in entries) > size:
        raise _Mismatch("its members claim more than the file holds")


def _check_members(members: Mapping[str, bytes], listed: Mapping[str, Any]) -> None:
    if set(members) != set(listed):
        raise _Mismatch("members are missing or added")
    for name, data in members.items():
        if len(data) != listed[name]["bytes"] or _digest(data) != listed[name]["sha256"]:
            raise _Mismatch(f"{name} has changed")


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def encode_json(value: Any) -> bytes:
    """Plain data as JSON, the same bytes for the same data."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1).encode("utf-8", "surrogatepass")


def decode_json(data: bytes) -> Any:
    """The inverse of `encode_json`. Raises one of BROKEN."""
    if len(data) > MAX_JSON:
        raise _Mismatch("a text in it is too long")
    return json.loads(data.decode("utf-8", "surrogatepass"))


def encode_array(array: Any) -> bytes:
    """An array as the bytes of an .npy file, little-endian."""
    array = np.asarray(array)
    memory = io.BytesIO()
    contiguous = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    np.lib.format.write_array(memory, contiguous, version=(1, 0), allow_pickle=False)
    return memory.getvalue()


def decode_array(data: bytes) -> np.ndarray:
    """The inverse of `encode_array`: numbers and truth values only. Raises one of BROKEN."""
    stream = io.BytesIO(data)
    if np.lib.format.read_magic(stream) != (1, 0):
        raise _Mismatch("an array has another version")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream, max_header_size=4096)
    if dtype.str not in _DTYPES or fortran or min(shape, default=0) < 0:
        raise _Mismatch("an array has another type")
    rest = data[stream.tell() :]
    if len(rest) != math.prod(shape) * dtype.itemsize:
        raise _Mismatch("an array has another size")
    return np.frombuffer(rest, dtype=dtype).reshape(shape).copy()
