"""Watches a run from the trainer's thread: unit statistics, extras for visible views, snapshots.

Looking has a budget: 2 % of the training time, and all of the time in which the trainer idles. A picture that could
not be renewed yet stays in the snapshots with the time at which it was taken.
"""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.probes import Interrupted, Probes
from engine.run import Run
from engine.telemetry import Activations, LayerSnapshot, Snapshot
from engine.unit_history import LONG_PASS, UnitHistory, UnitStatistics, is_milestone

if TYPE_CHECKING:
    from engine.trainer import Trainer

BUDGET = 0.02
FRAME_SECONDS = 1 / 60
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
        self._edits = 0
        self._pass: UnitStatistics | None = None
        self._pass_position = 0
        self._pass_step = (-1, -1)
        self._finished: UnitStatistics | None = None
        self._finished_step = (-1, -1)
        self._exact = False
        self._norms: tuple[float, ...] = (float("nan"),) * len(run.spec.layers)
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
        """So much training was done: it earns time for looking."""
        self._credit = min(self._credit + BUDGET * seconds, 0.25)

    def idled(self, seconds: float) -> None:
        """So long nothing was to be done: all of it may go into looking."""
        self._credit = min(self._credit + seconds, 0.25)

    def changed(self) -> None:
        """Weights were edited, or another set of extras is wanted."""
        self._edits += 1
        self._published = 0.0

    def look(self) -> bool:
        """Renews what is due and affordable, then leaves a snapshot if the last one was taken. True while more is
        to be done (and the trainer has nothing better to do)."""
        now = time.monotonic()
        running = self.trainer.state == "running"
        if running and now - self._looked < FRAME_SECONDS:
            return False
        self._looked = now
        renewed = self._renew(everything=not running)
        if (running and self.trainer.mailbox.empty) or renewed or self._published == 0.0:
            self.publish()
        return renewed

    def publish(self) -> None:
        """Puts the newest snapshot into the mailbox."""
        self._published = time.monotonic()
        self.trainer.mailbox.put(self.snapshot())

    # ---- unit statistics and extras -------------------------------------------------------------

    def bring_up_to_date(self) -> None:
        """Unit statistics over the whole training set, and all wanted extras, of this very step; without a budget."""
        if not (self._exact and self._finished_step == self._now()):
            statistics = UnitStatistics(self.run.spec)
            x = self.run.data.x_train
            for start in range(0, len(x), self.probes.slice_rows):
                statistics.add(self.run.stepper.forward(x[start : start + self.probes.slice_rows]))
            self._finish(statistics, exact=True)
        self._renew(everything=True)

    def epoch_ended(self) -> None:
        """At a milestone the units are measured in every run, so that deaths are dated alike."""
        flops = self.probes.flops * len(self.run.data.x_train)
        if not is_milestone(self.run.stepper.epoch, flops):
            return
        try:
            self._pass = None
            self._continue_pass(whole=True, milestone=True, patient=flops < LONG_PASS)
        except Interrupted:
            pass

    def _now(self) -> tuple[int, int]:
        return (self.run.stepper.step, self._edits)

    def _renew(self, everything: bool) -> bool:
        """Spends the credit, oldest picture first; `everything`: until all is of this step or a command waits."""
        renewed = False
        try:
            while everything or self._credit > 0:
                name = self._oldest()
                if name is None:
                    break
                began = time.monotonic()
                try:
                    if name == "units":
                        self._continue_pass(whole=everything)
                    elif name == "gradients":
                        self._norms, self._norm_step = self.run.stepper.gradient_norms(), self.run.stepper.step
                    else:
                        self._extras[name] = self.probes.compute(name, self.trainer.sample)
                        self._extra_steps[name] = (*self._now(), self.trainer.sample)
                finally:
                    self._credit -= time.monotonic() - began
                renewed = True
        except Interrupted:
            pass
        return renewed

    def _oldest(self) -> str | None:
        """What is most out of date among the statistics and the wanted extras."""
        now = self._now()
        due: list[tuple[int, str]] = []
        if not (self._finished_step == now and self._exact):
            due.append((self._finished_step[0], "units"))
        if self._norm_step != now[0]:
            due.append((self._norm_step, "gradients"))
        for name in COMPUTED:
            if name in self.trainer.watched:
                seen = self._extra_steps.get(name, (-1, -1, None))
                stale = seen[:2] != now or (name == "sample" and seen[2] != self.trainer.sample)
                if stale:
                    due.append((seen[0], name))
        return min(due)[1] if due else None

    def _continue_pass(self, whole: bool, milestone: bool = False, patient: bool = False) -> None:
        """One slice of the pass over the training set, or all that is left of it; a `patient` one is so short that
        commands can wait for it."""
        x = self.run.data.x_train
        if self._pass is None or (whole and self._pass_step != self._now()):
            self._pass, self._pass_position, self._pass_step = UnitStatistics(self.run.spec), 0, self._now()
        while self._pass_position < len(x):
            if not patient and self.trainer.commands.waiting():
                raise Interrupted
            rows = x[self._pass_position : self._pass_position + self.probes.slice_rows]
            self._pass.add(self.run.stepper.forward(rows))
            self._pass_position += len(rows)
            if not whole:
                break
        if self._pass_position >= len(x):
            statistics, exact = self._pass, self._pass_step == self._now()
            self._pass = None
            self._finish(statistics, exact, milestone)

    def _finish(self, statistics: UnitStatistics, exact: bool, milestone: bool = False) -> None:
        self._finished, self._finished_step, self._exact = statistics, self._now(), exact
        self.units.add(self.run.stepper.epoch, statistics, milestone)

    # ---- snapshots --------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        trainer, run, stepper = self.trainer, self.run, self.run.stepper
        columns = run.history.columns()
        known = len(run.history) > 0 and not run.outdated and trainer.state != "diverged"
        last = {name: float(values[-1]) if known else float("nan") for name, values in columns.items()}
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
            train_loss=last["train_loss"],
            test_loss=last["test_loss"],
            train_metric=last["train_metric"],
            test_metric=last["test_metric"],
            layers=self._layers(extras.get("activations")),
            history=columns,
            taken=time.monotonic(),
            preparing=trainer.preparing,
            error=trainer.error,
            **extras,
        )

    def _layers(self, seen: Activations | None) -> tuple[LayerSnapshot, ...]:
        return tuple(
            dataclasses.replace(layer, activations=seen.layers[number]) if seen else layer
            for number, layer in enumerate(self._units())
        )

    def _units(self) -> tuple[LayerSnapshot, ...]:
        statistics = self._finished
        layers = []
        for number, layer in enumerate(self.run.spec.layers):
            if not hasattr(layer, "activation"):
                empty = np.zeros(0, np.float32)
                none = np.zeros(0, np.int64)
                layers.append(LayerSnapshot(none.astype(bool), empty, empty, empty, none, float("nan"), False))
                continue
            width = len(self.units.dead_since[number])
            if statistics is None:
                unknown = np.full(width, np.nan, np.float32)
                layers.append(
                    LayerSnapshot(
                        np.zeros(width, bool), unknown, unknown, unknown, np.full(width, -1), self._norms[number], True
                    )
                )
                continue
            layers.append(
                LayerSnapshot(
                    _locked(statistics.dead(number)),
                    _locked(statistics.max_z[number].copy()),
                    _locked(statistics.mean(number)),
                    _locked(statistics.active_share(number)),
                    _locked(self.units.dead_since[number].copy()),
                    self._norms[number],
                    not self._exact,
                )
            )
        return tuple(layers)

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


def _locked(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
