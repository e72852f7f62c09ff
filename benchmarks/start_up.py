"""How long a start takes: window visible, first training step; with an empty kernel cache and with a filled one.

Each start is a fresh process without a screen (QT_QPA_PLATFORM=offscreen). Then what an activation costs that is not
in the cache, in a network that is. Run: python benchmarks/start_up.py; it writes its section of docs/performance.md.
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
sys.path.insert(0, str(ROOT))

from benchmarks import page  # noqa: E402

WORDS = (
    "Fresh processes without a screen: seconds until the window is visible, and from there to the first training step; "
    "the longest time in which the window did not answer on the way, and how many different words of progress it told."
)
CHANGES = "Another activation, which no cache has, in a network whose other kernels are ready:"
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
if sys.argv[2] == "first":
    window.session.run()
else:
    window.session.load_example(sys.argv[2], window.session.run)
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


def start(cache: str, network: str) -> dict[str, float]:
    """One start in a fresh process; seconds from the process's start. `network`: "first", or an example's name."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "NUMBA_CACHE_DIR": cache, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", CHILD, str(time.time()), network]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout.splitlines()[-1])


#: Another activation in a network whose kernels are at hand, and one step with it.
ANOTHER = """
import sys, time
import engine
from engine.kernels import compiler
data = engine.datasets.load("spiral")
def spec(name):
    return engine.NetworkSpec((2,), (engine.Dense(8, name), engine.Dense(1)), "binary_cross_entropy")
trainer = engine.Trainer(spec("relu"), engine.TrainingSpec(), data)
trainer.step(1)
compiler.load()  # as the window does two seconds after it stands
for name in sys.argv[1:]:
    began = time.monotonic()
    trainer.change(spec(name))
    trainer.step(1)
    print(time.monotonic() - began)
"""
ACTIVATIONS = ("leaky_relu", "silu", "gelu", "mish")


def another_activation(cache: str) -> list[float]:
    """Seconds from choosing each of ACTIVATIONS, which no cache has, to the first step with it."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-c", ANOTHER, *ACTIVATIONS]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    return [float(line) for line in done.stdout.split()]


def main() -> None:
    rows, costs = [], []
    for network, words in (("first", "two dense layers"), ("feature-maps", "convolutions (an example)")):
        with tempfile.TemporaryDirectory() as cache:
            for kernels in ("compiled", *["from the cache"] * 3):
                if kernels != "compiled" and network != "first":
                    start(cache, "first")  # what the new window prepares before the example comes
                row = start(cache, network)
                seconds = [f"{value:.2f}" for value in (row["visible"], row["first step"] - row["visible"])]
                rows.append([words, kernels, *seconds, f"{1000 * row['longest stall']:.0f}", f"{row['told']:.0f}"])
            if network == "first":
                costs = [f"{cost:.2f}" for cost in another_activation(cache)]
    starts = page.table(["", "kernels", "window, s", "step after it, s", "longest stall, ms", "words"], rows)
    changes = page.table(["activation", *ACTIVATIONS], [["to its first step, s", *costs]])
    machine = page.machine("python benchmarks/start_up.py")
    text = "\n\n".join(["## Starting", f"{WORDS} {machine}", starts, f"{CHANGES}", changes])
    sys.stdout.write(text + "\n")
    page.write("starting", text)


if __name__ == "__main__":
    main()
