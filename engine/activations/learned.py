"""Activations with a number for each unit that training changes."""

from __future__ import annotations

from engine import maths
from engine.activations.base import ACTIVATIONS, Activation, Option
from engine.maths import Numbers

ACTIVATIONS.add(
    Activation(
        "prelu", "Parametric ReLU", "Learned", "z if z > 0, else slope * z, slope learned per unit",
        lambda z, slope: maths.where(z > 0.0, z, slope * z),
        lambda z, a, slope: maths.where(z > 0.0, 1.0, slope),
        "all numbers", "the learned slope", "Leaky ReLU whose slope is learned, one per unit.",
        options=(Option("slope", 0.25, True, lambda z, a, slope: maths.minimum(z, 0.0)),),
        monotone=True, signed=True, kinks=(0.0,),
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "swish", "Swish", "Learned", "z * sigmoid(beta * z), beta learned per unit",
        lambda z, beta: maths.swish(z, beta * z),
        lambda z, a, beta: maths.swish_slope(z, a, beta),
        "below 0 to infinity", "0.5", "SiLU whose beta is learned: from z / 2 (beta 0) to ReLU (beta large).",
        options=(Option("beta", 1.0, True, lambda z, a, beta: a * (z - a)),), smooth=True, signed=True,
    )
)  # fmt: skip


def _pelu(z: Numbers, a: Numbers, b: Numbers) -> Numbers:
    t = z / b
    return a * maths.where(z > 0.0, t, maths.expm1(t))


def _pelu_slope(z: Numbers, f: Numbers, a: Numbers, b: Numbers) -> Numbers:
    return maths.where(z > 0.0, a, f + a) / b


ACTIVATIONS.add(
    Activation(
        "pelu", "Parametric ELU", "Learned", "a / b z if z > 0, else a (exp(z / b) - 1), a and b learned per unit",
        _pelu, _pelu_slope,
        "above -a", "a / b", "ELU whose slope and bend are learned (Trottier et al. 2017).",
        options=(
            Option("a", 1.0, True, lambda z, f, a, b: f / a),
            Option("b", 1.0, True, lambda z, f, a, b: -z / b * _pelu_slope(z, f, a, b)),
        ),
        monotone=True, signed=True,
    )
)  # fmt: skip


def _srelu(z: Numbers, t_r: Numbers, a_r: Numbers, t_l: Numbers, a_l: Numbers) -> Numbers:
    return maths.where(z > t_r, t_r + a_r * (z - t_r), maths.where(z > t_l, z, t_l + a_l * (z - t_l)))


ACTIVATIONS.add(
    Activation(
        "srelu", "S-shaped ReLU", "Learned", "three straight pieces: slope 1 between two bends, all learned per unit",
        _srelu,
        lambda z, f, t_r, a_r, t_l, a_l: maths.where(z > t_r, a_r, maths.where(z > t_l, 1.0, a_l)),
        "all numbers", "the learned slope",
        "Where it bends and how steeply is learned on both sides (Jin et al. 2016); it begins as a leaky ReLU.",
        options=(
            Option("right", 1.0, True, lambda z, f, t_r, a_r, t_l, a_l: maths.where(z > t_r, 1.0 - a_r, 0.0 * z)),
            Option("right_slope", 1.0, True, lambda z, f, t_r, a_r, t_l, a_l: maths.maximum(z - t_r, 0.0)),
            Option(
                "left", 0.0, True,
                lambda z, f, t_r, a_r, t_l, a_l: maths.where((z > t_l) | (z > t_r), 0.0 * z, 1.0 - a_l),
            ),
            Option(
                "left_slope", 0.2, True,
                lambda z, f, t_r, a_r, t_l, a_l: maths.where((z > t_l) | (z > t_r), 0.0 * z, z - t_l),
            ),
        ),
        monotone=True, signed=True, kinks=("left", "right"),
    )
)  # fmt: skip
