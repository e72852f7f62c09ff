"""What a step takes is known before it is taken: a request that cannot fit is refused with the figures."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from engine import RelumeError, memory
from engine.data.dataset import Dataset
from engine.kernels.program import Program
from engine.kernels.stepper import Stepper
from engine.layers import BatchNorm, Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D
from engine.network import Network
from engine.optimizers import SGD, Adam
from engine.spec import NetworkSpec, TrainingSpec
from engine.trainer import Trainer

LOSS = "softmax_cross_entropy"
MAPS = (Conv2D(8, 5, 1, "same", "relu"), MaxPool2D(2), Conv2D(16, 3, 2, "same", "prelu"))
TAIL = (Flatten(), Dense(10))
NETWORKS: dict[str, tuple[tuple[int, ...], tuple[Layer, ...]]] = {
    "dense": ((64,), (Dense(300, "relu"), Dropout(0.2), Dense(200, "prelu"), Dense(10))),
    "large": ((784,), (Dense(1200, "relu"), Dense(1000, "tanh"), Dense(10))),
    "maps": ((20, 20, 2), (*MAPS, *TAIL)),
    "norm of maps": ((20, 20, 2), (MAPS[0], BatchNorm(), *MAPS[1:], *TAIL)),
    "norm of rows": ((30,), (Dense(40, "relu"), BatchNorm(), Dense(10))),
}
SMALL = NetworkSpec((20, 20, 2), (*MAPS, *TAIL), LOSS)
NORMED = NetworkSpec((20, 20, 2), (MAPS[0], BatchNorm(), *MAPS[1:], *TAIL), LOSS)
TRAINING = TrainingSpec(SGD(0.01), batch_size=16, epochs=2, seed=3)
LARGE_BATCH = dataclasses.replace(TRAINING, batch_size=2000)


def small_machine(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(memory, "available", lambda: free)


@pytest.fixture(scope="module")
def data() -> Dataset:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2000, 20, 20, 2)).astype(np.float32), rng.integers(0, 10, 2000)
    return Dataset(x, y, x[:0], y[:0], task="multiclass", class_names=tuple("abcdefghij"))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("options", [{}, {"training": True, "batch": 37}, {"training": True, "batch": 2000}], ids=str)
def test_the_estimate_is_what_is_taken(name: str, options: dict):
    program = Program(Network(NetworkSpec(*NETWORKS[name], LOSS)), task="multiclass", **options)
    told = program.bytes
    program.make()
    kept = program._keep._kept
    taken = sum(array.nbytes for array in kept)
    assert told <= taken <= told + 5000 * len(kept) and taken < 1.2 * told + 200_000


def test_a_whole_batch_that_cannot_fit_is_refused_before_it_is_made(data: Dataset, monkeypatch: pytest.MonkeyPatch):
    trainer = Trainer(NORMED, LARGE_BATCH, data)
    small_machine(monkeypatch, 90_000_000)
    monkeypatch.setattr(Program, "_make_lane", lambda *_: pytest.fail("buffers are made"))
    refused = r"Batch normalization of 2,000 samples at once would take 1\d\d\.\d MB of memory, 90\.0 MB are free\."
    with pytest.raises(RelumeError, match=refused) as told:
        trainer.run()
    assert "smaller batch size" in told.value.fix
    trainer.close()


def test_a_refused_change_leaves_the_run_as_it_is(data: Dataset, monkeypatch: pytest.MonkeyPatch):
    expected = Trainer(NORMED, TRAINING, data)
    expected.run()
    trainer = Trainer(NORMED, TRAINING, data)
    trainer.step(3)
    small_machine(monkeypatch, 90_000_000)
    wide = dataclasses.replace(NORMED, layers=(Conv2D(2000, 5, 1, "same"), *NORMED.layers[1:]))
    for change in ({"training": LARGE_BATCH}, {"spec": wide}, {"spec": wide, "training": LARGE_BATCH}):
        with pytest.raises(RelumeError, match="would take .* of memory, 90.0 MB are free"):
            trainer.change(**change)  # type: ignore[arg-type]
        assert trainer.spec == NORMED and trainer.training == TRAINING and trainer.state == "paused"
    trainer.run()
    assert trainer.network.vector.tobytes() == expected.network.vector.tobytes()
    assert np.array_equal(trainer.history.column("train_loss"), expected.history.column("train_loss"))


def test_an_optimizer_whose_slots_cannot_fit_is_refused(data: Dataset, monkeypatch: pytest.MonkeyPatch):
    spec = NetworkSpec((20, 20, 2), (Flatten(), Dense(2000, "relu"), Dense(10)), LOSS)
    trainer = Trainer(spec, TRAINING, data)
    trainer.step(1)
    small_machine(monkeypatch, 100_000_000)
    with pytest.raises(RelumeError, match=r"1,622,010 parameters would take 45\.4 MB"):
        trainer.change(training=dataclasses.replace(TRAINING, optimizer=Adam()))
    trainer.change(training=dataclasses.replace(TRAINING, optimizer=SGD(0.02)))
    trainer.step(1)
    assert trainer.training.optimizer == SGD(0.02)
    trainer.close()


def test_the_thread_tells_and_goes_on_once_it_fits(data: Dataset, monkeypatch: pytest.MonkeyPatch):
    trainer = Trainer(NORMED, LARGE_BATCH, data)
    small_machine(monkeypatch, 90_000_000)
    trainer.start()
    assert trainer.wait(30) and trainer.state == "failed"
    assert trainer.error is not None and re.search(r"would take .* MB of memory, 90\.0 MB are free", str(trainer.error))
    trainer.start()
    assert trainer.wait(30) and trainer.state == "failed", "still not"
    trainer.change(training=TRAINING)
    assert trainer.state == "paused" and trainer.error is None
    trainer.change(training=LARGE_BATCH, wait=False)
    trainer.start()
    assert trainer.wait(60) and trainer.state == "finished"
    assert "90.0 MB are free" in str(trainer.refusals.get_nowait()) and trainer.training == TRAINING
    trainer.close()


def test_a_change_of_optimizer_and_layers_at_once_starts_its_slots_anew(data: Dataset):
    other = dataclasses.replace(SMALL, layers=(*MAPS[:2], Conv2D(16, 3, 2, "same", "tanh"), *TAIL))
    adam = dataclasses.replace(TRAINING, optimizer=Adam())
    ends = []
    for changes in (({"spec": other, "training": adam},), ({"training": adam}, {"spec": other})):
        trainer = Trainer(SMALL, dataclasses.replace(TRAINING, optimizer=SGD(0.01, momentum=0.9)), data)
        trainer.step(2)
        for change in changes:
            trainer.change(**change)  # type: ignore[arg-type]
        trainer.step(3)
        ends.append(trainer.network.vector.tobytes())
        trainer.close()
    assert ends[0] == ends[1]


def test_values_that_cannot_be_handed_out_are_refused(data: Dataset, monkeypatch: pytest.MonkeyPatch):
    network = Network(SMALL, 1)
    small_machine(monkeypatch, 70_000_000)
    with pytest.raises(RelumeError, match="values of 2,000 samples would take"):
        network.activations(data.x_train)
    told = network.predict(data.x_train)
    assert told.shape == (2000, 10) and np.array_equal(told[:50], network.activations(data.x_train[:50])[-1])


def test_gradients_of_a_whole_batch_are_refused_too(data: Dataset, monkeypatch: pytest.MonkeyPatch):
    network = Network(NORMED, 1)
    small_machine(monkeypatch, 70_000_000)
    with pytest.raises(RelumeError, match="Batch normalization of 2,000 samples at once"):
        network.gradients(data.x_train, data.y_train)
    network.gradients(data.x_train[:20], data.y_train[:20])


def test_where_memory_is_not_told_nothing_is_refused(data: Dataset, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "available", lambda: None)
    stepper = Stepper(Network(SMALL, 1), TRAINING, data.x_train, np.eye(10, dtype=np.float32)[data.y_train])
    stepper.advance(1, 1, 1)
    assert stepper.step == 1
