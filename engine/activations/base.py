"""What an activation function is: one record each, formula and derivative written once.

`function(z, *options)` and `slope(z, a, *options)` (with a = function(z)) serve numpy and the compiled kernels alike.
At a kink the slope is the one of the left side; relu and abs have slope 0 at 0.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.errors import RelumeError
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
    random: str = ""  # the block that changes z at random in training, with the same options
    kinks: tuple[float | str, ...] = ()  # a text names the option that says where, "-threshold" its negative
    steps: tuple[tuple[int, ...], tuple[float, ...]] | None = (
        None  # of an own formula: words and numbers of its program
    )
    checked: int = 0  # of an own formula: at how many points its slope was compared with differences

    @property
    def identifier(self) -> str:
        """The name as programs may have it."""
        plain = self.name.isidentifier()
        return self.name if plain else f"formula_{hashlib.sha256(self.name.encode()).hexdigest()[:8]}"

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

    def flat(self, options: Mapping[str, float] | None = None) -> bool:
        """Whether its slope is 0 everywhere: nothing before it can be trained."""
        return not self.learned and not self.derivative(np.linspace(-8.0, 8.0, 801), *self.values(options)).any()

    def corners(self, options: Mapping[str, float] | None = None) -> tuple[float, ...]:
        """Where the slope jumps, or the function itself."""
        given = {option.name: value for option, value in zip(self.options, self.values(options), strict=True)}
        given |= {f"-{name}": -value for name, value in given.items()}
        return tuple(given[place] if isinstance(place, str) else place for place in self.kinks)

    def jumps(self, options: Mapping[str, float] | None = None) -> bool:
        """Whether the function itself jumps somewhere."""
        places = np.array(self.corners(options))
        values = self.values(options)
        rise = self.forward(places + 1e-6, *values) - self.forward(places - 1e-6, *values)
        return bool((np.abs(rise) > 1e-3).any())

    def rises(self, values: Sequence[float] = ()) -> bool:
        """Whether it never falls, with these values of its options: the largest z gives the largest a."""
        z = np.linspace(-20.0, 20.0, 801)
        rising = (self.derivative(z, *values) >= 0.0).all() and (np.diff(self.forward(z, *values)) >= 0.0).all()
        return self.monotone and bool(rising)


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
