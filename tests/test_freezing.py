"""Frozen layers, neurons and weights take no step; everything else trains as if it were alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import engine
from engine import RelumeError
from engine.data.spec import DataSpec
from engine.datasets import load_spec
from engine.files.project import Project, load_project, save_project
from engine.kernels.stepper import Stepper
from engine.network import Network
from engine.optimizers import OPTIMIZERS, Optimizer
from engine.trainer import Trainer

MANY = 10**9
DATA = DataSpec(name="xor", seed=1, samples=90, noise=0.3)
SPEC = engine.NetworkSpec(
    (2,), (engine.Dense(8, "prelu", l2=0.01), engine.BatchNorm(), engine.Dense(6, "relu"), engine.Dense(1)),
    "binary_cross_entropy",
)  # fmt: skip


def _trainer(spec: engine.NetworkSpec = SPEC, **training: object) -> Trainer:
    options = {"batch_size": 16, "epochs": 6, "seed": 4, **training}
    return Trainer(spec, engine.TrainingSpec(**options), load_spec(DATA))  # type: ignore[arg-type]


@pytest.mark.parametrize("optimizer", [record.cls() for record in OPTIMIZERS], ids=lambda each: each.kind)
def test_a_frozen_layer_stays_and_the_others_train(optimizer: Optimizer) -> None:
    if hasattr(optimizer, "weight_decay"):
        optimizer = dataclasses.replace(optimizer, weight_decay=0.1)  # type: ignore[call-arg]
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(40, 3)).astype(np.float32), rng.normal(size=(40, 2)).astype(np.float32)
    layers = (engine.Dense(5, "tanh", l2=0.01, trainable=False), engine.Dense(4, "prelu"), engine.Dense(2))
    spec = engine.NetworkSpec((3,), layers)
    assert engine.NetworkSpec.from_dict(spec.to_dict()) == spec
    network, twin = Network(spec, 3), Network(spec, 3, "float64")
    twin.set_parameters(network.parameters())
    start, frozen = network.parameters(), network.frozen()
    stepper = Stepper(network, engine.TrainingSpec(optimizer, batch_size=40), x, y)
    slots = {name: np.full(len(twin.vector), optimizer.initial(name)) for name in optimizer.slots}
    for step in range(1, 21):
        stepper.advance(MANY, 1, MANY)
        gradients = twin.gradients(x, y)[1]
        flat, kept = np.concatenate([gradients[key].ravel() for key in twin.slices]), twin.vector[frozen].copy()
        twin.vector[:], slots = optimizer.update(twin.vector, flat, slots, step)
        twin.vector[frozen] = kept
        assert np.allclose(network.vector, twin.vector, atol=2e-5), step
    for key, value in network.parameters().items():
        assert np.array_equal(value, start[key]) == key.startswith("0."), key
    assert stepper.gradient_norms()[0] > 0, "what it would learn is still told"


def test_neurons_and_weights_are_frozen_and_let_go() -> None:
    trainer = _trainer()
    start = trainer.network.parameters()
    trainer.freeze(0, (1, 5))
    trainer.freeze("2.kernel", (3, 4))
    trainer.run()
    end = trainer.network.parameters()
    same = {key: value == start[key] for key, value in end.items()}
    assert same["0.kernel"][:, [1, 5]].all() and same["0.bias"][[1, 5]].all()
    assert same["0.activation.slope"][[1, 5]].all()
    assert same["2.kernel"][3, 4] and np.count_nonzero(same["2.kernel"]) == 1
    assert not same["0.kernel"][:, [0, 2, 3, 4, 6, 7]].any() and not same["3.kernel"].all()
    held = trainer.snapshot().held
    assert held["0.bias"].tolist() == [False, True, False, False, False, True, False, False]
    assert set(held) == {"0.kernel", "0.bias", "0.activation.slope", "2.kernel"} and held["2.kernel"].sum() == 1
    trainer.freeze(0, (1, 5), on=False)
    trainer.freeze("2.kernel", (3, 4), on=False)
    trainer.run()
    assert not trainer.snapshot().held
    assert not (trainer.network.parameters()["0.kernel"] == end["0.kernel"])[:, [1, 5]].any()
    trainer.close()


def test_behind_a_norm_all_that_makes_a_neuron_is_frozen() -> None:
    layers = (engine.Dense(6), engine.BatchNorm(), engine.Activation("prelu"), engine.Dense(1))
    spec = engine.NetworkSpec((2,), layers, "binary_cross_entropy")
    trainer = Trainer(spec, engine.TrainingSpec(epochs=2), load_spec(DATA))
    start = trainer.network.parameters()
    trainer.freeze(2, (0, 3))
    trainer.run()
    end = trainer.network.parameters()
    for key in ("0.kernel", "0.bias", "1.gamma", "1.beta", "2.activation.slope"):
        same = (end[key] == start[key])[..., [0, 3]]
        assert same.all() and not (end[key] == start[key])[..., [1, 2, 4, 5]].all(), key
    trainer.close()


def test_what_is_frozen_stays_so_through_files_resets_and_edits(tmp_path: Path) -> None:
    whole, cut = _trainer(clip_norm=0.3), _trainer(clip_norm=0.3)
    for trainer in (whole, cut):
        trainer.step(3)
        trainer.freeze(2, (0, 2))
    whole.run()
    cut.step(7)
    save_project(tmp_path / "a.relume", Project(cut.spec, cut.training, DATA, cut.checkpoint()))
    cut.close()
    kept = load_project(tmp_path / "a.relume")
    assert kept.checkpoint is not None
    cut = Trainer.from_checkpoint(kept.spec, kept.training, load_spec(DATA), kept.checkpoint)
    assert cut.snapshot().held["2.bias"].tolist() == [True, False, True, False, False, False]
    cut.run()
    assert cut.network.vector.tobytes() == whole.network.vector.tobytes()
    wider = dataclasses.replace(SPEC, layers=(engine.Dense(9, "prelu", l2=0.01), *SPEC.layers[1:]))
    cut.change(spec=wider)
    assert cut.snapshot().held["2.bias"].tolist() == [True, False, True, False, False, False]
    cut.reset()
    before = cut.network.parameters()["2.bias"]
    cut.run()
    assert (cut.network.parameters()["2.bias"] == before).tolist() == [True, False, True, False, False, False]
    for trainer in (whole, cut):
        trainer.close()


def test_what_cannot_be_frozen_is_told() -> None:
    trainer = _trainer()
    for act in (
        lambda: trainer.freeze(9, (0,)),
        lambda: trainer.freeze(0, (99,)),
        lambda: trainer.freeze("0.kernel", (5, 0)),
        lambda: trainer.freeze("1.moving_mean", (0,)),
        lambda: trainer.freeze("none", (0,)),
        lambda: trainer.freeze(0, None),
    ):
        with pytest.raises(RelumeError):
            act()
        assert trainer.network.held is None
    with pytest.raises(RelumeError):
        engine.Dense(3, trainable="no")
    trainer.close()
