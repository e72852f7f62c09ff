"""One training run, without a thread: the network, its stepper, its history, and how it may change on the way."""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import lsuv, memory
from engine.checkpoint import Checkpoint
from engine.data.dataset import Dataset
from engine.diagnosis.design import check_fit
from engine.errors import RelumeError, shown
from engine.losses import encode_targets
from engine.monitor import FIGURES, Monitor
from engine.network import Network
from engine.schedules import ReduceLROnPlateau
from engine.spec import NetworkSpec, TrainingSpec
from engine.telemetry import History
from engine.units import weights_of

if TYPE_CHECKING:
    from engine.kernels.stepper import Stepper

CHUNK_SECONDS = 0.015
MOST_TILES = 1 << 24
_numbers = itertools.count(1)


class Run:
    """Trains between two looks: `advance` is one or a few compiled calls of some milliseconds.

    Raises RelumeError when the network cannot take the data.
    """

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, data: Dataset) -> None:
        check_fit(spec, data)
        memory.check_network(spec.parameter_count(), len(training.optimizer.slots))
        self.number = next(_numbers)
        self.spec, self.training, self.data = spec, training, data
        self.history = History()
        self.seconds = 0.0  # of training: pauses, pacing and looking do not count
        self.epoch_limit = training.epochs
        self._tiles = 4
        self._edited, self._redraws = False, 0
        self.monitor = Monitor()
        self.ended = ""  # why the run ended by itself
        self._restored = False  # the best weights are back, which are not those of the newest row
        self.outdated = False  # the newest row of the history is of other weights than those that were changed since
        self._install(Network(spec, seed=training.seed))

    def _install(self, network: Network, stepper: Stepper | None = None) -> None:
        self.network = network
        self._test_targets = self._encoded(network.spec, self.data.y_test)
        self._targets = self._encoded(network.spec, self.data.y_train)
        self._stepper = stepper
        self.prepared = False

    def _encoded(self, spec: NetworkSpec, y: np.ndarray) -> np.ndarray:
        return encode_targets(spec.loss, y, str(self.data.task), spec.output_shape[-1])

    @property
    def stepper(self) -> Stepper:
        """The compiled training loop; made when it is first used, because the compiler takes a while to load."""
        if self._stepper is None:
            self._stepper = self._stepper_of(self.network, self.training, self._targets)
        return self._stepper

    def _stepper_at_hand(self) -> Stepper | None:
        """The stepper; None where there is no memory for it, and nothing was trained."""
        try:
            return self.stepper
        except MemoryError:
            return None

    def _stepper_of(self, network: Network, training: TrainingSpec, targets: np.ndarray) -> Stepper:
        from engine.kernels.stepper import Stepper

        return Stepper(network, training, self.data.x_train, targets, str(self.data.task))

    # ---- training -----------------------------------------------------------------------------

    def prepare(self, progress: Callable[[int, int], bool]) -> bool:
        """Compiles what the network uses and measures row 0. `progress(done, all)` returns False to give up.

        Raises RelumeError with the figures where the memory for a step cannot fit."""
        if self.prepared:
            return True
        from engine.kernels.second_compiler import compile_all

        stepper = self.stepper
        stepper.check_memory()
        if not compile_all(stepper.kernels, lambda done, all_: progress(done, all_) and self.stepper is stepper):
            return False
        self.prepared = True
        if not len(self.history):
            if not self._edited:
                lsuv.scale_start(self.network, stepper.forward, self.data.x_train)
            self.record()
        return True

    @property
    def fresh(self) -> bool:
        """Whether its weights are those of the seed."""
        return not self._edited and (self._stepper is None or self._stepper.step == 0)

    @property
    def at_limit(self) -> bool:
        return self.stepper.epoch >= self.epoch_limit and self.stepper.batch == 0

    def go_on(self) -> None:
        """After an end: as many epochs again, as much patience."""
        if self.at_limit:
            self.epoch_limit = self.stepper.epoch + max(1, self.training.epochs)
        self.monitor.waited = 0

    def finish(self) -> None:
        """The run has ended: the best weights come back, where early stopping keeps them."""
        weights, epoch = self.monitor.weights, self.monitor.best_epoch
        if weights is None or not self.training.restore_best or self._restored or self.history.epoch == epoch:
            return
        self.stepper.restart_batch()
        self.network.vector[:] = weights
        self._restored = self._edited = True
        self.ended = ", ".join(filter(None, (self.ended, f"weights of epoch {epoch:,}")))

    def advance(self, batches: int, until: int | None, interrupted: Callable[[], bool]) -> float:
        """Trains at most so many batches, to a recorded epoch or for about CHUNK_SECONDS; returns the seconds taken.

        It ends between two batches, unless a batch is long and `interrupted` says that a command waits. An epoch that
        ends here is recorded. `until`: the epoch at whose end to stop, None for no such limit.
        """
        stepper = self.stepper
        self.ended, self._restored = "", False
        wanted, until = stepper.step + batches, self._next_stop(until)
        taken = 0.0
        while True:
            epoch = stepper.epoch
            took = self._timed(self._tiles, wanted, until)
            taken += took
            if took > CHUNK_SECONDS or stepper.tiles_done >= self._tiles:
                self._tiles = int(min(max(1, self._tiles * min(2.0, max(0.5, CHUNK_SECONDS / took))), MOST_TILES))
            if stepper.diverged is None and stepper.epoch > epoch + 1 and stepper.batch:
                # epochs are short: on to the end of this one, where it can be recorded if the run rests
                taken += self._timed(MOST_TILES, wanted, stepper.epoch + 1)
            if stepper.diverged is None and stepper.epoch != epoch:
                if self.history.keeps(stepper.epoch) or Monitor.wanted(self.training):
                    self.record()
                return taken
            if stepper.diverged is not None or stepper.at_batch_boundary or interrupted():
                return taken

    def _timed(self, tiles: int, wanted: int, until: int) -> float:
        """One compiled call, at most to the step `wanted`; the seconds it took."""
        began = time.perf_counter()
        self.stepper.advance(tiles, wanted - self.stepper.step, until)
        took = time.perf_counter() - began
        self.seconds += took
        return took

    def reached_end(self) -> bool:
        """Whether the training spec ends the run here, before its last epoch; `ended` tells why."""
        target, limit = self.training.target_loss, self.training.time_limit
        if limit is not None and self.seconds >= limit:
            self.ended = "time limit"
        elif target is not None and self.stepper.epoch > 0 and self.stepper.last_loss <= target:
            self.ended = "target loss"
        elif not self.monitor.is_patient(self.training):
            self.ended = "early stopping"
        return bool(self.ended)

    def _next_stop(self, until: int | None) -> int:
        """The epoch at whose end the compiled call must come back."""
        epoch = self.stepper.epoch
        every = self.training.target_loss is not None or Monitor.wanted(self.training)
        stop = epoch + 1 if every else self.history.next_kept(epoch)
        return max(stop if until is None else min(stop, until), epoch + 1)

    def record(self) -> None:
        """Adds the epoch that has just ended to the history; nothing in the middle of an epoch."""
        stepper = self.stepper
        if not self.prepared or stepper.batch or not stepper.at_batch_boundary or stepper.epoch == self.history.epoch:
            return
        if stepper.epoch == 0:
            self._add(*stepper.evaluate(stepper.x, stepper.targets))
        elif not math.isnan(stepper.last_loss):  # as after another loss was chosen
            self._add(stepper.last_loss, stepper.last_metric)

    def _add(self, train_loss: float, train_metric: float) -> None:
        self.outdated = False
        test_loss = test_metric = float("nan")
        if len(self.data.x_test):
            test_loss, test_metric = self.stepper.evaluate(self.data.x_test, self._test_targets)
        figures = dict(zip(FIGURES, (train_loss, test_loss, train_metric, test_metric), strict=True))
        stepper = self.stepper
        self.history.add(epoch=stepper.epoch, step=stepper.step, seconds=self.seconds, **figures)
        if stepper.epoch and Monitor.wanted(self.training):
            times = self.monitor.see(stepper.epoch, figures, self.training, self.network.vector)
            if times != 1.0 and isinstance(self.training.schedule, ReduceLROnPlateau):
                least = self.training.schedule.min_lr / self.training.optimizer.learning_rate
                stepper.rate_scale = min(stepper.rate_scale, max(times * stepper.rate_scale, least))

    def figures(self) -> dict[str, float]:
        """How good the weights are that the run holds; NaN where that was not measured."""
        if self._restored:
            return self.monitor.figures
        newest = self.history.newest()
        return {name: math.nan if self.outdated else newest[name] for name in FIGURES}

    def divergence(self) -> RelumeError | None:
        """What went wrong in the last step, if it did."""
        if self.stepper.diverged is None:
            return None
        part, quantity = self.stepper.diverged
        step = self.stepper.step + 1
        return RelumeError(
            f"The {quantity} became infinite or not a number; the weights from before that step are kept.",
            f"layer {self.spec.parts[part].number}, step {step:,}",
            "Lower the learning rate, then run on or reset.",
        )

    # ---- changes on the way ---------------------------------------------------------------------

    def restarted(self, seed: int | None = None) -> Run:
        """A new run from step 0, with the weights of the training's seed or of a new one."""
        training = self.training if seed is None else dataclasses.replace(self.training, seed=seed)
        run = Run(self.spec, training, self.data)
        run.network.held = self.network.held
        return run

    def change(self, spec: NetworkSpec | None, training: TrainingSpec | None) -> bool:
        """Takes another design from the next batch on; weights that still fit are kept. True if layers changed.

        Raises RelumeError, before anything is changed, for what does not fit the data or the memory."""
        spec, training = spec or self.spec, training or self.training
        old = self._stepper_at_hand()
        if spec != self.spec:
            check_fit(spec, self.data)
        if spec != self.spec or training.optimizer.kind != self.training.optimizer.kind:
            memory.check_network(spec.parameter_count(), len(training.optimizer.slots))
        begun, fresh = old is not None and old.step > 0, self.fresh
        if spec == self.spec and not (fresh and training.seed != self.training.seed):
            if old is not None:
                try:
                    old.set_training(training)
                except MemoryError:
                    what = "There is not enough memory for this optimizer."
                    raise RelumeError(what, "training", "Use one that keeps less.") from None
                old.restart_batch()
                self.prepared = self.prepared and all(kernel.ready for kernel in old.kernels)
            self._set_training(training)
            return False
        try:
            network = Network(spec, training.seed) if fresh else self.network.with_spec(spec)
            stepper = self._stepper_of(network, training, self._encoded(spec, self.data.y_train))
        except MemoryError:
            what = "There is not enough memory for this network."
            raise RelumeError(what, "network", "Use fewer or smaller layers.") from None
        stepper.check_memory()
        if old is not None:
            stepper.take_over(old)
        self._set_training(training)
        self.spec = spec
        self.monitor, self._restored, stepper.rate_scale = Monitor(), False, 1.0
        self._install(network, stepper)
        if not begun:
            self.history = History()
        self.outdated = True
        return True

    def _set_training(self, training: TrainingSpec) -> None:
        if training.epochs != self.training.epochs:
            self.epoch_limit = training.epochs
        heights = [(spec.schedule, spec.optimizer.learning_rate) for spec in (self.training, training)]
        if heights[0] != heights[1] and self._stepper is not None:
            self._stepper.rate_scale = 1.0
            self.monitor.forget_plateau()
        self.training = training

    def edit(self, parameters: Mapping[str, np.ndarray]) -> None:
        """Sets parameters by hand, as `Network.set_parameters`."""
        self.stepper.restart_batch()
        self.network.set_parameters(parameters)
        self._edited, self.outdated, self._restored = True, True, False
        if self.stepper.step == 0:
            self.history = History()
            self.record()

    def with_value(self, key: str, index: tuple[int, ...], value: float) -> dict[str, np.ndarray]:
        """A parameter with one number changed. Raises RelumeError where there is none such."""
        parameters = self.network.parameters()
        try:
            with np.errstate(over="ignore"):  # infinity is refused in words
                parameters[key][index] = value
        except (KeyError, IndexError, TypeError, ValueError, OverflowError):
            what = f"The weight {shown(key)} at {shown(index)} cannot be set to {shown(value)}."
            raise RelumeError(what, "parameters") from None
        return {key: parameters[key]}

    def keys_of(self, layer: int) -> list[str]:
        """The parameters that make the units of a part of the spec: from the kernel that feeds them to their
        activation, as far as training may change them."""
        slices, most = self.network.slices.items(), self.network.trainable
        known = isinstance(layer, int | np.integer) and 0 <= layer < len(self.spec.parts)
        source = weights_of(self.spec, layer) if known else None
        if source is None:
            return []
        return [key for key, (place, _) in slices if source <= self.spec.owner(key)[0] <= layer and place.stop <= most]

    def freeze(self, places: Sequence[tuple[str, Any]], on: bool) -> None:
        """Numbers, as (parameter, index), take no step from now on, or do so again. All or none.

        Raises RelumeError where there are none such."""
        held = self.network.held
        try:
            if not places:
                raise RelumeError("There is nothing to freeze in this layer.", "Trainer, freeze")
            for key, index in places:
                self.network.hold(key, index, on)
        except RelumeError:
            self.network.held = held
            raise
        self.stepper.set_frozen()
        self.prepared = self.prepared and all(kernel.ready for kernel in self.stepper.kernels)

    def redrawn(self, layer: int, units: tuple[int, ...]) -> dict[str, np.ndarray]:
        """The parameters that feed a part of the spec with those of some units drawn anew, by a stream of the seed, the
        step and how often this was asked. Raises RelumeError where there are none such."""
        parts = self.spec.parts
        known = isinstance(layer, int | np.integer) and 0 <= layer < len(parts) and isinstance(units, tuple | list)
        known = known and all(isinstance(u, int | np.integer) and 0 <= u < parts[layer].given[-1] for u in units)
        source = weights_of(self.spec, layer) if known else None
        if source is None:
            raise RelumeError(f"There are no units {shown(units)} in layer {shown(layer)}.", "Trainer, redraw")
        self._redraws += 1
        entropy = [self.training.seed, self.stepper.step, layer, self._redraws]
        stream = np.random.SeedSequence(entropy).generate_state(1)
        drawn = Network(self.spec, seed=int(stream[0])).parameters()
        changed = {}
        for key, array in self.network.parameters().items():
            if source <= self.spec.owner(key)[0] <= layer:  # behind a norm the kernel alone wakes nobody
                changed[key] = array.copy()
                changed[key][..., list(units)] = drawn[key][..., list(units)]
        return changed

    def checkpoint(self) -> Checkpoint:
        counters: dict[str, float | str] = {"seconds": self.seconds, "epoch_limit": self.epoch_limit}
        counters["redraws"] = self._redraws
        counters |= {"outdated": int(self.outdated), "ended": self.ended, "restored": int(self._restored)}
        kept = (self.stepper.state(), self.history.to_dict())
        return Checkpoint(self.network.parameters(), *kept, monitor=self.monitor.state(), counters=counters)

    def restore(self, checkpoint: Checkpoint) -> None:
        """Goes on where the checkpoint was taken. Raises RelumeError when it belongs to another network."""
        self.network.set_parameters(checkpoint.parameters)
        self.stepper.set_state(checkpoint.stepper)
        self.history = History.from_dict(checkpoint.history)
        self.monitor = Monitor.from_state(checkpoint.monitor, len(self.network.vector))
        try:
            self.seconds = float(checkpoint.counters.get("seconds", 0.0))
            self.epoch_limit = int(checkpoint.counters.get("epoch_limit", self.training.epochs))
            self._redraws = int(checkpoint.counters.get("redraws", 0))
            self.outdated = bool(checkpoint.counters.get("outdated", 0))
            self.ended = str(checkpoint.counters.get("ended", ""))
            self._restored = bool(checkpoint.counters.get("restored", 0)) and bool(self.monitor.figures)
        except (TypeError, ValueError):
            raise RelumeError("The counters of the run cannot be read.", "checkpoint") from None
        self._edited = True
