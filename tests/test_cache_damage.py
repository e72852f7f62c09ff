"""A folder of compiled kernels that was damaged in every way: the program starts, and trains the same bits.

What the files are called and what stands in them is the cache's own business: every file of it is damaged. Each case
runs in a fresh process. `make proof` trains a network in each of 30 cases and more; otherwise some of them call three
kernels, for those are soon compiled.
"""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.counts import FULL

ROOT = Path(__file__).resolve().parents[1]
TRAINS = """
import hashlib, sys
import engine
data = engine.datasets.load("moons", seed=3, samples=80)
spec = engine.NetworkSpec((2,), (engine.Dense(5, "tanh"), engine.Dense(1)), "binary_cross_entropy")
trainer = engine.Trainer(spec, engine.TrainingSpec(epochs=3, seed=2), data)
trainer.run()
assert trainer.error is None, trainer.error
told = b"".join(value.tobytes() for value in trainer.network.parameters().values())
trainer.close()
sys.stdout.write(hashlib.sha256(told).hexdigest())
"""
CALLS = """
import ctypes, hashlib, sys
import numpy as np
import engine
from engine.kernels import blocks, layout as at
digest = hashlib.sha256()
for name, backward in (("relu", True), ("tanh", False)):
    block = blocks.find(f"activation {name}")
    x, y, g = (np.linspace(-3.0, 3.0, 128).astype(np.float32) for _ in range(3))
    o = np.zeros(at.WORDS, np.int64)
    o[at.X], o[at.Y], o[at.GY], o[at.OUTPUTS] = x.ctypes.data, y.ctypes.data, g.ctypes.data, 128
    for kernel in (block.forward, block.backward)[: 1 + backward]:
        ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)(kernel.address)(o.ctypes.data, 1, 0)
    digest.update(y.tobytes() + g.tobytes())
sys.stdout.write(digest.hexdigest())
"""
PROGRAM = TRAINS if FULL else CALLS
Damage = Callable[[bytes, random.Random], bytes]


def bound_by_permissions() -> None:
    """As Linux's root, this process and its children may write only what the permissions say, as every other user."""
    drop_from_bounding_set, overriding_permissions = 24, 1
    if sys.platform == "linux" and os.geteuid() == 0:
        assert ctypes.CDLL(None).prctl(drop_from_bounding_set, overriding_permissions, 0, 0, 0) == 0


def started(
    folder: Path, program: str = PROGRAM, before: Callable[[], None] | None = None, **environment: str | None
) -> subprocess.Popen[str]:
    names: dict[str, str | None] = {
        **os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT), **environment
    }  # fmt: skip
    given = {name: value for name, value in names.items() if value is not None}
    return subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, env=given, preexec_fn=before, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def bits(process: subprocess.Popen[str]) -> str:
    told, complaints = process.communicate(timeout=170)
    assert process.returncode == 0, complaints
    assert len(told) == 64
    return told


def one_bit(data: bytes, rng: random.Random) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def zeros_within(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(max(1, len(data)))
    return data[:at] + bytes(min(64, len(data) - at)) + data[at + 64 :]


FILES: dict[str, Damage] = {
    "empty": lambda data, rng: b"",
    "cut": lambda data, rng: data[: rng.randrange(len(data) or 1)],
    "one bit": one_bit,
    "one byte less": lambda data, rng: data[:-1],
    "one byte more": lambda data, rng: data + b"\0",
    "doubled": lambda data, rng: data + data,
    "noise": lambda data, rng: rng.randbytes(len(data)),
    "zeros within": zeros_within,
    "text": lambda data, rng: b"kernels",
}
TIMES = {"one bit": 8, "cut": 4, "zeros within": 4} if FULL else {}
CASES = [(name, number) for name in FILES for number in range(TIMES.get(name, 1))]
if not FULL:
    CASES = [case for case in CASES if case[0] in ("one bit", "cut")]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder that a process has filled, and the bits that the network ends in."""
    folder = tmp_path_factory.mktemp("kernels")
    expected = bits(started(folder))
    assert files(folder), "nothing was kept"
    return folder, expected


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def copied(filled: tuple[Path, str], place: Path) -> Path:
    return Path(shutil.copytree(filled[0], place / "copy"))


@pytest.mark.parametrize(("name", "number"), CASES)
def test_damaged_files(filled: tuple[Path, str], tmp_path: Path, name: str, number: int) -> None:
    """All files at first, then one after the other of them."""
    folder, rng = copied(filled, tmp_path), random.Random(number)
    hurt = files(folder) if number == 0 else [rng.choice(files(folder))]
    for path in hurt:
        path.write_bytes(FILES[name](path.read_bytes(), rng))
    assert bits(started(folder)) == filled[1]


def swapped(folder: Path) -> None:
    """Files under each other's names."""
    found = [path for path in files(folder) if path.suffix != ".json"]
    contents = [path.read_bytes() for path in found]
    for path, content in zip(found, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)


def of_another_version(folder: Path) -> None:
    """All of it in a folder of another version, and of this one a few bytes."""
    for path in list(folder.iterdir()):
        path.rename(folder / "kernels-0123456789abcdef")


def without_half(folder: Path) -> None:
    for path in files(folder)[::2]:
        path.unlink()


def folders_for_files(folder: Path) -> None:
    for path in files(folder)[::3]:
        path.unlink()
        path.mkdir()


CHANGES = [swapped, of_another_version, without_half, folders_for_files]


@pytest.mark.parametrize("change", CHANGES if FULL else CHANGES[-1:])
def test_a_folder_that_is_not_as_it_was(
    filled: tuple[Path, str], tmp_path: Path, change: Callable[[Path], None]
) -> None:
    folder = copied(filled, tmp_path)
    change(folder)
    assert bits(started(folder)) == filled[1]


def test_two_processes_at_once_in_a_damaged_folder(filled: tuple[Path, str], tmp_path: Path) -> None:
    folder, rng = copied(filled, tmp_path), random.Random(1)
    for path in files(folder):
        path.write_bytes(one_bit(path.read_bytes(), rng))
    both = [started(folder), started(folder)]
    assert [bits(process) for process in both] == [filled[1]] * 2
    assert bits(started(folder)) == filled[1]


@pytest.mark.skipif(sys.platform == "win32", reason="Permissions of folders are another matter there.")
def test_a_folder_that_nobody_may_write(filled: tuple[Path, str], tmp_path: Path) -> None:
    """One that lacks half of its kernels, so that there is something to write."""
    folder = copied(filled, tmp_path)
    without_half(folder)
    left = files(folder)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    closed = f"import os\nassert not os.access({str(folder)!r}, os.W_OK)\n"
    try:
        assert bits(started(folder, closed + PROGRAM, bound_by_permissions)) == filled[1]
    finally:
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert files(folder) == left


@pytest.mark.parametrize("home", [None, "/dev/null/nobody", ""] if FULL else ["/dev/null/nobody"])
def test_without_a_home(filled: tuple[Path, str], tmp_path: Path, home: str | None) -> None:
    process = started(tmp_path, HOME=home, NUMBA_CACHE_DIR=None, XDG_CACHE_HOME=str(tmp_path) if home is None else None)
    assert bits(process) == filled[1]
