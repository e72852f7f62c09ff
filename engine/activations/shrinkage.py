"""Shrinkage: small values become 0, or nearly so."""

from __future__ import annotations

from engine import maths
from engine.activations.base import ACTIVATIONS, Activation, Option
from engine.maths import Numbers


def _tanhshrink_slope(z: Numbers, a: Numbers) -> Numbers:
    t = maths.tanh(z)
    return t * t


ACTIVATIONS.add(
    Activation(
        "tanhshrink", "Tanhshrink", "Shrinkage", "z - tanh(z)",
        lambda z: z - maths.tanh(z), _tanhshrink_slope,
        "all numbers", "0", "Flat at 0, straight far out: small signals fade, large ones pass.",
        smooth=True, monotone=True, zero_centred=True, signed=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "hard_shrink", "Hard shrink", "Shrinkage", "z if |z| > threshold, else 0",
        lambda z, threshold: maths.where(maths.absolute(z) <= threshold, 0.0, z),
        lambda z, a, threshold: maths.where(maths.absolute(z) > threshold, 1.0, 0.0),
        "all numbers", "0", "Silences what is small and leaves the rest as it is, with a jump between.",
        options=(Option("threshold", 0.5),), monotone=True, zero_centred=True, signed=True,
        kinks=("-threshold", "threshold"),
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "soft_shrink", "Soft shrink", "Shrinkage", "z moved towards 0 by the threshold, 0 where |z| is below it",
        lambda z, threshold: z - maths.minimum(maths.maximum(z, -threshold), threshold),
        lambda z, a, threshold: maths.where(maths.absolute(z) > threshold, 1.0, 0.0),
        "all numbers", "0", "Silences what is small and shortens the rest: the step of the lasso.",
        options=(Option("threshold", 0.5),), monotone=True, zero_centred=True, signed=True,
        kinks=("-threshold", "threshold"),
    )
)  # fmt: skip
