"""Every activation: derivative, kernels against numpy, constants of the catalogue."""

import numpy as np
import pytest

from engine import RelumeError, activations
from engine.activations import ACTIVATIONS, normal_mean
from engine.kernels.program import Program
from engine.layers import Dense
from engine.network import Network
from engine.spec import NetworkSpec

# E f(z), E f(z)^2 for z ~ N(0, 1)
CONSTANTS = {
    "linear": (0.0, 1.0), "relu": (0.3989, 0.5), "leaky_relu": (0.3950, 0.5000), "prelu": (0.2992, 0.5312),
    "rrelu": (0.3075, 0.5263), "pelu": (0.1605, 0.6449), "srelu": (0.3192, 0.5200),
    "relu6": (0.3989, 0.5), "elu": (0.1605, 0.6449), "selu": (0.0, 1.0), "celu": (0.1605, 0.6449),
    "softplus": (0.8061, 0.9212), "gelu": (0.2821, 0.4252), "gelu_tanh": (0.2820, 0.4252), "silu": (0.2066, 0.3558),
    "swish": (0.2066, 0.3558), "mish": (0.2404, 0.4523), "abs": (0.7979, 1.0), "sigmoid": (0.5, 0.2934),
    "hard_sigmoid": (0.5, 0.2776), "hard_sigmoid_survey": (0.5, 0.3790),
    "tanh": (0.0, 0.3943), "hard_tanh": (0.0, 0.5161), "softsign": (0.0, 0.1830),
    "hard_swish": (0.1662, 0.3316), "sin": (0.0, 0.4323), "gaussian": (0.5774, 0.4472), "squared_relu": (0.5, 1.5),
    "dsilu": (0.5, 0.3795), "elish": (0.2392, 0.3431), "hard_elish": (0.3471, 0.4773), "quick_gelu": (0.2823, 0.4220),
    "log_sigmoid": (-0.8061, 0.9212), "tanhshrink": (0.0, 0.1829), "hard_shrink": (0.0, 0.9691),
    "soft_shrink": (0.0, 0.4193), "square": (1.0, 3.0), "snake": (0.4323, 1.3074), "step": (0.5, 0.5),
    "threshold": (0.2420, 0.4006),
}  # fmt: skip
DIE = {"relu", "relu6", "squared_relu", "threshold", "step"}
EVERY = pytest.mark.parametrize("record", list(ACTIVATIONS), ids=lambda record: record.name)


def _grid(dtype: str) -> np.ndarray:
    """Dense near 0, sparse far out."""
    near = np.linspace(-12.0, 12.0, 4801) + 1e-4
    far = np.concatenate([np.geomspace(1e-30, 1e6, 200), -np.geomspace(1e-30, 1e6, 200)])
    return np.concatenate([near, far, [0.0]]).astype(dtype)


def test_the_catalogue_is_complete() -> None:
    assert set(activations.names()) == set(CONSTANTS)


@EVERY
def test_derivative_is_that_of_the_formula(record: activations.Activation) -> None:
    z, h = np.linspace(-6.0, 6.0, 1201) + 3e-3, 1e-5
    z = z[np.all([np.abs(z - kink) > 1e-3 for kink in (*record.corners(), np.inf)], axis=0)]
    numeric = (record.forward(z + h) - record.forward(z - h)) / (2.0 * h)
    assert np.abs(numeric - record.derivative(z)).max() <= 1e-6
    for option in record.learned:
        assert option.gradient is not None
        values, place = record.values(), record.options.index(option)
        up, down = ((*values[:place], option.default + step, *values[place + 1 :]) for step in (h, -h))
        numeric = (record.forward(z, *up) - record.forward(z, *down)) / (2.0 * h)
        assert np.abs(numeric - option.gradient(z, record.forward(z), *values)).max() <= 1e-6


def test_corners_and_jumps_follow_the_options() -> None:
    get = activations.get
    assert get("soft_shrink").corners({"threshold": 2.0}) == (-2.0, 2.0) and not get("soft_shrink").jumps()
    assert get("hard_shrink").jumps() and get("step").jumps() and not get("hard_tanh").jumps()
    assert get("threshold").corners({"threshold": -1.0, "value": -1.0}) == (-1.0,)
    assert not get("threshold").jumps({"threshold": -1.0, "value": -1.0})
    assert get("threshold").rises((1.0, 0.0)) and not get("threshold").rises((0.0, 5.0)), "it may fall where it jumps"
    assert [record.name for record in ACTIVATIONS if record.flat()] == ["step"]


@EVERY
def test_constants_flags_and_shapes(record: activations.Activation) -> None:
    mean, square = CONSTANTS[record.name]
    assert normal_mean(record.forward) == pytest.approx(mean, abs=6e-5)
    assert normal_mean(lambda z: record.forward(z) ** 2) == pytest.approx(square, abs=6e-5)
    assert record.gain() == pytest.approx(square**-0.5, rel=2e-4)
    z = np.linspace(-8.0, 8.0, 3201)
    a, slope = record.forward(z), record.derivative(z)
    assert record.monotone == bool((np.diff(a) >= -1e-12).all())
    assert record.dies() == (record.name in DIE) == bool((slope[z <= 0] == 0).all())
    assert record.signed == bool((a < 0).any())
    assert record.bounded == bool(np.abs(record.forward(np.array([-1e6, 1e6]))).max() < 10)
    assert record.zero_centred == (abs(mean) < 1e-4)
    for shape in ((), (3,), (2, 3, 4)):
        for dtype in ("float32", "float64"):
            x = np.ones(shape, dtype)
            assert record.forward(x).shape == shape == record.derivative(x).shape
            assert str(record.forward(x).dtype) == dtype == str(record.derivative(x).dtype)
    assert record.forward([-1, 2]).dtype == np.float64


def test_an_activation_dies_by_its_options() -> None:
    leaky, elu = activations.get("leaky_relu"), activations.get("elu")
    assert leaky.dies({"negative_slope": 0.0}) and not leaky.dies({"negative_slope": 1e-4})
    assert elu.dies({elu.options[0].name: 0.0}) and not elu.dies()
    prelu = activations.get("prelu")
    assert not prelu.dies({prelu.options[0].name: 0.0}), "its slope learns"


def test_slope_at_the_kink_is_the_stated_one() -> None:
    for name in ("relu", "abs", "relu6", "squared_relu"):
        assert activations.get(name).derivative(np.zeros(1))[0] == 0.0
    assert activations.get("leaky_relu").derivative(np.zeros(1))[0] == 0.01


def _compiled(name: str, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(f(z), f'(z)) by the kernels: a network of one unit with weight 1 and bias 0, its gradient for the input."""
    network = Network(NetworkSpec((1,), (Dense(1), Dense(1, name))), seed=1)
    network.set_parameters({key: np.ones((1, 1)) for key in ("0.kernel", "1.kernel")})
    a = network.predict(z[:, None])[:, 0]
    program = Program(network)
    slopes = np.empty_like(z)
    for i, value in enumerate(z):  # d/d bias of mean squared error is 2 (a - t) f'(z); t = a - 1/2
        target = np.array([[np.float32(a[i] - 0.5)]])
        scale = 2.0 * (np.float64(a[i]) - np.float64(target[0, 0]))
        slopes[i] = program.gradients(np.array([[value]], np.float32), target)[1][1] / scale
    return a, slopes


def _close(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    exact32 = exact.astype(np.float32)
    error = np.abs(got.astype(np.float64) - exact)
    ulp = np.spacing(np.abs(exact32)).astype(np.float64)
    return (error <= 4 * ulp) | (error <= 1e-6 * np.abs(exact)) | (error <= 1e-7) | (got == exact32)


@EVERY
def test_kernels_agree_with_numpy(record: activations.Activation) -> None:
    z = _grid("float32")
    network = Network(NetworkSpec((1,), (Dense(1, record.name),)), seed=1)
    network.set_parameters({"0.kernel": np.ones((1, 1))})
    a = network.predict(z[:, None])[:, 0]
    exact = record.forward(z.astype(np.float64))
    assert _close(a, exact).all(), z[~_close(a, exact)][:5]
    few = np.concatenate([np.linspace(-9.0, 9.0, 181) + 1e-3, [-1e4, 1e4, -60.0, 60.0]]).astype(np.float32)
    few = few[np.abs(record.forward(few)) < 1e5]
    _, slopes = _compiled(record.name, few)
    expected = record.derivative(few.astype(np.float64))
    assert np.allclose(slopes, expected, rtol=3e-6, atol=3e-7), few[~np.isclose(slopes, expected, rtol=3e-6, atol=3e-7)]


@EVERY
def test_infinity_and_nan_are_not_hidden(record: activations.Activation) -> None:
    network = Network(NetworkSpec((1,), (Dense(1, record.name),)), seed=1)
    network.set_parameters({"0.kernel": np.ones((1, 1))})
    z = np.array([np.nan, np.inf, -np.inf], np.float32)
    with np.errstate(invalid="ignore"):
        got, expected = network.predict(z[:, None])[:, 0], record.function(z, *record.values())
    assert np.isnan(got[0])
    known = ~np.isnan(expected)
    assert np.allclose(got[known], expected[known], atol=1e-6)


def test_unknown_names_and_options_are_told() -> None:
    with pytest.raises(RelumeError, match="Did you mean"):
        activations.get("rellu")
    with pytest.raises(RelumeError, match="no option"):
        Dense(3, {"name": "relu", "alpha": 1.0})
    assert activations.get("elu").values({"alpha": 2.0}) == (2.0,)
