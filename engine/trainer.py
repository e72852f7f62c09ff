"""The background thread that trains: commands go in, snapshots come out.

Commands are drained between compiled calls of some milliseconds, so Pause is obeyed within 100 ms. What is watched
never changes the run: probes only read, on a budget, and the steps do not depend on how they are cut into calls.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from numbers import Real
from typing import Any

import numpy as np

from engine import failure
from engine.checkpoint import Checkpoint
from engine.command_queue import CommandQueue
from engine.data.dataset import Dataset
from engine.errors import RelumeError, expect, shown
from engine.network import Network
from engine.observer import Observer
from engine.run import Run
from engine.shelf import Shelf
from engine.spec import NetworkSpec, TrainingSpec
from engine.telemetry import History, Mailbox, Snapshot, checked_wishes

ENDED = ("finished", "diverged")
ENDLESS = 1 << 40  # batches


class Trainer:
    """Trains one network on one data set.

    Either `run()` in this thread, or `start()` and the background thread. `state` is one of "ready", "running",
    "paused", "finished", "diverged", "failed", "closed"; `error` says why it diverged or failed. Commands that nobody
    waits for and that are refused leave their errors in `refusals`. Raises RelumeError when the network cannot take the
    data.
    """

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, data: Dataset) -> None:
        expect(spec, NetworkSpec, "Trainer, spec")
        expect(training, TrainingSpec, "Trainer, training")
        expect(data, Dataset, "Trainer, data")
        self.data = data
        self.mailbox: Mailbox[Snapshot] = Mailbox()
        self.state = "ready"
        self.error: RelumeError | None = None
        self.refusals: queue.SimpleQueue[RelumeError] = queue.SimpleQueue()
        self.preparing: tuple[int, int] | None = None  # kernels ready, kernels in all
        self.watched: frozenset[str] = frozenset()
        self.sample: tuple[str, int] | None = None
        self.commands = CommandQueue()
        self._shelf = Shelf()
        self._at_rest = threading.Event()
        self._at_rest.set()
        self._interval: float | None = None
        self._due = 0.0
        self._begin(Run(spec, training, data))

    # ---- what a script or the session calls -------------------------------------------------

    def run(self, progress: Callable[[Snapshot], None] | None = None) -> History:
        """Trains in this thread until an end is reached; returns the history. `progress` is called about 10 times
        a second. Ctrl-C pauses the run and is passed on."""
        if self.commands.thread is not None:
            raise RelumeError("The trainer already runs in a thread.", fix="Use wait() instead of run().")
        self._prepare()
        self._resume()
        told = time.monotonic()
        try:
            while self.state == "running":
                self._turn()
                if progress and (time.monotonic() - told > 0.1 or self.state != "running"):
                    told = time.monotonic()
                    progress(self._observer.snapshot())
        except KeyboardInterrupt:
            self._rest("paused")
            raise
        return self.history

    def open(self) -> None:
        """Starts the thread at rest: it prepares the kernels and shows the network before training."""
        if self.commands.thread is None and self.state != "closed":
            self.commands.begin(threading.Thread(target=self._loop, name="relume trainer", daemon=True))

    def start(self) -> None:
        """Trains in the background thread, or goes on. Returns at once."""
        if self.state == "closed":
            raise RelumeError("The trainer is closed.", fix="Make a new one.")
        self._at_rest.clear()
        self._send(self._resume)  # before a new thread begins: one that fails at once does so once
        self.open()

    resume = start

    def pause(self, wait: bool = True) -> None:
        """Pauses between two batches; obeyed within 100 ms."""
        self._send(lambda: self._rest("paused") if self.state == "running" else None, wait)

    def stop(self, wait: bool = True) -> None:
        """Ends the run; its state is then "finished"."""
        self._send(lambda: self._rest("finished"), wait)

    def step(self, batches: int = 1, wait: bool = True) -> None:
        """Pauses, then trains so many batches."""
        if isinstance(batches, bool) or not isinstance(batches, int | np.integer) or not 0 <= batches < 2**53:
            raise RelumeError(f"A step takes a whole number of batches, not {shown(batches)}.", "Trainer, step")
        self._send(lambda: self._step(int(batches), None), wait)

    def step_epoch(self, wait: bool = True) -> None:
        """Pauses, then trains to the end of the running epoch."""
        self._send(lambda: self._step(ENDLESS, self._run.stepper.epoch + 1), wait)

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until nothing runs; False when the time was up first."""
        if timeout is not None:
            expect(timeout, (int, float), "Trainer, wait")
            timeout = min(max(0.0, timeout), threading.TIMEOUT_MAX)
        return self._at_rest.wait(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Ends the thread and waits for it."""
        thread = self.commands.thread
        if thread is None:
            self.state = "closed"
            return
        self._send(self._close)
        thread.join(timeout)

    @property
    def alive(self) -> bool:
        """Whether its thread still runs."""
        return self.commands.thread is not None and self.commands.thread.is_alive()

    def reset(self, seed: int | None = None, wait: bool = True) -> None:
        """Back to the weights of the training's seed, or of a new one."""
        self._send(lambda: self._reset(seed), wait)

    def change(
        self, spec: NetworkSpec | None = None, training: TrainingSpec | None = None, wait: bool = True,
        leaves: object = None, finds: object = None,
    ) -> None:  # fmt: skip
        """Changes the network or the training at the next step; weights that still fit are kept.

        `leaves` names the run as it is now; a change that `finds` it brings it back to the bit, where nothing was
        trained since."""
        if spec is not None:
            expect(spec, NetworkSpec, "Trainer, spec")
        if training is not None:
            expect(training, TrainingSpec, "Trainer, training")
        self._send(lambda: self._change(spec, training, leaves, finds), wait)

    def edit_parameters(self, parameters: Mapping[str, np.ndarray], wait: bool = True) -> None:
        """Sets parameters by hand at the next step, as `Network.set_parameters`."""
        self._send(lambda: self._edit(parameters), wait)

    def edit_value(self, key: str, index: tuple[int, ...], value: float) -> None:
        """Sets one weight or bias by hand at the next step."""
        self._send(lambda: self._edit(self._run.with_value(key, index, value)))

    def redraw(self, layer: int, units: tuple[int, ...]) -> None:
        """Draws the incoming weights of some units of a part of the spec anew; everything else stays."""
        self._send(lambda: self._edit(self._run.redrawn(layer, units)))

    def freeze(self, what: int | str, index: tuple[Any, ...], on: bool = True) -> None:
        """Some units of a part of the spec (its index), or numbers of a parameter (its key), take no step any more."""
        expect(index, (tuple, list), "Trainer, freeze")
        self._send(lambda: self._freeze(what, index, on))

    def set_pace(self, batches_per_second: float | None) -> None:
        """A visible pace, or None for full speed. The same bits either way."""
        pace = batches_per_second
        if pace is not None and (isinstance(pace, bool | str) or not isinstance(pace, Real) or not 0 < pace < 1e12):
            raise RelumeError(f"The pace must be a number above 0, or None, not {shown(pace)}.", "Trainer, pace")
        self._send(lambda: self._set_pace(None if pace is None else float(pace)))

    def watch(self, names: Iterable[str], sample: tuple[str, int] | None = None) -> None:
        """What the snapshots hold from now on beside their numbers (telemetry.WATCHABLE)."""
        wanted = checked_wishes(names, sample)
        self._send(lambda: self._watch(wanted, sample))

    @property
    def spec(self) -> NetworkSpec:
        return self._run.spec

    @property
    def training(self) -> TrainingSpec:
        return self._run.training

    @property
    def history(self) -> History:
        return self._run.history

    @property
    def network(self) -> Network:
        """A copy of the network as it is between two batches."""
        return self.commands.ask(lambda: self._run.network.copy())

    @property
    def run_number(self) -> int:
        """Names the run in its snapshots; a reset begins a new one."""
        return self._run.number

    def snapshot(self) -> Snapshot:
        """A snapshot of now, with unit statistics over the whole training set."""

        def exact() -> Snapshot:
            self._prepare()
            self._observer.bring_up_to_date()
            return self._observer.snapshot()

        return self.commands.ask(exact)

    def checkpoint(self) -> Checkpoint:
        """Everything needed to go on later, bit for bit."""
        return self.commands.ask(self._checkpoint)

    @classmethod
    def from_checkpoint(
        cls, spec: NetworkSpec, training: TrainingSpec, data: Dataset, checkpoint: Checkpoint
    ) -> Trainer:
        """A trainer at rest where the checkpoint was taken. Raises RelumeError when they do not belong together."""
        trainer = cls(spec, training, data)
        trainer._run.restore(checkpoint)
        if checkpoint.units:
            trainer._observer.units.set_state(checkpoint.units)
        state = checkpoint.counters.get("state")
        trainer.state = state if state in ("ready", *ENDED) else "paused"
        return trainer

    # ---- commands, obeyed between two compiled calls ----------------------------------------

    def _send(self, command: Callable[[], None], wait: bool = False) -> None:
        if self.commands.thread is not None or self.state != "closed":
            self.commands.send(command, wait)

    def _drain(self, timeout: float = 0.0) -> None:
        self.commands.drain(self._refused, timeout)

    def _refused(self, error: RelumeError) -> None:
        self.refusals.put(error)
        self._observer.publish()

    def _begin(self, run: Run) -> None:
        self._run = run
        self._shelf.clear()
        self.error = None
        # without a circle: a trainer that is let go takes its data along at once
        self._observer = Observer(weakref.proxy(self), run)

    def _resume(self) -> None:
        if self.state == "running":
            return
        if self.state == "finished":
            self._run.go_on()
        self.error = None
        self._due = time.monotonic()
        self._set_state("running")

    def _step(self, batches: int, until: int | None) -> None:
        self._prepare()
        self._rest("paused")
        stepper = self._run.stepper
        wanted = stepper.step + batches
        while stepper.step < wanted and (until is None or stepper.epoch < until) and self.state == "paused":
            self._advance(wanted - stepper.step, until)
            if self.state == "paused":
                self._drain()
            stepper = self._run.stepper
        self._run.record()
        self._observer.publish()

    def _reset(self, seed: int | None) -> None:
        self._begin(self._run.restarted(seed))
        self._rest("ready")

    def _change(self, spec: NetworkSpec | None, training: TrainingSpec | None, leaves: object, finds: object) -> None:
        run, before = self._run, (self._run.spec, self._run.training)
        kept = spec is not None and leaves is not None and self.state != "running" and not run.fresh
        left = self._checkpoint() if kept and self._shelf.takes(len(run.network.vector)) else None
        if run.change(spec, training):
            self._observer = self._observer.succeeded_by(run)
            if left is not None:
                self._shelf.put(leaves, *before, left)
        found = self._shelf.find(finds, run.spec, run.training)
        if found is not None:
            run.restore(found)
            self._observer.units.set_state(found.units)
            self._observer.changed()
        self._recover()

    def _checkpoint(self) -> Checkpoint:
        taken = self._run.checkpoint()
        counters = {**taken.counters, "state": self.state}
        return dataclasses.replace(taken, units=self._observer.units.state(), counters=counters)

    def _edit(self, parameters: Mapping[str, np.ndarray]) -> None:
        self._run.edit(parameters)
        self._observer.changed()
        self._recover()

    def _freeze(self, what: int | str, index: tuple[Any, ...], on: bool) -> None:
        keys = [(what, index)] if isinstance(what, str) else [(k, (..., list(index))) for k in self._run.keys_of(what)]
        self._run.freeze(keys, on)
        self._observer.publish()

    def _recover(self) -> None:
        """After a change a diverged run may go on."""
        if self.state in ("diverged", "failed"):
            self.error = None
            self._set_state("paused")
        self._observer.publish()

    def _set_pace(self, batches_per_second: float | None) -> None:
        self._interval = None if batches_per_second is None else 1.0 / max(1e-3, batches_per_second)
        self._due = time.monotonic()

    def _watch(self, names: frozenset[str], sample: tuple[str, int] | None) -> None:
        self.watched, self.sample = names, sample
        self._observer.changed()

    def _close(self) -> None:
        self.state = "closed"

    # ---- the loop ----------------------------------------------------------------------------

    def _loop(self) -> None:
        try:
            while self.state != "closed":
                try:
                    self._round()
                except Exception as error:  # noqa: BLE001 - the thread must live on, or the window waits for ever
                    self._failed(error)
        finally:
            self._at_rest.set()

    def _round(self) -> None:
        if self.state == "failed":
            self._drain(0.1)
        elif not self._prepare():
            return
        elif self.state == "running":
            self._drain()
            if self.state == "running":
                self._turn()
        else:
            busy = self._observer.look()
            self._drain(0.002 if busy else 0.1)

    def _failed(self, error: Exception) -> None:
        self.error = failure.told(error)
        self.preparing = None
        self._set_state("failed")
        try:
            self._observer.publish()
        except Exception:  # noqa: BLE001 - what failed may be what a snapshot needs: the window hears of it without
            self.mailbox.put(failure.bare_snapshot(self, self._run))

    def _prepare(self) -> bool:
        """Compiles what the network uses, telling how far it is. False when a command came in between."""
        began = time.monotonic()
        threaded = self.commands.thread is threading.current_thread()

        def progress(done: int, total: int) -> bool:
            if done == 0 or time.monotonic() - began > 0.3:  # the first may already take seconds
                self.preparing = (done, total)
                self._observer.publish()
            if threaded:
                self._drain()
            return self.state != "closed"

        if self._run.prepared:
            return True
        ready = self._run.prepare(progress)
        self.preparing = None
        if ready:
            if self._run.stepper.step == 0:
                self._observer.epoch_ended()
            self._observer.publish()
        return ready

    def _turn(self) -> None:
        """One compiled call while running, and what is due after it."""
        if not self._run.prepared and not self._prepare():
            return
        if self._run.at_limit:
            self._rest("finished")
            return
        batches = self._batches_due()
        if batches:
            self._advance(batches, self._run.epoch_limit)
            if self.state == "running" and self._run.reached_end():
                self._rest("finished")
        if self.state != "running":
            return
        self._observer.look()
        left = self._due - time.monotonic()
        if self._interval is not None and left > 0 and self.state == "running":
            began = time.monotonic()
            if self.commands.thread is None:
                time.sleep(left)
            else:
                self._drain(min(left, 1 / 60))
            self._observer.idled(time.monotonic() - began)

    def _batches_due(self) -> int:
        """How many batches the pace asks for now; as many as come at full speed."""
        if self._interval is None:
            return ENDLESS
        now = time.monotonic()
        if now < self._due:
            return 0
        self._due = max(self._due, now - 0.05)
        batches = int((now - self._due) / self._interval) + 1
        self._due += batches * self._interval
        return batches

    def _advance(self, batches: int, until: int | None) -> None:
        self._shelf.clear()
        epoch = self._run.stepper.epoch
        taken = self._run.advance(batches, until, self.commands.waiting)
        self._observer.worked(taken)
        if self._run.stepper.epoch != epoch:
            self._observer.epoch_ended()
        self.error = self._run.divergence()
        if self.error is not None:
            self._rest("diverged")

    def _rest(self, state: str) -> None:
        if self._run.prepared:
            self._run.record()
        if state == "finished":
            self._run.finish()
            self._observer.changed()
        self._set_state(state)
        self._observer.publish()

    def _set_state(self, state: str) -> None:
        if self.state in ("closed", state):
            return
        self.state = state
        if state == "running":
            self._at_rest.clear()
        else:
            self._at_rest.set()
