"""The functions of `engine.maths` for the compiler: float32, without branches, so that loops become SIMD code.

Within 4 units in the last place of the exact value, to the smallest normal number at least. Polynomials are those of
the Cephes library, or fitted by least largest error. Importing this module registers the functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir

from engine import maths
from engine.kernels.compiler import cgutils, intrinsic, register_jitable, types
from engine.kernels.jit import EXACT_OPTIONS, overloaded

F = np.float32
LOG2_E = 1.4426950408889634


@intrinsic
def bits(typing: Any, x: Any) -> Any:
    """The bits of a float32 as int32."""
    return types.int32(types.float32), lambda c, b, s, a: b.bitcast(a[0], ir.IntType(32))


@intrinsic
def from_bits(typing: Any, x: Any) -> Any:
    """The float32 with these bits."""
    return types.float32(types.int32), lambda c, b, s, a: b.bitcast(a[0], ir.FloatType())


@intrinsic
def fma(typing: Any, x: Any, y: Any, z: Any) -> Any:
    """x y + z, rounded once."""
    f = types.float32
    return f(f, f, f), lambda c, b, s, a: b.fma(*a)


def _of_two(name: str) -> Any:
    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = ir.FloatType()
        kind = ir.FunctionType(number, [number, number])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), arguments)

    return types.float32(types.float32, types.float32), emit


@intrinsic
def _larger(typing: Any, x: Any, y: Any) -> Any:
    """NaN if either is; one instruction beside a constant, which a comparison is not."""
    return _of_two("llvm.maximum.f32")


@intrinsic
def _smaller(typing: Any, x: Any, y: Any) -> Any:
    return _of_two("llvm.minimum.f32")


exact = register_jitable(forceinline=True, **EXACT_OPTIONS)  # a call in a loop keeps it from becoming SIMD code


def exactly(function: Callable[..., Any]) -> Any:
    """The function below is what this one is in compiled code."""
    return overloaded(function, EXACT_OPTIONS)


# Adding 1.5 * 2^23 rounds to a whole number, which then is in the low bits; what is added to it is there too.
WHOLE = F(12582912.0)


# What everything calls is written down as instructions: a function takes 20 ms to compile, a line of one 1 ms.


def polynomial(*coefficients: float) -> Any:
    """A function of compiled code: the polynomial of x with these coefficients, that of the highest power first."""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, *others = (ir.Constant(ir.FloatType(), value) for value in coefficients)
        value = first
        for other in others:
            value = builder.fma(value, arguments[0], other)
        return value

    def value(typing: Any, x: Any) -> Any:
        return types.float32(types.float32), emit

    return intrinsic(value)


@intrinsic
def _scale_of(typing: Any, m: Any) -> Any:
    """2^n, n = -126 to 127, for m = WHOLE + 127 + n; 0 for n = -127, infinity for n = 128"""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(32)
        return builder.bitcast(builder.shl(builder.bitcast(arguments[0], word), word(23)), ir.FloatType())

    return types.float32(types.float32), emit


@intrinsic
def _reduced(typing: Any, x: Any, n: Any) -> Any:
    """x - n ln 2, as the sum of a short number and a small one"""

    def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        x, n = arguments
        short, small = (ir.Constant(ir.FloatType(), value) for value in (-0.693359375, 2.12194440e-4))
        return builder.fma(n, small, builder.fma(n, short, x))

    return types.float32(types.float32, types.float32), emit


_EXPM1 = polynomial(1.3882523097e-3, 8.3665205234e-3, 4.1667199841e-2, 1.6666543621e-1, 4.9999998154e-1)


@exact
def _expm1_near(r: Any) -> Any:
    """e^r - 1 for |r| <= ln(2) / 2"""
    return _EXPM1(r) * r * r + r


@exactly(maths.exp)
def _exp(x: Any) -> Any:
    return _exp_below(_smaller(x, F(89.0)))


@exact
def _exp_below(x: Any) -> Any:
    """e^x for x <= 89"""
    x = _larger(x, F(-104.0))
    m = x * F(LOG2_E) + (WHOLE + F(254.0))
    q = _expm1_near(_reduced(x, m - (WHOLE + F(254.0))))
    first, second = _halves(m)
    return (q + F(1.0)) * first * second


@exact
def _halves(m: Any) -> Any:
    """(p, q) with p q = 2^n for m = WHOLE + 254 + n, n = -252 to 254: there are smaller numbers than powers of two"""
    b = bits(m)
    half = np.int32(b >> np.int32(1))
    return from_bits(np.int32(half << np.int32(23))), from_bits(np.int32(np.int32(b - half) << np.int32(23)))


@exactly(maths.expm1)
def _expm1(x: Any) -> Any:
    x = _smaller(_larger(x, F(-25.0)), F(89.0))
    m = x * F(LOG2_E) + (WHOLE + F(126.0))
    q = _expm1_near(_reduced(x, m - (WHOLE + F(126.0))))
    t = _scale_of(m)  # 2^(n - 1)
    return F(2.0) * (t * q + (t - F(0.5)))


@exactly(maths.sigmoid)
def _sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x), 0 where it would be less than the smallest normal number"""
    scale, even, odd, r = _quotient(_larger(F(-30.0), _smaller(-x, F(89.0))))
    below = fma(-r, odd, even)
    return below / (scale * fma(r, odd, even) + below)


@exact
def _quotient(x: Any) -> Any:
    """(s, a, b, r): e^x = s (a + b r) / (a - b r), s from 0 (x = -88.2) to infinity (x = 89), a about 1."""
    m = x * F(LOG2_E) + (WHOLE + F(127.0))
    even, odd, r = _even_and_odd(_reduced(x, m - (WHOLE + F(127.0))))
    return _scale_of(m), even, odd, r


@exact
def _even_and_odd(r: Any) -> Any:
    """(a, b, r): e^r = (a + b r) / (a - b r) for |r| <= ln(2) / 2"""
    z = r * r
    return z * F(0.099978630670026) + F(1.0), z * F(0.008322685514763834) + F(0.5), r


@exactly(maths.sigmoids)
def _sigmoids(x: Any) -> Any:
    scale, even, odd, r = _quotient(_larger(-abs(x), F(-88.2)))
    above, below = scale * fma(r, odd, even), fma(-r, odd, even)
    part = F(1.0) / (above + below)
    low, high = above * part, below * part
    return (low if x < F(0.0) else high), (high if x < F(0.0) else low)


@exactly(maths.swish)
def _swish(z: Any, u: Any) -> Any:
    scale, even, odd, r = _quotient(_larger(-abs(u), F(-88.2)))
    above = scale * fma(r, odd, even)
    part = above / (above + fma(-r, odd, even)) * _smaller(z, F(3e38))  # infinity is left as it is
    return z - part if u > F(0.0) else part


@exactly(maths.swish_slope)
def _swish_slope(z: Any, a: Any, beta: Any) -> Any:
    tiny = abs(z) < F(1e-30)
    s = F(0.5) if tiny else a / (F(1.0) if tiny else z)
    return s * (F(1.0) + beta * (z - a))


@exactly(maths.gate)
def _gate(z: Any, a: Any) -> Any:
    tiny = abs(z) < F(1e-30)
    return F(0.5) if tiny else a / (F(1.0) if tiny else z)


#: (ln(1 + f) - f + f^2 / 2) / f^3 for f from sqrt(1/2) - 1 to sqrt(2) - 1
_LOG = polynomial(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
    2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip


@exactly(maths.log1p)
def _log1p(x: Any) -> Any:
    y = F(1.0) + x
    rest = x - (y - F(1.0))
    b = bits(y)
    e = np.int32(np.int32(b - np.int32(0x3F3504F3)) >> np.int32(23))  # y = f 2^e, f from sqrt(1/2) to sqrt(2)
    f = from_bits(np.int32(b - np.int32(e << np.int32(23)))) - F(1.0)
    n = F(e)
    z = f * f
    p = _LOG(f) * f * z - n * F(2.12194440e-4) - F(0.5) * z + rest / y
    result = (f + p) + n * F(0.693359375)
    result = result if y < F(np.inf) else y
    result = result if y > F(0.0) else F(-np.inf)
    return result if x >= F(-1.0) else F(np.nan)


@exactly(maths.log)
def _log(x: Any) -> Any:
    """As log1p, without what 1 + x would lose."""
    tiny = x < F(1.1754943508222875e-38)  # its exponent is not in its bits
    b = bits(x * F(8388608.0) if tiny else x)
    e = np.int32(np.int32(b - np.int32(0x3F3504F3)) >> np.int32(23))
    f = from_bits(np.int32(b - np.int32(e << np.int32(23)))) - F(1.0)
    n = F(e) - (F(23.0) if tiny else F(0.0))
    z = f * f
    p = _LOG(f) * f * z - n * F(2.12194440e-4) - F(0.5) * z
    result = (f + p) + n * F(0.693359375)
    result = result if x < F(np.inf) else x
    result = result if x > F(0.0) else F(-np.inf)
    return result if x >= F(0.0) else F(np.nan)


_ARTANH = polynomial(2.8011979607e-1, 2.8001806788e-1, 4.0021527146e-1, 6.6666416287e-1)


@exactly(maths.softplus)
def _softplus(x: Any) -> Any:
    v = _larger(-abs(x), F(-104.0))
    m = v * F(LOG2_E) + (WHOLE + F(254.0))
    even, odd, r = _even_and_odd(_reduced(v, m - (WHOLE + F(254.0))))
    first, second = _halves(m)
    above = fma(r, odd, even) * first * second
    s = above / (above + F(2.0) * fma(-r, odd, even))  # ln(1 + e) = 2 artanh(e / (2 + e))
    z = s * s
    p = _ARTANH(z) * z * s + F(2.0) * s
    return p if x < F(0.0) else x + p


@exactly(maths.tanh)
def _tanh(x: Any) -> Any:
    """Near 1 as what is left to it: a slope 1 - y^2 then has as many digits as y has."""
    v = _larger(F(-2.0) * abs(x), F(-25.0))
    scale, even, odd, r = _quotient(v)  # e^v = scale (even + odd r) / (even - odd r)
    odd = odd * r
    more, less = F(1.0) + scale, F(1.0) - scale
    far = v < F(-1.0)
    above = F(2.0) * scale * (even + odd) if far else even * less - odd * more
    part = above / (even * more - odd * less)
    y = F(1.0) - part if far else part
    return -y if x < F(0.0) else y


@exact
def _bell(v: Any) -> Any:
    """(e, 2^n): e^(-v^2 / 2) = (1 + e) 2^n, for v from 0 to 13.25, where it is 0"""
    square = v * v
    rest = fma(v, v, -square)
    m = square * F(-0.5 * LOG2_E) + (WHOLE + F(127.0))
    r = _reduced(F(-0.5) * square, m - (WHOLE + F(127.0))) - F(0.5) * rest
    return _expm1_near(r), _scale_of(m)


@exactly(maths.normal_density)
def _normal_density(x: Any) -> Any:
    e, scale = _bell(_smaller(abs(x), F(13.25)))
    return (F(0.3989422804014327) * e + F(0.3989422804014327)) * scale


_CDF_ABOVE = polynomial(0.004937226418405771, 0.04609048739075661, 0.19928471744060516, 0.4597180485725403, 0.5)
_CDF_BELOW = polynomial(0.012336041778326035, 0.11643917113542557, 0.4640047550201416, 1.0)


@exactly(maths.normal_cdf)
def _normal_cdf(x: Any) -> Any:
    """Below 0 e^(-x^2 / 2) times a quotient of polynomials that is fitted to the rest, by least largest error."""
    v = _smaller(abs(x), F(13.25))
    e, scale = _bell(v)
    p = _CDF_ABOVE(v)
    part = p / fma(v * F(2.5066332817077637), p, _CDF_BELOW(v))  # errors of p cancel where v is large
    tail = (part * e + part) * scale
    return tail if x < F(0.0) else F(1.0) - tail


_SIN = polynomial(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = polynomial(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)


@exact
def _circle(x: Any, shift: Any) -> Any:
    """sin(x + shift pi / 2); good to |x| = 4e6, bounded beyond."""
    m = fma(x, F(0.6366197723675814), WHOLE)
    n = m - WHOLE
    r = fma(n, F(-1.5707963705062866), x)
    r = fma(n, F(4.3711388286737929e-8), r)
    r = fma(n, F(1.7151245100e-15), r)
    r = _smaller(_larger(r, F(-0.95)), F(0.95))
    quarter = np.int32(bits(m) + np.int32(shift))
    z = r * r
    s = _SIN(z) * z * r + r
    c = _COS(z) * z * z - F(0.5) * z + F(1.0)
    y = c if np.int32(quarter & np.int32(1)) != np.int32(0) else s
    return from_bits(np.int32(bits(y) ^ np.int32(np.int32(quarter & np.int32(2)) << np.int32(30))))


@overloaded(maths.sin)
def _sin(x: Any) -> Any:
    return _circle(x, 0)


@overloaded(maths.cos)
def _cos(x: Any) -> Any:
    return _circle(x, 1)


@overloaded(maths.sqrt)
def _sqrt(x: Any) -> Any:
    return np.sqrt(x)


@overloaded(maths.absolute)
def _absolute(x: Any) -> Any:
    return abs(x)


@overloaded(maths.sign)
def _sign(x: Any) -> Any:
    return F(1.0) if x > F(0.0) else (F(-1.0) if x < F(0.0) else x)


@overloaded(maths.maximum)
def _maximum(x: Any, y: Any) -> Any:
    return x if (x > y) | (x != x) else y


@overloaded(maths.minimum)
def _minimum(x: Any, y: Any) -> Any:
    return x if (x < y) | (x != x) else y


@overloaded(maths.where)
def _where(condition: Any, yes: Any, no: Any) -> Any:
    return yes if condition else no
