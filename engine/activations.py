"""Activation functions: one record each, formula and derivative written once.

`function(z, *options)` and `slope(z, a, *options)` (with a = function(z)) serve numpy and the compiled kernels alike.
At a kink the slope is the one of the left side; relu and abs have slope 0 at 0.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine import maths
from engine.errors import RelumeError
from engine.fields import NamedOptions, name_of, options_of
from engine.maths import Numbers
from engine.registry import Registry


@dataclasses.dataclass(frozen=True)
class Option:
    """A number in a formula. A learned one is a parameter, one per unit, that starts at `default`."""

    name: str
    default: float
    learned: bool = False
    gradient: Callable[..., Numbers] | None = None  # (z, a, *options) -> d a / d option


@dataclasses.dataclass(frozen=True, eq=False)
class Activation:
    """One activation function with what a chooser wants to know of it."""

    name: str
    title: str
    family: str
    formula: str
    function: Callable[..., Numbers]
    slope: Callable[..., Numbers]
    range: str
    slope_at_zero: str
    advice: str
    options: tuple[Option, ...] = ()
    smooth: bool = False
    monotone: bool = False
    bounded: bool = False
    zero_centred: bool = False
    saturates: bool = False  # the slope goes to 0 far out on both sides
    signed: bool = False  # gives negative values too
    kinks: tuple[float, ...] = ()

    def values(self, options: Mapping[str, float] | None = None) -> tuple[float, ...]:
        """Option values in the formula's order, defaults filled in. Raises RelumeError for unknown names."""
        given = dict(options or {})
        values = tuple(given.pop(option.name, option.default) for option in self.options)
        if given:
            known = ", ".join(option.name for option in self.options) or "none"
            raise RelumeError(f"{self.name} has no option {next(iter(given))!r}.", fix=f"Options: {known}.")
        return values

    def forward(self, z: Any, *options: Any) -> np.ndarray:
        """a = f(z), same shape; float32 stays float32, everything else becomes float64. NaN gives NaN."""
        options = self._given(options)
        return _exact(lambda z: self.function(z, *options), z)

    def derivative(self, z: Any, *options: Any) -> np.ndarray:
        """f'(z), same shape as z. NaN gives NaN."""
        options = self._given(options)
        return _exact(lambda z: self.slope(z, self.function(z, *options), *options), z)

    def _given(self, options: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(options) not in (0, len(self.options)):
            raise RelumeError(f"{self.name} has {len(self.options)} options, not {len(options)}.", self.name)
        return options or self.values()

    @property
    def learned(self) -> tuple[Option, ...]:
        """The options that training changes."""
        return tuple(option for option in self.options if option.learned)

    def gain(self, options: Mapping[str, float] | None = None) -> float:
        """1 / sqrt(E f(z)^2) for z ~ N(0, 1): the factor on 1/sqrt(fan_in) that keeps the variance; 1 if f is 0."""
        return _gain(self, self.values(options))

    def dies(self, options: Mapping[str, float] | None = None) -> bool:
        """Whether it is flat for every z <= 0: no gradient reaches a unit that never gets above 0."""
        return _dies(self, self.values(options))

    def rises(self, values: Sequence[float] = ()) -> bool:
        """Whether it never falls, with these values of its options: the largest z gives the largest a."""
        z = np.linspace(-20.0, 20.0, 801)
        return self.monotone and bool((self.derivative(z, *values) >= 0.0).all())


def _floats(z: Any) -> np.ndarray:
    try:
        z = np.asarray(z)
        if z.dtype.kind not in "fiub":
            raise TypeError
    except (TypeError, ValueError):
        raise RelumeError("z must be an array of numbers.", "activation") from None
    return z if z.dtype in (np.float32, np.float64) else z.astype(np.float64)


def _exact(formula: Callable[[np.ndarray], Numbers], z: Any) -> np.ndarray:
    """formula(z), worked out in float64; at infinity its limit, where the formula itself says 0 times infinity."""
    given = _floats(z)
    wide = given.astype(np.float64)
    with np.errstate(all="ignore"):
        values = np.asarray(formula(wide), dtype=np.float64)
        values = np.broadcast_to(values, np.broadcast_shapes(values.shape, wide.shape))
        lost = np.isnan(values) & np.isinf(wide)
        if lost.any():
            near, far = (formula(np.where(np.isinf(wide), np.copysign(end, wide), wide)) for end in (1e100, 2e100))
            values = np.where(lost & (near == far), near, values)
        return np.where(np.isnan(wide), np.nan, values).astype(given.dtype)


@functools.lru_cache(maxsize=256)
def _gain(activation: Activation, values: tuple[float, ...]) -> float:
    square = normal_mean(lambda z: np.square(activation.forward(z, *values)))
    return float(1.0 / np.sqrt(square)) if 0 < square < np.inf else 1.0


@functools.lru_cache(maxsize=256)
def _dies(activation: Activation, values: tuple[float, ...]) -> bool:
    if activation.learned:
        return False  # an option that learns gets a gradient all the same
    return not activation.derivative(np.linspace(-8.0, 0.0, 801), *values).any()


def normal_mean(function: Callable[[np.ndarray], np.ndarray]) -> float:
    """E function(z) for z ~ N(0, 1), by the midpoint rule."""
    step = 1e-3
    z = (np.arange(-12_000, 12_000) + 0.5) * step
    density = np.exp(-0.5 * z * z) * (step / np.sqrt(2.0 * np.pi))
    return float(np.sum(function(z) * density))


ACTIVATIONS: Registry[Activation] = Registry("activation")


def names() -> tuple[str, ...]:
    """Every activation, in the order of the menus."""
    return ACTIVATIONS.names()


def get(name: str) -> Activation:
    """The activation called `name`. Raises RelumeError for an unknown name."""
    return ACTIVATIONS.get(name)


def resolve(value: str | NamedOptions) -> tuple[Activation, tuple[float, ...]]:
    """The record and the option values of what a layer names."""
    activation = get(name_of(value))
    return activation, activation.values(options_of(value))


# The records. Formulas of one line are lambdas beside their record, longer ones functions above it.


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
        lambda z: 1.0507009873554805
        * maths.where(z > 0.0, z, 1.6732632423543772 * maths.expm1(maths.minimum(z, 0.0))),
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
    s = maths.gate(z, a)
    u = maths.maximum(maths.minimum(z, 50.0), -50.0)  # far out s (1 - s) is 0, and z * z would overflow
    return s + u * s * (1.0 - s) * 1.5957691216057308 * (1.0 + 0.134145 * u * u)


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
        lambda z: z * maths.sigmoid(z),
        lambda z, a: maths.gate(z, a) + a * (1.0 - maths.gate(z, a)),
        "-0.278 to infinity", "0.5", "Swish with beta 1: smooth, and dips below 0 before it rises.",
        smooth=True, signed=True,
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
        "abs", "Absolute value", "Rectifiers", "|z|",
        lambda z: maths.absolute(z),
        lambda z, a: maths.sign(z),
        "0 to infinity", "0 by convention", "Cannot die and keeps the variance; one unit solves exclusive-or.",
        kinks=(0.0,),
    )
)  # fmt: skip
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
ACTIVATIONS.add(
    Activation(
        "sin", "Sine", "Periodic", "sin(z)",
        lambda z: maths.sin(z),
        lambda z, a: maths.cos(z),
        "-1 to 1", "1", "For periodic targets and fine detail; has many local minima.",
        smooth=True, bounded=True, zero_centred=True, signed=True,
    )
)  # fmt: skip
ACTIVATIONS.add(
    Activation(
        "gaussian", "Gaussian", "Periodic", "exp(-z^2)",
        lambda z: maths.exp(-z * z),
        lambda z, a: -2.0 * z * a,
        "0 to 1", "0", "A bump: each unit answers to a thin region only.",
        smooth=True, bounded=True, saturates=True,
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
