"""Watches a run from the trainer's thread: unit statistics, extras for visible views, snapshots.

Looking has a budget: a small share of the training time, and all of the time in which the trainer idles. A picture that
could not be renewed yet stays in the snapshots with the time at which it was taken. While it trains and nobody takes
its snapshots, nothing is looked at.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.monitor import FIGURES
from engine.network import Network
from engine.probes import Interrupted, Probes
from engine.run import Run
from engine.telemetry import Activations, LayerSnapshot, Snapshot
from engine.unit_history import LONG_PASS, UnitHistory, UnitStatistics, is_milestone

if TYPE_CHECKING:
    from engine.trainer import Trainer

BUDGET = 0.017
FRAME_SECONDS = 0.028
LEAST_SECONDS = 0.1  # from one look to the next where the budget is spent
NUMBERS_SECONDS = 0.2  # from one snapshot to the next without a new picture
SHORT_PASS = 3e8  # flops
#: What a look at a milestone goes over at least; in flops: some tenths of a millisecond.
MILESTONE_SAMPLES, MILESTONE_FLOPS = 256, 1e7
SAVINGS = 0.25  # seconds
DEBT = 0.004  # seconds on credit that do not hold up what lives on the screen
#: That is renewed more often than by its turn.
PATIENCE = {"activations": 0.1}
HELD_UP = 2  # times as long as usual: the system had other things to do
OVERDUE, UNITS_OVERDUE = 0.9, 3.0  # seconds after which a picture, and a slice of the statistics, comes first
REST_SECONDS = 0.05  # of looking before what it found is shown, where nothing trains
COMPUTED = ("plane", "activations", "distributions", "predictions", "sample")


class Observer:
    def __init__(self, trainer: Trainer, run: Run) -> None:
        self.trainer, self.run = trainer, run
        self.units = UnitHistory(run.spec)
        self.probes = Probes(run, trainer.commands.waiting)
        self._credit = 0.1
        self._published = 0.0
        self._looked = 0.0
        self._extras: dict[str, Any] = {}
        self._extra_steps: dict[str, tuple[int, int, Any]] = {}
        self._made: dict[str, float] = {}  # when each was renewed
        self._times: dict[str, deque[float]] = {}  # seconds that each took lately
        self._spent: dict[str, float] = {}  # seconds on each, times its patience
        self._layers_known: list[LayerSnapshot] | None = None  # what snapshots share until the next pass is done
        self._fresh = False  # whether there is something new to show
        self._edits = 0
        self._pass: UnitStatistics | None = None
        self._pass_rows = range(0)
        self._pass_position = self._passes = 0
        self._pass_step = (-1, -1)
        self._finished: UnitStatistics | None = None
        self._finished_step = (-1, -1)
        self._exact = False
        self._norms: tuple[float, ...] = (float("nan"),) * len(run.spec.parts)
        self._norm_step = -1
        self._rate = (time.monotonic(), 0)
        self._samples_per_second = 0.0

    def succeeded_by(self, run: Run) -> Observer:
        """The observer of the run after its layers changed; what became of the units stays where they are the same."""
        other = Observer(self.trainer, run)
        if other.units.widths == self.units.widths:
            other.units = self.units
        return other

    # ---- what the trainer tells ---------------------------------------------------------------

    def worked(self, seconds: float) -> None:
        """So much training was done: it earns time for looking, and saves some up while somebody does."""
        most = SAVINGS if self.trainer.mailbox.empty else max(0.0, self._credit)
        self._credit = min(self._credit + BUDGET * seconds, most)

    def idled(self, seconds: float) -> None:
        """So long nothing was to be done: all of it may go into looking."""
        self._credit = min(self._credit + seconds, SAVINGS)

    def changed(self) -> None:
        """Weights were edited, or another set of extras is wanted."""
        self._edits += 1
        self._published = 0.0

    def look(self) -> bool:
        """Renews what is due and affordable, then leaves a snapshot if the last one was taken. True while more is
        to be done (and the trainer has nothing better to do)."""
        now = time.monotonic()
        running = self.trainer.state == "running"
        if running and not self._is_due(now):
            return False
        self._looked = now
        self._fresh = False
        busy = self._renew(None if running else now + REST_SECONDS)
        # while it trains a snapshot costs time too: one without a new picture is for the numbers only
        if self._published == 0.0 or (busy or now - self._published >= NUMBERS_SECONDS if running else self._fresh):
            began = time.monotonic()
            self.publish()
            self._credit -= time.monotonic() - began if running else 0.0
        return busy

    def _is_due(self, now: float) -> bool:
        """Whether a running trainer looks now: somebody took the last snapshot, and the next frame comes."""
        least = FRAME_SECONDS if self._credit > -DEBT else LEAST_SECONDS
        return self.trainer.mailbox.empty and now - self._looked >= least

    def publish(self) -> None:
        """Puts the newest snapshot into the mailbox."""
        self._published = time.monotonic()
        self.trainer.mailbox.put(self.snapshot())

    # ---- unit statistics and extras -------------------------------------------------------------

    def bring_up_to_date(self) -> None:
        """Unit statistics over the whole training set, and all wanted extras, of this very step; without a budget."""
        if not (self._exact and self._finished_step == self._now()):
            self._begin_pass()
            while not self._continue_pass():
                pass
        self._renew(math.inf)

    def epoch_ended(self) -> None:
        """At a milestone the units are measured in every run, so that deaths are dated alike. A long pass gives way to
        a command.

        Every so-many-th sample is enough where these show that no other unit has died; else further ones until they
        do, or there are no more."""
        samples = len(self.run.data.x_train)
        flops = self.probes.flops * samples
        if not is_milestone(self.run.stepper.epoch, flops):
            return
        stride = max(1, samples // max(MILESTONE_SAMPLES, int(MILESTONE_FLOPS // self.probes.flops)))
        self._begin_pass(stride, suspects=self.units.dated() if stride > 1 else None)
        assert self._pass is not None
        for first in range(stride):
            self._pass_rows, self._pass_position = range(first, samples, stride), 0
            while not self._take_slice(clearing=first > 0):
                if flops >= LONG_PASS and self.trainer.commands.waiting():
                    return
            if not self._pass.casts_suspicion():
                break
        else:
            self._pass.suspects = None  # every sample was seen
        self._finish_pass(milestone=True)

    def _now(self) -> tuple[int, int]:
        return (self.run.stepper.step, self._edits)

    def _renew(self, until: float | None) -> bool:
        """Renews what is due, by turns, as long as there is credit, or `until` a time; a command that waits ends it.
        True where something was done."""
        worked = False
        try:
            while until is None or time.monotonic() < until:
                due = self._due()
                if until is None:
                    due = self._affordable(due)
                elif len(due) > 1:
                    due = [name for name in due if name != "units"]  # pictures come first: a pass may take seconds
                if not due:
                    break
                least = min(self._spent.values(), default=0.0)  # who is new has no debts of others
                name = min(due, key=lambda other: self._spent.setdefault(other, least))
                began, done = time.monotonic(), False
                try:
                    self._make(name, resting=until is not None)
                    done = True
                finally:
                    self._pay(name, time.monotonic() - began, done)
                worked = True
        except Interrupted:
            pass
        return worked

    def _affordable(self, due: list[str]) -> list[str]:
        """What of it may come now, while the network trains: the one that is overdue; else what is paid for, and what
        lives on the screen, on credit."""
        now = time.monotonic()
        if self._credit <= -DEBT:
            return []
        late = [
            name for name in due
            if now - self._made.get(name, now) > (UNITS_OVERDUE if name == "units" else OVERDUE)
        ]  # fmt: skip
        if late:
            return [min(late, key=self._made.__getitem__)]
        return [name for name in due if name in PATIENCE or self._credit > self._usual(name)]

    def _usual(self, name: str) -> float:
        """Seconds that it took lately."""
        times = sorted(self._times.get(name, (0.0,)))
        return times[len(times) // 2]

    def _pay(self, name: str, took: float, done: bool) -> None:
        """Takes what was done from the credit; hardly that the system held it up, or pictures would stop for long."""
        if done:
            self._made[name] = time.monotonic()
            self._times.setdefault(name, deque(maxlen=9)).append(took)
            took = min(took, HELD_UP * self._usual(name))
        self._credit -= took
        self._spent[name] += took * PATIENCE.get(name, 1.0)

    def _make(self, name: str, resting: bool) -> None:
        if name == "units":
            if self.trainer.commands.waiting():
                raise Interrupted
            if self._pass is None or resting and (self._pass_step != self._now() or self._pass.suspects is not None):
                stride = 1 if resting else self._affordable_stride()  # at rest there is time for an exact one
                suspects = [since >= 0 for since in self.units.dead_since] if stride > 1 else None
                self._begin_pass(stride, self._passes % stride, suspects)
                self._passes += 1
            self._continue_pass()
            return
        self._extras[name] = self.probes.compute(name, self.trainer.sample, resting)
        self._extra_steps[name] = (*self._now(), self.trainer.sample)
        self._fresh = True

    def _due(self) -> list[str]:
        """What is out of date among the statistics ("units", first) and the wanted extras."""
        now = self._now()
        due = [] if self._finished_step == now and self._exact else ["units"]
        if self._norm_step != now[0]:
            self._norms, self._norm_step = self.run.stepper.gradient_norms(), now[0]
            self._fresh = True
        for name in COMPUTED:
            if name in self.trainer.watched:
                seen = self._extra_steps.get(name, (-1, -1, None))
                if seen[:2] != now or (name == "sample" and seen[2] != self.trainer.sample):
                    due.append(name)
        return due

    def _affordable_stride(self) -> int:
        """1 for a pass over all samples, more where that is long."""
        samples, flops = len(self.run.data.x_train), self.probes.flops
        return min(samples, math.ceil(samples * flops / SHORT_PASS)) if samples * flops > LONG_PASS else 1

    def _begin_pass(self, stride: int = 1, first: int = 0, suspects: Sequence[np.ndarray] | None = None) -> None:
        """A pass over every `stride`-th training sample. Where that is not all of them, it may clear the suspects of
        having died, and calls no other unit dead."""
        self._pass_rows = range(first, len(self.run.data.x_train), stride)
        self._pass, self._pass_position = UnitStatistics(self.run.spec, suspects), 0
        self._pass_step = self._now()

    def _continue_pass(self) -> bool:
        """One slice of the pass over the training set. True when it is done."""
        done = self._take_slice()
        if done:
            self._finish_pass()
        return done

    def _take_slice(self, clearing: bool = False) -> bool:
        """Measures some rows of the pass; of those that are there only for `clearing` suspects, the largest z. True
        when there are no more."""
        assert self._pass is not None
        slices = -(-len(self._pass_rows) // self.probes.slice_rows)
        rows = self._pass_rows[self._pass_position : self._pass_position + -(-len(self._pass_rows) // slices)]
        survey = self._pass.survey_heights if clearing else self._pass.survey
        survey(self.run.stepper, self.run.data.x_train[rows.start : rows.stop : rows.step])
        self._pass_position += len(rows)
        return self._pass_position >= len(self._pass_rows)

    def _finish_pass(self, milestone: bool = False) -> None:
        """What the pass found is what is known now."""
        assert self._pass is not None
        statistics = self._pass
        exact = statistics.samples == len(self.run.data.x_train) and self._pass_step == self._now()
        self._pass = None
        self._finished, self._finished_step, self._exact = statistics, self._now(), exact
        self._layers_known = None
        running = self.run.stepper.batch > 0  # what is found in the middle of an epoch happened in that one
        self.units.add(self.run.stepper.epoch + running, statistics, milestone)
        self._fresh = True

    # ---- snapshots --------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        trainer, run, stepper = self.trainer, self.run, self.run.stepper
        columns = run.history.columns()
        figures = run.figures() if trainer.state != "diverged" else dict.fromkeys(FIGURES, math.nan)
        watched = trainer.watched
        extras = {name: self._extras.get(name) for name in COMPUTED if name in watched}
        if "parameters" in watched:
            extras["parameters"] = run.network.parameters()
        if "epochs" in watched:
            extras["unit_epochs"] = self.units.epochs()
        return Snapshot(
            run=run.number,
            spec=run.spec,
            training=run.training,
            state=trainer.state,
            step=stepper.step,
            epoch=stepper.epoch,
            batch=stepper.batch,
            batches_per_epoch=stepper.batches_per_epoch,
            seconds=run.seconds,
            samples_per_second=self._measure_rate(),
            train_loss=figures["train_loss"],
            test_loss=figures["test_loss"],
            train_metric=figures["train_metric"],
            test_metric=figures["test_metric"],
            learning_rate=stepper.learning_rate,
            layers=self._layers(extras.get("activations")),
            history=columns,
            taken=time.monotonic(),
            preparing=trainer.preparing,
            error=trainer.error,
            held=_held(run.network),
            ended=run.ended,
            **extras,
        )

    def _layers(self, seen: Activations | None) -> tuple[LayerSnapshot, ...]:
        if self._layers_known is None:
            self._layers_known = [self._layer(number) for number in range(len(self.run.spec.parts))]
        resting = self.trainer.state != "running"
        provisional = not self._exact or resting and self._finished_step != self._now()
        shown = seen.layers if seen else (None,) * len(self._norms)
        parts = (self._layers_known, self._norms, self.units.widths, shown)
        return tuple(
            known.renewed(norm, provisional and bool(width), activations)
            for known, norm, width, activations in zip(*parts, strict=True)
        )

    def _layer(self, number: int) -> LayerSnapshot:
        """What is known of a layer's units."""
        statistics, width, nan = self._finished, self.units.widths[number], float("nan")
        if statistics is None or not width:
            unknown = _locked(np.full(width, np.nan, np.float32))
            dead, since = _locked(np.zeros(width, bool)), _locked(np.full(width, -1))
            return LayerSnapshot(dead, unknown, unknown, unknown, since, nan, True)
        return LayerSnapshot(
            _locked(statistics.dead(number)),
            _locked(statistics.max_z[number].copy()),
            _locked(statistics.mean(number)),
            _locked(statistics.active_share(number)),
            _locked(self.units.dead_since[number].copy()),
            nan,
            True,
        )

    def _measure_rate(self) -> float:
        now, done = time.monotonic(), self.run.stepper.samples_done
        since, before = self._rate
        if self.trainer.state != "running":
            self._rate = (now, done)
        elif now - since > 0.3:
            rate = (done - before) / (now - since)
            self._samples_per_second = rate
            self._rate = (now, done)
        return self._samples_per_second


def _held(network: Network) -> dict[str, np.ndarray]:
    """What was frozen of the parameters that have something frozen."""
    if network.held is None:
        return {}
    parts = ((key, network.held[part], shape) for key, (part, shape) in network.slices.items())
    return {key: _locked(mask.reshape(shape).copy()) for key, mask, shape in parts if mask.any()}


def _locked(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
