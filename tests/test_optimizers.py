"""Every optimizer: kernel against numpy, plain data, bad numbers."""

import numpy as np
import pytest

from engine import RelumeError, losses, optimizers
from engine.kernels.stepper import Stepper
from engine.kinds import Kind
from engine.layers import Dense
from engine.network import Network
from engine.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    AMSGrad,
    Lion,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
    optimizer_from_dict,
)
from engine.spec import NetworkSpec, TrainingSpec

CASES = [
    SGD(0.1), SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.9, nesterov=True), RMSprop(0.01),
    RMSprop(0.01, momentum=0.5), Adagrad(0.1), Adagrad(0.1, initial_accumulator_value=0.1), Adam(0.01),
    AdamW(0.01, weight_decay=0.1), AMSGrad(0.01), Adamax(0.01), NAdam(0.01), RAdam(0.01), RAdam(0.01, beta_2=0.6),
    Adadelta(), Lion(0.001, weight_decay=0.1),
]  # fmt: skip


@pytest.mark.parametrize("optimizer", CASES, ids=str)
def test_kernel_agrees_with_numpy(optimizer: Optimizer) -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(40, 3)).astype(np.float32), rng.normal(size=(40, 2)).astype(np.float32)
    spec = NetworkSpec((3,), (Dense(5, "tanh", l1=1e-3, l2=1e-2), Dense(2)))
    network, twin = Network(spec, 3), Network(spec, 3, "float64")
    twin.set_parameters(network.parameters())
    stepper = Stepper(network, TrainingSpec(optimizer, batch_size=40), x, y)
    slots = {name: np.full(len(twin.vector), optimizer.initial(name)) for name in optimizer.slots}
    for step in range(1, 21):
        stepper.advance(100, 1, 10**6)
        gradients = twin.gradients(x, y)[1]
        flat = np.concatenate([gradients[key].ravel() for key in twin.slices])
        twin.vector[:], slots = optimizer.update(twin.vector, flat, slots, step)
        assert np.allclose(network.vector, twin.vector, atol=2e-5), step


def test_known_steps() -> None:
    w, g = np.array([1.0]), np.array([0.5])
    assert SGD(0.1).update(w, g, {}, 1)[0] == pytest.approx([0.95])
    zero = {"mean": np.zeros(1), "square": np.zeros(1)}
    assert Adam(0.1).update(w, g, zero, 1)[0] == pytest.approx([1 - 0.1 * 0.5 / (0.5 + 1e-8)], rel=1e-12)
    assert AdamW(0.1, weight_decay=0.2).update(w, 0 * g, zero, 1)[0] == pytest.approx([1 - 0.1 * 0.2])


@pytest.mark.parametrize("record", list(optimizers.OPTIMIZERS), ids=lambda record: record.name)
def test_plain_data_round_trip(record: Kind) -> None:
    optimizer = record.cls(learning_rate=0.25)
    assert optimizer_from_dict(optimizer.to_dict()) == optimizer
    with pytest.raises(RelumeError, match="Unknown field"):
        optimizer_from_dict({**optimizer.to_dict(), "speed": 1})
    for rate in (0.0, -1.0, float("nan"), float("inf"), "fast", True):
        with pytest.raises(RelumeError):
            record.cls(learning_rate=rate)


def test_slots_survive_other_numbers() -> None:
    x = np.random.default_rng(1).normal(size=(20, 2)).astype(np.float32)
    network = Network(NetworkSpec((2,), (Dense(1),)), 1)
    stepper = Stepper(network, TrainingSpec(Adam(0.01), batch_size=5), x, losses.encode_targets(
        "mean_squared_error", x[:, :1], "regression", 1))  # fmt: skip
    stepper.advance(100, 6, 100)
    before = stepper.state()["slot.square"]
    stepper.set_training(TrainingSpec(Adam(0.5), batch_size=5))
    assert np.array_equal(stepper.state()["slot.square"], before) and before.any()
