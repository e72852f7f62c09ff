"""Smooth relatives of ReLU."""

from __future__ import annotations

from engine import maths
from engine.activations.base import ACTIVATIONS, Activation
from engine.maths import Numbers

ACTIVATIONS.add(
    Activation(
        "softplus", "Softplus", "Smooth", "ln(1 + exp(z))",
        lambda z: maths.softplus(z),
        lambda z, a: maths.sigmoid(z),
        "0 to infinity", "0.5", "A smooth ReLU that never reaches 0.",
        smooth=True, monotone=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "gelu", "GELU", "Smooth", "z * Phi(z), Phi the normal distribution",
        lambda z: z * maths.normal_cdf(z),
        lambda z, a: maths.gate(z, a) + z * maths.normal_density(z),
        "-0.17 to infinity", "0.5", "Weighs the input by its rank; the choice of most transformers.",
        smooth=True, signed=True,
    )
)  # fmt: skip


def _gelu_tanh(z: Numbers) -> Numbers:
    return z * maths.sigmoid(1.5957691216057308 * (z + 0.044715 * z * z * z))


def _gelu_tanh_slope(z: Numbers, a: Numbers) -> Numbers:
    u = maths.maximum(maths.minimum(z, 50.0), -50.0)  # z * z would overflow
    s, rest = maths.sigmoids(1.5957691216057308 * (u + 0.044715 * u * u * u))
    return s * (1.0 + u * rest * 1.5957691216057308 * (1.0 + 0.134145 * u * u))


ACTIVATIONS.add(
    Activation(
        "gelu_tanh", "GELU (tanh)", "Smooth", "z / 2 * (1 + tanh(sqrt(2 / pi) * (z + 0.044715 z^3)))",
        _gelu_tanh, _gelu_tanh_slope,
        "-0.17 to infinity", "0.5", "GELU by a cheaper formula, at most 0.0005 away from it.",
        smooth=True, signed=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "silu", "SiLU", "Smooth", "z * sigmoid(z)",
        lambda z: maths.swish(z, z),
        lambda z, a: maths.swish_slope(z, a, 1.0),
        "-0.278 to infinity", "0.5", "Swish with beta 1: smooth, and dips below 0 before it rises.",
        smooth=True, signed=True,
    )
)  # fmt: skip


def _mish(z: Numbers) -> Numbers:
    e = maths.exp(maths.minimum(z, 20.0))  # beyond, tanh(softplus(z)) is 1
    n = e * (e + 2.0)
    return z * (n / (n + 2.0))


def _mish_slope(z: Numbers, a: Numbers) -> Numbers:
    u = maths.minimum(z, 20.0)
    e = maths.exp(u)
    n = e * (e + 2.0)
    r = 1.0 / (n + 2.0)
    return r * (n + 4.0 * u * e * (e + 1.0) * r)


ACTIVATIONS.add(
    Activation(
        "mish", "Mish", "Smooth", "z * tanh(softplus(z))",
        _mish, _mish_slope,
        "-0.309 to infinity", "0.6", "Close to SiLU, a little steeper; costs more.",
        smooth=True, signed=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "quick_gelu", "Quick GELU", "Smooth", "z * sigmoid(1.702 z)",
        lambda z: maths.swish(z, 1.702 * z),
        lambda z, a: maths.swish_slope(z, a, 1.702),
        "-0.164 to infinity", "0.5", "GELU by one sigmoid, at most 0.02 away from it.",
        smooth=True, signed=True,
    )
)  # fmt: skip


def _elish(z: Numbers) -> Numbers:
    return maths.sigmoid(z) * maths.where(z > 0.0, z, maths.expm1(maths.minimum(z, 0.0)))


def _elish_slope(z: Numbers, a: Numbers) -> Numbers:
    s, rest = maths.sigmoids(z)
    return s * maths.where(z > 0.0, 1.0, maths.exp(maths.minimum(z, 0.0))) + a * rest


ACTIVATIONS.add(
    Activation(
        "elish", "ELiSH", "Smooth", "sigmoid(z) * (z if z > 0, else exp(z) - 1)",
        _elish, _elish_slope,
        "-0.172 to infinity", "0.5", "SiLU above 0, a gated ELU below: its tail fades faster.",
        smooth=True, signed=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "log_sigmoid", "Log-sigmoid", "Smooth", "-ln(1 + exp(-z))",
        lambda z: -maths.softplus(-z),
        lambda z, a: maths.sigmoid(-z),
        "minus infinity to 0", "0.5", "The logarithm of a probability; softplus turned over.",
        smooth=True, monotone=True, signed=True,
    )
)  # fmt: skip
