"""Data sets that are fetched when the user asks, and only then: what they are, where from, and the way of a file.

A file counts as there once its unpacked content has the SHA-256 that stands here; until then it has another name.
"""

from __future__ import annotations

import dataclasses
import functools
import gzip
import hashlib
import os
import shutil
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

import platformdirs

from engine.errors import RelumeError
from engine.registry import Registry

TIMEOUT = 20  # seconds without a byte
POLL = 0.05  # seconds between two looks at how much came
CHUNK = 1 << 16
PART = ".part-"  # begins the names of folders of what is on its way
Report = Callable[[int, int], None]  # bytes so far, in all; it may raise to end the fetch


@dataclasses.dataclass(frozen=True)
class RemoteFile:
    """A packed file: its name, the bytes of what is in it, and their SHA-256 (mirrors pack in different ways)."""

    name: str
    size: int
    sha256: str


@dataclasses.dataclass(frozen=True)
class RemoteSet:
    """IDX files of images and labels with a test part.

    Args:
        name: for scripts; title: for the screen; line: one sentence; license: of the data.
        packed: about how many bytes are fetched.
        mirrors: addresses of folders, tried in turn.
    """

    name: str
    title: str
    line: str
    license: str
    packed: int
    mirrors: tuple[str, ...]
    files: tuple[RemoteFile, ...]


def _idx(training: tuple[str, str], test: tuple[str, str]) -> tuple[RemoteFile, ...]:
    """The four files of 60,000 + 10,000 images of 28 x 28 bytes, from (images, labels) of each part."""
    return (
        RemoteFile("train-images-idx3-ubyte.gz", 47_040_016, training[0]),
        RemoteFile("train-labels-idx1-ubyte.gz", 60_008, training[1]),
        RemoteFile("t10k-images-idx3-ubyte.gz", 7_840_016, test[0]),
        RemoteFile("t10k-labels-idx1-ubyte.gz", 10_008, test[1]),
    )


REMOTE: Registry[RemoteSet] = Registry("data set to fetch")
REMOTE.add(
    RemoteSet(
        "mnist",
        "MNIST",
        "70,000 handwritten digits of 28 x 28 pixels, 60,000 of them for training.",
        "CC BY-SA 3.0",
        11_600_000,
        ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
        _idx(
            (
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            (
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ),
    )
)
REMOTE.add(
    RemoteSet(
        "fashion_mnist",
        "Fashion-MNIST, all",
        "70,000 garments of 28 x 28 pixels, 60,000 of them for training.",
        "MIT",
        30_900_000,
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ),
        _idx(
            (
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            (
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ),
    )
)


def folder_of(record: RemoteSet) -> Path:
    """Where its files are kept: RELUME_DATA, or the user's data folder."""
    base = os.environ.get("RELUME_DATA") or platformdirs.user_data_dir("relume", appauthor=False)
    return Path(base) / record.name


def is_fetched(record: RemoteSet) -> bool:
    return all((folder_of(record) / file.name).is_file() for file in record.files)


def images_of(record: RemoteSet) -> Path:
    """The file of the training images, as `open_images` takes it.

    Raises RelumeError while not all files are there, or where one is damaged: it is removed, so that it comes again.
    """
    way = f"Choose it in the window, or run `python main.py fetch {record.name}`."
    if not is_fetched(record):
        what = f"{record.title} is not on this computer yet ({record.packed / 1e6:.0f} MB)."
        raise RelumeError(what, record.name, way)
    for file in record.files:
        path = folder_of(record) / file.name
        if _damage(path, file):
            path.unlink(missing_ok=True)
            raise RelumeError(f"A file of {record.title} was damaged and was removed.", str(path), f"Fetch it: {way}")
    return folder_of(record) / record.files[0].name


def fetch(record: RemoteSet, report: Report = lambda done, all_: None) -> Path:
    """Brings the files that are not there yet, or are damaged, and returns their folder.

    Args:
        report: hears how many bytes came, between two pieces. What it raises ends the fetch; nothing half done stays.

    Raises:
        RelumeError: no mirror could be reached or had the right content, or the disk takes no more.
    """
    folder, highest = folder_of(record), 0

    def tell(done: int) -> None:
        nonlocal highest
        highest = max(highest, done)  # another mirror begins a file anew
        report(highest, record.packed)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        weight, done = record.packed / sum(file.size for file in record.files), 0  # of the unpacked bytes
        for file in record.files:
            share = round(weight * file.size)
            if not (folder / file.name).is_file() or _damage(folder / file.name, file):
                _bring(record, file, folder, functools.partial(_within, tell, done, share))
            done += share
            tell(done)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RelumeError(
            f"The files cannot be kept: {reason}.", str(folder), "Check the rights and the disk."
        ) from None
    return folder


def _within(tell: Callable[[int], None], before: int, share: int, came: int) -> None:
    """Bytes of one file as a part of all: packed in another way it may have more or fewer than its share."""
    tell(before + min(came, share))


def _sweep(folder: Path) -> None:
    """What a process left that was killed more than a day ago."""
    for part in folder.glob(f"{PART}*"):
        if time.time() - part.stat().st_mtime > 86_400:
            shutil.rmtree(part, ignore_errors=True)


def _bring(record: RemoteSet, file: RemoteFile, folder: Path, came: Callable[[int], None]) -> None:
    """One file from the first mirror that has it."""
    troubles: list[str] = []
    for mirror in record.mirrors:
        with tempfile.TemporaryDirectory(dir=folder, prefix=PART, ignore_cleanup_errors=True) as room:
            part = Path(room) / file.name
            trouble = _download(f"{mirror}{file.name}", part, file.size + 2 * CHUNK, came) or _damage(part, file)
            if not trouble:
                with part.open("rb+") as whole:
                    os.fsync(whole.fileno())
                os.replace(part, folder / file.name)
                return
            troubles.append(f"{mirror.split('/')[2]}: {trouble}")
    raise RelumeError(
        f"{record.title} could not be fetched ({'; '.join(troubles)}).",
        file.name,
        "Check the connection and try again; nothing was changed.",
    )


class _TooMuch(Exception):  # noqa: N818 - a signal, not an error
    """The server sends more than the file can be."""


class _Meter:
    """What pooch takes for a progress bar: counts the bytes, and ends what brings more than `most`."""

    total = 0

    def __init__(self, most: int) -> None:
        self.most, self.bytes, self._full = most, 0, False

    def update(self, count: int) -> None:
        if self._full:
            return
        self.bytes += count
        if self.bytes > self.most:
            raise _TooMuch

    def reset(self) -> None:
        """pooch fills the bar at the end by starting again."""
        self._full = True

    def close(self) -> None:
        """Nothing is open."""


def _download(address: str, target: Path, most: int, came: Callable[[int], None]) -> str:
    """Fetches one address; returns what went wrong, "" for nothing.

    `came` hears of the bytes all the time. What it raises goes through at once, however silent the server is: the
    thread that waits for it holds nothing up and ends by itself.
    """
    import pooch

    meter, faults = _Meter(most), []
    bring = pooch.HTTPDownloader(progressbar=meter, chunk_size=CHUNK, timeout=TIMEOUT)

    def work() -> None:
        try:
            bring(address, str(target), None)
        except (_TooMuch, OSError, ValueError) as fault:  # a fault of the connection is an OSError
            faults.append(fault)

    thread = threading.Thread(target=work, name="fetch", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(POLL)
            came(min(meter.bytes, meter.most))
    except BaseException:
        meter.most = 0
        raise
    return _trouble(faults[0]) if faults else ""


def _trouble(fault: Exception) -> str:
    """What went wrong, in a few words."""
    import requests

    try:
        raise fault
    except _TooMuch:
        return "sent another file"
    except requests.HTTPError as error:
        return f"answered {getattr(error.response, 'status_code', 'no')}"
    except requests.Timeout:
        return "did not answer in time"
    except (requests.RequestException, ValueError):
        return "could not be reached"


def _damage(path: Path, file: RemoteFile) -> str:
    """What is wrong with a file that came, "" for nothing. Some servers unpack on the way: that is as good."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(path) if packed else path.open("rb") as content:
            for piece in _pieces(cast(BinaryIO, content), file.size + 1):
                digest.update(piece)
                size += len(piece)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return "sent a damaged file"
    return "" if (size, digest.hexdigest()) == (file.size, file.sha256) else "sent another file"


def _pieces(stream: BinaryIO, most: int) -> Iterator[bytes]:
    """The bytes of a stream, `most` of them at most: a small file may unpack to very many."""
    while most > 0 and (piece := stream.read(min(1 << 20, most))):
        most -= len(piece)
        yield piece
