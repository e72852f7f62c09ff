"""The end of a process whose threads work or sleep: clean, and at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

ENDING = """
import os, random, sys, time
import numpy as np
import engine
from engine.kernels.threads import set_threads

x = np.random.default_rng(0).normal(size=(2000, 400)).astype(np.float32)
y = np.arange(2000) % 10
data = engine.Dataset(x, y, x[:0], y[:0], task="multiclass", class_names=tuple("abcdefghij"))
spec = engine.NetworkSpec((400,), (engine.Dense(300, "relu"), engine.Dense(300, "relu"), engine.Dense(10)),
                          "softmax_cross_entropy")
training = engine.TrainingSpec(engine.Adam(learning_rate=1e-4), batch_size=500, epochs=10**6)
warm = engine.Trainer(spec, training, data)
warm.step(1)
for number in range(int(sys.argv[1])):
    child = os.fork() if int(sys.argv[1]) > 1 else 0
    if not child:
        random.seed(number)
        set_threads(random.choice((2, 3, 4)))
        trainer = engine.Trainer(spec, training, data)
        trainer.start()
        time.sleep(random.uniform(0.0, 0.15))
        if number % 3 == 0:
            trainer.pause()  # helpers sleep
        elif number % 3 == 1:
            trainer.close()
        sys.exit(0)
    deadline = time.monotonic() + 20
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        assert time.monotonic() < deadline, f"process {number} hangs"
        time.sleep(0.002)
    assert ended[1] == 0, f"process {number} ended with {ended[1]}"
"""


FORKED = pytest.mark.skipif(sys.platform != "linux", reason="forks")


@pytest.mark.parametrize("processes", [pytest.param(20, marks=FORKED), 1])
def test_a_process_ends_while_helpers_work_or_sleep(processes: int):
    command = [sys.executable, "-c", ENDING, str(processes)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150)
    assert ran.returncode == 0 and not ran.stderr, ran.stderr
