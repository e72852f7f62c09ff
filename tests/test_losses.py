"""Every loss: gradient, kernel against numpy, targets, links."""

import numpy as np
import pytest

from engine import RelumeError, losses
from engine.kernels.program import Program
from engine.layers import Dense
from engine.losses import LOSSES, classes_of, encode_targets, link
from engine.network import Network
from engine.spec import NetworkSpec

EVERY = pytest.mark.parametrize("record", list(LOSSES), ids=lambda record: record.name)


def _samples(record: losses.Loss, n: int) -> tuple[np.ndarray, np.ndarray, str]:
    rng = np.random.default_rng(5)
    width = record.outputs or 3
    outputs = rng.normal(size=(n, width)) * 3.0
    if "regression" in record.tasks:
        return outputs, rng.normal(size=(n, width)), "regression"
    task = "binary" if width == 1 else "multiclass"
    return outputs, encode_targets(record.name, rng.integers(0, max(2, width), n), task, width), task


@EVERY
def test_gradient_is_that_of_the_value(record: losses.Loss) -> None:
    outputs, targets, _ = _samples(record, 7)
    targets = targets.astype(np.float64)
    gradient = record.evaluate(outputs, targets)[1]
    h = 1e-6
    for place in np.ndindex(outputs.shape):
        up, down = outputs.copy(), outputs.copy()
        up[place] += h
        down[place] -= h
        numeric = (record.evaluate(up, targets)[0] - record.evaluate(down, targets)[0]) / (2 * h)
        assert gradient[place] == pytest.approx(numeric, abs=1e-7)


@EVERY
def test_kernel_agrees_with_numpy(record: losses.Loss) -> None:
    outputs, targets, task = _samples(record, 300)
    width = outputs.shape[1]
    network = Network(NetworkSpec((width,), (Dense(width),), record.name), seed=1)
    network.set_parameters({"0.kernel": np.eye(width)})
    program = Program(network, task=task)
    x = outputs.astype(np.float32)
    loss, metric = program.evaluate(x, targets.astype(np.float32))
    exact, gradient = record.evaluate(x.astype(np.float64), targets.astype(np.float64))
    assert loss == pytest.approx(exact, rel=1e-6)
    own = program.gradients(x, targets.astype(np.float32))[1]
    assert np.allclose(own[-width:], gradient.sum(axis=0), atol=1e-6)
    if task == "regression":
        t = targets.astype(np.float32).astype(np.float64)
        expected = np.mean(1 - ((x - t) ** 2).sum(axis=0) / ((t - t.mean(axis=0)) ** 2).sum(axis=0))
        assert metric == pytest.approx(expected, rel=1e-6)
    else:
        label = (targets[:, 0] > 0.5) if width == 1 else targets.argmax(axis=1)
        assert metric == pytest.approx(np.mean(classes_of(record.name, x) == label))


def test_known_values() -> None:
    one = np.ones((1, 1))
    assert losses.get("mean_squared_error").evaluate(3 * one, one)[0] == 4.0
    assert losses.get("huber").evaluate(3 * one, one)[0] == 1.5
    assert losses.get("hinge").evaluate(0.25 * one, one)[0] == 0.75
    assert losses.get("binary_cross_entropy").evaluate(0 * one, one)[0] == pytest.approx(np.log(2))
    ten = np.eye(10)
    assert losses.get("softmax_cross_entropy").evaluate(0 * ten, ten)[0] == pytest.approx(np.log(10))
    far = np.array([[1000.0, 0.0], [-1000.0, 0.0]])
    assert losses.get("softmax_cross_entropy").evaluate(far, np.array([[1.0, 0], [0, 1]]))[0] == 0.0


def test_targets() -> None:
    y = np.array([0, 1, 1])
    assert encode_targets("hinge", y, "binary", 1).tolist() == [[-1], [1], [1]]
    assert encode_targets("binary_cross_entropy", y, "binary", 1).tolist() == [[0], [1], [1]]
    assert encode_targets("mean_squared_error", y, "multiclass", 2).tolist() == [[1, 0], [0, 1], [0, 1]]
    assert encode_targets("huber", np.array([1.5, 2.0]), "regression", 1).dtype == np.float32


@pytest.mark.parametrize(
    ("loss", "y", "task", "outputs"),
    [
        ("hinge", [0, 1], "multiclass", 3),
        ("hinge", [0, 1], "binary", 2),
        ("softmax_cross_entropy", [0, 1], "binary", 1),
        ("softmax_cross_entropy", [0, 3], "multiclass", 3),
        ("mean_squared_error", [0.5, np.nan], "regression", 1),
        ("mean_squared_error", [[1.0, 2.0]], "regression", 1),
        ("mean_squared_error", ["a"], "regression", 1),
        ("nothing", [0], "binary", 1),
    ],
)
def test_bad_targets_are_told(loss: str, y: list, task: str, outputs: int) -> None:
    with pytest.raises(RelumeError):
        encode_targets(loss, np.array(y), task, outputs)


def test_links() -> None:
    outputs = np.array([[1000.0, 0.0, -1000.0]], np.float32)
    assert link("softmax_cross_entropy", outputs, "multiclass").tolist() == [[1.0, 0.0, 0.0]]
    assert link("binary_cross_entropy", np.zeros((1, 1)), "binary").tolist() == [[0.5]]
    assert link("mean_squared_error", outputs, "regression") is outputs
