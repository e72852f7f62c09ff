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
breast_cancer diabetes fashion_mnist_12k"""
ACTIVATIONS = """linear relu leaky_relu prelu relu6 elu selu celu softplus gelu gelu_tanh silu swish mish abs sigmoid
hard_sigmoid hard_sigmoid_survey tanh hard_tanh softsign hard_swish sin gaussian squared_relu
dsilu elish hard_elish quick_gelu log_sigmoid tanhshrink hard_shrink soft_shrink square snake step threshold rrelu
pelu srelu"""
LOSSES = """mean_squared_error mean_absolute_error huber softmax_cross_entropy binary_cross_entropy hinge
log_cosh poisson kl_divergence focal binary_focal"""
INITIALIZERS = """zeros normal uniform glorot_normal glorot_uniform he_normal he_uniform lecun_normal lecun_uniform
orthogonal auto truncated_normal constant identity lsuv asymmetric"""


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
    assert len(data.feature_names) == np.prod(data.x_train.shape[1:])
    n = len(data.x_train) + len(data.x_test)
    own_split = {"fashion_mnist_12k": 10_000}
    assert len(data.x_train) == pytest.approx(own_split.get(name, 0.75 * n), abs=1)
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
