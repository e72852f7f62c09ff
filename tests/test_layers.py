"""Every kind of layer: shapes, plain data, and its numpy arithmetic against naive loops and central differences."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.signal import correlate2d

from engine import RelumeError
from engine.layers import (
    GLU,
    LAYERS,
    Activation,
    AlphaDropout,
    AveragePool2D,
    BatchNorm,
    Conv1D,
    Conv2D,
    CReLU,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    GlobalAveragePool2D,
    GlobalMaxPool2D,
    Layer,
    LayerNorm,
    Maxout,
    MaxPool2D,
    Reshape,
    Residual,
    Softmax,
    layer_from_dict,
)
from engine.layers.glu import GATES

PADDINGS = ("valid", "same")
WINDOWS = list(itertools.product((1, 2, 3, 5), (1, 2, 3), PADDINGS, ((6, 7), (7, 6))))
PLAIN = [
    (Dense(4, "tanh", l1=0.1), (5,)),
    (Dense(3, "prelu"), (2,)),
    (Dense(3, "pelu"), (2,)),
    (Dense(4, "srelu"), (2,)),
    (Dense(4, "rrelu"), (2,)),
    (Dense(5, "prelu", off=(1, 4, 9)), (2,)),
    (Dense(4, "= x*sigmoid(a*x) + b*sin(x) + min(0, c)*x"), (5,)),
    (Dense(5, {"name": "= where(x > b, x, a*(exp(x) - 1))", "a": 0.5, "b": -0.3}, off=(1,)), (3,)),
    (Conv2D(3, 3, activation="= log(1 + x^2)/e + abs(x)**1.5*tanh(a*x)"), (4, 4, 2)),
    (Conv2D(3, 3, activation="gelu", initializer="he_normal"), (5, 6, 2)),
    (Conv2D(2, 2, 2, "same", {"name": "elu", "alpha": 0.5}), (5, 4, 1)),
    (Conv2D(3, 3, activation="prelu"), (4, 4, 2)),
    (Conv2D(3, 3, activation="tanh", off=(0, 2)), (4, 4, 2)),
    (Conv2D(1, 9, 4, "same"), (3, 2, 1)),
    (Conv2D(4, 3, activation="tanh", dilation_rate=2, groups=2), (7, 6, 6)),
    (Conv2D(3, 2, 3, "same", dilation_rate=2), (9, 8, 2)),
    (Conv2D(4, 3, 2, "same", "tanh", groups=4), (5, 6, 4)),
    (Conv2D(6, 3, activation="swish", groups=3), (4, 5, 3)),
    (Conv1D(4, 3, activation="tanh", l2=0.1), (9, 2)),
    (Conv1D(6, 4, 3, "same", "elu", dilation_rate=2, groups=2), (11, 4)),
    (MaxPool2D(), (4, 6, 3)),
    (AveragePool2D(), (5, 6, 3)),
    (GlobalAveragePool2D(), (5, 3, 2)),
    (GlobalMaxPool2D(), (3, 6, 2)),
    (GlobalMaxPool2D(), (1, 1, 3)),
    (Flatten(), (3, 4, 2)),
    (Flatten(), (6,)),
    (BatchNorm(), (6,)),
    (BatchNorm(0.5, 0.1), (3, 4, 2)),
    (Dropout(0.3), (3, 4, 2)),
    (AlphaDropout(0.3), (5,)),
    (GaussianNoise(0.3), (5,)),
    (LayerNorm(), (6,)),
    (LayerNorm(0.1), (3, 4, 5)),
    (Reshape((4, -1, 2)), (6, 4)),
    (Reshape(), (7,)),
    (CReLU(), (5,)),
    (CReLU(), (2, 3, 2)),
    *((GLU(gate), (2, 6)) for gate in GATES),
    (Activation("tanh"), (5,)),
    (Activation("srelu", off=(1, 9)), (3, 2)),
    (Activation("= x*sigmoid(a*x)"), (4, 3, 2)),
    (Activation("linear"), (3,)),
    (Softmax(), (5,)),
    (Softmax(), (2, 3, 4)),
    (Maxout(4), (5,)),
    (Maxout(3, 5, l2=0.1, off=(1,)), (4,)),
    (Maxout(3, 1), (2,)),
    (Residual((Dense(3, "tanh", l2=0.1), BatchNorm(), Dense(5))), (5,)),
    (Residual((Dense(4, "prelu"),), trainable=False), (3,)),
    (Residual((Conv2D(2, 3, 1, "same", "tanh"), Residual((Conv2D(2, 3, 1, "same", "elu"),)))), (4, 3, 2)),
    (Residual((Conv2D(3, 3, 2, "same", "tanh"), BatchNorm())), (5, 4, 2)),
    (Residual((Conv1D(3, 3, 1, "same", "tanh"),)), (5, 2)),
    (Residual((MaxPool2D(2, 2), Dropout(0.5))), (4, 4, 2)),
]
CASES = PLAIN + [
    case
    for size, stride, padding, (height, width) in WINDOWS
    for case in (
        (Conv2D(3, size, stride, padding, "tanh"), (height, width, 2)),
        (MaxPool2D(size, stride, padding), (height, width, 2)),
        (AveragePool2D(size, stride, padding), (height, width, 2)),
    )
]


def name_of(value: object) -> str:
    return str(value).replace(" ", "")


def drawn(layer: Layer, shape: tuple[int, ...], seed: int = 3) -> dict[str, np.ndarray]:
    """Parameters away from their special beginnings; variances stay above 0."""
    rng = np.random.default_rng(seed)
    start = layer.initial(shape, rng, 1.0)
    return {
        name: rng.uniform(0.5, 2.0, value.shape) if "variance" in name else rng.normal(size=value.shape)
        for name, value in start.items()
    }


def test_every_kind_has_a_case():
    missing = {record.cls for record in LAYERS} - {type(layer) for layer, _ in PLAIN}
    assert not missing, f"add a case of {missing} to PLAIN"
    assert all(record.cls().kind == record.name and record.title and record.advice for record in LAYERS)


@pytest.mark.parametrize(("layer", "shape"), CASES, ids=name_of)
def test_shapes_agree(layer: Layer, shape: tuple[int, ...]):
    assert layer_from_dict(layer.to_dict()) == layer
    output, shapes = layer.output_shape(shape), layer.parameter_shapes(shape)
    start = layer.initial(shape, np.random.default_rng(0), 1.0)
    assert {name: value.shape for name, value in start.items()} == shapes
    assert {*layer.measured, *layer.penalties()} <= set(shapes)
    parameters, x = drawn(layer, shape), np.random.default_rng(1).normal(size=(3, *shape))
    z, a = layer.forward(x, parameters)
    assert z.shape == a.shape == (3, *output)
    gradient, own = layer.backward(x, z, a, np.ones_like(a), parameters)
    assert gradient.shape == x.shape
    assert {name: value.shape for name, value in own.items()} == {
        name: extents for name, extents in shapes.items() if name not in layer.measured
    }
    for by_batch in (False, True):
        values = math.prod(shape)
        for operation in layer.operations(shape, by_batch):
            assert operation.reads_fork or operation.inputs == values
            assert {f"{operation.within}.{name}".lstrip(".") for name in operation.parameters} <= set(shapes)
            values = operation.outputs
        assert values == math.prod(output)


@pytest.mark.parametrize(("layer", "shape"), CASES, ids=name_of)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_calls_say_what_prediction_does(layer: Layer, shape: tuple[int, ...], dtype: type):
    parameters = {name: value.astype(dtype) for name, value in drawn(layer, shape).items()}
    x = np.random.default_rng(1).normal(size=(4, *shape)).astype(dtype)
    expected = layer.forward(x, parameters)[1]
    for call in layer.calls(shape):
        x = call(x, parameters)
    assert x.dtype == expected.dtype == dtype
    np.testing.assert_allclose(x, expected, rtol=1e-5 if dtype == np.float32 else 1e-12, atol=1e-6)


@pytest.mark.parametrize(("layer", "shape"), CASES, ids=name_of)
def test_gradients_are_central_differences(layer: Layer, shape: tuple[int, ...]):
    rng = np.random.default_rng(5)
    parameters, x = drawn(layer, shape), rng.normal(size=(3, *shape))
    z, a = layer.forward(x, parameters, by_batch=True)
    weights = rng.normal(size=a.shape)
    gradient, own = layer.backward(x, z, a, weights, parameters)
    points = {"x": x, **{name: parameters[name] for name in own}}
    for name, exact in {"x": gradient, **own}.items():
        for _ in range(4):
            along = rng.normal(size=exact.shape)
            ends = []
            for side in (1e-5, -1e-5):
                moved = {**parameters, "x": x, name: points[name] + side * along}
                ends.append((weights * layer.forward(moved["x"], moved, by_batch=True)[1]).sum())
            size = float(np.abs(exact * along).sum()) or 1.0
            assert (exact * along).sum() == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6, abs=1e-7 * size), name


def added(extent: int, size: int, stride: int) -> tuple[int, int]:
    """TensorFlow's padding "same": before and after."""
    total = max((math.ceil(extent / stride) - 1) * stride + size - extent, 0)
    return total // 2, total - total // 2


@pytest.mark.parametrize(("dilation", "groups"), [(1, 1), (2, 1), (3, 2), (1, 2), (1, 4)])
@pytest.mark.parametrize(("size", "stride", "padding", "extents"), WINDOWS, ids=name_of)
def test_convolution_is_a_correlation(size, stride, padding, extents, dilation, groups):
    """The weights of a dilated window stand between zeros; a filter sees the channels of its group."""
    reach = (size - 1) * dilation + 1
    if padding == "valid" and reach > min(extents):
        padding = "same"
    layer, shape = Conv2D(4, size, stride, padding, dilation_rate=dilation, groups=groups), (*extents, 4)
    parameters, x = drawn(layer, shape), np.random.default_rng(1).normal(size=(2, *shape))
    sides = [added(extent, reach, stride) for extent in extents] if padding == "same" else [(0, 0), (0, 0)]
    wide = np.pad(x, [(0, 0), *sides, (0, 0)])
    kernel = np.zeros((reach, reach, 4 // groups, 4))
    kernel[::dilation, ::dilation] = parameters["kernel"]
    z = layer.forward(x, parameters)[0]
    for n, f in itertools.product(range(2), range(4)):
        first = f // (4 // groups) * (4 // groups)
        maps = [correlate2d(wide[n, :, :, first + c], kernel[:, :, c, f], "valid") for c in range(4 // groups)]
        np.testing.assert_allclose(z[n, :, :, f], sum(maps)[::stride, ::stride] + parameters["bias"][f], rtol=1e-12)


@pytest.mark.parametrize(("dilation", "groups"), [(1, 1), (2, 1), (3, 2), (1, 2)])
@pytest.mark.parametrize(("size", "stride", "padding"), list(itertools.product((1, 2, 3), (1, 2, 3), PADDINGS)))
def test_a_signal_goes_through_its_window(size, stride, padding, dilation, groups):
    layer = Conv1D(4, size, stride, padding, dilation_rate=dilation, groups=groups)
    parameters, x = drawn(layer, (11, 2)), np.random.default_rng(1).normal(size=(3, 11, 2))
    before, after = added(11, (size - 1) * dilation + 1, stride) if padding == "same" else (0, 0)
    wide = np.pad(x, [(0, 0), (before, after), (0, 0)])
    z = layer.forward(x, parameters)[0]
    for t, f in np.ndindex(z.shape[1:]):
        own = slice(f // 2, f // 2 + 1) if groups == 2 else slice(None)
        window = wide[:, t * stride : t * stride + (size - 1) * dilation + 1 : dilation, own]
        expected = (window * parameters["kernel"][..., f]).sum(axis=(1, 2)) + parameters["bias"][f]
        np.testing.assert_allclose(z[:, t, f], expected, rtol=1e-11)


@pytest.mark.parametrize(("size", "stride", "padding", "extents"), WINDOWS, ids=name_of)
@pytest.mark.parametrize(("kind", "of"), [(MaxPool2D, np.max), (AveragePool2D, np.mean)])
def test_pooling_sees_what_is_inside_the_image(kind, of, size, stride, padding, extents):
    layer, shape = kind(size, stride, padding), (*extents, 2)
    x = np.random.default_rng(1).normal(size=(2, *shape)) - 5.0  # a padded 0 would show
    a = layer.forward(x, {})[1]
    top, left = (added(extent, size, stride)[0] if padding == "same" else 0 for extent in extents)
    for r, c in np.ndindex(a.shape[1:3]):
        rows = slice(max(r * stride - top, 0), r * stride - top + size)
        columns = slice(max(c * stride - left, 0), c * stride - left + size)
        np.testing.assert_allclose(a[:, r, c], of(x[:, rows, columns], axis=(1, 2)), rtol=1e-12)


@pytest.mark.parametrize(("kind", "of"), [(GlobalMaxPool2D, np.max), (GlobalAveragePool2D, np.mean)])
def test_a_global_pool_gives_one_value_a_map(kind, of):
    x = np.random.default_rng(2).normal(size=(2, 5, 3, 4)) - 5.0
    a = kind().forward(x, {})[1]
    assert a.shape == (2, *kind().output_shape((5, 3, 4))) == (2, 4)
    np.testing.assert_allclose(a, of(x, axis=(1, 2)), rtol=1e-12)
    with pytest.raises(RelumeError, match="takes images"):
        kind().output_shape((12,))


def test_of_equal_values_the_first_one_gets_the_gradient():
    x = np.array([[3.0, 1.0, 3.0, 3.0], [3.0, 2.0, 0.0, 3.0]]).reshape(1, 2, 4, 1)
    layer = MaxPool2D(2)
    z, a = layer.forward(x, {})
    gradient = layer.backward(x, z, a, np.array([5.0, 7.0]).reshape(1, 1, 2, 1), {})[0]
    assert gradient.reshape(2, 4).tolist() == [[5.0, 0.0, 7.0, 0.0], [0.0] * 4]


def test_pools_move_by_their_own_size():
    assert MaxPool2D(3).output_shape((9, 7, 2)) == (3, 2, 2) == AveragePool2D(3).output_shape((9, 7, 2))
    assert MaxPool2D(3, 1).output_shape((9, 7, 2)) == (7, 5, 2)
    assert MaxPool2D(3, padding="same").output_shape((9, 7, 2)) == (3, 3, 2)


@pytest.mark.parametrize("shape", [(5,), (3, 4, 5)])
def test_batch_norm_is_its_formula(shape):
    layer, rng = BatchNorm(0.8, 0.01), np.random.default_rng(2)
    parameters, x = drawn(layer, shape), rng.normal(3.0, 2.0, (6, *shape))
    rows = x.reshape(-1, 5)
    mean, variance = rows.mean(axis=0), rows.var(axis=0)
    by_batch = parameters["gamma"] * (x - mean) / np.sqrt(variance + 0.01) + parameters["beta"]
    np.testing.assert_allclose(layer.forward(x, parameters, by_batch=True)[1], by_batch, rtol=1e-12)
    moving = (x - parameters["moving_mean"]) / np.sqrt(parameters["moving_variance"] + 0.01)
    predicted = parameters["gamma"] * moving + parameters["beta"]
    np.testing.assert_allclose(layer.forward(x, parameters)[1], predicted, rtol=1e-12)
    moved = layer.moved(x, parameters)
    np.testing.assert_allclose(moved["moving_mean"], 0.8 * parameters["moving_mean"] + 0.2 * mean)
    unbiased = rows.var(axis=0, ddof=1)
    np.testing.assert_allclose(moved["moving_variance"], 0.8 * parameters["moving_variance"] + 0.2 * unbiased)


def test_batch_norm_begins_as_it_should():
    start = BatchNorm().initial((2, 2, 3), np.random.default_rng(0), 1.7)
    assert {name: set(value) for name, value in start.items()} == {
        "gamma": {1.0}, "beta": {0.0}, "moving_mean": {0.0}, "moving_variance": {1.0},
    }  # fmt: skip


def test_one_value_has_no_variance():
    moved = BatchNorm().moved(np.array([[4.0]]), {"moving_mean": np.zeros(1), "moving_variance": np.ones(1)})
    assert moved["moving_mean"][0] == pytest.approx(0.4) and moved["moving_variance"][0] == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("layer", "shape", "words"),
    [
        (Dense(3), (4, 4, 1), "Flatten"),
        (Conv2D(3), (16,), "takes images"),
        (MaxPool2D(2), (4, 4), "takes images"),
        (AveragePool2D(2), (4,), "takes images"),
        (Conv1D(3), (16,), "takes signals"),
        (Conv1D(3), (4, 4, 1), "takes signals"),
        (Conv1D(3, 4, dilation_rate=3), (9, 1), "over 10 values does not fit into a length of 9"),
        (Conv2D(3, 3, dilation_rate=3), (6, 8, 1), "3 x 3, 3 apart, does not fit into 6 x 8"),
        (Conv2D(4, 3, groups=2), (6, 8, 3), "2 groups cannot share 3 channels"),
        (Conv2D(3, 3, groups=2), (6, 8, 4), "2 groups cannot share 3 filters"),
        (Conv2D(3, 5), (4, 9, 1), "5 x 5 does not fit into 4 x 9"),
        (MaxPool2D(5), (9, 4, 1), "5 x 5 does not fit into 9 x 4"),
    ],
)
def test_shapes_that_do_not_fit_are_told(layer: Layer, shape: tuple[int, ...], words: str):
    with pytest.raises(RelumeError, match=words):
        layer.output_shape(shape)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Conv2D, {"filters": 0}),
        (Conv2D, {"kernel_size": (3, 3)}),
        (Conv2D, {"strides": 0}),
        (Conv2D, {"padding": "full"}),
        (Conv2D, {"dilation_rate": 0}),
        (Conv1D, {"groups": 0}),
        (Conv2D, {"activation": "relux"}),
        (Conv2D, {"activation": {"name": "relu", "slope": 1.0}}),
        (Conv2D, {"initializer": {"name": "normal", "std": -1.0}}),
        (MaxPool2D, {"pool_size": 1.5}),
        (AveragePool2D, {"strides": -1}),
        (BatchNorm, {"momentum": 1.0}),
        (BatchNorm, {"epsilon": 0.0}),
    ],
)
def test_bad_fields_are_told(kind, fields):
    with pytest.raises(RelumeError, match=kind.__name__):
        kind(**fields)
