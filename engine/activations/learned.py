"""Activations with a number for each unit that training changes."""

from __future__ import annotations

from engine import maths
from engine.activations.base import ACTIVATIONS, Activation, Option

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
        lambda z, beta: z * maths.sigmoid(beta * z),
        lambda z, a, beta: maths.gate(z, a) + beta * a * (1.0 - maths.gate(z, a)),
        "below 0 to infinity", "0.5", "SiLU whose beta is learned: from z / 2 (beta 0) to ReLU (beta large).",
        options=(Option("beta", 1.0, True, lambda z, a, beta: a * (z - a)),), smooth=True, signed=True,
    )
)  # fmt: skip
