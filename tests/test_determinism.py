"""The same bits in every fresh process, watched or not, paused or not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.counts import count
from tests.same_bits import WAYS

ROOT = Path(__file__).parent.parent
RUN = """
import hashlib, sys
import engine
from engine.telemetry import WATCHABLE

data = engine.datasets.load("digits", seed=7)
hidden = (engine.Dense(24, "relu"), engine.Dropout(0.2), engine.Dense(16, "tanh"))
spec = engine.NetworkSpec((64,), (*hidden, engine.Dense(10)), "softmax_cross_entropy")
training = engine.TrainingSpec(optimizer=engine.Adam(learning_rate=0.003), batch_size=32, epochs=4, seed=5)
trainer = engine.Trainer(spec, training, data)
if "watched" in sys.argv:
    trainer.watch(WATCHABLE, sample=("train", 3))
if "paused" in sys.argv:
    trainer.start()
    for batches in (1, 5, 2):
        trainer.pause()
        trainer.step(batches)
    trainer.start()
    assert trainer.wait(60)
elif "watched" in sys.argv:
    trainer.start()
    while not trainer.wait(0.005):
        trainer.mailbox.take()
else:
    trainer.run()
assert trainer.state == "finished", (trainer.state, trainer.error)
parameters = trainer.network.parameters()
trainer.close()
told = b"".join(parameters[key].tobytes() for key in sorted(parameters))
told += trainer.history.column("train_loss").tobytes()
sys.stdout.write(hashlib.sha256(told).hexdigest())
"""


def test_fresh_processes_train_the_same_bits() -> None:
    ways = ((), ("watched",), ("watched", "paused"))
    started = [
        subprocess.Popen([sys.executable, "-c", RUN, *way], cwd=ROOT, stdout=subprocess.PIPE, text=True) for way in ways
    ]
    told = {process.communicate(timeout=120)[0] for process in started}
    assert all(process.returncode == 0 for process in started)
    assert len(told) == 1 and len(told.pop()) == 64


@pytest.mark.timeout(3600)
def test_random_configurations_train_the_same_bits_in_every_way(tmp_path: Path) -> None:
    """With one thread and two, watched, paused at random, resumed from checkpoints and project files, in the window."""
    number = count(4, 20)
    started = {}
    for way in WAYS:
        (tmp_path / way).mkdir()
        command = [sys.executable, "-m", "tests.same_bits", way, str(number), str(tmp_path / way)]
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "XDG_CONFIG_HOME": str(tmp_path / way)}
        started[way] = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60 * number
        )
    told = {}
    for way, done in started.items():
        assert done.returncode == 0, (way, done.stderr)
        told[way] = done.stdout.split()
        assert len(told[way]) == number
    wrong = [(way, i) for way in WAYS for i in range(number) if told[way][i] != told["plain"][i]]
    assert not wrong, wrong
    assert len(set(told["plain"])) == number
