"""Every loss: gradient, kernel against numpy, targets, links."""

import numpy as np
import pytest

from engine import RelumeError, losses
from engine.kernels.program import Program
from engine.kernels.stepper import Stepper
from engine.layers import Dense
from engine.losses import LOSSES, classes_of, encode_targets, link
from engine.network import Network
from engine.spec import NetworkSpec, TrainingSpec

SMOOTHED = [{"name": name, "label_smoothing": 0.2} for name in ("softmax_cross_entropy", "binary_cross_entropy")]
CASES: list[str | dict] = [
    *LOSSES.names(), *SMOOTHED, {"name": "focal", "gamma": 0.5}, {"name": "focal", "gamma": 0.0},
    {"name": "binary_focal", "gamma": 3.5}, {"name": "binary_focal", "gamma": 0.0},
]  # fmt: skip
EVERY = pytest.mark.parametrize(
    ("loss", "shares"), [*((case, False) for case in CASES), ("kl_divergence", True)], ids=str
)  # shares: targets that are distributions
WEIGHTS = (0.5, 3.0, 1.25)


def _samples(record: losses.Loss, n: int, loss: object = None, shares: bool = False) -> tuple:
    """Outputs, encoded targets and task; `shares`: targets that are distributions, where the loss takes them."""
    rng = np.random.default_rng(5)
    width = record.outputs or 3
    outputs = rng.normal(size=(n, width)) * 3.0
    if shares:
        return outputs, encode_targets(record.name, rng.dirichlet(np.ones(width), n), "regression", width), "regression"
    if "regression" in record.tasks:
        targets = rng.normal(size=(n, width))
        return outputs, np.abs(targets) if record.least_target == 0.0 else targets, "regression"
    task = "binary" if width == 1 else "multiclass"
    named = _spec(loss or record.name, width).loss
    return outputs, encode_targets(named, rng.integers(0, max(2, width), n), task, width), task


def _spec(loss: object, width: int) -> NetworkSpec:
    return NetworkSpec((width,), (Dense(width),), loss)  # type: ignore[arg-type]


def _weights(task: str, width: int) -> tuple[float, ...]:
    return WEIGHTS[: max(2, width)] if task != "regression" else ()


@EVERY
def test_gradient_is_that_of_the_value(loss: str | dict, shares: bool) -> None:
    record = LOSSES.get(loss if isinstance(loss, str) else loss["name"])
    outputs, targets, task = _samples(record, 7, loss, shares)
    targets = targets.astype(np.float64)
    constants = losses.constants_of(_spec(loss, 1).loss)
    h = 1e-6
    for weights in (None, _weights(task, outputs.shape[1]) or None):
        gradient = record.evaluate(outputs, targets, constants, weights)[1]
        for place in np.ndindex(outputs.shape):
            ends = []
            for sign in (1, -1):
                moved = outputs.copy()
                moved[place] += sign * h
                ends.append(record.evaluate(moved, targets, constants, weights)[0])
            assert gradient[place] == pytest.approx((ends[0] - ends[1]) / (2 * h), abs=1e-7)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@EVERY
def test_kernel_agrees_with_numpy(loss: str | dict, shares: bool, weighted: bool) -> None:
    record = LOSSES.get(loss if isinstance(loss, str) else loss["name"])
    outputs, targets, task = _samples(record, 300, loss, shares)
    width = outputs.shape[1]
    spec = _spec(loss, width)
    network, constants = Network(spec, seed=1), losses.constants_of(spec.loss)
    network.set_parameters({"0.kernel": np.eye(width)})
    weights = _weights(task, width) if weighted else ()
    program = Program(network, task=task, class_weights=weights)
    x = outputs.astype(np.float32)
    x[:4] *= 3.0 if record.link == "exp" else 30.0
    value, metric = program.evaluate(x, targets.astype(np.float32))
    exact, gradient = record.evaluate(x.astype(np.float64), targets.astype(np.float64), constants, weights or None)
    assert value == pytest.approx(exact, rel=2e-6)
    own = program.gradients(x, targets.astype(np.float32))[1]
    assert np.allclose(own[-width:], gradient.sum(axis=0), atol=1e-6 * max(1.0, np.abs(gradient).max()))
    if task == "regression":
        t, said = targets.astype(np.float32).astype(np.float64), link(record.name, x.astype(np.float64), task)
        expected = np.mean(1 - ((said - t) ** 2).sum(axis=0) / ((t - t.mean(axis=0)) ** 2).sum(axis=0))
        assert metric == pytest.approx(expected, rel=1e-5)
    else:
        label = (targets[:, 0] > 0.5) if width == 1 else targets.argmax(axis=1)
        assert metric == pytest.approx(np.mean(classes_of(record.name, x) == label))


def test_balanced_weights_count_every_class_alike() -> None:
    targets = encode_targets("softmax_cross_entropy", np.array([0, 0, 0, 1, 2, 2]), "multiclass", 3)
    assert losses.balanced(targets) == pytest.approx((6 / 9, 2.0, 1.0))
    assert losses.balanced(np.array([[-1.0], [-1.0], [1.0]])) == pytest.approx((0.75, 1.5))
    x = np.random.default_rng(0).normal(size=(6, 2)).astype(np.float32)
    spec = NetworkSpec((2,), (Dense(3),), "softmax_cross_entropy")
    ends = []
    for weights in (None, "balanced", losses.balanced(targets), (1.0, 1.0, 1.0)):
        training = TrainingSpec(batch_size=6, class_weights=weights)
        assert TrainingSpec.from_dict(training.to_dict()) == training
        stepper = Stepper(Network(spec, 1), training, x, targets)
        before = stepper.evaluate(x, targets)[0]
        stepper.advance(100, 1, 9)
        assert stepper.batch_loss == pytest.approx(before)
        ends.append(stepper.network.vector.tobytes())
    assert ends[1] == ends[2] != ends[0] and len({ends[0], ends[3]}) <= 2
    for bad in ((1.0, 2.0), "even", (1.0, -1.0, 1.0), 3):
        with pytest.raises(RelumeError):
            Stepper(Network(spec, 1), TrainingSpec(class_weights=bad), x, targets)  # type: ignore[arg-type]


def test_class_weights_come_and_go_while_it_trains() -> None:
    x = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    targets = encode_targets("binary_cross_entropy", (x[:, 0] > 1).astype(int), "binary", 1)
    spec = NetworkSpec((2,), (Dense(4, "tanh"), Dense(1)), "binary_cross_entropy")
    stepper = Stepper(Network(spec, 1), TrainingSpec(batch_size=10), x, targets, "binary")
    plain = stepper.evaluate(x, targets)[0]
    stepper.set_training(TrainingSpec(batch_size=10, class_weights="balanced"))
    assert stepper.evaluate(x, targets)[0] != plain
    stepper.set_training(TrainingSpec(batch_size=10))
    assert stepper.evaluate(x, targets)[0] == plain


def test_options_are_plain_data() -> None:
    spec = _spec({"name": "softmax_cross_entropy", "label_smoothing": 0.1}, 3)
    assert spec.to_dict()["loss"] == {"name": "softmax_cross_entropy", "label_smoothing": 0.1}
    assert NetworkSpec.from_dict(spec.to_dict()) == spec
    assert _spec("focal", 3).to_dict()["loss"] == "focal"
    for bad in ({"name": "focal", "gamma": -1}, {"name": "huber", "delta": 2}, {"name": "focal", "width": 1}, "fokal",
                {"name": "softmax_cross_entropy", "label_smoothing": 1.0}):  # fmt: skip
        with pytest.raises(RelumeError):
            _spec(bad, 3)


def test_known_values() -> None:
    one = np.ones((1, 1))
    assert losses.get("mean_squared_error").evaluate(3 * one, one)[0] == 4.0
    assert losses.get("huber").evaluate(3 * one, one)[0] == 1.5
    assert losses.get("hinge").evaluate(0.25 * one, one)[0] == 0.75
    assert losses.get("binary_cross_entropy").evaluate(0 * one, one)[0] == pytest.approx(np.log(2))
    assert losses.get("log_cosh").evaluate(3 * one, one)[0] == pytest.approx(np.log(np.cosh(2.0)))
    assert losses.get("poisson").evaluate(0.5 * one, 2 * one)[0] == pytest.approx(np.exp(0.5) - 1.0)
    assert losses.get("binary_focal").evaluate(0 * one, one, (2.0,))[0] == pytest.approx(0.25 * np.log(2))
    ten = np.eye(10)
    assert losses.get("focal").evaluate(0 * ten, ten, (2.0,))[0] == pytest.approx(0.81 * np.log(10))
    assert losses.get("kl_divergence").evaluate(0 * ten, ten * 0 + 0.1)[0] == pytest.approx(0.0, abs=1e-12)
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
        ("poisson", [1.0, -0.5], "regression", 1),
        ("kl_divergence", [[0.5, 0.6]], "regression", 2),
        ("kl_divergence", [[1.5, -0.5]], "regression", 2),
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
