"""The names and meanings that scripts, lessons and outside checks rely on, sentence by sentence."""

from __future__ import annotations

import dataclasses
import inspect
import json
from pathlib import Path

import numpy as np
import pytest

import engine

DATASETS = """circles xor gaussians spiral moons plane multi_gaussians abs sine cubic x_sin_5x step digits iris wine
breast_cancer diabetes"""
ACTIVATIONS = """linear relu leaky_relu prelu relu6 elu selu celu softplus gelu gelu_tanh silu swish mish abs sigmoid
hard_sigmoid hard_sigmoid_survey tanh hard_tanh softsign hard_swish sin gaussian squared_relu"""
LOSSES = "mean_squared_error mean_absolute_error huber softmax_cross_entropy binary_cross_entropy hinge"
INITIALIZERS = """zeros normal uniform glorot_normal glorot_uniform he_normal he_uniform lecun_normal lecun_uniform
orthogonal auto"""


@pytest.fixture(scope="module")
def iris() -> engine.Dataset:
    return engine.datasets.load("iris", seed=7)


def iris_spec(**changes: object) -> engine.NetworkSpec:
    layers = (
        engine.Dense(units=12, activation="prelu", initializer="he_normal"),
        engine.Dropout(rate=0.2),
        engine.Dense(units=8, activation={"name": "leaky_relu", "negative_slope": 0.2}, l1=1e-4, l2=1e-3),
        engine.Dense(units=3, activation="linear"),
    )
    return engine.NetworkSpec(**{"input_shape": (4,), "layers": layers, "loss": "softmax_cross_entropy", **changes})  # type: ignore[arg-type]


TRAINING = engine.TrainingSpec(
    optimizer=engine.Adam(learning_rate=1e-2), batch_size=32, epochs=5, seed=7, short_batch="merge"
)


# ---- specs ----------------------------------------------------------------------------------------


def test_specs_are_frozen_and_plain_data() -> None:
    spec = iris_spec()
    plain = json.loads(json.dumps(spec.to_dict()))
    assert plain["layers"][0]["kind"] == "Dense" and plain["layers"][0]["units"] == 12
    assert plain["layers"][1] == {"kind": "Dropout", "rate": 0.2}
    assert plain["layers"][2]["activation"] == {"name": "leaky_relu", "negative_slope": 0.2}
    assert plain["loss"] == "softmax_cross_entropy" and plain["input_shape"] == [4]
    assert engine.NetworkSpec.from_dict(plain) == spec
    training = json.loads(json.dumps(TRAINING.to_dict()))
    assert training["optimizer"]["kind"] == "Adam" and training["short_batch"] == "merge"
    assert engine.TrainingSpec.from_dict(training) == TRAINING
    for record in (spec, TRAINING, spec.layers[0], TRAINING.optimizer):
        with pytest.raises(dataclasses.FrozenInstanceError):
            record.seed = 1  # type: ignore[union-attr, misc]


@pytest.mark.parametrize("mode", ["merge", "drop", "keep"])
def test_short_batches_have_their_names(mode: str) -> None:
    assert engine.TrainingSpec(short_batch=mode).short_batch == mode


def test_tables_of_names() -> None:
    assert sorted(engine.activations.names()) == sorted(ACTIVATIONS.split())
    assert sorted(engine.losses.names()) == sorted(LOSSES.split())
    assert sorted(engine.initializers.names()) == sorted(INITIALIZERS.split())
    assert sorted(engine.datasets.names()) == sorted(DATASETS.split())


# ---- networks -------------------------------------------------------------------------------------


def test_network_answers_per_layer(iris: engine.Dataset) -> None:
    network = engine.Network(iris_spec(), seed=7)
    x = iris.x_test
    assert network.predict(x).shape == (len(x), 3) and network.predict(x).dtype == np.float32
    shapes = [(len(x), units) for units in (12, 12, 8, 3)]
    assert [z.shape for z in network.preactivations(x)] == shapes == [a.shape for a in network.activations(x)]
    assert np.array_equal(network.predict(x), network.activations(x)[-1])
    assert np.array_equal(network.predict(x), network.predict(x)), "nothing random"
    squashed = engine.Network(iris_spec(layers=(engine.Dense(3, "tanh"),)), seed=1)
    assert np.abs(squashed.predict(x)).max() <= 1.0, "what the last layer's activation gives"


def test_parameters_by_key(iris: engine.Dataset) -> None:
    network = engine.Network(iris_spec(), seed=7)
    parameters = network.parameters()
    assert {key: value.shape for key, value in parameters.items()} == {
        "0.kernel": (4, 12), "0.bias": (12,), "0.activation.slope": (12,), "2.kernel": (12, 8), "2.bias": (8,),
        "3.kernel": (8, 3), "3.bias": (3,),
    }  # fmt: skip
    parameters["0.bias"][:] = 3.0
    assert not network.parameters()["0.bias"].any(), "copies"
    network.set_parameters({"0.bias": parameters["0.bias"]})
    assert (network.parameters()["0.bias"] == 3.0).all()
    assert (parameters["0.activation.slope"] == 0.25).all()


def test_gradients_are_of_loss_and_penalty_without_random_layers(iris: engine.Dataset) -> None:
    free = iris_spec(layers=tuple(dataclasses.replace(layer, l1=0.0, l2=0.0) if isinstance(layer, engine.Dense)
                                  else layer for layer in iris_spec().layers))  # fmt: skip
    x, y = iris.x_train, iris.y_train
    for dtype in ("float32", "float64"):
        bound, plain = engine.Network(iris_spec(), 7, dtype=dtype), engine.Network(free, 7, dtype=dtype)
        loss, gradients = bound.gradients(x, y)
        base, without = plain.gradients(x, y)
        w = bound.parameters()["2.kernel"].astype(np.float64)
        assert loss - base == pytest.approx(1e-4 * np.abs(w).sum() + 1e-3 * (w**2).sum(), rel=1e-3)
        assert np.allclose(gradients["2.kernel"] - without["2.kernel"], 1e-4 * np.sign(w) + 2e-3 * w, atol=1e-6)
        assert np.allclose(gradients["2.bias"], without["2.bias"], atol=1e-6), "kernels only"
        assert list(gradients) == list(bound.parameters())
        assert bound.gradients(x, y)[0] == loss, "no random layer acts"


# ---- data -----------------------------------------------------------------------------------------


def test_load_takes_these_arguments() -> None:
    parameters = inspect.signature(engine.datasets.load).parameters
    fixed = {
        "name": inspect.Parameter.empty, "seed": 0, "samples": 500, "noise": 0.0, "train_share": 0.75, "classes": 2,
        "features": None, "scaling": "none",
    }  # fmt: skip
    assert {name: item.default for name, item in list(parameters.items())[: len(fixed)]} == fixed


@pytest.mark.parametrize("name", DATASETS.split())
def test_every_set_by_name(name: str) -> None:
    data = engine.datasets.load(name, seed=7)
    assert data.x_train.dtype == np.float32 and len(data.x_train) == len(data.y_train)
    assert data.task in ("binary", "multiclass", "regression")
    if data.task == "regression":
        assert data.y_train.dtype == np.float32 and data.y_train.ndim == 2
    else:
        assert data.y_train.dtype == np.int64 and data.y_train.ndim == 1
        assert len(data.class_names) == int(data.y_train.max()) + 1
    assert len(data.feature_names) == data.x_train.shape[1]
    n = len(data.x_train) + len(data.x_test)
    assert len(data.x_train) == pytest.approx(0.75 * n, abs=1)
    again = engine.datasets.load(name, seed=7)
    assert np.array_equal(again.x_train, data.x_train) and np.array_equal(again.y_test, data.y_test)


def test_dataset_takes_arrays_in_this_order() -> None:
    x, y = np.ones((4, 2)), np.array([0, 1, 2, 1])
    data = engine.Dataset(x, y, x, y, "multiclass", ("a", "b"), ("r", "g", "b"))
    assert data.feature_names == ("a", "b") and data.class_names == ("r", "g", "b")
    assert engine.Dataset(x, y.astype(np.float32), x, y, task="regression").y_train.shape == (4, 1)


def test_digits_are_flat_pixels_over_16() -> None:
    data = engine.datasets.load("digits")
    assert data.x_train.shape[1] == 64 and data.x_train.max() == 1.0 and data.x_train.min() == 0.0


def test_read_table_is_the_importer(tmp_path: Path) -> None:
    path = tmp_path / "own.tsv"
    path.write_text("a\tb\tkind\n" + "\n".join(f"{i}\t{i * i}\t{'even' if i % 2 == 0 else 'odd'}" for i in range(20)))
    data = engine.datasets.read_table(path, target="kind")
    assert data.task == "binary" and data.feature_names == ("a", "b") and set(data.class_names) == {"even", "odd"}
    assert engine.datasets.read_table(str(path), target="b").task == "regression"


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
    [
        0.0,
        1e-45,
        1e-40,
        1e-30,
        1e-8,
        1e-3,
        0.1,
        0.5,
        0.99,
        1.5,
        2.9,
        3.1,
        5.0,
        5.9,
        6.1,
        10,
        20,
        50,
        89,
        104,
        1e4,
        1e10,
        1e20,
    ]
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
        if name == "sin":
            assert np.isnan(ends).all()
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


def test_dropout_divides_the_kept_and_repeats_with_the_seed(iris: engine.Dataset) -> None:
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


# ---- training, history, snapshots -------------------------------------------------------------------


def test_trainer_starts_from_the_seeded_network_and_tells_its_history(iris: engine.Dataset) -> None:
    trainer = engine.Trainer(iris_spec(), TRAINING, iris)
    assert trainer.state == "ready"
    start = engine.Network(iris_spec(), seed=TRAINING.seed).parameters()
    assert all(np.array_equal(value, start[key]) for key, value in trainer.network.parameters().items())
    history = trainer.run()
    assert trainer.state == "finished" and history is trainer.history
    for name in ("epoch", "step", "seconds", "train_loss", "test_loss", "train_metric", "test_metric"):
        assert isinstance(history.column(name), np.ndarray) and len(history.column(name)) == 6
    assert history.column("epoch").tolist() == [0, 1, 2, 3, 4, 5]
    assert history.column("step").tolist() == [0, 3, 6, 9, 12, 15], "112 samples, the short batch merged"
    trainer.close()
    assert trainer.state == "closed"


def test_row_0_is_measured_and_losses_hold_no_penalty(iris: engine.Dataset) -> None:
    heavy = iris_spec(layers=(engine.Dense(3, l1=1.0, l2=1.0),))
    still = engine.TrainingSpec(engine.SGD(1e-12), batch_size=25, epochs=1, seed=7, short_batch="keep")
    trainer = engine.Trainer(heavy, still, iris)
    history = trainer.run()
    plain = engine.Network(iris_spec(layers=(engine.Dense(3),)), seed=7)
    expected = plain.gradients(iris.x_train, iris.y_train)[0]
    assert history.column("train_loss") == pytest.approx([expected] * 2, rel=1e-5), "weighted by samples"
    assert history.column("test_loss") == pytest.approx([plain.gradients(iris.x_test, iris.y_test)[0]] * 2, rel=1e-5)
    right = (plain.predict(iris.x_train).argmax(axis=1) == iris.y_train).mean()
    assert history.column("train_metric") == pytest.approx([right] * 2, abs=1e-6)


def test_thinned_rows_are_the_same_in_every_run() -> None:
    x = np.array([[-1.0], [1.0]])
    data = engine.Dataset(x, np.abs(x), x, np.abs(x), task="regression")
    spec = engine.NetworkSpec((1,), (engine.Dense(1, "abs"),))
    rows = []
    for cut in (1, 3):
        trainer = engine.Trainer(spec, engine.TrainingSpec(epochs=20_000, batch_size=2), data)
        for _ in range(cut - 1):
            trainer.step(777)
        rows.append(trainer.run().column("epoch"))
    assert np.array_equal(rows[0], rows[1]) and len(rows[0]) <= 2049 and rows[0][-1] == 20_000


def test_background_thread(iris: engine.Dataset) -> None:
    trainer = engine.Trainer(iris_spec(), dataclasses.replace(TRAINING, epochs=10**9), iris)
    trainer.start()
    assert not trainer.wait(timeout=0.2) and trainer.state == "running"
    trainer.pause()
    assert trainer.state == "paused" and trainer.wait(timeout=1)
    before = trainer.snapshot().step
    trainer.step(batches=5)
    assert trainer.snapshot().step == before + 5
    trainer.resume()
    faster = dataclasses.replace(trainer.training, optimizer=engine.Adam(learning_rate=0.02))
    trainer.change(training=faster)
    wider = iris_spec(layers=(*iris_spec().layers[:2], engine.Dense(9, "abs"), engine.Dense(3)))
    trainer.pause()
    kept = trainer.network.parameters()["0.kernel"]
    trainer.change(spec=wider)
    assert trainer.spec == wider and trainer.training == faster
    assert np.array_equal(trainer.network.parameters()["0.kernel"], kept), "weights that still fit are kept"
    with pytest.raises(engine.RelumeError):
        trainer.change(spec=iris_spec(layers=(engine.Dense(7),)))
    assert trainer.spec == wider, "a refused change changes nothing"
    trainer.stop()
    assert trainer.state == "finished"
    trainer.close()
    assert trainer.state == "closed" and not trainer.alive


def test_divergence_tells_layer_and_step(iris: engine.Dataset) -> None:
    trainer = engine.Trainer(
        iris_spec(loss="mean_squared_error"), dataclasses.replace(TRAINING, optimizer=engine.SGD(1e6), epochs=50), iris
    )
    trainer.run()
    assert trainer.state == "diverged" and isinstance(trainer.error, engine.RelumeError)
    assert "layer" in str(trainer.error) and "step" in str(trainer.error)
    assert all(np.isfinite(value).all() for value in trainer.network.parameters().values())


def test_snapshot_tells_every_unit(iris: engine.Dataset) -> None:
    spec = iris_spec(layers=(engine.Dense(6, "relu"), engine.Dense(3)))
    trainer = engine.Trainer(spec, TRAINING, iris)
    trainer.edit_parameters({"0.bias": [-1000.0, 0, 0, 0, 0, 0]})
    trainer.watch(["activations"])
    trainer.step()
    snapshot = trainer.snapshot()
    assert (snapshot.spec, snapshot.state, snapshot.step, snapshot.epoch) == (spec, "paused", 1, 0)
    assert isinstance(snapshot.run, int)
    layer, x = snapshot.layers[0], iris.x_train
    z, a = trainer.network.preactivations(x)[0], trainer.network.activations(x)[0]
    assert layer.dead.dtype == bool and layer.dead.tolist() == (z.max(axis=0) <= 0).tolist() and layer.dead[0]
    assert np.allclose(layer.max_z, z.max(axis=0), atol=1e-4) and np.allclose(layer.mean, a.mean(axis=0), atol=1e-4)
    assert np.allclose(layer.active_share, (z > 0).mean(axis=0))
    assert layer.gradient_norm > 0 and layer.provisional is False
    assert not snapshot.layers[1].dead.any(), "a linear unit is never dead"
    assert layer.activations is not None and layer.activations.shape[1] == 6
    assert snapshot.layers[1].activations.shape == (len(layer.activations), 3)
    assert len(snapshot.activations.samples) == len(layer.activations)
    with pytest.raises(ValueError):
        layer.dead[0] = False


def test_examine_finds_the_dead(iris: engine.Dataset) -> None:
    trainer = engine.Trainer(iris_spec(layers=(engine.Dense(6, "relu"), engine.Dense(3))), TRAINING, iris)
    trainer.edit_parameters({"0.bias": [-1000.0, 0, -1000.0, 0, 0, 0]})
    findings = engine.diagnosis.examine(trainer)
    assert isinstance(findings, tuple)
    (found,) = [finding for finding in findings if finding.kind == "dead"]
    assert found.layer == 0 and {0, 2} <= set(found.neurons) and found.severity in ("info", "warning", "serious")
    assert found.evidence and found.cause and found.remedies


# ---- files and errors -------------------------------------------------------------------------------


def test_projects(tmp_path: Path) -> None:
    project = engine.files.Project(iris_spec(), TRAINING, engine.DataSpec("iris", seed=7))
    path = tmp_path / "own.relume"
    engine.files.save_project(path, project)
    again = engine.files.load_project(path)
    assert (again.spec, again.training, again.data) == (project.spec, project.training, project.data)


def test_errors_say_what_where_and_what_to_do() -> None:
    with pytest.raises(engine.RelumeError) as caught:
        iris_spec(layers=(engine.Dense(3), engine.Dense(-1)))
    error = caught.value
    assert "-1" in error.what and "units" in error.where and str(error).startswith(error.where)
    with pytest.raises(engine.RelumeError, match="relu"):
        engine.Dense(3, activation="rleu")
