"""The functions of `engine.maths` for the compiler: float32, without branches, so that loops become SIMD code.

Polynomials are those of the Cephes library and of Numerical Recipes (normal_cdf); within a few units in the last
place of the exact value. Importing this module registers them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload, register_jitable

from engine import maths
from engine.kernels.jit import EXACT_OPTIONS, OPTIONS

F = np.float32


@intrinsic
def bits(typing: Any, x: Any) -> Any:
    """The bits of a float32 as int32."""
    return types.int32(types.float32), lambda c, b, s, a: b.bitcast(a[0], ir.IntType(32))


@intrinsic
def from_bits(typing: Any, x: Any) -> Any:
    """The float32 with these bits."""
    return types.float32(types.int32), lambda c, b, s, a: b.bitcast(a[0], ir.FloatType())


def _overload(function: Any, options: Any = OPTIONS) -> Any:
    return overload(function, jit_options=options, inline="never")


fast = register_jitable(**OPTIONS)
exact = register_jitable(**EXACT_OPTIONS)


@exact
def _power_of_two(n: Any) -> Any:
    return from_bits(np.int32((np.int32(n) + np.int32(127)) << np.int32(23)))


@exact
def _reduced(x: Any, n: Any) -> Any:
    """x - n ln 2"""
    return (x - n * F(0.693359375)) + n * F(2.12194440e-4)


@fast
def _expm1_polynomial(r: Any) -> Any:
    """e^r - 1 for |r| <= ln(2) / 2"""
    p = F(1.9875691500e-4)
    p = p * r + F(1.3981999507e-3)
    p = p * r + F(8.3334519073e-3)
    p = p * r + F(4.1665795894e-2)
    p = p * r + F(1.6666665459e-1)
    p = p * r + F(5.0000001201e-1)
    return p * r * r + r


@exact
def _exp(x: Any) -> Any:
    x = F(-104.0) if x < F(-104.0) else x
    x = F(89.0) if x > F(89.0) else x
    n = np.rint(x * F(1.44269504088896341))
    y = _expm1_polynomial(_reduced(x, n)) + F(1.0)
    i = np.int32(n)
    half = np.int32(i >> np.int32(1))
    return y * _power_of_two(half) * _power_of_two(np.int32(i - half))


@exact
def _expm1(x: Any) -> Any:
    x = F(-25.0) if x < F(-25.0) else x
    x = F(89.0) if x > F(89.0) else x
    n = np.rint(x * F(1.44269504088896341))
    q = _expm1_polynomial(_reduced(x, n))
    t = _power_of_two(np.int32(np.int32(n) - np.int32(1)))
    return F(2.0) * (t * q + (t - F(0.5)))


@exact
def _log1p(x: Any) -> Any:
    y = F(1.0) + x
    rest = x - (y - F(1.0))
    b = bits(y)
    e = np.int32(np.int32(b - np.int32(0x3F3504F3)) >> np.int32(23))  # y = f 2^e, f from sqrt(1/2) to sqrt(2)
    f = from_bits(np.int32(b - np.int32(e << np.int32(23)))) - F(1.0)
    n = F(e)
    z = f * f
    p = F(7.0376836292e-2)
    p = p * f - F(1.1514610310e-1)
    p = p * f + F(1.1676998740e-1)
    p = p * f - F(1.2420140846e-1)
    p = p * f + F(1.4249322787e-1)
    p = p * f - F(1.6668057665e-1)
    p = p * f + F(2.0000714765e-1)
    p = p * f - F(2.4999993993e-1)
    p = p * f + F(3.3333331174e-1)
    p = p * f * z - n * F(2.12194440e-4) - F(0.5) * z + rest / y
    result = (f + p) + n * F(0.693359375)
    return result if y < F(3.4e38) else y


@exact
def _tanh(x: Any) -> Any:
    t = _expm1(F(-2.0) * abs(x))
    y = t / (F(2.0) + t)
    return y if x < F(0.0) else -y


@fast
def _normal_cdf(x: Any) -> Any:
    v = abs(x) * F(0.7071067811865476)
    t = F(1.0) / (F(1.0) + F(0.5) * v)
    p = F(0.17087277)
    p = p * t - F(0.82215223)
    p = p * t + F(1.48851587)
    p = p * t - F(1.13520398)
    p = p * t + F(0.27886807)
    p = p * t - F(0.18628806)
    p = p * t + F(0.09678418)
    p = p * t + F(0.37409196)
    p = p * t + F(1.00002368)
    p = p * t - F(1.26551223)
    tail = F(0.5) * t * _exp(p - v * v)
    return tail if x < F(0.0) else F(1.0) - tail


@exact
def _quarter_turns(x: Any) -> Any:
    wide = np.float64(x)
    return np.rint(wide * 0.6366197723675814)


@exact
def _circle(x: Any, shift: Any) -> Any:
    """sin(x + shift pi / 2); good to |x| = 1e7, bounded beyond."""
    n = _quarter_turns(x)
    r = F((np.float64(x) - n * 1.5707963267948966) - n * 6.123233995736766e-17)
    r = F(0.8) if r > F(0.8) else r
    r = F(-0.8) if r < F(-0.8) else r
    n = n + shift
    quarter = n - 4.0 * np.floor(n * 0.25)
    z = r * r
    s = ((F(-1.9515295891e-4) * z + F(8.3321608736e-3)) * z - F(1.6666654611e-1)) * z * r + r
    c = ((F(2.443315711809948e-5) * z - F(1.388731625493765e-3)) * z + F(4.166664568298827e-2)) * z * z
    c = c - F(0.5) * z + F(1.0)
    odd = (quarter == 1.0) | (quarter == 3.0)
    y = c if odd else s
    return -y if quarter >= 2.0 else y


@_overload(maths.exp)
def _maths_exp(x):
    return lambda x: _exp(x)


@_overload(maths.expm1)
def _maths_expm1(x):
    return lambda x: _expm1(x)


@_overload(maths.log1p)
def _maths_log1p(x):
    return lambda x: _log1p(x)


@_overload(maths.tanh)
def _maths_tanh(x):
    return lambda x: _tanh(x)


@_overload(maths.sigmoid)
def _maths_sigmoid(x):
    return lambda x: F(1.0) / (F(1.0) + _exp(-x))


@_overload(maths.softplus)
def _maths_softplus(x):
    return lambda x: (F(0.0) if x < F(0.0) else x) + _log1p(_exp(-abs(x)))


@_overload(maths.normal_cdf)
def _maths_normal_cdf(x):
    return lambda x: _normal_cdf(x)


@_overload(maths.sin)
def _maths_sin(x):
    return lambda x: _circle(x, 0.0)


@_overload(maths.cos)
def _maths_cos(x):
    return lambda x: _circle(x, 1.0)


@_overload(maths.sqrt)
def _maths_sqrt(x):
    return lambda x: np.sqrt(x)


@_overload(maths.absolute)
def _maths_absolute(x):
    return lambda x: abs(x)


@_overload(maths.sign)
def _maths_sign(x):
    return lambda x: F(1.0) if x > F(0.0) else (F(-1.0) if x < F(0.0) else x)


@_overload(maths.maximum)
def _maths_maximum(x, y):
    return lambda x, y: x if (x > y) | (x != x) else y


@_overload(maths.minimum)
def _maths_minimum(x, y):
    return lambda x, y: x if (x < y) | (x != x) else y


@_overload(maths.where)
def _maths_where(condition, yes, no):
    return lambda condition, yes, no: yes if condition else no
