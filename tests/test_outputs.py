"""The output layer follows the data and the loss."""

from __future__ import annotations

import pytest

from engine import datasets
from engine.layers import Dense, Dropout
from engine.losses import LOSSES
from engine.outputs import describe_output, fit_output
from engine.spec import NetworkSpec

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
    assert spec.layers[0] == Dense(8, "relu")
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
