"""Rectifiers: straight above 0, or nearly so."""

from __future__ import annotations

from engine import maths
from engine.activations.base import ACTIVATIONS, Activation, Option
from engine.maths import Numbers

ACTIVATIONS.add(
    Activation(
        "linear", "Linear", "Rectifiers", "z",
        lambda z: z,
        lambda z, a: maths.where(z == z, 1.0, z),
        "all numbers", "1", "For outputs of a regression, or logits. Stacked linear layers collapse into one.",
        smooth=True, monotone=True, zero_centred=True, signed=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "relu", "ReLU", "Rectifiers", "max(0, z)",
        lambda z: maths.maximum(z, 0.0),
        lambda z, a: maths.where(z > 0.0, 1.0, 0.0),
        "0 to infinity", "0 by convention", "The usual first choice; watch for dead units at high learning rates.",
        monotone=True, kinks=(0.0,),
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "leaky_relu", "Leaky ReLU", "Rectifiers", "z if z > 0, else slope * z",
        lambda z, negative_slope: maths.where(z > 0.0, z, negative_slope * z),
        lambda z, a, negative_slope: maths.where(z > 0.0, 1.0, negative_slope),
        "all numbers", "the negative slope", "ReLU that cannot die: a small slope remains below 0.",
        options=(Option("negative_slope", 0.01),), monotone=True, signed=True, kinks=(0.0,),
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "relu6", "ReLU6", "Rectifiers", "min(max(0, z), 6)",
        lambda z: maths.minimum(maths.maximum(z, 0.0), 6.0),
        lambda z, a: maths.where(z > 0.0, maths.where(z < 6.0, 1.0, 0.0), 0.0),
        "0 to 6", "0 by convention", "ReLU with a ceiling, made for small integer arithmetic.",
        monotone=True, bounded=True, saturates=True, kinks=(0.0, 6.0),
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "elu", "ELU", "Rectifiers", "z if z > 0, else alpha * (exp(z) - 1)",
        lambda z, alpha: maths.where(z > 0.0, z, alpha * maths.expm1(maths.minimum(z, 0.0))),
        lambda z, a, alpha: maths.where(z > 0.0, 1.0, a + alpha),
        "-alpha to infinity", "1 (alpha 1)", "Negative values pull the mean towards 0; never exactly flat.",
        options=(Option("alpha", 1.0),), smooth=True, monotone=True, signed=True, kinks=(0.0,),
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "selu", "SELU", "Rectifiers", "1.0507 * (z if z > 0, else 1.6733 * (exp(z) - 1))",
        lambda z: maths.where(z > 0.0, 1.0507009873554805 * z, 1.7580993408473766 * maths.expm1(maths.minimum(z, 0.0))),
        lambda z, a: maths.where(z > 0.0, 1.0507009873554805, a + 1.7580993408473766),
        "-1.758 to infinity", "1.758", "Keeps mean 0 and variance 1 by itself; wants lecun_normal weights.",
        monotone=True, zero_centred=True, signed=True, kinks=(0.0,),
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "celu", "CELU", "Rectifiers", "max(0, z) + min(0, alpha * (exp(z / alpha) - 1))",
        lambda z, alpha: maths.where(z > 0.0, z, alpha * maths.expm1(maths.minimum(z, 0.0) / alpha)),
        lambda z, a, alpha: maths.where(z > 0.0, 1.0, a / alpha + 1.0),
        "-alpha to infinity", "1", "ELU with a continuous slope for every alpha.",
        options=(Option("alpha", 1.0),), smooth=True, monotone=True, signed=True, kinks=(0.0,),
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "abs", "Absolute value", "Rectifiers", "|z|",
        lambda z: maths.absolute(z),
        lambda z, a: maths.sign(z),
        "0 to infinity", "0 by convention", "Cannot die and keeps the variance; one unit solves exclusive-or.",
        kinks=(0.0,),
    )
)  # fmt: skip


def _hard_swish(z: Numbers) -> Numbers:
    return z * maths.minimum(maths.maximum(z * 0.16666666666666666 + 0.5, 0.0), 1.0)


def _hard_swish_slope(z: Numbers, a: Numbers) -> Numbers:
    inside = z * 0.3333333333333333 + 0.5
    return maths.where(z < 3.0, maths.where(z > -3.0, inside, 0.0), 1.0)


ACTIVATIONS.add(
    Activation(
        "hard_swish", "Hard swish", "Rectifiers", "z * clip(z / 6 + 1/2, 0, 1)",
        _hard_swish, _hard_swish_slope,
        "-0.375 to infinity", "0.5", "SiLU without an exponential; exactly flat below -3.",
        signed=True, kinks=(-3.0, 3.0),
    )
)  # fmt: skip


def _squared_relu(z: Numbers) -> Numbers:
    r = maths.maximum(z, 0.0)
    return r * r


ACTIVATIONS.add(
    Activation(
        "squared_relu", "Squared ReLU", "Rectifiers", "max(0, z)^2",
        _squared_relu,
        lambda z, a: 2.0 * maths.maximum(z, 0.0),
        "0 to infinity", "0", "Smooth at 0 and grows fast: wants small learning rates. Can die like ReLU.",
        smooth=True, monotone=True,
    )
)  # fmt: skip


def _hard_elish(z: Numbers) -> Numbers:
    gate = maths.minimum(maths.maximum(0.5 * z + 0.5, 0.0), 1.0)
    return gate * maths.where(z > 0.0, z, maths.expm1(maths.minimum(z, 0.0)))


def _hard_elish_slope(z: Numbers, a: Numbers) -> Numbers:
    below = maths.minimum(maths.maximum(z, -1.0), 0.0)
    falling = maths.exp(below) * (0.5 * below + 0.5) + 0.5 * maths.expm1(below)
    return maths.where(z > 0.0, maths.where(z > 1.0, 1.0, z + 0.5), maths.where(z > -1.0, falling, 0.0 * below))


ACTIVATIONS.add(
    Activation(
        "hard_elish", "HardELiSH", "Rectifiers", "clip((z + 1) / 2, 0, 1) * (z if z > 0, else exp(z) - 1)",
        _hard_elish, _hard_elish_slope,
        "-0.1 to infinity", "0.5", "ELU behind a hard gate; exactly flat below -1. Jumps in slope at -1 and 1.",
        signed=True, kinks=(-1.0, 1.0),
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "threshold", "Threshold", "Rectifiers", "z if z > threshold, else value",
        lambda z, threshold, value: maths.where(z > threshold, z, maths.where(z == z, value, z)),
        lambda z, a, threshold, value: maths.where(z > threshold, 1.0, 0.0),
        "the value, and all above the threshold", "0", "Only what is above a threshold goes on. Can die like ReLU.",
        options=(Option("threshold", 1.0), Option("value", 0.0)), monotone=True, kinks=("threshold",),
    )
)  # fmt: skip

ACTIVATIONS.add(
    Activation(
        "rrelu", "Randomized leaky ReLU", "Rectifiers",
        "z if z > 0, else slope * z; in training the slope is drawn from lower to upper, else it is their mean",
        lambda z, lower, upper: maths.where(z > 0.0, z, 0.5 * (lower + upper) * z),
        lambda z, a, lower, upper: maths.where(z > 0.0, 1.0, 0.5 * (lower + upper)),
        "all numbers", "the mean slope", "Leaky ReLU that trains with a random slope for every value: a regulariser.",
        options=(Option("lower", 0.125), Option("upper", 0.3333333333333333)),
        monotone=True, signed=True, kinks=(0.0,), random="random slopes",
    )
)  # fmt: skip
