"""The error in the target's own units is what numpy says of the predictions, for every loss, scaling and part."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import engine
from engine.data.preprocessing import Preprocessing, fit_scaling
from engine.outputs import fit_output
from engine.target_error import errors_by_target, target_error

LOSSES = ("mean_squared_error", "mean_absolute_error", "huber")


def loaded(name: str, scaling: str) -> engine.Dataset:
    spec = engine.datasets.switch(engine.DataSpec(), name)
    return engine.datasets.load_spec(dataclasses.replace(spec, target_scaling=scaling))


def several_targets(scaling: str) -> engine.Dataset:
    """Three targets of very different units."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 3)).astype(np.float32)
    y = np.tanh(x @ rng.normal(size=(3, 3))) * (1.0, 30.0, 0.2) + (5.0, 100.0, 0.0)
    steps = Preprocessing(("a", "b", "c"), None, (), (), *fit_scaling(y[:150], scaling))
    fed = steps.scale_targets(y)
    return engine.Dataset(
        x[:150], fed[:150], x[150:], fed[150:], "regression", ("a", "b", "c"), (), "three", "three",
        ("mass", "height", "share"), preprocessing=steps,
    )  # fmt: skip


def trained(data: engine.Dataset, loss: str) -> engine.Trainer:
    layers = (engine.Dense(8, "tanh", l2=0.01), engine.Dense(1))
    spec = fit_output(engine.NetworkSpec(data.x_train.shape[1:], layers, loss), data)
    trainer = engine.Trainer(spec, engine.TrainingSpec(engine.Adam(0.01), 32, 3, seed=1), data)
    trainer.run()
    return trainer


def differences(trainer: engine.Trainer, part: str) -> np.ndarray:
    data = trainer.data
    units = data.preprocessing.targets_to_units
    said, true = trainer.network.predict(getattr(data, f"x_{part}")), getattr(data, f"y_{part}")
    return units(said).astype(np.float64) - units(true).astype(np.float64)


@pytest.mark.parametrize("scaling", ["none", "standard", "min-max"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["diabetes", "plane", "multi_gaussians"])
def test_the_history_tells_the_error_in_own_units(name: str, loss: str, scaling: str) -> None:
    data = loaded(name, scaling)
    trainer = trained(data, loss)
    error = target_error(loss, data)
    assert error is not None
    told = error.of("test", trainer.history.column("test_loss"), trainer.history.column("test_metric"))
    wrong = differences(trainer, "test")
    absolute = loss == "mean_absolute_error"
    expected = np.abs(wrong).mean() if absolute else np.sqrt(np.square(wrong).mean())
    assert told.shape == (4,) and told[-1] == pytest.approx(expected, rel=1e-5)
    assert error.title == f"{'Mean abs.' if absolute else 'RMS'} error, units of {data.target_name}"


@pytest.mark.parametrize("loss", LOSSES)
def test_the_training_error_is_of_the_same_kind(loss: str) -> None:
    data = loaded("diabetes", "standard")
    network = engine.Network(fit_output(engine.NetworkSpec((10,), (engine.Dense(1),), loss), data), seed=3)
    trainer = engine.Trainer(network.spec, engine.TrainingSpec(epochs=0, seed=3), data)
    row = trainer.run()
    told = target_error(loss, data).of("train", row.column("train_loss")[0], row.column("train_metric")[0])
    wrong = differences(trainer, "train")
    expected = np.abs(wrong).mean() if loss == "mean_absolute_error" else np.sqrt(np.square(wrong).mean())
    assert float(told) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("scaling", ["none", "standard"])
def test_several_targets(loss: str, scaling: str) -> None:
    data = several_targets(scaling)
    trainer = trained(data, loss)
    error = target_error(loss, data)
    told = float(error.of("test", trainer.history.column("test_loss"), trainer.history.column("test_metric"))[-1])
    wrong = differences(trainer, "test")
    true = data.preprocessing.targets_to_units(data.y_test).astype(np.float64)
    if scaling == "none" and loss == "mean_squared_error":
        expected = np.sqrt(np.square(wrong).mean())
    elif scaling == "none" and loss == "mean_absolute_error":
        expected = np.abs(wrong).mean()
    else:  # units differ: each target in its own standard deviations
        expected = np.sqrt(np.square(wrong / true.std(axis=0)).mean())
        assert error.unit == "standard deviations" and "1 \u2212 R\u00b2" in error.meaning
    assert told == pytest.approx(expected, rel=1e-5)
    assert "all targets" in error.meaning


@pytest.mark.parametrize("loss", LOSSES)
def test_each_target_has_an_error_of_its_own(loss: str) -> None:
    data = several_targets("standard")
    trainer = trained(data, loss)
    trainer.watch(["predictions"])
    told = trainer.snapshot().predictions
    wrong = differences(trainer, "test")
    absolute = loss == "mean_absolute_error"
    expected = np.abs(wrong).mean(axis=0) if absolute else np.sqrt(np.square(wrong).mean(axis=0))
    assert errors_by_target(loss, data, told, "test") == pytest.approx(expected, rel=1e-5)


def test_a_constant_test_target_has_an_error_too() -> None:
    x = np.arange(6, dtype=np.float32)[:, None]
    data = engine.Dataset(x[:5], x[:5] * 3, x[5:], x[5:] * 3, "regression")
    trainer = trained(data, "mean_squared_error")
    row = trainer.history.table()[-1]
    told = float(target_error("mean_squared_error", data).of("test", row[4], row[6]))
    assert told == pytest.approx(float(np.abs(differences(trainer, "test"))[0, 0]), rel=1e-5)


def test_classes_have_none() -> None:
    assert target_error("mean_squared_error", engine.datasets.load("iris")) is None
