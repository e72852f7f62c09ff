"""The background thread that trains: commands go in, snapshots come out.

Commands are drained between compiled calls of some milliseconds, so Pause is obeyed within 100 ms. What is watched
never changes the run: probes only read, on a budget, and the steps do not depend on how they are cut into calls.
"""

from __future__ import annotations

import dataclasses
import itertools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from engine.checkpoint import Checkpoint
from engine.data.dataset import Dataset
from engine.errors import RelumeError
from engine.kernels.stepper import Stepper
from engine.losses import encode_targets
from engine.network import Network
from engine.observer import Observer
from engine.spec import NetworkSpec, TrainingSpec
from engine.telemetry import WATCHABLE, History, Mailbox, Snapshot

CHUNK_SECONDS = 0.008
RESTING = ("ready", "paused", "finished", "diverged")
_run_numbers = itertools.count(1)


class Trainer:
    """Trains one network on one data set.

    Either `run()` in this thread, or `start()` and the background thread. State is one of "ready", "running",
    "paused", "finished", "diverged", "closed". Raises RelumeError when the network cannot take the data.
    """

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, data: Dataset) -> None:
        _check_fit(spec, data)
        self.spec, self.training, self.data = spec, training, data
        self.mailbox: Mailbox[Snapshot] = Mailbox()
        self.state = "ready"
        self.error: RelumeError | None = None
        self._commands: queue.SimpleQueue[tuple[Callable[[], None], threading.Event | None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._resting = threading.Event()
        self._resting.set()
        self._pace: float | None = None
        self._watched: frozenset[str] = frozenset()
        self._sample: tuple[str, int] | None = None
        self._preparing: tuple[int, int] | None = None
        self._pending_batches = 0
        self._begin(Network(spec, seed=training.seed))

    # ---- what a script or the session calls -------------------------------------------------

    def run(self, progress: Callable[[Snapshot], None] | None = None) -> History:
        """Trains in this thread until an end is reached; returns the history. `progress` is called about 10 times
        a second. Ctrl-C pauses the run and is passed on."""
        if self._thread is not None:
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
        if self._thread is None and self.state != "closed":
            self._thread = threading.Thread(target=self._loop, name=f"trainer {self.run_number}", daemon=True)
            self._thread.start()

    def start(self) -> None:
        """Trains in the background thread. Returns at once."""
        if self.state == "closed":
            raise RelumeError("The trainer is closed.", fix="Make a new one.")
        self.open()
        self._send(self._resume)

    resume = start

    def pause(self, wait: bool = True) -> None:
        """Pauses between two batches; obeyed within 100 ms."""
        self._send(lambda: self._rest("paused") if self.state == "running" else None, wait)

    def stop(self, wait: bool = True) -> None:
        """Ends the run; its state is then "finished"."""
        self._send(lambda: self._rest("finished"), wait)

    def step(self, batches: int = 1, wait: bool = True) -> None:
        """Pauses, then trains so many batches."""
        self._send(lambda: self._step(lambda: int(batches)), wait)

    def step_epoch(self, wait: bool = True) -> None:
        """Pauses, then trains to the end of the running epoch."""
        self._send(lambda: self._step(lambda: self._stepper.batches_per_epoch - self._stepper.batch), wait)

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until nothing runs; False when the time was up first."""
        return self._resting.wait(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Ends the thread and waits for it."""
        thread = self._thread
        if thread is None or thread is threading.current_thread():
            self.state = "closed"
            return
        self._send(self._close)
        thread.join(timeout)

    def reset(self, seed: int | None = None, wait: bool = True) -> None:
        """Back to the weights of the training's seed, or of a new one."""
        self._send(lambda: self._reset(seed), wait)

    def change(
        self, spec: NetworkSpec | None = None, training: TrainingSpec | None = None, wait: bool = True
    ) -> None:
        """Changes the network or the training at the next step; weights that still fit are kept."""
        if spec is not None:
            _check_fit(spec, self.data)
        self._send(lambda: self._change(spec, training), wait)

    def edit_parameters(self, parameters: Mapping[str, np.ndarray], wait: bool = True) -> None:
        """Sets parameters by hand at the next step, as `Network.set_parameters`."""
        self._send(lambda: self._edit(parameters), wait)

    def set_pace(self, batches_per_second: float | None) -> None:
        """A visible pace, or None for full speed. The same bits either way."""
        self._send(lambda: self._set_pace(batches_per_second))

    def watch(self, names: Iterable[str], sample: tuple[str, int] | None = None) -> None:
        """What the snapshots hold from now on beside their numbers (telemetry.WATCHABLE)."""
        names = frozenset(names)
        if not names <= frozenset(WATCHABLE):
            raise RelumeError(f"Cannot watch {sorted(names - frozenset(WATCHABLE))[0]!r}.")
        self._send(lambda: self._watch(names, sample))

    @property
    def network(self) -> Network:
        """A copy of the network as it is between two batches."""
        return self._ask(lambda: self._network.copy())

    @property
    def run_number(self) -> int:
        """Names the run in its snapshots; a reset begins a new one."""
        return self._run

    def snapshot(self) -> Snapshot:
        """A snapshot of now, with unit statistics over the whole training set."""

        def exact() -> Snapshot:
            self._prepare()
            self._observer.measure_units()
            return self._observer.snapshot()

        return self._ask(exact)

    def checkpoint(self) -> Checkpoint:
        """Everything needed to go on later, bit for bit."""

        def copy() -> Checkpoint:
            return Checkpoint(
                self._network.parameters(),
                self._stepper.state(),
                self.history.to_dict(),
                self._observer.units.state(),
                {"seconds": self._seconds, "epoch_limit": self._epoch_limit, "state": self.state},
            )

        return self._ask(copy)

    @classmethod
    def from_checkpoint(
        cls, spec: NetworkSpec, training: TrainingSpec, data: Dataset, checkpoint: Checkpoint
    ) -> Trainer:
        """A trainer at rest where the checkpoint was taken. Raises RelumeError when they do not belong together."""
        trainer = cls(spec, training, data)
        trainer._network.set_parameters(checkpoint.parameters)
        trainer._stepper.set_state(checkpoint.stepper)
        trainer.history = History.from_dict(checkpoint.history)
        if checkpoint.units:
            trainer._observer.units.set_state(checkpoint.units)
        trainer._seconds = float(checkpoint.counters.get("seconds", 0.0))
        trainer._epoch_limit = int(checkpoint.counters.get("epoch_limit", training.epochs))
        state = checkpoint.counters.get("state", "paused")
        trainer.state = "paused" if state == "running" else state if state in RESTING else "paused"
        return trainer

    # ---- what the observer reads (in the trainer's thread) -----------------------------------

    @property
    def commands_waiting(self) -> bool:
        return not self._commands.empty()

    @property
    def preparing(self) -> tuple[int, int] | None:
        return self._preparing

    @property
    def watched(self) -> frozenset[str]:
        return self._watched

    @property
    def sample(self) -> tuple[str, int] | None:
        return self._sample

    @property
    def seconds(self) -> float:
        """Training time: pauses, pacing and looking do not count."""
        return self._seconds

    def current_parameters(self) -> dict[str, np.ndarray]:
        return self._network.parameters()

    # ---- commands, obeyed between two compiled calls ----------------------------------------

    def _send(self, command: Callable[[], None], wait: bool = False) -> None:
        if self._thread is None or self._thread is threading.current_thread():
            if self.state != "closed":
                command()
            return
        done = threading.Event() if wait else None
        self._commands.put((command, done))
        if done is not None:
            while not done.wait(0.5) and self._thread.is_alive():
                pass

    def _ask(self, question: Callable[[], Any]) -> Any:
        if self._thread is None or not self._thread.is_alive():
            return question()
        answers: list[Any] = []
        self._send(lambda: answers.append(question()), wait=True)
        if not answers:
            raise RelumeError("The trainer was closed before it could answer.")
        return answers[0]

    def _drain(self, timeout: float | None = None) -> None:
        """Obeys what is waiting; with a timeout, waits that long for the first command."""
        while True:
            try:
                command, done = self._commands.get(timeout is not None, timeout)
            except queue.Empty:
                return
            timeout = None
            try:
                command()
            except RelumeError as error:
                self.error = error
                self._observer.publish()
            finally:
                if done is not None:
                    done.set()

    def _begin(self, network: Network) -> None:
        """A new run from step 0."""
        self._run = next(_run_numbers)
        self.history = History()
        self.error = None
        self._seconds = 0.0
        self._epoch_limit = self.training.epochs
        self._prepared = False
        self._install(network)

    def _install(self, network: Network) -> None:
        self._network = network
        targets = encode_targets(self.spec.loss, self.data.y_train, self.data.task, self.spec.output_shape[-1])
        self._test_targets = encode_targets(self.spec.loss, self.data.y_test, self.data.task, targets_width(self.spec))
        self._stepper = Stepper(network, self.training, self.data.x_train, targets)
        self._tiles = 4
        self._observer = Observer(self, self._stepper)

    def _resume(self) -> None:
        if self.state == "running":
            return
        if self._stepper.epoch >= self._epoch_limit and self.state == "finished":
            self._epoch_limit = self._stepper.epoch + max(1, self.training.epochs)
        self.error = None
        self._due = time.monotonic()
        self._set_state("running")

    def _step(self, batches: Callable[[], int]) -> None:
        self._prepare()
        if self.state == "diverged":
            return
        self._rest("paused")
        self._pending_batches = batches()
        while self._pending_batches > 0 and self.state == "paused":
            self._advance(self._pending_batches, self._next_stop())
        self._pending_batches = 0
        self._observer.publish(exact=True)

    def _reset(self, seed: int | None) -> None:
        if seed is not None:
            self.training = dataclasses.replace(self.training, seed=seed)
        self._begin(Network(self.spec, seed=self.training.seed))
        self._rest("ready")

    def _change(self, spec: NetworkSpec | None, training: TrainingSpec | None) -> None:
        if training is not None:
            if self._epoch_limit == self.training.epochs:
                self._epoch_limit = training.epochs
            self.training = training
            self._stepper.set_training(training)
        if spec is not None and spec != self.spec:
            stepper = self._stepper
            untouched = self.state == "ready" and stepper.step == 0
            network = Network(spec, self.training.seed) if untouched else self._network.with_spec(spec)
            units = self._observer.units
            self.spec = spec
            self._prepared = False
            self._install(network)
            self._stepper.take_over(stepper)
            if [len(s) for s in units.dead_since] == [len(s) for s in self._observer.units.dead_since]:
                self._observer.units = units
            if untouched:
                self.history = History()
        if self.state == "diverged":
            self._rest("paused")
        else:
            self._observer.publish()

    def _edit(self, parameters: Mapping[str, np.ndarray]) -> None:
        self._network.set_parameters(parameters)
        if self.state == "diverged":
            self._rest("paused")
        self._observer.changed()

    def _set_pace(self, batches_per_second: float | None) -> None:
        self._pace = batches_per_second
        self._due = time.monotonic()

    def _watch(self, names: frozenset[str], sample: tuple[str, int] | None) -> None:
        self._watched, self._sample = names, sample
        self._observer.changed()

    def _close(self) -> None:
        self.state = "closed"

    # ---- the loop ----------------------------------------------------------------------------

    def _loop(self) -> None:
        try:
            self._prepare()
            while self.state != "closed":
                if self.state == "running":
                    self._drain()
                    if self.state == "running":
                        self._prepare()
                        self._turn()
                else:
                    self._prepare()
                    busy = self._observer.look()
                    self._drain(0.002 if busy else 0.1)
        finally:
            self._resting.set()

    def _prepare(self) -> None:
        """Compiles what the network uses, telling how far it is; then measures row 0 of the history."""
        if self._prepared:
            return
        kernels = self._stepper.kernels
        began = time.monotonic()
        for number, kernel in enumerate(kernels):
            if time.monotonic() - began > 0.3:
                self._preparing = (number, len(kernels))
                self._observer.publish()
            kernel.compile()
            stepper = self._stepper
            if self._thread is threading.current_thread():
                self._drain()
            if self.state == "closed" or self._stepper is not stepper:
                self._preparing = None
                return
        self._preparing = None
        self._prepared = True
        if not len(self.history):
            self._record(*self._stepper.evaluate(self._stepper.x, self._stepper.targets))
        self._observer.publish()

    def _turn(self) -> None:
        """One compiled call while running, and what is due after it."""
        if self._stepper.epoch >= self._epoch_limit and self._stepper.batch == 0:
            self._rest("finished")
            return
        batches = 1 << 40
        if self._pace is not None:
            now = time.monotonic()
            if now < self._due:
                self._observer.look()
                left = self._due - time.monotonic()
                if left > 0 and self._thread is not None:
                    self._drain(left)
                elif left > 0:
                    time.sleep(left)
                return
            interval = 1.0 / self._pace
            batches = max(1, int(min((now - self._due) / interval, 0.05 / interval)) + 1)
            self._due = max(self._due + batches * interval, now - 0.05)
        self._advance(batches, self._next_stop())
        self._observer.look()
        limit = self.training.time_limit
        if self.state == "running" and limit is not None and self._seconds >= limit:
            self._rest("finished")

    def _next_stop(self) -> int:
        """The epoch at whose end the compiled call must come back."""
        stop = self.history.next_kept(self._stepper.epoch)
        if self.training.target_loss is not None:
            stop = self._stepper.epoch + 1
        if self.state == "running":
            stop = min(stop, self._epoch_limit)
        return max(stop, self._stepper.epoch + 1)

    def _advance(self, batches: int, until_epoch: int) -> None:
        """Trains until a batch boundary, `batches` at most; records the epochs that end on the way."""
        stepper = self._stepper
        wanted = stepper.step + batches
        while True:
            epoch = stepper.epoch
            began = time.perf_counter()
            stepper.advance(self._tiles, wanted - stepper.step, until_epoch)
            took = time.perf_counter() - began
            self._seconds += took
            self._observer.worked(took)
            if stepper.diverged is not None:
                self._diverge(*stepper.diverged)
                return
            if stepper.epoch != epoch:
                self._pending_batches = wanted - stepper.step
                self._record(stepper.last_loss, stepper.last_metric)
                if self.training.target_loss is not None and stepper.last_loss <= self.training.target_loss:
                    self._rest("finished")
                return
            full = stepper.tiles_done >= self._tiles
            if full and took < 0.5 * CHUNK_SECONDS:
                self._tiles = min(self._tiles * 2, 1 << 24)
            elif took > 1.5 * CHUNK_SECONDS and self._tiles > 1:
                self._tiles //= 2
            if stepper.at_batch_boundary:
                self._pending_batches = wanted - stepper.step
                return
            if not self._commands.empty() and self._thread is threading.current_thread() and self.state == "running":
                return

    def _record(self, train_loss: float, train_metric: float) -> None:
        epoch = self._stepper.epoch
        limit = epoch >= self._epoch_limit
        if not (self.history.keeps(epoch) or limit or self.training.target_loss is not None):
            return
        test_loss = test_metric = float("nan")
        if len(self.data.x_test):
            test_loss, test_metric = self._stepper.evaluate(self.data.x_test, self._test_targets)
        self.history.add(
            epoch=epoch, step=self._stepper.step, seconds=self._seconds, train_loss=train_loss, test_loss=test_loss,
            train_metric=train_metric, test_metric=test_metric,
        )  # fmt: skip

    def _diverge(self, layer: int, quantity: str) -> None:
        step = self._stepper.step + 1
        self.error = RelumeError(
            f"The {quantity} became infinite or not a number in step {step:,}; the weights before that step are kept.",
            f"layer {layer + 1}, step {step}",
            "Lower the learning rate, then run on or reset.",
        )
        self._rest("diverged")

    def _rest(self, state: str) -> None:
        self._set_state(state)
        self._observer.publish()

    def _set_state(self, state: str) -> None:
        if self.state == "closed":
            return
        self.state = state
        if state == "running":
            self._resting.clear()
        else:
            self._resting.set()


def targets_width(spec: NetworkSpec) -> int:
    return spec.output_shape[-1]


def _check_fit(spec: NetworkSpec, data: Dataset) -> None:
    from engine.diagnosis.design import check_fit

    check_fit(spec, data)
