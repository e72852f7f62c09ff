"""The output layer follows the data and the loss."""

from __future__ import annotations

import numpy as np
import pytest

from engine import datasets
from engine.data.dataset import Dataset
from engine.data.extent import plane_extent
from engine.default_network import default_design
from engine.layers import Conv2D, Dense, Dropout, Flatten, MaxPool2D
from engine.losses import LOSSES, classes_of, link, said_classes
from engine.outputs import DEFAULT_LOSSES, describe_output, fit_output, said_name, surface
from engine.spec import NetworkSpec, TrainingSpec
from engine.trainer import Trainer

START = NetworkSpec((2,), (Dense(8, "relu"), Dense(1)), "mean_squared_error")


@pytest.mark.parametrize("name", datasets.names())
@pytest.mark.parametrize("loss", LOSSES.names())
def test_any_loss_fits_any_data(name, loss):
    data = datasets.load(name, samples=40)
    spec = fit_output(NetworkSpec((2,), (Dense(8, "relu"), Dense(3, "tanh")), loss), data)
    assert spec.input_shape == data.x_train.shape[1:]
    assert data.task in LOSSES.get(spec.loss).tasks
    expected = 1 if data.task == "binary" and LOSSES.get(spec.loss).link != "softmax" else data.outputs
    assert spec.output_shape == (expected,)
    before = (Flatten(),) if len(spec.input_shape) > 1 else ()
    assert spec.layers[:-1] == (*before, Dense(8, "relu"))
    assert fit_output(spec, data) is spec
    assert "set by the data" in describe_output(spec, data)


def test_a_chosen_activation_stays_where_the_width_fits():
    data = datasets.load("plane", samples=40)
    spec = NetworkSpec((2,), (Dense(8, "relu"), Dense(1, "tanh")), "mean_squared_error")
    assert fit_output(spec, data) is spec


def test_a_new_task_takes_its_own_loss_and_a_linear_output():
    spec = fit_output(NetworkSpec((2,), (Dense(1, "relu"),)), datasets.load("iris"))
    assert spec.layers[-1].units == 3 and spec.layers[-1].activation == "linear"
    spec = fit_output(NetworkSpec((4,), (Dense(3),), "softmax_cross_entropy"), datasets.load("sine", samples=40))
    assert spec.loss == "mean_squared_error" and spec.output_shape == (1,)


def test_a_network_without_units_gets_an_output():
    spec = NetworkSpec((2,), (Dropout(0.5),))
    assert fit_output(spec, datasets.load("iris")).output_shape == (3,)


def test_a_table_after_images_leaves_what_only_images_take_out():
    layers = (Conv2D(4, 3), MaxPool2D(2), Flatten(), Dense(8, "relu"), Dense(10))
    spec = fit_output(NetworkSpec((12, 12, 1), layers, "softmax_cross_entropy"), datasets.load("iris"))
    assert spec.layers == (Dense(8, "relu"), Dense(3))


@pytest.mark.parametrize("name", [record.name for record in LOSSES if "binary" in record.tasks])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_class_is_the_same_before_and_after_the_link(name, width):
    outputs = np.random.default_rng(0).normal(0.2, 1.5, (200, width)).astype(np.float32)
    if width > 1 or not LOSSES.get(name).coupled:
        assert np.array_equal(said_classes(name, link(name, outputs, "multiclass")), classes_of(name, outputs))


def test_a_loss_for_counts_is_not_for_targets_below_0():
    x, y = np.zeros((4, 2)), np.array([0.0, 3.0, 1.0, 0.0])
    spec = NetworkSpec((2,), (Dense(1),), "poisson")
    assert fit_output(spec, Dataset(x, y, x, y, task="regression")) is spec
    assert fit_output(spec, Dataset(x, y, x, y - 1.0, task="regression")).loss == "mean_squared_error"


def test_a_surface_is_a_probability_only_where_the_loss_has_one():
    x, y = np.zeros((4, 2)), np.array([0, 1, 0, 1])
    data = Dataset(x, y, x, y, task="binary")
    logits = np.array([[[-1.0, 0.0, 3.0]]], np.float32)
    assert np.allclose(surface("binary_cross_entropy", logits, data), 1 / (1 + np.exp(-logits)))
    assert np.array_equal(surface("hinge", logits, data), logits)
    assert said_name("hinge", "B") == "score of B" and said_name("softmax_cross_entropy", "B") == "P(B)"
    pair = np.concatenate([logits, -logits])
    assert len(surface("softmax_cross_entropy", pair, data)) == 1
    assert len(surface("mean_squared_error", pair, data)) == 2  # the larger of two scores wins


def test_a_surface_of_a_regression_is_what_is_predicted():
    output = np.linspace(-2.0, 3.0, 24, dtype=np.float32).reshape(2, 3, 4)
    x = np.zeros((4, 2), np.float32)
    data = Dataset(x, np.ones((4, 2), np.float32), x, np.ones((4, 2), np.float32), task="regression")
    assert np.array_equal(surface("mean_squared_error", output, data), output)
    assert np.allclose(surface("poisson", output, data), np.exp(output))
    shares = surface("kl_divergence", output, data)
    assert shares.shape == output.shape and np.allclose(shares.sum(axis=0), 1.0)


def test_a_table_of_two_columns_has_a_range_for_each_and_a_made_set_one_square():
    rng = np.random.default_rng(0)
    ages, incomes = rng.integers(20, 80, 200), rng.integers(20_000, 60_000, 200)
    rows = [f"{a},{b},{'yes' if a * 900 + b > 80_000 else 'no'}" for a, b in zip(ages, incomes, strict=True)]
    table = datasets.read_table("\n".join(["age,income,buys", *rows]).encode(), scaling="standard")
    trainer = Trainer(fit_output(START, table), TrainingSpec(epochs=1), table)
    trainer.watch(["plane"])
    plane = trainer.snapshot().plane
    for axis, values in ((plane.x, ages), (plane.y, incomes)):
        inside = (axis >= values.min()) & (axis <= values.max())
        assert inside.mean() >= 0.9 and axis[0] <= values.min() and axis[-1] >= values.max()
    left, right, bottom, top = plane_extent(datasets.load("spiral"))
    assert -left == right == top == -bottom


def test_two_columns_of_one_value_have_a_range_too():
    x = np.column_stack([np.full(4, 7.0), np.zeros(4)])
    left, right, bottom, top = plane_extent(Dataset(x, [0, 1, 0, 1], x[:0], np.zeros(0, int), task="binary"))
    assert left < 7 < right and bottom < 0 < top


@pytest.mark.parametrize("name", ["moons", "breast_cancer", "iris", "diabetes", "spiral"])
def test_a_network_made_for_data_has_the_usual_loss_of_its_task(name: str) -> None:
    data = datasets.load(name)
    spec, _ = default_design(data)
    assert spec.loss == DEFAULT_LOSSES[str(data.task)]
