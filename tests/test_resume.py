"""A run that was saved, closed and opened goes on to the same bits as one that never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import engine
from engine.data.spec import DataSpec
from engine.datasets import load_spec
from engine.files.project import Project, load_project, save_project
from engine.optimizers import OPTIMIZERS
from engine.schedules import SCHEDULES
from engine.trainer import Trainer

DATA = DataSpec(name="xor", seed=1, samples=90, noise=0.3)
SPEC = engine.NetworkSpec(
    (2,),
    (
        engine.Dense(8, "prelu"),
        engine.Dropout(0.3),
        engine.Dense(6, "= abs(x) + a*sin(x)"),
        engine.BatchNorm(),
        engine.Dense(1),
    ),
    "binary_cross_entropy",
)
EPOCHS, STEPS = 8, 13
CASES: list[tuple[str, dict[str, Any]]] = [
    *((record.name, {"optimizer": record.cls(), "schedule": engine.CosineDecay()}) for record in OPTIMIZERS),
    *((record.name, {"schedule": record.cls(), "warmup": 1.5}) for record in SCHEDULES),
    ("plateaus", {"schedule": engine.ReduceLROnPlateau(0.5, patience=1, min_delta=0.2)}),
    ("clipped", {"clip_value": 0.01, "clip_norm": 0.02}),
    ("early stopping", {"patience": 2, "optimizer": engine.Adam(0.3), "epochs": 60}),
    ("best weights at the last epoch", {"patience": 50, "optimizer": engine.Adam(0.3)}),
]


def _told(trainer: Trainer) -> tuple:
    parameters, snapshot = trainer.network.parameters(), trainer.snapshot()
    history = [trainer.history.column(name).tobytes() for name in ("epoch", "step", "train_loss", "test_loss")]
    bits = [parameters[key].tobytes() for key in sorted(parameters)]
    return trainer.state, snapshot.epoch, snapshot.ended, snapshot.learning_rate, snapshot.test_loss, history, bits


@pytest.mark.parametrize(("name", "changes"), CASES, ids=[name for name, _ in CASES])
def test_a_saved_project_goes_on_to_the_same_bits(name: str, changes: dict[str, Any], tmp_path: Path) -> None:
    training = engine.TrainingSpec(**{"batch_size": 16, "epochs": EPOCHS, "seed": 4, **changes})
    whole = Trainer(SPEC, training, load_spec(DATA))
    whole.run()
    cut = Trainer(SPEC, training, load_spec(DATA))
    for _ in range(2):
        cut.step(STEPS)
        save_project(tmp_path / "cut.relume", Project(SPEC, training, DATA, cut.checkpoint()))
        cut.close()
        kept = load_project(tmp_path / "cut.relume")
        assert kept.checkpoint is not None and kept.training == training
        cut = Trainer.from_checkpoint(kept.spec, kept.training, load_spec(kept.data), kept.checkpoint)
    cut.run()
    assert _told(cut) == _told(whole)
    save_project(tmp_path / "end.relume", Project(SPEC, training, DATA, cut.checkpoint()))
    kept = load_project(tmp_path / "end.relume")
    assert kept.checkpoint is not None
    again = Trainer.from_checkpoint(SPEC, training, load_spec(DATA), kept.checkpoint)
    assert _told(again) == _told(whole)
    for trainer in (cut, whole, again):
        trainer.close()


def test_early_stopping_ends_at_its_best() -> None:
    data = load_spec(DATA)
    training = engine.TrainingSpec(engine.Adam(0.3), batch_size=16, epochs=200, seed=4, patience=3)
    trainer = Trainer(SPEC, training, data)
    trainer.run()
    losses = trainer.history.column("test_loss")
    best = int(losses[1:].argmin()) + 1
    snapshot = trainer.snapshot()
    assert trainer.state == "finished" and snapshot.epoch == len(losses) - 1 == best + 3 < 200
    assert snapshot.ended == f"early stopping, weights of epoch {best}"
    assert snapshot.test_loss == losses[best] < losses[-1]
    assert trainer._run.stepper.evaluate(data.x_test, trainer._run._test_targets)[0] == losses[best], "they are back"
    trainer.run()
    assert trainer.snapshot().epoch > best + 3, "Run again: as much patience again"
    kept = Trainer(SPEC, engine.TrainingSpec.from_dict({**training.to_dict(), "restore_best": False}), data)
    kept.run()
    assert kept.snapshot().ended == "early stopping" and kept.snapshot().test_loss == losses[-1]
    for each in (trainer, kept):
        each.close()
