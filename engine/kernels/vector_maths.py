"""The functions of `engine.maths` for the compiler: float32, without branches, so that loops become SIMD code.

Within 4 units in the last place of the exact value, to the smallest normal number at least. Polynomials are those of
the Cephes library, or fitted by least largest error. Importing this module teaches the compiler the functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine import maths
from engine.kernels.instructions import Number, Truth, Word, exactly, fma, larger, pick, smaller, teach

LOG2_E = 1.4426950408889634
WHOLE = 12582912.0  # adding 1.5 * 2^23 rounds to a whole number, which then is in the low bits; what is added is too


def polynomial(*coefficients: float) -> Callable[[Number], Number]:
    """The polynomial with these coefficients, that of the highest power first."""

    def value(x: Number) -> Number:
        total: Any = coefficients[0]
        for coefficient in coefficients[1:]:
            total = fma(x, total, coefficient)
        return total

    return value


FUNCTIONS: dict[str, Callable[..., Any]] = {}


def _compiled(function: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """What a function of `engine.maths` is in compiled code."""

    def note(written: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS[function.__name__] = exactly(written)
        teach(function, FUNCTIONS[function.__name__])
        return written

    return note


def _scale_of(m: Number) -> Number:
    """2^n, n = -126 to 127, for m = WHOLE + 127 + n; 0 for n = -127, infinity for n = 128"""
    return (m.bits() << 23).as_bits()


def _reduced(x: Number, n: Number) -> Number:
    """x - n ln 2, as the sum of a short number and a small one"""
    return fma(n, 2.12194440e-4, fma(n, -0.693359375, x))


_EXPM1 = polynomial(1.3882523097e-3, 8.3665205234e-3, 4.1667199841e-2, 1.6666543621e-1, 4.9999998154e-1)


def _expm1_near(r: Number) -> Number:
    """e^r - 1 for |r| <= ln(2) / 2"""
    return _EXPM1(r) * r * r + r


@_compiled(maths.exp)
def _exp(x: Number) -> Number:
    return _exp_below(smaller(x, 89.0))


def _exp_below(x: Number) -> Number:
    """e^x for x <= 89"""
    x = larger(x, -104.0)
    m = x * LOG2_E + (WHOLE + 254.0)
    q = _expm1_near(_reduced(x, m - (WHOLE + 254.0)))
    first, second = _halves(m)
    return (q + 1.0) * first * second


def _halves(m: Number) -> tuple[Number, Number]:
    """(p, q) with p q = 2^n for m = WHOLE + 254 + n, n = -252 to 254: there are smaller numbers than powers of two"""
    b = m.bits()
    half = b >> 1
    return (half << 23).as_bits(), ((b - half) << 23).as_bits()


@_compiled(maths.expm1)
def _expm1(x: Number) -> Number:
    x = smaller(larger(x, -25.0), 89.0)
    m = x * LOG2_E + (WHOLE + 126.0)
    q = _expm1_near(_reduced(x, m - (WHOLE + 126.0)))
    t = _scale_of(m)  # 2^(n - 1)
    return 2.0 * (t * q + (t - 0.5))


@_compiled(maths.sigmoid)
def _sigmoid(x: Number) -> Number:
    """1 / (1 + e^-x), 0 where it would be less than the smallest normal number"""
    scale, even, odd, r = _quotient(-smaller(larger(x, -89.0), 30.0))
    below = fma(-r, odd, even)
    return below / (scale * fma(r, odd, even) + below)


def _quotient(x: Number) -> tuple[Number, Number, Number, Number]:
    """(s, a, b, r): e^x = s (a + b r) / (a - b r), s from 0 (x = -88.2) to infinity (x = 89), a about 1."""
    m = x * LOG2_E + (WHOLE + 127.0)
    even, odd, r = _even_and_odd(_reduced(x, m - (WHOLE + 127.0)))
    return _scale_of(m), even, odd, r


def _even_and_odd(r: Number) -> tuple[Number, Number, Number]:
    """(a, b, r): e^r = (a + b r) / (a - b r) for |r| <= ln(2) / 2"""
    z = r * r
    return z * 0.099978630670026 + 1.0, z * 0.008322685514763834 + 0.5, r


@_compiled(maths.sigmoids)
def _sigmoids(x: Number) -> tuple[Number, Number]:
    scale, even, odd, r = _quotient(larger(-abs(x), -88.2))
    above, below = scale * fma(r, odd, even), fma(-r, odd, even)
    part = 1.0 / (above + below)
    low, high = above * part, below * part
    return pick(x < 0.0, low, high), pick(x < 0.0, high, low)


@_compiled(maths.swish)
def _swish(z: Number, u: Number) -> Number:
    scale, even, odd, r = _quotient(larger(-abs(u), -88.2))
    above = scale * fma(r, odd, even)
    part = above / (above + fma(-r, odd, even)) * smaller(z, 3e38)  # infinity is left as it is
    return pick(u > 0.0, z - part, part)


@_compiled(maths.gate)
def _gate(z: Number, a: Number) -> Number:
    tiny = abs(z) < 1e-30
    return pick(tiny, 0.5, a / pick(tiny, 1.0, z))


@_compiled(maths.swish_slope)
def _swish_slope(z: Number, a: Number, beta: Any) -> Number:
    return _gate(z, a) * (1.0 + beta * (z - a))


#: (ln(1 + f) - f + f^2 / 2) / f^3 for f from sqrt(1/2) - 1 to sqrt(2) - 1
_LOG = polynomial(
    7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
    2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
)  # fmt: skip


def _split(b: Word) -> tuple[Number, Number]:
    """(f, n): the number with these bits is (1 + f) 2^n, 1 + f from sqrt(1/2) to sqrt(2)"""
    e = (b - 0x3F3504F3) >> 23
    return (b - (e << 23)).as_bits() - 1.0, e.as_number()


@_compiled(maths.log1p)
def _log1p(x: Number) -> Number:
    y = 1.0 + x
    rest = x - (y - 1.0)
    f, n = _split(y.bits())
    z = f * f
    p = _LOG(f) * f * z - n * 2.12194440e-4 - 0.5 * z + rest / y
    result = (f + p) + n * 0.693359375
    return pick(x >= -1.0, pick(y > 0.0, pick(y < np.inf, result, y), -np.inf), np.nan)


@_compiled(maths.log)
def _log(x: Number) -> Number:
    """As log1p, without what 1 + x would lose."""
    tiny = x < 1.1754943508222875e-38  # its exponent is not in its bits
    f, n = _split(pick(tiny, x * 8388608.0, x).bits())
    n = n - pick(tiny, 23.0, 0.0)
    z = f * f
    p = _LOG(f) * f * z - n * 2.12194440e-4 - 0.5 * z
    result = (f + p) + n * 0.693359375
    return pick(x >= 0.0, pick(x > 0.0, pick(x < np.inf, result, x), -np.inf), np.nan)


_ARTANH = polynomial(2.8011979607e-1, 2.8001806788e-1, 4.0021527146e-1, 6.6666416287e-1)


@_compiled(maths.softplus)
def _softplus(x: Number) -> Number:
    v = larger(-abs(x), -104.0)
    m = v * LOG2_E + (WHOLE + 254.0)
    even, odd, r = _even_and_odd(_reduced(v, m - (WHOLE + 254.0)))
    first, second = _halves(m)
    above = fma(r, odd, even) * first * second
    s = above / (above + 2.0 * fma(-r, odd, even))  # ln(1 + e) = 2 artanh(e / (2 + e))
    z = s * s
    p = _ARTANH(z) * z * s + 2.0 * s
    return pick(x < 0.0, p, x + p)


@_compiled(maths.tanh)
def _tanh(x: Number) -> Number:
    """Near 1 as what is left to it: a slope 1 - y^2 then has as many digits as y has."""
    v = larger(-2.0 * abs(x), -25.0)
    scale, even, odd, r = _quotient(v)  # e^v = scale (even + odd r) / (even - odd r)
    odd = odd * r
    more, less = 1.0 + scale, 1.0 - scale
    far = v < -1.0
    above = pick(far, 2.0 * scale * (even + odd), even * less - odd * more)
    part = above / (even * more - odd * less)
    y = pick(far, 1.0 - part, part)
    return pick(x < 0.0, -y, y)


def _bell(v: Number) -> tuple[Number, Number]:
    """(e, 2^n): e^(-v^2 / 2) = (1 + e) 2^n, for v from 0 to 13.25, where it is 0"""
    square = v * v
    rest = fma(v, v, -square)
    m = square * (-0.5 * LOG2_E) + (WHOLE + 127.0)
    r = _reduced(-0.5 * square, m - (WHOLE + 127.0)) - 0.5 * rest
    return _expm1_near(r), _scale_of(m)


@_compiled(maths.normal_density)
def _normal_density(x: Number) -> Number:
    e, scale = _bell(smaller(abs(x), 13.25))
    return (0.3989422804014327 * e + 0.3989422804014327) * scale


_CDF_ABOVE = polynomial(0.004937226418405771, 0.04609048739075661, 0.19928471744060516, 0.4597180485725403, 0.5)
_CDF_BELOW = polynomial(0.012336041778326035, 0.11643917113542557, 0.4640047550201416, 1.0)


@_compiled(maths.normal_cdf)
def _normal_cdf(x: Number) -> Number:
    """Below 0 e^(-x^2 / 2) times a quotient of polynomials that is fitted to the rest, by least largest error."""
    v = smaller(abs(x), 13.25)
    e, scale = _bell(v)
    p = _CDF_ABOVE(v)
    part = p / fma(v * 2.5066332817077637, p, _CDF_BELOW(v))  # errors of p cancel where v is large
    tail = (part * e + part) * scale
    return pick(x < 0.0, tail, 1.0 - tail)


_SIN = polynomial(-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1)
_COS = polynomial(2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)


def _circle(x: Number, shift: int) -> Number:
    """sin(x + shift pi / 2); good to |x| = 4e6, bounded beyond."""
    m = fma(x, 0.6366197723675814, WHOLE)
    n = m - WHOLE
    r = fma(n, -1.5707963705062866, x)
    r = fma(n, 4.3711388286737929e-8, r)
    r = fma(n, 1.7151245100e-15, r)
    r = smaller(larger(r, -0.95), 0.95)
    quarter = m.bits() + shift
    z = r * r
    s = _SIN(z) * z * r + r
    c = _COS(z) * z * z - 0.5 * z + 1.0
    y = pick((quarter & 1) != 0, c, s)
    return (y.bits() ^ ((quarter & 2) << 30)).as_bits()


@_compiled(maths.sin)
def _sin(x: Number) -> Number:
    return _circle(x, 0)


@_compiled(maths.cos)
def _cos(x: Number) -> Number:
    return _circle(x, 1)


@_compiled(maths.sqrt)
def _sqrt(x: Number) -> Number:
    return x.called("llvm.sqrt.f32", x)


@_compiled(maths.absolute)
def _absolute(x: Number) -> Number:
    return abs(x)


@_compiled(maths.sign)
def _sign(x: Number) -> Number:
    return pick(x > 0.0, 1.0, pick(x < 0.0, -1.0, x))


@_compiled(maths.maximum)
def _maximum(x: Any, y: Any) -> Number:
    return pick((x > y) | (x != x), x, y)


@_compiled(maths.minimum)
def _minimum(x: Any, y: Any) -> Number:
    return pick((x < y) | (x != x), x, y)


@_compiled(maths.where)
def _where(condition: Truth, yes: Any, no: Any) -> Number:
    return pick(condition, yes, no)
