"""The compiled functions of formulas against float64, number by number."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from engine import maths
from engine.kernels.formulas import formula
from engine.kernels.jit import Loop, bound
from engine.kernels.memory import floats

SMALLEST = float(np.finfo(np.float32).smallest_normal)
Function = Callable[[np.ndarray], np.ndarray]
FUNCTIONS: dict[str, tuple[Function, Function]] = {  # what is compiled, what it is compared with
    "exp": (lambda x: maths.exp(x), np.exp),
    "expm1": (lambda x: maths.expm1(x), np.expm1),
    "log": (lambda x: maths.log(x), np.log),
    "log1p": (lambda x: maths.log1p(x), np.log1p),
    "tanh": (lambda x: maths.tanh(x), np.tanh),
    "sigmoid": (
        lambda x: maths.sigmoid(x),
        lambda x: np.where(x < 0, np.exp(-np.abs(x)), 1.0) / (1.0 + np.exp(-np.abs(x))),
    ),
    "softplus": (lambda x: maths.softplus(x), maths.softplus),
    "normal_cdf": (
        lambda x: maths.normal_cdf(x),
        lambda x: np.array([0.5 * math.erfc(-value * math.sqrt(0.5)) for value in x]),
    ),
    "normal_density": (lambda x: maths.normal_density(x), maths.normal_density),
    "sin": (lambda x: maths.sin(x), np.sin),
    "cos": (lambda x: maths.cos(x), np.cos),
    "sqrt": (lambda x: maths.sqrt(x), np.sqrt),
    "absolute": (lambda x: maths.absolute(x), np.abs),
    "sign": (lambda x: maths.sign(x), np.sign),
}
EXTREMES = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1e-38, -1e-38, 3.4e38, -3.4e38, -1.0]


def _each(x, y, n):  # type: ignore[no-untyped-def]
    source, target = floats(x, n), floats(y, n)
    for i in range(n):
        target[i] = function(source[i])  # type: ignore[name-defined] # noqa: F821


def _compiled(name: str, x: np.ndarray) -> np.ndarray:
    loop = Loop(name, lambda: bound(_each, name, function=formula(FUNCTIONS[name][0])), 3)
    y = np.empty_like(x)
    loop(x.ctypes.data, y.ctypes.data, len(x))
    return y


def _grid(name: str) -> np.ndarray:
    """Dense where functions bend, and every size of float32; sines as far as float32 has digits for them."""
    dense = np.concatenate([np.linspace(-end, end, 40_001) for end in (0.5, 4.0, 20.0, 110.0)])
    sizes = np.geomspace(1e-44, 1e6 if name in ("sin", "cos") else 3e38, 20_001)
    edges = np.concatenate([np.linspace(a - 0.01, a + 0.01, 501) for a in (-103.97, -87.34, 88.72, 17.33)])
    return np.concatenate([dense, sizes, -sizes, edges]).astype(np.float32)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_four_units_in_the_last_place_at_most(name: str) -> None:
    x = np.concatenate([_grid(name), np.array(EXTREMES, np.float32)])
    if name in ("sin", "cos"):
        x = x[~(np.abs(x) > 1e6)]
    got = _compiled(name, x)
    with np.errstate(all="ignore"):
        exact = FUNCTIONS[name][1](x.astype(np.float64))
        rounded = exact.astype(np.float32)
        unit = np.spacing(np.maximum(np.abs(rounded), np.float32(SMALLEST))).astype(np.float64)
        error = np.abs(got.astype(np.float64) - exact)
    allowed = np.maximum(4.0 * unit, 1e-7 if name in ("sin", "cos") else SMALLEST)
    right = (error <= allowed) | (got == rounded) | (np.isnan(got) & np.isnan(rounded))
    wrong = [(float(a), float(b), float(c)) for a, b, c in zip(x[~right], got[~right], rounded[~right], strict=True)]
    assert not wrong, f"{len(wrong)} of {len(x)}: (x, got, wanted) {wrong[:5]}"


@pytest.mark.parametrize("name", ["sin", "cos"])
def test_sines_of_huge_numbers_stay_sines(name: str) -> None:
    x = np.geomspace(1e6, 3e38, 20_000).astype(np.float32)
    assert (np.abs(_compiled(name, np.concatenate([x, -x]))) <= 1.0).all()
    assert np.isnan(_compiled(name, np.array([np.inf, -np.inf, np.nan], np.float32))).all()


@pytest.mark.parametrize("name", ["exp", "softplus"])
def test_results_below_the_smallest_normal_number_are_kept(name: str) -> None:
    x = np.linspace(-103.0, -88.0, 1001).astype(np.float32)
    exact = FUNCTIONS[name][1](x.astype(np.float64))
    assert np.abs(_compiled(name, x) - exact).max() <= 3e-45
