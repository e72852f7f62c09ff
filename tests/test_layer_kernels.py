"""Compiled layers against their float64 twins: predictions, gradients, training, and what training measures."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from engine.kernels.stepper import Stepper
from engine.layers import (
    GLU,
    Activation,
    AveragePool2D,
    BatchNorm,
    Conv1D,
    Conv2D,
    CReLU,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    Layer,
    LayerNorm,
    Maxout,
    MaxPool2D,
    Reshape,
    Residual,
    Softmax,
)
from engine.losses import encode_targets
from engine.network import Network
from engine.optimizers import SGD, Adam, AdamW, Optimizer
from engine.spec import NetworkSpec, TrainingSpec

MANY = 10**9
LOSS = "softmax_cross_entropy"
TAIL = (Flatten(), Dense(3))
WINDOWS = list(itertools.product((1, 2, 3, 5), (1, 2, 3), ("valid", "same"), ((6, 7), (7, 6))))
OWN = "= x*sigmoid(a*x) + b*sin(x) + where(x > c, 0.3, d*x)"
OWN_FUNCTIONS = (
    "x", "x + 1", "exp(-x**2) + expm1(min(x, 0))", "log(0.5 + abs(x)) + log1p(x^2)", "sqrt(x**2 + 0.5)/(2 - cos(x))",
    "softplus(x) - tanh(x) - 0.5*relu(x)**1.5", "x*sign(x) + x*step(x) + clip(x, -1, 2)", "0.1*x**3 if x >= 0 else -x",
    "(x^2 + 1)**-0.3*x", "sin(x)*sqrt(abs(x) + 1)",
)  # fmt: skip
NETWORKS = {
    "convolutions": ((11, 9, 3), (Conv2D(8, 3, activation="relu"), Conv2D(17, 3, 2, "same", "tanh"), *TAIL)),
    "learned per filter": ((8, 8, 2), (Conv2D(5, 3, 1, "same", "prelu"), Conv2D(6, 2, activation="swish"), *TAIL)),
    "several options": ((8, 8, 2), (Conv2D(5, 3, 1, "same", "srelu"), Conv2D(6, 2, activation="pelu"), *TAIL)),
    "own formulas": (
        (9, 8, 2),
        (Conv2D(5, 3, activation="= max(0, x) + 0.1*min(0, x)"), MaxPool2D(2), Conv2D(6, 2, activation=OWN), *TAIL),
    ),
    "own formulas, narrow and wide": ((9,), (Dense(7, OWN), Dense(700, OWN, off=(3,)), Dense(3, "= x"))),
    **{f"= {text}": ((9,), (Dense(33, f"= {text}"), Dense(17, f"= {text}"), Dense(3))) for text in OWN_FUNCTIONS},
    "one channel": ((12, 12, 1), (Conv2D(16, 5, activation="relu", l1=0.01, l2=0.02), MaxPool2D(2), *TAIL)),
    "images first": ((8, 6, 2), (Flatten(), Dense(9, "tanh"), Dense(3))),
    "pools": ((9, 8, 5), (MaxPool2D(2), AveragePool2D(3, 1, "same"), *TAIL)),
    "dilated": ((11, 9, 2), (Conv2D(9, 3, 1, "same", "tanh", dilation_rate=2), Conv2D(5, 2, dilation_rate=3), *TAIL)),
    "groups": (
        (7, 6, 6),
        (Conv2D(9, 3, activation="prelu", groups=3), Conv2D(36, 2, 2, "same", "tanh", groups=9), *TAIL),
    ),
    "depthwise": (
        (8, 7, 1),
        (Conv2D(37, 1), Conv2D(37, 3, 1, "same", "relu", groups=37), MaxPool2D(2), Conv2D(37, 2, groups=37), *TAIL),
    ),
    "signals": ((40, 3), (Conv1D(17, 5, activation="relu"), Conv1D(8, 3, 2, "same", "tanh", dilation_rate=2), *TAIL)),
    "one value a map": ((9, 5, 2), (Conv2D(21, 3, activation="tanh"), GlobalAveragePool2D(), Dense(3))),
    "the largest of a map": ((4, 7, 2), (Conv2D(5, 2, 1, "same", "tanh"), GlobalMaxPool2D(), Dense(3))),
    "norm of maps": ((6, 6, 2), (Conv2D(7, 3, activation="relu"), BatchNorm(), MaxPool2D(2), *TAIL)),
    "norm of rows": ((10,), (Dense(16, "relu"), BatchNorm(), Dense(33, "tanh"), BatchNorm(0.5, 0.1), Dense(3))),
    "norm first and last": ((4, 4, 3), (BatchNorm(), Flatten(), Dense(3), BatchNorm())),
    "norms in a row": ((5, 4, 3), (BatchNorm(), BatchNorm(), Conv2D(4, 2), BatchNorm(), *TAIL)),
    "with dropout": ((6, 6, 1), (Conv2D(4, 3, activation="relu"), Dropout(0.5), BatchNorm(), *TAIL)),
    "units off": (
        (7, 6, 2),
        (Conv2D(5, 3, activation="relu", off=(0, 4)), MaxPool2D(2), Flatten(), Dense(6, "prelu", off=(3,)), Dense(3)),
    ),
    "norm of each sample": ((9,), (Dense(21, "relu"), LayerNorm(), Dense(18, "tanh"), LayerNorm(0.1), Dense(3))),
    "norm of each place": ((5, 4, 3), (LayerNorm(), Conv2D(6, 2), LayerNorm(), *TAIL)),
    "wider and narrower": ((7,), (Dense(18), CReLU(), GLU("silu"), Dense(8), GLU(), GLU("gelu"), Dense(3))),
    "maps wider and narrower": ((5, 4, 2), (Conv2D(6, 2), CReLU(), Conv2D(10, 2), GLU("relu"), *TAIL)),
    "apart from the weights": (
        (7, 6, 2),
        (
            Conv2D(5, 3), BatchNorm(), Activation("relu"), MaxPool2D(2), Activation("prelu", off=(2,)), Flatten(),
            Dense(7), Activation("srelu"), Activation(OWN), Activation("linear"), Dense(3), Activation("tanh"),
        ),
    ),
    "softmax within": ((9,), (Dense(17, "relu"), Softmax(), Dense(5), Activation("softplus"), Softmax(), Dense(3))),
    "softmax of places": ((5, 4, 3), (Softmax(), Conv2D(6, 2), Softmax(), *TAIL)),
    "maxout": ((9,), (Maxout(17, 3, l1=0.01), Maxout(33, 2, off=(3,)), Maxout(5, 1), Dense(3))),
    "wide maxout": ((60,), (Maxout(130, 2), Dense(3, "tanh"))),
    "residual": ((9,), (Residual((Dense(7, "relu"), Dense(9))), Residual((Dense(11, "tanh"),)), Dense(3))),
    "residual maps": (
        (11, 10, 3),
        (
            Conv2D(6, 3, activation="relu"),
            Residual((BatchNorm(), Conv2D(8, 3, 2, "same", "relu"), Conv2D(8, 3, 1, "same"))),
            Residual((Conv2D(8, 3, 1, "same", "relu"),)),
            *TAIL,
        ),
    ),
    "rows as maps": ((48,), (Dense(24, "tanh"), Reshape((4, 3, 2)), Conv2D(4, 2, activation="relu"), *TAIL)),
    "one place": ((1, 1, 1), (Conv2D(1, 3, 2, "same", "tanh"), MaxPool2D(3, 1, "same"), *TAIL)),
    "all": (
        (12, 10, 2),
        (Conv2D(6, 3, 1, "same", "relu"), BatchNorm(), MaxPool2D(2), Conv2D(8, 3, activation="elu"),
         AveragePool2D(2, 1, "same"), Dropout(0.2), Flatten(), BatchNorm(), Dense(12, "gelu"), Dense(3)),
    ),
}  # fmt: skip
WITH_NORM = [name for name, (_, layers) in NETWORKS.items() if any(isinstance(layer, BatchNorm) for layer in layers)]


def twins(shape: tuple[int, ...], layers: tuple[Layer, ...]) -> tuple[Network, Network]:
    """(compiled, exact) with the same parameters, all away from their beginnings."""
    spec = NetworkSpec(shape, layers, LOSS)
    quick, exact, rng = Network(spec, 3), Network(spec, 3, "float64"), np.random.default_rng(8)
    moved = {
        key: rng.uniform(0.5, 2.0, value.shape) if "variance" in key else value + 0.2 * rng.normal(size=value.shape)
        for key, value in quick.parameters().items()
    }
    quick.set_parameters(moved)
    exact.set_parameters(quick.parameters())
    return quick, exact


def samples(shape: tuple[int, ...], n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.normal(size=(n, *shape)).astype(np.float32), rng.integers(0, 3, n)


def close(found: np.ndarray, expected: np.ndarray, place: object) -> None:
    scale = float(np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * scale, err_msg=str(place))


def compare(quick: Network, exact: Network, n: int) -> None:
    x, y = samples(quick.spec.input_shape, n)
    for forward in ("preactivations", "activations"):
        for index, (a, b) in enumerate(zip(getattr(quick, forward)(x), getattr(exact, forward)(x), strict=True)):
            assert a.dtype == np.float32 and a.shape == b.shape
            close(a, b, (forward, index))
    if not n:
        return
    before = quick.vector.copy()
    (loss, gradients), (expected_loss, expected) = quick.gradients(x, y), exact.gradients(x, y)
    assert loss == pytest.approx(expected_loss, rel=1e-4)
    assert list(gradients) == list(expected)
    largest = max(float(np.abs(value).max()) for value in expected.values())
    for key, value in expected.items():
        assert gradients[key].dtype == np.float32
        np.testing.assert_allclose(gradients[key], value, rtol=1e-4, atol=1e-4 * largest, err_msg=key)
    assert np.array_equal(quick.vector, before), "gradients change no parameter and no moving mean"


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("n", [0, 1, 2, 129, 300])
def test_networks_agree_with_their_twins(name: str, n: int):
    if n == 1 and name in WITH_NORM:
        n = 3  # of one sample in a row every value is its own mean: nothing to compare but rounding
    compare(*twins(*NETWORKS[name]), n)


@pytest.mark.parametrize(("size", "stride", "padding", "extents"), WINDOWS, ids=str)
@pytest.mark.parametrize(("kind", "channels"), [(Conv2D, 3), (Conv2D, 9), (MaxPool2D, 3), (AveragePool2D, 3)])
def test_windows_agree_with_their_twins(kind, channels, size, stride, padding, extents):
    layer = Conv2D(5, size, stride, padding, "tanh") if kind is Conv2D else kind(size, stride, padding)
    before = Conv2D(channels, 1, activation="tanh")  # so that the gradient of the layer's inputs counts
    compare(*twins((*extents, 2), (before, layer, *TAIL)), 9)


@pytest.mark.parametrize(("filters", "groups"), [(5, 1), (6, 2), (12, 12), (24, 12), (4, 4)])
@pytest.mark.parametrize("dilation", [1, 2, 3])
@pytest.mark.parametrize(
    ("size", "stride", "padding"), list(itertools.product((1, 2, 3), (1, 2, 3, 4), ("valid", "same")))
)
def test_windows_with_gaps_and_groups_agree_with_their_twins(size, stride, padding, dilation, filters, groups):
    options = {"dilation_rate": dilation, "groups": groups}
    maps, signals = (kind(filters, size, stride, padding, "tanh", **options) for kind in (Conv2D, Conv1D))
    compare(*twins((8, 9, 2), (Conv2D(12, 1, activation="tanh"), maps, *TAIL)), 5)
    compare(*twins((13, 2), (Conv1D(12, 1, activation="tanh"), signals, *TAIL)), 5)


@pytest.mark.parametrize("filters", [1, 7, 8, 15, 16, 17, 32, 33, 64])
@pytest.mark.parametrize("channels", [1, 3, 16, 19])
def test_any_number_of_filters_and_channels(filters: int, channels: int):
    compare(*twins((6, 5, channels), (Conv2D(filters, 3, 1, "same", "tanh"), *TAIL)), 5)


def test_of_equal_values_the_first_one_gets_the_gradient():
    quick, exact = twins((6, 6, 2), (Conv2D(2, 1), MaxPool2D(3, 2, "same"), *TAIL))
    same = {"0.kernel": np.eye(2).reshape(1, 1, 2, 2), "0.bias": np.zeros(2)}
    for network in (quick, exact):
        network.set_parameters(same)
    x = np.random.default_rng(0).integers(-1, 2, (40, 6, 6, 2)).astype(np.float32)
    y = np.arange(40) % 3
    close(quick.gradients(x, y)[1]["0.kernel"], exact.gradients(x, y)[1]["0.kernel"], "kernel")


# ---- training ---------------------------------------------------------------------------------


def stepper_of(network: Network, n: int, optimizer: Optimizer, **training: int) -> Stepper:
    x, y = samples(network.spec.input_shape, n)
    options = TrainingSpec(optimizer, **{"batch_size": n, "seed": 5, **training})
    return Stepper(network, options, x, encode_targets(LOSS, y, "multiclass", 3))


def of(name: str, parameters: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {key.removeprefix(f"{name}."): value for key, value in parameters.items() if key.startswith(f"{name}.")}


def moved_by(layer: Layer, x: np.ndarray, own: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    if isinstance(layer, BatchNorm):
        return layer.moved(x, own)
    moved = {}
    for name, inner, _ in layer.within(x.shape[1:]):
        if name != "projection":
            moved.update({f"{name}.{key}": value for key, value in moved_by(inner, x, of(name, own)).items()})
            x = inner.forward(x, of(name, own), by_batch=True)[1]
    return moved


def measured_after(network: Network, x: np.ndarray) -> dict[str, np.ndarray]:
    """What the moving means and variances of an exact network are after a step on x."""
    inputs, moved = x.astype(np.float64), {}
    parameters = network.parameters()
    for index, layer in enumerate(network.spec.layers):
        own = of(str(index), parameters)
        moved.update({f"{index}.{name}": value for name, value in moved_by(layer, inputs, own).items()})
        inputs = layer.forward(inputs, own, by_batch=True)[1]
    return moved


@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in ("with dropout", "all")])
@pytest.mark.parametrize("n", [30, 200])
def test_training_steps_are_the_twins(name: str, n: int):
    quick, exact = twins(*NETWORKS[name])
    x, y = samples(quick.spec.input_shape, n)
    stepper = stepper_of(quick, n, SGD(learning_rate=0.05, momentum=0.0))
    for _ in range(4):
        gradients, moved = exact.gradients(x, y)[1], measured_after(exact, x)
        after = {key: value - 0.05 * gradients[key] for key, value in exact.parameters().items() if key in gradients}
        exact.set_parameters({**after, **moved})
        stepper.advance(MANY, 1, MANY)
    assert stepper.step == 4 and stepper.diverged is None
    for key, value in exact.parameters().items():
        close(quick.parameters()[key], value, key)
    close(quick.predict(x), exact.predict(x), "predict")


@pytest.mark.parametrize("optimizer", [AdamW(learning_rate=0.1, weight_decay=0.5), Adam(learning_rate=0.1)], ids=str)
def test_no_optimizer_touches_what_is_measured(optimizer: Optimizer):
    quick, exact = twins(*NETWORKS["norm of maps"])
    stepper = stepper_of(quick, 150, optimizer)
    stepper.advance(MANY, 1, MANY)
    for key, value in measured_after(exact, stepper.x.reshape(150, 6, 6, 2)).items():
        close(quick.parameters()[key], value, key)


@pytest.mark.parametrize("name", ["all", "with dropout"])
@pytest.mark.parametrize("cut", [(1, MANY), (2, MANY), (MANY, 1)])
def test_the_same_bits_however_it_is_cut_and_looked_at(name: str, cut: tuple[int, int]):
    ends = []
    for way in ((MANY, MANY), cut):
        network = twins(*NETWORKS[name])[0]
        stepper = stepper_of(network, 300, Adam(learning_rate=0.01), batch_size=140)
        while stepper.epoch < 3:
            if way == cut:
                stepper.forward(stepper.x[:20])
                stepper.evaluate(stepper.x, stepper.targets)
            stepper.advance(*way, 3)
        ends.append((network.vector.tobytes(), stepper.step, stepper.last_loss, stepper.last_metric))
    assert ends[0] == ends[1]


def test_a_convolution_learns_where_a_bar_stands():
    rng = np.random.default_rng(0)
    x = rng.normal(0.0, 0.3, (240, 8, 8, 1)).astype(np.float32)
    y = np.arange(240) % 2
    for image, upright in zip(x, y, strict=True):
        at = rng.integers(0, 8)
        image[(slice(None), at) if upright else (at, slice(None))] += 1.0
    layers = (Conv2D(6, 3, activation="relu"), BatchNorm(), MaxPool2D(2), Flatten(), Dense(2))
    network = Network(NetworkSpec((8, 8, 1), layers, LOSS), 2)
    training = TrainingSpec(Adam(learning_rate=0.01), batch_size=20, seed=1)
    stepper = Stepper(network, training, x, encode_targets(LOSS, y, "multiclass", 2))
    stepper.advance(MANY, MANY, 20)
    loss, accuracy = stepper.evaluate(stepper.x, stepper.targets)
    assert accuracy > 0.97 and loss < 0.15 and stepper.last_metric > 0.97
