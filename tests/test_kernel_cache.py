"""The disk cache of compiled kernels, each case in a fresh process."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = """
from engine.kernels import blocks, jit
block = blocks.find("activation relu")
for kernel in block.kernels():
    kernel.compile()
print(len(jit.misses))
"""


def _misses(folder: Path) -> int:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_second_process_compiles_nothing_and_damage_starts_fresh(tmp_path: Path) -> None:
    assert _misses(tmp_path) == 2
    assert _misses(tmp_path) == 0
    for path in [*tmp_path.rglob("*.nbc"), *tmp_path.rglob("*.nbi")]:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    assert _misses(tmp_path) == 2
    assert _misses(tmp_path) == 0
    for path in tmp_path.rglob("*.nbc"):
        path.write_bytes(path.read_bytes()[:100])
    assert _misses(tmp_path) == 2
    for path in tmp_path.rglob("manifest.json"):
        path.write_text("{")
    assert _misses(tmp_path) == 2
    assert _misses(tmp_path) == 0


def test_a_folder_that_cannot_be_used_means_no_cache(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    assert _misses(blocked / "inside") == 2
