"""Schedules: what becomes of the learning rate while it trains. One class and one line of the table each.

`formula(t, length, *numbers)` is what the optimizer's rate is multiplied by, t epochs after the warm-up; `length` is
how many epochs there are from there to the last one. It serves Python and the compiled step alike.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from engine.fields import check_fields, field, to_plain
from engine.kinds import Kind, from_kind
from engine.maths import Numbers
from engine.registry import Registry

if TYPE_CHECKING:
    from engine.spec import TrainingSpec


def _unchanged(t: Numbers, length: Numbers, nothing: Numbers) -> Numbers:
    return 1.0


@dataclasses.dataclass(frozen=True)
class Schedule:
    """Base of all schedules; `kind` is the class name."""

    formula: ClassVar[Callable[..., Any]] = _unchanged

    def __post_init__(self) -> None:
        check_fields(self, self.kind)

    @property
    def kind(self) -> str:
        return type(self).__name__

    def numbers(self) -> tuple[float, ...]:
        """The numbers that `formula` takes after t and length; what is not given is 0."""
        return tuple(float(getattr(self, item.name) or 0.0) for item in dataclasses.fields(self)) or (0.0,)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **to_plain(self)}


NONE = Schedule()  # the rate stays as it is


def _positive(default: float | None, label: str, help: str, **limits: Any) -> Any:
    return field(default, "float", label, help, above=0, maximum=1e9, **limits)


def _duration() -> Any:
    return _positive(None, "Over", "Epochs until the end is reached; empty: up to the last epoch.", optional=True)


def _step(t: Numbers, length: Numbers, epochs: Numbers, rate: Numbers) -> Numbers:
    return rate ** math.floor(t / epochs)


@dataclasses.dataclass(frozen=True)
class StepDecay(Schedule):
    """decay_rate^floor(t / decay_epochs). torch.optim.lr_scheduler.StepLR."""

    formula: ClassVar[Callable[..., Any]] = _step

    decay_epochs: float = _positive(10.0, "Every", "Epochs from one step down to the next.")
    decay_rate: float = field(0.5, "float", "Times", "What the rate is multiplied by.", above=0, maximum=1)


def _exponential(t: Numbers, length: Numbers, epochs: Numbers, rate: Numbers) -> Numbers:
    return rate ** (t / epochs)


@dataclasses.dataclass(frozen=True)
class ExponentialDecay(StepDecay):
    """decay_rate^(t / decay_epochs), at every step. keras.optimizers.schedules.ExponentialDecay."""

    formula: ClassVar[Callable[..., Any]] = _exponential

    decay_epochs: float = _positive(10.0, "Within", "Epochs in which the rate is multiplied once.")


def _share(t: Numbers, length: Numbers, epochs: Numbers) -> Numbers:
    """How much of the way is done, 0 to 1."""
    return min(1.0, t / (epochs if epochs > 0.0 else length))


def _polynomial(t: Numbers, length: Numbers, epochs: Numbers, end: Numbers, power: Numbers) -> Numbers:
    return end + (1.0 - end) * (1.0 - _share(t, length, epochs)) ** power


@dataclasses.dataclass(frozen=True)
class PolynomialDecay(Schedule):
    """end + (1 - end) (1 - s)^power, s the share of the epochs done. keras.optimizers.schedules.PolynomialDecay."""

    formula: ClassVar[Callable[..., Any]] = _polynomial

    decay_epochs: float | None = _duration()
    alpha: float = field(0.0, "float", "End", "Share of the rate at the end.", minimum=0, maximum=1)
    power: float = _positive(1.0, "Power", "1: a straight line.")


def _cosine(t: Numbers, length: Numbers, epochs: Numbers, alpha: Numbers) -> Numbers:
    return alpha + (1.0 - alpha) * 0.5 * (1.0 + math.cos(math.pi * _share(t, length, epochs)))


@dataclasses.dataclass(frozen=True)
class CosineDecay(Schedule):
    """alpha + (1 - alpha) (1 + cos(pi s)) / 2, s the share of the epochs done. Loshchilov and Hutter 2017."""

    formula: ClassVar[Callable[..., Any]] = _cosine

    decay_epochs: float | None = _duration()
    alpha: float = field(0.0, "float", "End", "Share of the rate at the end.", minimum=0, maximum=1)


def _between(begin: Numbers, end: Numbers, s: Numbers) -> Numbers:
    return end + (begin - end) * 0.5 * (1.0 + math.cos(math.pi * s))


def _one_cycle(t: Numbers, length: Numbers, epochs: Numbers, rise: Numbers, start: Numbers, end: Numbers) -> Numbers:
    s = _share(t, length, epochs)
    if s < rise:
        return _between(start, 1.0, s / rise)
    return _between(1.0, end, (s - rise) / (1.0 - rise))


@dataclasses.dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from `start` to the optimizer's rate along a cosine, then down to `end`. Smith and Topin 2018.

    The defaults are those of torch.optim.lr_scheduler.OneCycleLR."""

    formula: ClassVar[Callable[..., Any]] = _one_cycle

    decay_epochs: float | None = _duration()
    rise: float = field(0.3, "float", "Rise", "Share of the epochs in which the rate rises.", minimum=0, below=1)
    start: float = field(0.04, "float", "Start", "Share of the rate at the start.", minimum=0, maximum=1)
    end: float = field(4e-6, "float", "End", "Share of the rate at the end.", minimum=0, maximum=1)


def _plateau(t: Numbers, length: Numbers, rate: Numbers, patience: Numbers, delta: Numbers, least: Numbers) -> Numbers:
    return 1.0  # the rate follows the loss, not the time


@dataclasses.dataclass(frozen=True)
class ReduceLROnPlateau(Schedule):
    """Times `factor` once the loss was not better by min_delta for `patience` epochs; then the count begins anew.

    The loss is that of the test samples, or of training where there are none. keras.callbacks.ReduceLROnPlateau."""

    formula: ClassVar[Callable[..., Any]] = _plateau

    factor: float = field(0.1, "float", "Times", "What the rate is multiplied by.", above=0, below=1)
    patience: int = field(10, "int", "Patience", "Epochs without a better loss.", minimum=1, maximum=10**9)
    min_delta: float = field(1e-4, "float", "Better by", "Less is no better loss.", minimum=0, maximum=1e6)
    min_lr: float = field(0.0, "float", "Least rate", "It goes no lower.", minimum=0, maximum=1e6)


SCHEDULES: Registry[Kind] = Registry("schedule")
_ADD = SCHEDULES.add
_ADD(Kind("StepDecay", StepDecay, "Step decay", "Down by a factor every so many epochs."))
_ADD(Kind("ExponentialDecay", ExponentialDecay, "Exponential decay", "A little lower with every step."))
_ADD(Kind("PolynomialDecay", PolynomialDecay, "Linear decay", "Straight down to the last epoch."))
_ADD(Kind("CosineDecay", CosineDecay, "Cosine decay", "Slowly, quickly, slowly down; a good default."))
_ADD(Kind("OneCycle", OneCycle, "One cycle", "Up, then down to almost 0; wants a large rate."))
_ADD(Kind("ReduceLROnPlateau", ReduceLROnPlateau, "Reduce on plateau", "Lower when the loss stands still."))


def names() -> tuple[str, ...]:
    """Every schedule, in the order of the menus."""
    return SCHEDULES.names()


def get(name: str) -> Kind:
    """The schedule called `name`. Raises RelumeError for an unknown name."""
    return SCHEDULES.get(name)


def schedule_from_dict(data: Any) -> Schedule:
    """The inverse of `Schedule.to_dict`. Raises RelumeError for anything that is not such a mapping."""
    made: Schedule = from_kind(SCHEDULES, data, "a schedule", "CosineDecay")
    return made


def moves(training: TrainingSpec) -> bool:
    """Whether the learning rate changes on the way."""
    return training.schedule is not None or training.warmup > 0.0


def constants(training: TrainingSpec, scale: float = 1.0) -> tuple[float, ...]:
    """The rate at its full height, epochs of warm-up, epochs after it, and the numbers of the schedule."""
    schedule = training.schedule or NONE
    length = max(training.epochs - training.warmup, 1e-9)
    return training.optimizer.learning_rate * scale, training.warmup, length, *schedule.numbers()


def rate_at(training: TrainingSpec, begin: float, end: float, scale: float = 1.0) -> float:
    """The learning rate of a step that lasts from `begin` to `end`, both in epochs. The warm-up counts the step
    itself, or the first one would do nothing."""
    if not moves(training):
        return training.optimizer.learning_rate * scale
    height, warmup, length, *numbers = constants(training, scale)
    rising = min(1.0, end / warmup) if warmup > 0.0 else 1.0
    formula = type(training.schedule or NONE).formula
    return height * rising * formula(max(0.0, begin - warmup), length, *numbers)
