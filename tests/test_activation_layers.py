"""What only Activation, Softmax and Maxout promise: beside what every kind of layer must do."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import engine
from engine.diagnosis import check_design
from engine.layers import Activation, BatchNorm, Dense, Flatten, Layer, Maxout, Softmax
from engine.network import Network
from engine.spec import NetworkSpec
from gui.views.kernels import drawn_kernel
from gui.views.layer_words import layer_words


def both(spec: NetworkSpec) -> tuple[Network, Network]:
    return Network(spec, 3), Network(spec, 3, "float64")


def test_an_activation_of_its_own_is_that_of_the_layer_before() -> None:
    x = np.random.default_rng(0).normal(size=(9, 5)).astype(np.float32)
    apart = Network(NetworkSpec((5,), (Dense(7), Activation("elu"), Dense(2)), "mean_squared_error"), 1)
    whole = Network(NetworkSpec((5,), (Dense(7, "elu"), Dense(2)), "mean_squared_error"), 1)
    whole.set_parameters({key.replace("2.", "1."): value for key, value in apart.parameters().items()})
    assert np.array_equal(apart.predict(x), whole.predict(x))
    z, a = apart.preactivations(x), apart.activations(x)
    assert np.array_equal(z[1], a[0]) and np.array_equal(a[1], whole.activations(x)[0])
    gradients = apart.gradients(x, x[:, :2])[1]
    for key, value in whole.gradients(x, x[:, :2])[1].items():
        assert np.array_equal(value, gradients[key.replace("1.", "2.")])


@pytest.mark.parametrize("scale", [1.0, 1e2, 1e4])
def test_rows_of_shares_sum_to_one_and_nan_stays_in_its_row(scale: float) -> None:
    x = np.random.default_rng(0).uniform(-scale, scale, (50, 3, 300)).astype(np.float32)
    x[4, 1, 7] = np.nan
    for network in both(NetworkSpec((3, 300), (Softmax(), Flatten()))):
        shares = network.activations(x)[0]
        bad = np.isnan(shares).any(axis=-1)
        assert bad[4, 1] and bad.sum() == 1 and np.isnan(shares[4, 1]).all()
        assert np.abs(shares[~bad].sum(axis=-1, dtype=np.float64) - 1).max() <= 1e-6 and shares[~bad].min() >= 0


@pytest.mark.parametrize(("loss", "found"), [("softmax_cross_entropy", True), ("mean_squared_error", False)])
def test_a_softmax_before_a_loss_that_applies_one_is_told(loss: str, found: bool) -> None:
    spec = NetworkSpec((4,), (Dense(3), Softmax()), loss)
    findings = check_design(spec, engine.datasets.load("iris"))
    assert [(each.kind, each.layer) for each in findings] == ([("double link", 1)] if found else [])


def test_the_first_of_equal_pieces_learns() -> None:
    spec = NetworkSpec((2,), (Maxout(3, 4), Dense(1)), "mean_squared_error")
    x, y = np.ones((5, 2), np.float32), np.zeros((5, 1), np.float32)
    for network in both(spec):
        same = np.repeat(network.parameters()["0.kernel"][:, :1], 4, axis=1)
        network.set_parameters({"0.kernel": same})
        gradients = network.gradients(x, y)[1]
        assert gradients["0.kernel"][:, 0].all() and not gradients["0.kernel"][:, 1:].any()
        assert gradients["0.bias"][0].all() and not gradients["0.bias"][1:].any()


def test_nan_goes_through_the_largest_piece() -> None:
    x = np.array([[1.0, np.nan], [1.0, 2.0]], np.float32)
    for network in both(NetworkSpec((2,), (Maxout(3, 3),))):
        assert np.isnan(network.predict(x)[0]).all() and np.isfinite(network.predict(x)[1]).all()


@pytest.mark.parametrize("pieces", [1, 2, 3, 5])
def test_the_gain_of_maxout_keeps_the_variance(pieces: int) -> None:
    spec = NetworkSpec((400,), tuple(Maxout(400, pieces) for _ in range(3)))
    z = Network(spec, 2).preactivations(np.random.default_rng(1).normal(size=(2000, 400)).astype(np.float32))
    largest = np.random.default_rng(2).normal(size=(400_000, pieces)).max(axis=1)
    for values in z:
        assert np.mean(values**2) == pytest.approx(np.mean(largest**2), rel=0.15)


@pytest.mark.parametrize("before", ["relu", "abs"])
def test_the_gain_goes_through_an_activation_of_its_own(before: str) -> None:
    def kernel(*layers: Layer) -> np.ndarray:
        network = Network(NetworkSpec((50,), (*layers, Dense(3))), 1)
        return network.parameters()[f"{len(layers)}.kernel"]

    assert kernel(Dense(9), Activation(before)).std() == pytest.approx(
        engine.activations.get(before).gain() / 3, rel=0.4
    )
    assert np.array_equal(kernel(Dense(9, "elu"), Activation(before)), kernel(Dense(9), Activation(before)))


@pytest.mark.parametrize("changed", [Maxout(6, 3), Maxout(2, 3), Maxout(4, 5), Maxout(4, 2)])
def test_units_and_pieces_that_both_have_are_kept(changed: Maxout) -> None:
    old = Network(NetworkSpec((5,), (Maxout(4, 3), Dense(2))), 1)
    old.set_parameters({"0.bias": np.arange(12.0).reshape(3, 4)})
    new = old.with_spec(NetworkSpec((5,), (changed, Dense(2))), seed=9)
    pieces, units = min(3, changed.pieces), min(4, changed.units)
    for key, places in (("0.kernel", np.s_[:, :pieces, :units]), ("0.bias", np.s_[:pieces, :units])):
        assert np.array_equal(new.parameters()[key][places], old.parameters()[key][places])


def test_inputs_of_maxout_that_both_have_are_kept() -> None:
    old = Network(NetworkSpec((5,), (Dense(6), Maxout(4, 3), Dense(2))), 1)
    new = old.with_spec(NetworkSpec((5,), (Dense(8), Maxout(4, 3), Dense(2))), seed=9).parameters()
    assert np.array_equal(new["1.kernel"][:6], old.parameters()["1.kernel"])


@pytest.mark.parametrize("made", [Maxout(3), Activation("prelu")])
def test_a_frozen_layer_stays(made: Layer) -> None:
    layers = (Dense(3), BatchNorm(), dataclasses.replace(made, trainable=False), Dense(1))  # type: ignore[call-arg]
    spec = NetworkSpec((2,), layers, "binary_cross_entropy")
    trainer = engine.Trainer(spec, engine.TrainingSpec(epochs=2), engine.datasets.load("circles", samples=60))
    before = trainer.network.parameters()
    trainer.run()
    after = trainer.network.parameters()
    moved = {int(key[0]) for key in after if not np.array_equal(after[key], before[key])}
    assert moved == {0, 1, 3}


def test_pieces_are_drawn_one_after_the_other() -> None:
    spec = NetworkSpec((2,), (Maxout(4, 3), Dense(1)))
    kernel = Network(spec, 1).parameters()["0.kernel"]
    drawn = drawn_kernel(kernel, layer_words(spec)[0], spec, None, ("x", "y"))
    assert drawn.names == ("piece 1, x", "piece 1, y", "piece 2, x", "piece 2, y", "piece 3, x", "piece 3, y")
    for row, (piece, place) in enumerate(np.ndindex(3, 2)):
        assert np.array_equal(drawn.matrix[row], kernel[place, piece])


def test_words_name_an_activation_only_where_there_is_a_choice() -> None:
    spec = NetworkSpec((2,), (Maxout(4), Dense(3), BatchNorm(), Activation("relu"), Dense(1)))
    words = layer_words(spec)
    titles = [each.title for each in words]
    assert titles == ["1  Maxout", "2  Dense, linear", "4  Activation, relu", "Output"]
    assert [each.dies for each in words] == [False, False, True, False]
    assert words[2].between == "batch norm" and (words[2].previous, words[3].previous) == (1, 3)


def test_maps_are_told_to_be_flattened_before_maxout() -> None:
    with pytest.raises(engine.RelumeError, match=r"Maxout takes flat inputs, not the shape \(4, 4, 2\)"):
        NetworkSpec((4, 4, 2), (Maxout(3),))
