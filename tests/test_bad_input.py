"""Whatever a script hands in, the answer is a result or a RelumeError that says what, where or what to do."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine import Dense, NetworkSpec, TrainingSpec

NAN, INF = float("nan"), float("inf")
ODD: list[Any] = [
    None, "", "text", b"bytes", True, -1, 0, 1.5, 10**30, 10**400, -(10**400), NAN, INF, -INF, 1j, [], (), {}, set(),
    [1, [2, 3]], [[1, 2], [3]], ["a"], {"name": []}, {"name": "relu", "x": "y"}, {"kind": {}}, {5: 6}, object(),
    np.array([]), np.array(3.0), np.array([1.0, NAN]), np.array(["a"]), np.array([None]), np.zeros((0, 4)),
    np.zeros((2, 3, 4)), np.array([[1e300]]), np.array([1 + 2j]), np.datetime64("2020-01-01"), np.float32(2), range(3),
    Path("."), lambda: 1, iter([]),
]  # fmt: skip


def told(call: Callable[..., Any], *arguments: Any, **named: Any) -> None:
    """Runs the call: it may answer, or raise RelumeError in words."""
    try:
        call(*arguments, **named)
    except engine.RelumeError as error:
        assert error.what and str(error), error
        assert error.where or error.fix, error
        assert len(str(error)) < 2000


def names(values: list[Any]) -> list[str]:
    return [f"{number}-{type(value).__name__}" for number, value in enumerate(values)]


EVERY = pytest.mark.parametrize("odd", ODD, ids=names(ODD))
SPEC = NetworkSpec((4,), (Dense(5, "prelu"), Dense(3)), "softmax_cross_entropy")


@pytest.fixture(scope="module")
def iris() -> engine.Dataset:
    return engine.datasets.load("iris", seed=1)


@EVERY
def test_specs(odd: Any) -> None:
    for field in ("units", "activation", "initializer", "l1", "l2"):
        told(Dense, **{"units": 3, field: odd})
        told(lambda field=field: engine.Network(NetworkSpec((2,), (Dense(**{"units": 3, field: odd}),))))
    told(engine.Dropout, odd)
    for field in ("input_shape", "layers", "loss"):
        told(NetworkSpec, **{"input_shape": (2,), "layers": (Dense(1),), field: odd})
    told(NetworkSpec, (2,), (odd,))
    told(NetworkSpec, (odd,), (Dense(1),))
    for field in ("optimizer", "batch_size", "epochs", "seed", "short_batch", "target_loss", "time_limit"):
        told(TrainingSpec, **{field: odd})
    for cls in (engine.SGD, engine.RMSprop, engine.Adagrad, engine.Adam, engine.AdamW):
        for field in [item.name for item in dataclasses.fields(cls)]:
            told(cls, **{field: odd})


@EVERY
def test_plain_data(odd: Any) -> None:
    for cls, good in ((NetworkSpec, SPEC), (TrainingSpec, TrainingSpec()), (engine.DataSpec, engine.DataSpec())):
        told(cls.from_dict, odd)
        plain = good.to_dict()
        for key in plain:
            told(cls.from_dict, {**plain, key: odd})
        told(cls.from_dict, {**plain, "more": odd})
    for key in SPEC.to_dict()["layers"][0]:
        told(NetworkSpec.from_dict, 
            {"input_shape": [4], "layers": [{"kind": "Dense", "units": 2, key: odd}]})  # fmt: skip
    told(NetworkSpec.from_dict, {"input_shape": [4], "layers": [odd]})
    told(TrainingSpec.from_dict, {"optimizer": {"kind": "SGD", "momentum": odd}})


@EVERY
def test_tables_of_names(odd: Any) -> None:
    for table in (engine.activations, engine.losses, engine.initializers, engine.optimizers, engine.datasets):
        told(table.get, odd)
    told(engine.activations.get("relu").forward, odd)
    told(engine.activations.get("gelu").derivative, odd)
    told(engine.activations.get("elu").forward, np.ones(2), 1.0, 2.0)


@EVERY
def test_networks(odd: Any) -> None:
    told(engine.Network, odd)
    told(engine.Network, SPEC, seed=odd)
    told(engine.Network, SPEC, dtype=odd)
    x = np.ones((2, 4))
    for network in (engine.Network(SPEC, 1), engine.Network(SPEC, 1, "float64")):
        before = network.vector.copy()
        for method in (network.predict, network.preactivations, network.activations, network.set_parameters):
            told(method, odd)
        told(network.gradients, odd, [0, 1])
        told(network.gradients, x, odd)
        told(network.set_parameters, {"0.bias": odd})
        told(network.set_parameters, {odd if odd.__hash__ else "": np.ones(5)})
        assert np.array_equal(network.vector, before)
    for loss in engine.losses.names():
        network = engine.Network(NetworkSpec((4,), (Dense(1),), loss), 1)
        told(network.gradients, x, odd)
        told(network.gradients, x, [odd, odd])


@EVERY
def test_data(odd: Any) -> None:
    told(engine.datasets.load, odd)
    for field in ("seed", "noise", "train_share", "classes", "features", "scaling", "target_scaling"):
        told(engine.datasets.load, "spiral", **{field: odd})
    told(engine.datasets.load, "spiral", samples=odd)
    told(engine.datasets.load_spec, odd)
    good = {"x_train": np.ones((3, 2)), "y_train": [0, 1, 0], "x_test": np.ones((1, 2)), "y_test": [1]}
    for field in engine.Dataset.__dataclass_fields__:
        for task in ("binary", "multiclass", "regression", None):
            told(engine.Dataset, **{**good, "task": task, field: odd})


@EVERY
def test_tables(odd: Any, tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("a,b,c\n" + "1,2,x\n3,4,y\n" * 10)
    told(engine.datasets.read_table, odd)
    for field in ("target", "task", "inputs", "missing", "seed", "train_share", "scaling", "encoding", "delimiter",
                  "header", "decimal"):  # fmt: skip
        told(engine.datasets.read_table, path, **{field: odd})


@EVERY
def test_trainers(odd: Any, iris: engine.Dataset) -> None:
    for place in range(3):
        arguments: list[Any] = [SPEC, TrainingSpec(), iris]
        arguments[place] = odd
        told(engine.Trainer, *arguments)
    trainer = engine.Trainer(SPEC, TrainingSpec(epochs=1), iris)
    for method in (trainer.set_pace, trainer.watch, trainer.edit_parameters, trainer.reset, trainer.history.column):
        told(method, odd)
    told(trainer.change, spec=odd)
    told(trainer.change, training=odd)
    told(trainer.edit_value, "0.bias", odd, 1.0)
    told(trainer.edit_value, "0.bias", (0,), odd)
    told(trainer.edit_value, odd, (0,), 1.0)
    told(trainer.redraw, odd, (0,))
    told(trainer.redraw, 0, odd)
    told(trainer.watch, ["sample"], odd)
    if not isinstance(odd, int) or odd < 2:
        told(trainer.step, odd)
    told(engine.diagnosis.examine, odd)
    told(engine.diagnosis.check_design, odd, iris)
    told(engine.diagnosis.check_design, SPEC, odd)
    told(trainer.wait, odd)
    trainer.reset()
    trainer.run()
    assert trainer.state == "finished", "still works"


@EVERY
def test_files(odd: Any, tmp_path: Path) -> None:
    project = engine.files.Project(SPEC, TrainingSpec(), engine.DataSpec("iris"))
    told(engine.files.load_project, odd)
    told(engine.files.save_project, tmp_path / "a.relume", odd)
    told(engine.files.export_weights, odd, tmp_path / "a.npz")
    if not isinstance(odd, str | Path):
        told(engine.files.save_project, odd, project)
        told(engine.files.export_weights, engine.Network(SPEC), odd)


def test_a_thread_survives_bad_commands(iris: engine.Dataset) -> None:
    trainer = engine.Trainer(SPEC, TrainingSpec(epochs=10**8), iris)
    trainer.start()
    for odd in (None, 5, "text", [1, [2, 3]], {"0.bias": [1]}):
        for call in (
            lambda odd=odd: trainer.edit_parameters(odd), lambda odd=odd: trainer.change(spec=odd),
            lambda odd=odd: trainer.edit_value("0.bias", odd, 1.0), lambda odd=odd: trainer.redraw(odd, odd),
            lambda odd=odd: trainer.watch(["sample"], odd), lambda odd=odd: trainer.reset(odd, wait=False),
            lambda odd=odd: trainer.step(odd), lambda odd=odd: trainer.set_pace(odd),
        ):  # fmt: skip
            told(call)
    trainer.snapshot()
    assert trainer.alive
    trainer.close()


def test_huge_networks_are_refused_before_memory_is_asked_for() -> None:
    for shape, units in itertools.product([(10**6,), (2**40,)], [10**6, 10**5]):
        with pytest.raises(engine.RelumeError, match="parameters"):
            NetworkSpec(shape, (Dense(units),))


def test_divergence_is_told_whatever_makes_it(iris: engine.Dataset) -> None:
    """Rates far too large, for every optimizer and loss: told in the step, the weights stay finite."""
    x = np.random.default_rng(0).normal(size=(60, 3)) * 1e3
    regression = engine.Dataset(x, x[:, :1] * 1e3, x, x[:, :1] * 1e3, task="regression")
    for optimizer in (engine.SGD(1e6), engine.SGD(1e6, momentum=0.9), engine.RMSprop(1e6), engine.Adam(1e6)):
        for loss in ("mean_squared_error", "mean_absolute_error", "huber"):
            spec = NetworkSpec((3,), (Dense(8, "squared_relu"), Dense(8, "relu"), Dense(1)), loss)
            trainer = engine.Trainer(spec, TrainingSpec(optimizer, epochs=30), regression)
            trainer.run()
            assert trainer.state in ("diverged", "finished")
            assert (trainer.state == "diverged") == (trainer.error is not None)
            assert all(np.isfinite(value).all() for value in trainer.network.parameters().values())
            trainer.snapshot()
