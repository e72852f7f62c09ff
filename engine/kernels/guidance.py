"""What only some runs want around a step: a learning rate that moves, clipped gradients, numbers that are frozen.

Each is a small kernel of its own, made and called only where it is wanted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import schedules
from engine.kernels import layout as at, step
from engine.kernels.buffers import address
from engine.kernels.formulas import wide_formula
from engine.kernels.jit import Kernel, bound
from engine.kernels.layout import (
    CLIP_LIMITS,
    EPOCH,
    FROZEN,
    FROZEN_COUNT,
    FROZEN_KEPT,
    GRADIENT,
    LANE_TABLE,
    LANE_WORDS,
    PENALIZE_FIRST,
    PLAIN_STEP,
    RATE,
    RATE_CONSTANTS,
    RATE_KERNEL,
    RUN_WORDS,
    START,
    STOP,
    TRAIN_SAMPLES,
    TRAINABLE,
    VECTOR,
)  # fmt: skip
from engine.kernels.memory import call_four, call_one, doubles, doubles_as_tuple, floats, words
from engine.schedules import NONE, Schedule
from engine.spec import TrainingSpec


def _set_rate(run: int) -> None:
    """As `schedules.rate_at`, where the run stands."""
    r = words(run, RUN_WORDS)
    c, epoch, samples = doubles(r[RATE_CONSTANTS], 3), np.float64(r[EPOCH]), np.float64(r[TRAIN_SAMPLES])
    begin, end = epoch + np.float64(r[START]) / samples, epoch + np.float64(r[STOP]) / samples
    rising = min(1.0, end / c[1]) if c[1] > 0.0 else 1.0
    numbers = doubles_as_tuple(r[RATE_CONSTANTS] + 24, COUNT)  # type: ignore[name-defined] # noqa: F821
    doubles(r[RATE], 1)[0] = c[0] * rising * formula(max(0.0, begin - c[1]), c[2], *numbers)  # type: ignore[name-defined] # noqa: F821


def _guided(run: int) -> None:
    """A step at its own rate, after which frozen numbers are as they were."""
    r = words(run, RUN_WORDS)
    if r[RATE_KERNEL] != 0:
        call_one(r[RATE_KERNEL], run)
    n = r[FROZEN_COUNT]
    places, kept, w = words(r[FROZEN], n), floats(r[FROZEN_KEPT], n), floats(r[VECTOR], r[TRAINABLE])
    for i in range(n):
        kept[i] = w[places[i]]
    call_one(r[PLAIN_STEP], run)
    for i in range(n):
        w[places[i]] = kept[i]


def _clip_value(run: int, begin: int, end: int, gradient: int) -> None:
    """Every number of a piece of the gradient within the limit, after its penalties; NaN stays."""
    r = words(run, RUN_WORDS)
    if r[PENALIZE_FIRST] != 0:
        call_four(r[PENALIZE_FIRST], run, begin, end, gradient)
    g, limit = floats(gradient, end - begin), np.float32(doubles(r[CLIP_LIMITS], 1)[0])
    for i in range(end - begin):
        g[i] = limit if g[i] > limit else (-limit if g[i] < -limit else g[i])


def _clip_norm(run: int) -> None:
    """The whole gradient, but for frozen numbers, times min(1, limit / (norm + 1e-6)), norm its length."""
    r = words(run, RUN_WORDS)
    n, places = r[TRAINABLE], words(r[FROZEN], r[FROZEN_COUNT])
    g, total = floats(words(r[LANE_TABLE], LANE_WORDS)[GRADIENT], n), np.float64(0.0)
    for i in range(r[FROZEN_COUNT]):
        g[places[i]] = np.float32(0.0)
    for i in range(n):
        total += np.float64(g[i]) * np.float64(g[i])
    scale = doubles(r[CLIP_LIMITS], 2)[1] / (np.sqrt(total) + 1e-6)
    if scale < 1.0:
        for i in range(n):
            g[i] *= np.float32(scale)


GUIDED = Kernel("guided step", lambda: _guided, "void(int64)")
CLIP_VALUE = Kernel("clipped values", lambda: _clip_value, "void(int64,int64,int64,int64)")
CLIP_NORM = Kernel("clipped norm", lambda: _clip_norm, "void(int64)")
EVERY = (GUIDED, CLIP_VALUE, CLIP_NORM)
_rates: dict[Any, Kernel] = {}


def rate_kernel(schedule: Schedule) -> Kernel:
    """Writes down the rate of the step that begins."""
    formula = type(schedule).formula
    if formula not in _rates:
        count = len(schedule.numbers())

        def make() -> Any:
            return bound(_set_rate, f"rate_{schedule.kind}", formula=wide_formula(formula), COUNT=count)

        _rates[formula] = Kernel(f"rate {formula.__name__.strip('_')}", make, "void(int64)")
    return _rates[formula]


class Guidance:
    """The guidance of one stepper: its kernels and the numbers they read.

    Attributes:
        scale: what the loss made of the rate so far.
    """

    def __init__(self, training: TrainingSpec, frozen: np.ndarray) -> None:
        self.training, self.scale = training, 1.0
        self.set_frozen(frozen)
        self._constants = self._limits = np.zeros(0)

    def set_frozen(self, places: np.ndarray) -> None:
        """The places in the vector that take no step, int64; laid out by the next `lay_out`."""
        self._frozen, self._kept = places, np.zeros(len(places), dtype=np.float32)

    @property
    def clips(self) -> bool:
        return self.training.clip_value is not None or self.training.clip_norm is not None

    def parts(self, penalized: bool) -> dict[int, Kernel]:
        """What the training loop calls: word of the run -> kernel."""
        training, moves, parts = self.training, schedules.moves(self.training), {}
        if moves or len(self._frozen):
            parts[at.TAKE_STEP] = GUIDED
        if moves:
            parts[at.RATE_KERNEL] = rate_kernel(training.schedule or NONE)
        if penalized or self.clips:
            parts[at.PENALIZE] = step.PENALTY
        if training.clip_value is not None:
            parts[at.PENALIZE] = CLIP_VALUE
            if penalized:
                parts[at.PENALIZE_FIRST] = step.PENALTY
        if training.clip_norm is not None:
            parts[at.CLIP_NORM] = CLIP_NORM
        return parts

    def lay_out(self, s: np.ndarray, numbers: np.ndarray) -> None:
        """Writes down where its numbers are; `numbers` are the optimizer's, the rate first."""
        for word in (at.RATE_KERNEL, at.CLIP_NORM, at.PENALIZE_FIRST):
            s[word] = 0
        self._constants = np.array(schedules.constants(self.training, self.scale))
        self._limits = np.array([self.training.clip_value or 0.0, self.training.clip_norm or 0.0])
        s[at.RATE_CONSTANTS], s[at.RATE] = address(self._constants), address(numbers)
        s[at.FROZEN], s[at.FROZEN_COUNT], s[at.FROZEN_KEPT] = (
            address(self._frozen),
            len(self._frozen),
            address(self._kept),
        )
        s[at.CLIP_LIMITS] = address(self._limits)

    def set_scale(self, scale: float) -> None:
        """Another height of the rate, from the next step on."""
        self.scale = scale
        if len(self._constants):
            self._constants[0] = schedules.constants(self.training, scale)[0]
