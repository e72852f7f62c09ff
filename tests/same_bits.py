"""Trains random configurations in one way and tells the digest of each: `python -m tests.same_bits WAY COUNT FOLDER`.

A configuration is a data set, a random network for it, one of the optimizers, and a batch size, all from the tables.
"""

from __future__ import annotations

import hashlib
import math
import random
import sys
from pathlib import Path

import numpy as np

from engine import losses, optimizers
from engine.data.dataset import Dataset
from engine.data.spec import DataSpec
from engine.datasets import DATASETS, load_spec, switch
from engine.files import load_project, save_project
from engine.files.project import Project
from engine.kernels.threads import set_threads
from engine.layers import LAYERS, Dense, Flatten, Layer
from engine.spec import NetworkSpec, TrainingSpec
from engine.telemetry import WATCHABLE
from engine.trainer import Trainer
from tests import random_networks

WAYS = ("plain", "two threads", "watched", "paused", "checkpoint", "project", "window")
EPOCHS = 4


def configuration(seed: int) -> tuple[DataSpec, NetworkSpec, TrainingSpec, Dataset]:
    rng = np.random.default_rng([9, seed])
    names = DATASETS.names()
    wanted = switch(DataSpec(seed=seed), names[seed % len(names)])
    data = load_spec(wanted)
    at: tuple[int, ...] = data.x_train.shape[1:]
    layers: list[Layer] = []
    for _ in range(int(rng.integers(1, 5))):
        kind = str(rng.choice(LAYERS.names()))
        made = random_networks.layer(rng, kind, at)
        if made is not None and math.prod(made.output_shape(at)) < 300:
            layers.append(made)
            at = made.output_shape(at)
    if len(at) > 1:
        layers.append(Flatten())
    width = 48 if seed % 3 == 0 else 12  # some are large enough for several lanes
    layers += [Dense(width, "tanh"), Dense(*outputs(data))]
    fitting = [loss for loss in losses.LOSSES if data.task in loss.tasks and loss.outputs in (None, layers[-1].units)]  # type: ignore[attr-defined]
    fitting = [loss for loss in fitting if not loss.coupled or layers[-1].units > 1]  # type: ignore[attr-defined]
    fitting = [loss for loss in fitting if loss.least_target <= data.y_train.min()]
    loss = fitting[int(rng.integers(len(fitting)))]
    kind = optimizers.names()[seed % len(optimizers.names())]
    optimizer = optimizers.OPTIMIZERS.get(kind).cls(learning_rate=1e-3)
    training = TrainingSpec(optimizer, batch_size=int(rng.choice([8, 16, 64])), epochs=EPOCHS, seed=seed)
    return wanted, NetworkSpec(data.x_train.shape[1:], tuple(layers), loss.name), training, data


def outputs(data: Dataset) -> tuple[int]:
    if data.task == "multiclass":
        return (len(data.class_names),)
    return (1,)


def digest(trainer: Trainer) -> str:
    assert trainer.error is None, trainer.error
    parameters = trainer.network.parameters()
    told = b"".join(parameters[key].tobytes() for key in sorted(parameters))
    return hashlib.sha256(told + trainer.history.column("train_loss").tobytes()).hexdigest()


def trained(way: str, seed: int, folder: Path) -> str:
    wanted, spec, training, data = configuration(seed)
    chance = random.Random()  # pauses come when they come
    safe = (EPOCHS - 1) * (len(data.x_train) // training.batch_size) // 2  # two such walks do not pass the end
    if way == "window":
        return in_window(wanted, spec, training)
    trainer = Trainer(spec, training, data)
    if way in ("plain", "two threads"):
        trainer.run()
    elif way == "watched":
        trainer.watch(WATCHABLE, sample=("train", 3))
        trainer.start()
        while not trainer.wait(0.005):
            trainer.mailbox.take()
    elif way == "paused":
        trainer.open()
        trainer.step(chance.randrange(safe + 1))
        while trainer.state != "finished":
            trainer.start()
            trainer.wait(chance.uniform(0.0, 0.01))
            trainer.pause()
    else:
        trainer.open()
        for _ in range(2):
            trainer.step(1 + chance.randrange(safe))
            taken = trainer.checkpoint()
            trainer.close()
            if way == "project":
                path = save_project(folder / "p.relume", Project(spec, training, wanted, taken))
                opened = load_project(path)
                assert opened.checkpoint is not None
                spec, training, taken = opened.spec, opened.training, opened.checkpoint
                data = load_spec(opened.data)
            trainer = Trainer.from_checkpoint(spec, training, data, taken)
        trainer.run()
    found = digest(trainer)
    trainer.close()
    return found


def in_window(wanted: DataSpec, spec: NetworkSpec, training: TrainingSpec) -> str:
    """The whole program, with every view of the workspace shown by turns."""
    from PySide6.QtTest import QTest
    from PySide6.QtWidgets import QTabWidget

    from gui import app
    from gui.document import Document

    application, window = app.build(["relume"])
    window.resize(1280, 720)
    window.show_workspace()
    window.show()
    session, opened = window.session, []
    session.open_document(Document(spec, training, wanted, None), "proof", lambda: opened.append(True))
    while not opened:
        QTest.qWait(5)
    session.watch(WATCHABLE)
    session.run()
    turns = 0
    while session.trainer.state not in ("finished", "error", "diverged"):
        QTest.qWait(10)
        turns += 1
        for tabs in window.findChildren(QTabWidget):
            tabs.setCurrentIndex(turns // 3 % max(1, tabs.count()))
    found = digest(session.trainer)
    window._asked_to_close = True
    window.close()
    window.deleteLater()
    QTest.qWait(10)
    assert application is not None
    return found


def main(way: str, count: str, folder: str) -> None:
    set_threads(2 if way in ("two threads", "paused") else 1)
    for seed in range(int(count)):
        sys.stdout.write(trained(way, seed, Path(folder)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
