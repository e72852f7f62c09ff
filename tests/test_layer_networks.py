"""Networks of convolutions, pooling and batch norm: layout of the parameters, gradients, what is kept, what is told."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

import engine
from engine import RelumeError, activations
from engine.files import export_weights, weights
from engine.layers import (
    AveragePool2D,
    BatchNorm,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Layer,
    MaxPool2D,
    layer_from_dict,
)
from engine.network import Network
from engine.spec import NetworkSpec

IMAGE = (9, 8, 2)
LAYERS: tuple[Layer, ...] = (
    Conv2D(4, 3, 1, "same", "tanh", l1=0.01, l2=0.02),
    BatchNorm(),
    MaxPool2D(2),
    Conv2D(5, 2, 1, "valid", "prelu", "he_normal"),
    AveragePool2D(2, 1, "same"),
    Dropout(0.3),
    Flatten(),
    BatchNorm(),
    Dense(6, "gelu"),
    Dense(3),
)
SPEC = NetworkSpec(IMAGE, LAYERS, "softmax_cross_entropy")


def exact(spec: NetworkSpec = SPEC, dtype: str = "float64") -> Network:
    """A network with every parameter away from its beginning."""
    network, rng = Network(spec, 3, dtype), np.random.default_rng(8)
    moved = {
        key: rng.uniform(0.5, 2.0, value.shape) if "variance" in key else value + 0.3 * rng.normal(size=value.shape)
        for key, value in network.parameters().items()
    }
    network.set_parameters(moved)
    return network


def samples(n: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.normal(size=(n, *IMAGE)), rng.integers(0, 3, n)


def test_measured_parameters_lie_behind_the_trainable_ones():
    network = Network(SPEC, 1)
    measured = [key for key in network.slices if "moving" in key]
    assert measured == ["1.moving_mean", "1.moving_variance", "7.moving_mean", "7.moving_variance"]
    assert list(network.slices)[:6] == ["0.kernel", "0.bias", "1.gamma", "1.beta", *measured[:2]]
    assert all((part.start >= network.trainable) == (key in measured) for key, (part, _) in network.slices.items())
    places = sorted((part.start, part.stop) for part, _ in network.slices.values())
    assert places[0][0] == 0 and places[-1][1] == len(network.vector)
    assert all(before[1] == after[0] for before, after in zip(places, places[1:], strict=False))
    assert network.trainable == SPEC.parameter_count() == len(network.vector) - 2 * (4 + 45)


def test_gradients_of_a_whole_network():
    network, (x, y) = exact(), samples()
    before, (_, gradients) = network.parameters(), network.gradients(x, y)
    assert list(gradients) == [key for key in network.slices if "moving" not in key]
    rng, h = np.random.default_rng(0), 1e-5
    for key, gradient in gradients.items():
        along, ends = rng.normal(size=gradient.shape), []
        for side in (h, -h):
            network.set_parameters({key: before[key] + side * along})
            ends.append(network.gradients(x, y)[0])
        network.set_parameters({key: before[key]})
        expected = (ends[0] - ends[1]) / (2 * h)
        assert (gradient * along).sum() == pytest.approx(expected, rel=1e-6, abs=1e-8), key
    assert all(np.array_equal(value, before[key]) for key, value in network.parameters().items())


def test_gradients_do_not_ask_what_was_measured_and_prediction_does():
    network, (x, y) = exact(), samples()
    loss, predicted = network.gradients(x, y)[0], network.predict(x)
    network.set_parameters({"1.moving_mean": np.full(4, 5.0)})
    assert network.gradients(x, y)[0] == loss
    assert not np.allclose(network.predict(x), predicted)
    np.testing.assert_allclose(network.predict(x[:1]), network.predict(x)[:1], rtol=1e-12)


def test_shapes_layer_by_layer():
    network, (x, _) = exact(), samples(2)
    expected = [(2, *shape) for shape in SPEC.shapes()]
    assert [z.shape for z in network.preactivations(x)] == [a.shape for a in network.activations(x)] == expected
    assert expected[-1] == (2, 3) and network.predict(x[:0]).shape == (0, 3)


def test_the_initial_variance_follows_the_inputs_of_a_filter():
    kernel = Network(NetworkSpec((8, 8, 5), (Conv2D(400, 3, initializer="he_normal"), Flatten(), Dense(1))), 1)
    assert kernel.parameters()["0.kernel"].std() == pytest.approx(np.sqrt(2 / (9 * 5)), rel=0.02)


def test_the_initial_variance_follows_the_inputs_of_a_group():
    layers = (Conv2D(400, 3, initializer="he_normal", groups=2), Flatten(), Dense(1))
    kernel = Network(NetworkSpec((8, 8, 10), layers), 1).parameters()["0.kernel"]
    assert kernel.shape == (3, 3, 5, 400) and kernel.std() == pytest.approx(np.sqrt(2 / (9 * 5)), rel=0.02)


@pytest.mark.parametrize("between", [(), (MaxPool2D(2),), (AveragePool2D(2), Dropout(0.1))])
def test_the_gain_passes_through_layers_without_units(between):
    spec = NetworkSpec((8, 8, 3), (Conv2D(8, 3, 1, "same", "tanh"), *between, Flatten(), Dense(200)))
    kernel = Network(spec, 1).parameters()[f"{len(between) + 2}.kernel"]
    assert kernel.std() * np.sqrt(len(kernel)) == pytest.approx(activations.get("tanh").gain(), rel=0.03)


def test_behind_batch_norm_the_gain_is_one():
    spec = NetworkSpec((8, 8, 3), (Conv2D(8, 3, 1, "same", "tanh"), BatchNorm(), Flatten(), Dense(200)))
    kernel = Network(spec, 1).parameters()["3.kernel"]
    assert kernel.std() * np.sqrt(len(kernel)) == pytest.approx(1.0, rel=0.03)


# ---- what is kept when the design changes -----------------------------------------------------


def changed(*layers: Layer) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(old parameters, those after the change, what would have been drawn anew)"""
    old = exact()
    spec = NetworkSpec(IMAGE, layers, SPEC.loss)
    return old.parameters(), old.with_spec(spec, seed=9).parameters(), Network(spec, 9, "float64").parameters()


def test_more_filters_keep_the_old_ones():
    old, new, fresh = changed(
        Conv2D(6, 3, 1, "same", "tanh", l1=0.01, l2=0.02), BatchNorm(), MaxPool2D(2),
        Conv2D(5, 2, 1, "valid", "prelu", "he_normal"), *LAYERS[4:],
    )  # fmt: skip
    assert np.array_equal(new["0.kernel"][..., :4], old["0.kernel"])
    assert np.array_equal(new["0.kernel"][..., 4:], fresh["0.kernel"][..., 4:])
    for name in ("1.gamma", "1.moving_mean", "1.moving_variance"):
        assert np.array_equal(new[name][:4], old[name]) and np.array_equal(new[name][4:], fresh[name][4:])
    assert np.array_equal(new["8.kernel"], old["8.kernel"])


def test_a_window_of_another_size_keeps_no_weights():
    old, new, fresh = changed(LAYERS[0], LAYERS[1], LAYERS[2], Conv2D(5, 3, 1, "same", "prelu"), *LAYERS[4:])
    assert np.array_equal(new["3.kernel"], fresh["3.kernel"]) and np.array_equal(new["3.bias"], old["3.bias"])


def test_filters_of_other_groups_see_other_channels():
    old = exact(NetworkSpec(IMAGE, (Conv2D(4, 3), Conv2D(4, 3, groups=2), Flatten(), Dense(3)), SPEC.loss))
    for first, second in ((4, 4), (4, 1), (8, 4), (8, 2)):
        layers = (Conv2D(first, 3), Conv2D(4, 3, groups=second), Flatten(), Dense(3))
        spec = NetworkSpec(IMAGE, layers, SPEC.loss)
        new, fresh = old.with_spec(spec, seed=9).parameters(), Network(spec, 9, "float64").parameters()
        assert np.array_equal(new["1.kernel"], fresh["1.kernel"]), (first, second)
        assert np.array_equal(new["1.bias"], old.parameters()["1.bias"])
    more = old.with_spec(NetworkSpec(IMAGE, (Conv2D(4, 3), Conv2D(4, 3, groups=2), Flatten(), Dense(5)), SPEC.loss))
    assert np.array_equal(more.parameters()["1.kernel"], old.parameters()["1.kernel"])


def test_behind_flatten_only_the_same_image_keeps_its_rows():
    old, new, fresh = changed(*LAYERS[:3], Conv2D(7, 2, 1, "valid", "prelu", "he_normal"), *LAYERS[4:])
    assert np.array_equal(new["8.kernel"], fresh["8.kernel"]) and np.array_equal(new["8.bias"], old["8.bias"])
    assert np.array_equal(new["7.gamma"], fresh["7.gamma"])
    assert np.array_equal(new["9.kernel"], old["9.kernel"])
    old, new, fresh = changed(*LAYERS[:3], Conv2D(5, 2, 1, "valid", "tanh"), *LAYERS[4:])
    assert np.array_equal(new["8.kernel"], old["8.kernel"]) and np.array_equal(new["7.gamma"], old["7.gamma"])


def test_as_many_values_of_another_image_are_not_the_same_rows():
    old = exact(NetworkSpec((4, 2, 2), (Flatten(), Dense(3)), SPEC.loss))
    new = old.with_spec(NetworkSpec((2, 4, 2), (Flatten(), Dense(3)), SPEC.loss), seed=9)
    assert not np.isin(new.parameters()["1.kernel"], old.parameters()["1.kernel"]).any()
    assert np.array_equal(new.parameters()["1.bias"], old.parameters()["1.bias"])


def test_slots_of_an_optimizer_may_hold_the_trainable_part_alone():
    old, new = exact(), Network(SPEC, 1, "float64")
    source, target = np.arange(1.0, old.trainable + 1), np.zeros(new.trainable)
    old.carry_over(source, new, target)
    assert np.array_equal(source, target)


# ---- what is told -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "layers", "words"),
    [
        (IMAGE, LAYERS[:3], r"layer 3.*MaxPool2D, gives 4 x 4 x 4.*Add Flatten and Dense"),
        (IMAGE, (Dense(3),), r"layer 1.*Add a Flatten layer"),
        ((4,), (Dense(3), Conv2D(2)), r"layer 2.*takes images"),
        ((4,), (Conv1D(2),), r"layer 1.*takes signals.*Reshape"),
        (IMAGE, (MaxPool2D(4), Conv2D(2, 3)), r"layer 2.*does not fit into 2 x 2"),
        (IMAGE, (Conv2D(100_000, 100, 1, "same"), Conv2D(9, 1), Flatten(), Dense(3)), r"100,000,000 is the most"),
        ((60_000_000,), (BatchNorm(),), r"240,000,000 parameters"),
    ],
)
def test_designs_that_do_not_fit_are_told(shape, layers, words):
    with pytest.raises(RelumeError) as told:
        NetworkSpec(shape, layers)
    assert re.search(words, str(told.value).replace("\n", " ")), str(told.value)


def test_plain_data_and_back():
    assert NetworkSpec.from_dict(SPEC.to_dict()) == SPEC
    assert SPEC.to_dict()["layers"][2] == {"kind": "MaxPool2D", "pool_size": 2, "strides": None, "padding": "valid"}
    older = {"kind": "Conv2D", "filters": 4, "kernel_size": 3, "strides": 1, "padding": "same", "activation": "relu"}
    assert layer_from_dict(older) == Conv2D(4, 3, 1, "same", "relu")
    assert {"Conv1D", "Conv2D", "MaxPool2D", "AveragePool2D", "Flatten", "BatchNorm"} <= set(dir(engine))


# ---- exports ----------------------------------------------------------------------------------


SPECS = (
    SPEC,
    NetworkSpec(IMAGE, (Conv2D(4, 3, groups=2), Conv2D(4, 2, dilation_rate=2), Flatten(), Dense(3)), SPEC.loss),
    NetworkSpec((20, 2), (Conv1D(4, 3, activation="relu"), Conv1D(6, 3, 2, groups=2), Flatten(), Dense(3)), SPEC.loss),
)


@pytest.mark.parametrize("suffix", [format.ending for format in weights.FORMATS])
@pytest.mark.parametrize("spec", SPECS, ids=["maps", "groups", "signals"])
def test_every_kind_of_layer_is_exported(tmp_path, suffix, spec):
    report = export_weights(exact(spec), tmp_path / f"w{suffix}")
    allowed = {".npz": 0.0, ".safetensors": 0.0, ".onnx": 1e-5}
    assert (report.largest_difference or 0.0) <= allowed.get(suffix, 1e-12)


def test_the_script_of_an_image_network_runs_alone(tmp_path):
    network, (x, _) = exact(), samples()
    export_weights(network, tmp_path / "w.py")
    np.save(tmp_path / "x.npy", x)
    code = "import numpy, w; x = numpy.load('x.npy'); numpy.save('y.npy', [w.predict(x), w.predict(x.reshape(7, -1))])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    powers = np.exp(network.predict(x))
    for told in np.load(tmp_path / "y.npy"):
        np.testing.assert_allclose(told, powers / powers.sum(axis=1, keepdims=True), rtol=1e-9)
