"""Waves, bumps and other shapes."""

from __future__ import annotations

from engine import maths
from engine.activations.base import ACTIVATIONS, Activation, Option

ACTIVATIONS.add(
    Activation(
        "sin", "Sine", "Shapes", "sin(z)",
        lambda z: maths.sin(z),
        lambda z, a: maths.cos(z),
        "-1 to 1", "1", "For periodic targets and fine detail; has many local minima.",
        smooth=True, bounded=True, zero_centred=True, signed=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "gaussian", "Gaussian", "Shapes", "exp(-z^2)",
        lambda z: maths.exp(-z * z),
        lambda z, a: -2.0 * z * a,
        "0 to 1", "0", "A bump: each unit answers to a thin region only.",
        smooth=True, bounded=True, saturates=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "snake", "Snake", "Shapes", "z + sin(frequency * z)^2 / frequency",
        lambda z, frequency: z + maths.sin(frequency * z) * maths.sin(frequency * z) / frequency,
        lambda z, a, frequency: 1.0 + maths.sin(2.0 * frequency * z),
        "all numbers", "1", "A line with waves on it: learns what repeats and still goes on beyond the data.",
        options=(Option("frequency", 1.0),), smooth=True, monotone=True, signed=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "square", "Square", "Shapes", "z^2",
        lambda z: z * z,
        lambda z, a: 2.0 * z,
        "0 to infinity", "0", "Makes polynomials of the inputs; grows fast, so keep learning rates small.",
        smooth=True,
    )
)  # fmt: skip
