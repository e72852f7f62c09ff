"""Compiled kernels on the disk, each case in a fresh process: they come back or are compiled anew, and are right."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.kernels.head_start import OBJECTS
from engine.warm_up import all_kernels

ROOT = Path(__file__).resolve().parents[1]
KERNELS = 3
#: What relu and tanh give for -2 and 2, by their compiled code.
PROGRAM = """
import sys
import numpy as np
import engine
from engine.kernels import blocks, jit
for kernel in [*blocks.find("activation relu").kernels(), blocks.find("activation tanh").forward]:
    kernel.compile()
missed = len(jit.misses)
from engine.kernels.buffers import address
from engine.kernels import layout as at
from engine.kernels.block import SIGNATURE
import ctypes
given = []
for name in ("relu", "tanh"):
    x, y, o = np.full(128, -2.0, np.float32), np.zeros(128, np.float32), np.zeros(at.WORDS, np.int64)
    x[1] = 2.0
    o[at.X], o[at.Y], o[at.OUTPUTS] = address(x), address(y), 2
    call = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)(blocks.find(f"activation {name}").forward.address)
    call(address(o), 1, 0)
    given += [f"{value:.4f}" for value in y[:2]]
print(missed, "numba" in sys.modules, *given)
"""
RIGHT = ["0.0000", "2.0000", "-0.9640", "0.9640"]


def _command(folder: Path) -> tuple[list[str], dict[str, str]]:
    return [sys.executable, "-c", PROGRAM], {**os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}


def _started(folder: Path) -> tuple[int, bool]:
    """(kernels that were compiled, whether numba was loaded) of a process with this folder."""
    command, environment = _command(folder)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    missed, loaded, *given = done.stdout.split()
    assert given == RIGHT
    return int(missed), loaded == "True"


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob(f"*{OBJECTS}"))


def _changed(at: Callable[[int], int]) -> Callable[[bytes], bytes]:
    def damage(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[at(len(data))] ^= 0x10
        return bytes(changed)

    return damage


DAMAGES = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "one byte short": lambda data: data[:-1],
    "longer": lambda data: data + b"\0",
    "a bit at the start": _changed(lambda size: 0),
    "a bit of the symbol": _changed(lambda size: 40),
    "a bit of the code": _changed(lambda size: size // 2),
    "a bit at the end": _changed(lambda size: size - 1),
    "text": lambda data: b"not a kernel",
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """A folder that one process has filled: path in it -> content."""
    folder = tmp_path_factory.mktemp("filled")
    assert _started(folder) == (KERNELS, True)
    assert len(_files(folder)) == KERNELS
    assert _started(folder) == (0, False), "what is on the disk needs no compiler"
    return {str(path.relative_to(folder)): path.read_bytes() for path in _files(folder)}


def _copied(filled: dict[str, bytes], folder: Path) -> None:
    for name, data in filled.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_compiled_anew(filled: dict[str, bytes], tmp_path: Path, damage: str) -> None:
    _copied(filled, tmp_path)
    assert _started(tmp_path) == (0, False)
    for path in _files(tmp_path):
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert _started(tmp_path)[0] == KERNELS
    assert _started(tmp_path)[0] == 0, "and is whole again"


def test_a_file_under_the_name_of_another_is_not_taken_for_it(filled: dict[str, bytes], tmp_path: Path) -> None:
    _copied(filled, tmp_path)
    files = _files(tmp_path)
    contents = [path.read_bytes() for path in files]
    for path, content in zip(files, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)
    assert _started(tmp_path)[0] == KERNELS


def test_kernels_of_another_version_are_left_alone(filled: dict[str, bytes], tmp_path: Path) -> None:
    _copied(filled, tmp_path)
    for place in tmp_path.glob("kernels-*"):
        place.rename(tmp_path / "kernels-0123456789abcdef")
    assert _started(tmp_path)[0] == KERNELS
    assert len(_files(tmp_path)) == 2 * KERNELS


def test_a_folder_that_cannot_be_used_means_no_cache(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert _started(blocked / "inside")[0] == KERNELS


def test_two_processes_at_once(tmp_path: Path) -> None:
    command, environment = _command(tmp_path)
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        assert process.communicate(timeout=170)[0].split()[2:] == RIGHT
    assert _started(tmp_path) == (0, False)
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == KERNELS, "nothing unfinished is left"


def test_every_kernel_has_a_file_of_its_own_the_same_in_every_process() -> None:
    names = [kernel.name for kernel in all_kernels()]
    assert len(set(names)) == len(names)
    code = "from engine.warm_up import all_kernels; print(*(kernel.name for kernel in all_kernels()))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for _ in range(2):
        told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        assert told.stdout.split() == names
