"""Every activation and its derivative on extreme numbers: the numpy side and the compiled float32 kernels.

The reference is the same formula in 40 digits (mpmath): float64 would do for float32, but not for numpy's own side,
which it would compare with itself. What the formulas should be, PyTorch says (test_against_torch_everywhere.py).
"""

from __future__ import annotations

import ctypes
import functools
import types
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest

from engine import activations, losses
from engine.activations import Activation
from engine.kernels import blocks, layout as at
from engine.kernels.buffers import address

EVERY = pytest.mark.parametrize("record", list(activations.ACTIVATIONS), ids=lambda record: record.name)
SIZES = [0.0, 5e-324, 1e-310, 1e-45, 1e-40, 1e-30, 1e-20, 1e-8, *(10.0**k for k in range(-3, 21)), 1e20]
SIZES += [0.5, 0.99, 1.01, 1.5, 2.9, 3.1, 5.0, 5.9, 6.1, 8.5, 17.0, 20.5, 37.0, 50.0, 87.0, 89.0, 104.0, 710.0, 745.2]
GRID = np.unique(np.concatenate([SIZES, [-size for size in SIZES], np.linspace(-12.0, 12.0, 97) + 1e-3]))
HUGE = 1e6  # beyond, a float32 has no digits left for a sine: it stays between -1 and 1, that is all
WORKING = mpmath.mp.clone()
WORKING.dps = 40


def _digits() -> types.SimpleNamespace:
    """`engine.maths` for single numbers of 40 digits."""
    m = WORKING

    def exp(x: Any) -> Any:
        return m.mpf(0) if x < -(10**6) else m.exp(x)  # 1e-434294: nothing of it is left in any float

    def sigmoid(x: Any) -> Any:
        return exp(x) / (1 + exp(x)) if x < 0 else 1 / (1 + exp(-x))

    return types.SimpleNamespace(
        exp=exp, expm1=lambda x: m.expm1(x) if x > -(10**6) else m.mpf(-1), log1p=m.log1p, sigmoid=sigmoid,
        tanh=lambda x: m.tanh(x) if abs(x) < 10**4 else m.sign(x), sin=m.sin, cos=m.cos, sqrt=m.sqrt, absolute=abs,
        softplus=lambda x: max(x, m.mpf(0)) + m.log1p(exp(-abs(x))), sign=m.sign, maximum=max, minimum=min,
        normal_cdf=lambda x: m.mpf(x > 0) if abs(x) > 10**3 else m.erfc(-x / m.sqrt(2)) / 2,
        normal_density=lambda x: exp(-x * x / 2) / m.sqrt(2 * m.pi),
        sigmoids=lambda x: (sigmoid(x), sigmoid(-x)), swish=lambda z, u: z * sigmoid(u),
        gate=lambda z, a: a / z if z else m.mpf(0.5), 
        swish_slope=lambda z, a, beta: (a / z if z else m.mpf(0.5)) * (1 + beta * (z - a)),
        where=lambda condition, yes, no: yes if condition else no,
    )  # fmt: skip


def _in_digits(function: Callable[..., Any]) -> Callable[..., Any]:
    """The formula with `maths` in 40 digits; its helpers too."""
    names = dict(function.__globals__)
    for name in function.__code__.co_names:
        if isinstance(names.get(name), types.FunctionType):
            names[name] = _in_digits(names[name])
    return types.FunctionType(function.__code__, {**names, "maths": _digits()}, function.__name__)


@functools.cache
def _reference(record: Activation, dtype: str, options: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(f, f') on the grid of this type."""
    function, slope = _in_digits(record.function), _in_digits(record.slope)
    given = [WORKING.mpf(value) for value in options]
    rows = [(z, function(z, *given)) for z in (WORKING.mpf(float(value)) for value in GRID.astype(dtype))]
    return np.array([float(a) for _, a in rows]), np.array([float(slope(z, a, *given)) for z, a in rows])


def _right(got: np.ndarray, exact: np.ndarray) -> np.ndarray:
    """Within 4 units in the last place, 1e-6 of the value, or 1e-7."""
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = exact.astype(got.dtype)
        error = np.abs(got.astype(np.float64) - exact)
        unit = np.spacing(np.abs(rounded)).astype(np.float64)
        return (got == rounded) | (error <= 4 * unit) | (error <= 1e-6 * np.abs(exact)) | (error <= 1e-7)


def _waves(record: Activation) -> bool:
    return "sin" in record.function.__code__.co_names


def _compiled(record: Activation, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(f, f') by the kernels that training calls."""
    block, n = blocks.find(f"activation {record.name}"), len(z)
    room = n + 256
    padded = [np.zeros(room, np.float32) for _ in range(3)]
    x, y, g = padded
    x[:n], g[:] = z, 1.0
    options = np.zeros((max(1, len(record.options)), room), np.float32)
    for row, value in zip(options, record.values(), strict=False):
        row[:] = value
    constants = np.zeros(64, np.float32)
    constants[: len(record.options)] = record.values()
    gradients = np.zeros_like(options)
    o, moment = np.zeros(at.WORDS, np.int64), np.zeros(at.LANE_WORDS, np.int64)
    o[at.X], o[at.Y], o[at.GY], o[at.GX] = (address(array) for array in (x, y, g, g))
    o[at.OUTPUTS] = o[at.INPUTS] = o[at.UNITS] = n
    for i in range(min(4, len(options))):
        o[at.P0 + i], o[at.G0 + i] = address(options[i]), address(gradients[i])
    o[at.CONSTANTS] = address(constants)
    moment[at.FRESH] = 1
    assert block.backward is not None
    for kernel in (block.forward, block.backward):
        ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 3)(kernel.address)(address(o), 1, address(moment))
    return y[:n], g[:n]


@EVERY
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numpy_is_the_formula(record: Activation, dtype: str) -> None:
    z = GRID.astype(dtype)
    for exact, method in zip(
        _reference(record, dtype, record.values()), (record.forward, record.derivative), strict=True
    ):
        got = method(z)
        right = _right(got, exact)
        assert right.all(), (method, list(zip(z[~right], got[~right], exact[~right], strict=True))[:5])


@EVERY
def test_kernels_are_the_formula(record: Activation) -> None:
    z = GRID.astype(np.float32)
    known = np.abs(z) <= HUGE if _waves(record) else np.full(len(z), True)
    options = tuple(float(np.float32(value)) for value in record.values())  # as a kernel has them
    names, expected = ("forward", "derivative"), _reference(record, "float32", options)
    for what, got, exact in zip(names, _compiled(record, z), expected, strict=True):
        right = _right(got, exact) | ~known
        assert right.all(), (what, list(zip(z[~right], got[~right], exact[~right], strict=True))[:5])
        assert np.isfinite(got[np.abs(exact) < 3e38]).all()


@EVERY
@pytest.mark.filterwarnings("error")
def test_nan_stays_nan_and_infinity_is_the_limit(record: Activation) -> None:
    ends = np.array([np.nan, np.inf, -np.inf, -np.nan], np.float32)
    for got, method in zip(_compiled(record, ends), (record.forward, record.derivative), strict=True):
        for dtype in (np.float32, np.float64):
            expected = method(ends.astype(dtype))
            assert np.isnan(expected[[0, 3]]).all(), "NaN in, NaN out"
        if method == record.forward:
            assert np.isnan(got[[0, 3]]).all(), "NaN in, NaN out"
        known = ~np.isnan(got) & ~np.isnan(expected)
        np.testing.assert_allclose(got[known], expected[known], atol=1e-6)


@EVERY
@pytest.mark.filterwarnings("error")
def test_empty_strided_and_turned_arrays(record: Activation) -> None:
    z = np.linspace(-5.0, 5.0, 60).reshape(3, 4, 5)
    for method in (record.forward, record.derivative):
        whole = method(z)
        for cut in (np.s_[::2], np.s_[:, ::-1], np.s_[..., 1::3], np.s_[:0], np.s_[:, 3:3]):
            assert np.array_equal(method(z[cut]), whole[cut])
        assert np.array_equal(method(z.T), whole.T)
        assert np.array_equal(method(np.asfortranarray(z)), whole)
        assert method(np.zeros((0, 3), np.float32)).dtype == np.float32
        before = z.copy()
        method(z)
        assert np.array_equal(z, before), "what is given stays"


@pytest.mark.parametrize("size", [0.0, 1.0, 80.0, 1e3, 1e4])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("error")
def test_softmax_rows_sum_to_one(size: float, dtype: str) -> None:
    logits = np.random.default_rng(0).uniform(-size, size, (500, 10)).astype(dtype)
    logits[:100, 0], logits[50:150, 1] = size, -size
    for loss in losses.LOSSES:
        if loss.link == "softmax":
            shares = losses.link(loss.name, logits, "multiclass")
            assert np.abs(shares.sum(axis=1) - 1.0).max() <= 1e-6 and (shares >= 0).all()
