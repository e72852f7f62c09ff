"""The formulas behind the fixed names: losses, metrics, optimizers, initializers, activations and dropout, number by
number as the fields' standard books have them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import engine

ACTIVATIONS = """linear relu leaky_relu prelu relu6 elu selu celu softplus gelu gelu_tanh silu swish mish abs sigmoid
hard_sigmoid hard_sigmoid_survey tanh hard_tanh softsign hard_swish sin gaussian squared_relu
dsilu elish hard_elish quick_gelu log_sigmoid tanhshrink hard_shrink soft_shrink square snake step threshold rrelu
pelu srelu"""


# ---- losses ---------------------------------------------------------------------------------------


def loss_of(loss: str, outputs: list, y: object, dtype: str = "float64") -> float:
    """The loss of a network that gives these outputs."""
    given = np.array(outputs, dtype=float)
    spec = engine.NetworkSpec((given.shape[1],), (engine.Dense(given.shape[1]),), loss)
    network = engine.Network(spec, dtype=dtype)
    network.set_parameters({"0.kernel": np.eye(given.shape[1])})
    return network.gradients(given, y)[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("loss", "outputs", "y", "value"),
    [
        ("mean_squared_error", [[1.0, 2.0], [3.0, 5.0]], [[0.0, 0.0], [0.0, 0.0]], (1 + 4 + 9 + 25) / 4),
        ("mean_absolute_error", [[1.0, -2.0]], [[0.0, 0.0]], 1.5),
        ("huber", [[0.5], [3.0]], [[0.0], [0.0]], (0.125 + 2.5) / 2),
        ("mean_squared_error", [[0.5, 0.0, 0.0]], [0], 0.25 / 3),
        ("mean_squared_error", [[0.25], [0.5]], [0, 1], (0.0625 + 0.25) / 2),
        ("hinge", [[0.25], [0.25]], [1, 0], (0.75 + 1.25) / 2),
        ("binary_cross_entropy", [[2.0], [2.0]], [1, 0], np.log1p(np.exp(-2.0)) / 2 + np.log1p(np.exp(2.0)) / 2),
        ("softmax_cross_entropy", [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], [0, 2], (np.log(np.e + 2) - 1 + np.log(3)) / 2),
    ],
)
def test_losses_are_means_over_samples_and_outputs(loss: str, outputs: list, y: list, value: float, dtype: str) -> None:
    assert loss_of(loss, outputs, np.array(y), dtype) == pytest.approx(value, rel=1e-6)


def test_softmax_keeps_its_digits_at_large_logits() -> None:
    logits = np.random.default_rng(0).uniform(-1e4, 1e4, (200, 7)).astype(np.float32)
    y = np.arange(200) % 7
    shares = engine.losses.link("softmax_cross_entropy", logits, "multiclass")
    assert shares.dtype == np.float32 and np.abs(shares.sum(axis=1) - 1).max() < 1e-6
    near = (10_000 + np.random.default_rng(1).integers(-8, 8, (200, 7)) / 4).tolist()
    quick, exact = (loss_of("softmax_cross_entropy", near, y, dtype) for dtype in ("float32", "float64"))
    assert quick == pytest.approx(exact, rel=1e-6)


def test_hinge_targets_may_come_as_the_loss_sees_them() -> None:
    assert loss_of("hinge", [[0.25], [0.25]], np.array([1, -1])) == loss_of("hinge", [[0.25], [0.25]], np.array([1, 0]))


@pytest.mark.parametrize(("outputs", "threshold"), [("mean_squared_error", 0.5), ("hinge", 0.0)])
def test_accuracy_of_one_output(outputs: str, threshold: float) -> None:
    x = np.linspace(-1.0, 2.0, 30)[:, None]
    y = (x[:, 0] > threshold).astype(np.int64)
    data = engine.Dataset(x, y, x, y, "binary")
    spec = engine.NetworkSpec((1,), (engine.Dense(1, initializer={"name": "normal", "std": 0.0}),), outputs)
    trainer = engine.Trainer(spec, engine.TrainingSpec(epochs=0), data)
    trainer.edit_parameters({"0.kernel": np.ones((1, 1))})
    trainer.run()
    assert trainer.history.column("train_metric")[0] == 1.0


def test_r_squared_is_the_metric_of_a_regression() -> None:
    data = engine.datasets.load("plane", seed=1)
    spec = engine.NetworkSpec((2,), (engine.Dense(1, initializer="zeros"),))
    trainer = engine.Trainer(spec, engine.TrainingSpec(optimizer=engine.SGD(0.01), epochs=20), data)
    history = trainer.run()
    t = data.y_test.astype(np.float64)
    r2 = 1 - ((trainer.network.predict(data.x_test) - t) ** 2).sum() / ((t - t.mean()) ** 2).sum()
    assert history.column("test_metric")[-1] == pytest.approx(r2, abs=1e-5) and r2 > 0.99


# ---- optimizers -----------------------------------------------------------------------------------


def test_optimizers_have_pytorchs_defaults_under_keras_names() -> None:
    def defaults(cls: type) -> dict:
        return {item.name: item.default for item in dataclasses.fields(cls)}

    assert defaults(engine.SGD) == {"learning_rate": 1e-3, "momentum": 0.0, "nesterov": False}
    assert defaults(engine.RMSprop) == {"learning_rate": 0.01, "rho": 0.99, "momentum": 0.0, "epsilon": 1e-8}
    assert defaults(engine.Adagrad) == {"learning_rate": 0.01, "initial_accumulator_value": 0.0, "epsilon": 1e-10}
    adam = {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-8}
    assert defaults(engine.Adam) == adam
    assert defaults(engine.AdamW) == {**adam, "weight_decay": 0.01}


def by_hand(optimizer: object, w: float, g: list[float]) -> float:
    """Some steps by the formulas as PyTorch's manual writes them."""
    o = optimizer
    v = s = m = 0.0
    for t, gradient in enumerate(g, 1):
        if isinstance(o, engine.SGD):
            v = o.momentum * v + gradient
            w -= o.learning_rate * (gradient + o.momentum * v if o.nesterov else v)
        elif isinstance(o, engine.RMSprop):
            s = o.rho * s + (1 - o.rho) * gradient**2
            v = o.momentum * v + gradient / (s**0.5 + o.epsilon)
            w -= o.learning_rate * v
        elif isinstance(o, engine.Adagrad):
            s += gradient**2 + (o.initial_accumulator_value if t == 1 else 0.0)
            w -= o.learning_rate * gradient / (s**0.5 + o.epsilon)
        elif isinstance(o, engine.Adam):
            w -= o.learning_rate * getattr(o, "weight_decay", 0.0) * w
            m = o.beta_1 * m + (1 - o.beta_1) * gradient
            s = o.beta_2 * s + (1 - o.beta_2) * gradient**2
            w -= o.learning_rate * (m / (1 - o.beta_1**t)) / ((s / (1 - o.beta_2**t)) ** 0.5 + o.epsilon)
    return w


@pytest.mark.parametrize(
    "optimizer",
    [
        engine.SGD(0.1), engine.SGD(0.1, momentum=0.9), engine.SGD(0.1, momentum=0.9, nesterov=True),
        engine.RMSprop(0.1), engine.RMSprop(0.1, momentum=0.5), engine.Adagrad(0.5, initial_accumulator_value=0.2),
        engine.Adam(0.1, epsilon=1e-3), engine.AdamW(0.1, weight_decay=0.5),
    ],
    ids=str,
)  # fmt: skip
def test_optimizer_steps_through_the_whole_engine(optimizer: object) -> None:
    x = np.full((4, 1), 1.0)
    data = engine.Dataset(x, np.full((4, 1), 3.0), x, np.full((4, 1), 3.0), task="regression")
    spec = engine.NetworkSpec((1,), (engine.Dense(1, initializer="zeros"),))
    trainer = engine.Trainer(spec, engine.TrainingSpec(optimizer=optimizer, batch_size=4, epochs=99), data)  # type: ignore[arg-type]
    trainer.edit_parameters({"0.kernel": [[5.0]]})
    weights, gradients = [5.0], []
    for _ in range(6):
        parameters = trainer.network.parameters()
        gradients.append(2.0 * (float(parameters["0.kernel"][0, 0]) + float(parameters["0.bias"][0]) - 3.0))
        trainer.step()
        weights.append(float(trainer.network.parameters()["0.kernel"][0, 0]))
    expected = [by_hand(optimizer, 5.0, gradients[:count]) for count in range(7)]
    assert weights == pytest.approx(expected, rel=3e-6, abs=3e-6)


# ---- initializers, activations, dropout ------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "std"),
    [
        ("normal", 0.05), ({"name": "normal", "std": 0.01}, 0.01), ("uniform", 0.05 / 3**0.5),
        ("he_normal", (2 / 400) ** 0.5), ("lecun_normal", 400**-0.5), ("glorot_uniform", (2 / 700) ** 0.5),
        ("auto", 400**-0.5), ("zeros", 0.0),
    ],
)  # fmt: skip
def test_initializers(value: object, std: float) -> None:
    network = engine.Network(engine.NetworkSpec((400,), (engine.Dense(300, "relu", initializer=value),)), seed=1)
    kernel = network.parameters()["0.kernel"]
    assert kernel.std() == pytest.approx(std, rel=0.01) and not network.parameters()["0.bias"].any()
    if value == "uniform":
        assert 0.0499 < np.abs(kernel).max() <= 0.05
    if value == "normal":
        assert np.abs(kernel).max() > 4 * std, "not truncated"


def test_auto_takes_the_gain_of_the_feeding_activation() -> None:
    for name, gain in (("relu", 2**0.5), ("abs", 1.0), ("tanh", 1.5925)):
        layers = (engine.Dense(400, name), engine.Dropout(0.5), engine.Dense(300, "linear"))
        parameters = engine.Network(engine.NetworkSpec((400,), layers), seed=2).parameters()
        assert parameters["0.kernel"].std() == pytest.approx(1 / 20, rel=0.01)
        assert parameters["2.kernel"].std() == pytest.approx(gain / 20, rel=0.01)


GRID = np.array(
    [0, 1e-45, 1e-40, 1e-30, 1e-8, 1e-3, 0.1, 0.5, 0.99, 1.5, 2.9, 3.1]
    + [5, 5.9, 6.1, 10, 20, 50, 89, 104, 1e4, 1e10, 1e20]
)


@pytest.mark.parametrize("name", ACTIVATIONS.split())
@pytest.mark.filterwarnings("error")
def test_activations_at_extremes(name: str) -> None:
    record = engine.activations.get(name)
    z = np.concatenate([GRID, -GRID])
    for method in (record.forward, record.derivative):
        exact = method(z)
        assert not np.isnan(exact).any() and not np.isnan(method(z.astype(np.float32))).any()
        narrow = method(z.astype(np.float32))
        with np.errstate(over="ignore"):
            expected = method(z.astype(np.float32).astype(np.float64)).astype(np.float32)
        assert narrow.dtype == np.float32 and np.array_equal(narrow, expected)
        assert np.isnan(method(np.array([np.nan]))).all(), "NaN in gives NaN out"
        ends = method(np.array([np.inf, -np.inf]))
        if name in ("sin", "snake"):
            assert np.isnan(ends).all(), "waves have no limit"
        elif method == record.derivative and name == "squared_relu":
            assert ends.tolist() == [np.inf, 0.0]
        else:
            far = method(np.array([1e30, -1e30]))
            assert np.where(np.abs(far) > 1e20, np.copysign(np.inf, far), far) == pytest.approx(ends, abs=1e-12)
        for shape in ((), (0,), (2, 3)):
            assert method(np.zeros(shape)).shape == shape
        assert np.array_equal(method(z[::2]), exact[::2])


def test_stated_activation_conventions() -> None:
    get = engine.activations.get
    z = np.array([-4.0, -2.0, 0.0, 2.0, 4.0])
    assert get("leaky_relu").forward(z)[0] == pytest.approx(-0.04)
    assert get("hard_sigmoid").forward(z) == pytest.approx(np.clip(z / 6 + 0.5, 0, 1))
    assert get("hard_sigmoid_survey").forward(z) == pytest.approx(np.clip((z + 1) / 2, 0, 1))
    assert get("relu").derivative(z)[2] == 0.0 == get("abs").derivative(z)[2]
    assert get("abs").forward(z).tolist() == [4, 2, 0, 2, 4]


def test_dropout_divides_the_kept_and_repeats_with_the_seed() -> None:
    spec = engine.NetworkSpec((400,), (engine.Dropout(rate=0.25), engine.Dense(1, initializer="zeros")))
    x, y = np.ones((8, 400)), np.ones((8, 1))
    data = engine.Dataset(x, y, x, y, task="regression")
    kernels = []
    for seed in (3, 3, 4):
        trainer = engine.Trainer(spec, engine.TrainingSpec(engine.SGD(1.0), batch_size=8, seed=seed), data)
        trainer.step()
        kernels.append(trainer.network.parameters()["1.kernel"][:, 0])
    share = kernels[0] / 2.0 * 0.75  # dw = 2 x mean of the mask / (1 - rate)
    assert np.allclose(share * 8, np.round(share * 8), atol=1e-4) and share.mean() == pytest.approx(0.75, abs=0.03)
    assert np.array_equal(kernels[0], kernels[1]) and not np.array_equal(kernels[0], kernels[2])
    assert np.array_equal(engine.Network(spec).activations(x)[0], x), "passes everything on outside training"
