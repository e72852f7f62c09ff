"""How long a start takes: window visible, first training step; with a warm and with an empty kernel cache.

Each start is a fresh process without a screen (QT_QPA_PLATFORM=offscreen). Run: python benchmarks/start_up.py
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHILD = """
import json, sys, time
began = float(sys.argv[1])
from engine.kernels import head_start
head_start.begin()  # as main.py does
from gui.app import build
app, window = build(["relume"])
window.show_workspace()
window.show()
app.processEvents()
visible = time.time() - began
window.session.run()
lateness, step, told = 0.0, 0, set()
while step == 0:
    before = time.monotonic()
    app.processEvents()
    lateness = max(lateness, time.monotonic() - before)
    time.sleep(0.002)
    window.session.take_snapshot()
    snapshot = window.session.snapshot
    if snapshot is not None:
        step = snapshot.step
        if snapshot.preparing:
            told.add(snapshot.preparing)
print(json.dumps({"visible": visible, "first step": time.time() - began, "longest stall": lateness, "told": len(told)}))
window.session.close()
"""


def start(cache: str) -> dict[str, float]:
    """One start in a fresh process; seconds from the process's start."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, str(time.time())]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    with tempfile.TemporaryDirectory() as cache:
        rows = [("empty cache", start(cache)), *((f"warm cache {i + 1}", start(cache)) for i in range(3))]
    for name, row in rows:
        sys.stdout.write(
            f"{name:14} window visible {row['visible']:.2f} s, first step {row['first step']:.2f} s, "
            f"longest stall of the event loop {1000 * row['longest stall']:.0f} ms, {row['told']:.0f} progress words\n"
        )


if __name__ == "__main__":
    main()
