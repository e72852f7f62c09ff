"""The same bits in every fresh process, watched or not, paused or not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
