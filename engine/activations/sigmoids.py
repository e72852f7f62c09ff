"""Sigmoids: flat far out on both sides."""

from __future__ import annotations

from engine import maths
from engine.activations.base import ACTIVATIONS, Activation
from engine.maths import Numbers

ACTIVATIONS.add(
    Activation(
        "sigmoid", "Sigmoid", "Sigmoids", "1 / (1 + exp(-z))",
        lambda z: maths.sigmoid(z),
        lambda z, a: a * (1.0 - a),
        "0 to 1", "0.25", "For a probability at the output. Inside a deep network its gradients vanish.",
        smooth=True, monotone=True, bounded=True, saturates=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "hard_sigmoid", "Hard sigmoid", "Sigmoids", "clip(z / 6 + 1/2, 0, 1)",
        lambda z: maths.minimum(maths.maximum(z * 0.16666666666666666 + 0.5, 0.0), 1.0),
        lambda z, a: maths.where(maths.absolute(z) < 3.0, 0.16666666666666666, 0.0),
        "0 to 1", "1/6", "A sigmoid of three straight pieces: cheap, and flat beyond -3 and 3.",
        monotone=True, bounded=True, saturates=True, kinks=(-3.0, 3.0),
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "hard_sigmoid_survey", "Hard sigmoid (survey)", "Sigmoids", "clip((z + 1) / 2, 0, 1)",
        lambda z: maths.minimum(maths.maximum(z * 0.5 + 0.5, 0.0), 1.0),
        lambda z, a: maths.where(maths.absolute(z) < 1.0, 0.5, 0.0),
        "0 to 1", "1/2", "The hard sigmoid of Nwankpa's survey: three times as steep, flat beyond -1 and 1.",
        monotone=True, bounded=True, saturates=True, kinks=(-1.0, 1.0),
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "tanh", "Tanh", "Sigmoids", "tanh(z)",
        lambda z: maths.tanh(z),
        lambda z, a: 1.0 - a * a,
        "-1 to 1", "1", "Zero-centred; good for small smooth problems, saturates far from 0.",
        smooth=True, monotone=True, bounded=True, zero_centred=True, saturates=True, signed=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "hard_tanh", "Hard tanh", "Sigmoids", "clip(z, -1, 1)",
        lambda z: maths.minimum(maths.maximum(z, -1.0), 1.0),
        lambda z, a: maths.where(maths.absolute(z) < 1.0, 1.0, 0.0),
        "-1 to 1", "1", "Tanh of three straight pieces; flat beyond -1 and 1.",
        monotone=True, bounded=True, zero_centred=True, saturates=True, signed=True, kinks=(-1.0, 1.0),
    )
)  # fmt: skip


def _softsign_slope(z: Numbers, a: Numbers) -> Numbers:
    d = 1.0 + maths.absolute(z)
    return 1.0 / (d * d)


ACTIVATIONS.add(
    Activation(
        "softsign", "Softsign", "Sigmoids", "z / (1 + |z|)",
        lambda z: z / (1.0 + maths.absolute(z)), _softsign_slope,
        "-1 to 1", "1", "Like tanh, but approaches -1 and 1 slowly, so its gradients fade slowly.",
        smooth=True, monotone=True, bounded=True, zero_centred=True, saturates=True, signed=True,
    )
)  # fmt: skip


def _dsilu(z: Numbers) -> Numbers:
    s, t = maths.sigmoids(z)
    return s * (1.0 + z * t)


def _dsilu_slope(z: Numbers, a: Numbers) -> Numbers:
    s, t = maths.sigmoids(z)
    return s * t * (2.0 + z * (t - s))


ACTIVATIONS.add(
    Activation(
        "dsilu", "dSiLU", "Sigmoids", "sigmoid(z) * (1 + z * (1 - sigmoid(z)))",
        _dsilu, _dsilu_slope,
        "-0.1 to 1.1", "0.5", "The slope of SiLU: a steeper sigmoid that overshoots at both ends.",
        smooth=True, bounded=True, saturates=True, signed=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "step", "Step", "Sigmoids", "1 if z > 0, else 0",
        lambda z: maths.where(z > 0.0, 1.0, maths.where(z == z, 0.0, z)),
        lambda z, a: 0.0 * a,
        "0 to 1", "0", "The first neuron of all, and a lesson: its slope is 0, so nothing before it can be trained.",
        monotone=True, bounded=True, saturates=True, kinks=(0.0,),
    )
)  # fmt: skip
