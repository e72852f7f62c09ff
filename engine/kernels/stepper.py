"""Training steps in compiled code, as many per call as are asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import losses, schedules
from engine.errors import RelumeError
from engine.kernels import layout as at, loops, shares, trouble
from engine.kernels.buffers import Buffers, address
from engine.kernels.elementwise import STRIDE
from engine.kernels.guidance import Guidance
from engine.kernels.jit import Kernel
from engine.kernels.live_forward import LiveForward
from engine.kernels.mark import Mark
from engine.kernels.program import MOST_LANES, Program
from engine.kernels.scores import loss_and_metric
from engine.kernels.threads import Crew, threads
from engine.kernels.updates import optimizer_kernel
from engine.optimizers import Optimizer
from engine.spec import TrainingSpec

if TYPE_CHECKING:
    from engine.network import Network

__all__ = ["Kernel", "Stepper"]

_SHUFFLE_STREAM = 3
SHARED_VECTOR = 1 << 15  # parameters from which on threads share the step that they are awake for
_SHORT = {"drop": at.DROP, "merge": at.MERGE, "keep": at.KEEP}
_COUNTERS = (
    "STEP", "EPOCH", "BATCH", "START", "STOP", "ROW", "SAMPLES", "BATCH_SAMPLES", "CAREFUL", "ALL_SAMPLES", "BORN",
)  # fmt: skip


class Stepper:
    """Runs training steps on a network's own parameter vector.

    Rows of a batch go through in tiles; a call may stop between tiles, and the result is the same bits however the
    calls are cut. A step in which something is not finite is not taken.

    Args:
        x: float32 (n, inputs).
        targets: float32 (n, outputs), as `losses.encode_targets` gives them.
        task: "binary", "multiclass" or "regression", for the metric; None: told from loss and targets.
    """

    def __init__(
        self, network: Network, training: TrainingSpec, x: np.ndarray, targets: np.ndarray, task: str | None = None
    ) -> None:
        self.network, self.training = network, training
        self.x = np.ascontiguousarray(x, dtype=np.float32).reshape(len(x), -1)
        self.targets = np.ascontiguousarray(targets, dtype=np.float32).reshape(len(targets), -1)
        self.task = task or losses.told_task(network.spec.loss, self.targets)
        self._check()
        self._program: Program = None  # type: ignore[assignment]  # set_training makes it
        self._plain: Program = None  # type: ignore[assignment]
        self._crew: Crew | None = None
        self._laid_out: tuple[Any, ...] = (None,) * 4
        self._slots: dict[str, np.ndarray] = {}
        self._slot_memory = np.zeros((0, 0), dtype=np.float32)
        self._s = np.zeros(at.RUN_WORDS, dtype=np.int64)
        self._s[at.SHUFFLED] = -1
        width = at.SQUARES + 3 * self.targets.shape[1]
        self._epoch_sums, self._last_sums = np.zeros(width), np.zeros(width + 1)
        self._order = np.zeros(len(self.x), dtype=np.int64)
        self._keys = [key for key, (part, _) in network.slices.items() if part.stop <= network.trainable]
        owners = [(network.slices[key][0], *network.spec.owner(key)) for key in self._keys]
        self._tensors = np.array([(own.start, own.stop, part) for own, part, _ in owners], np.int64).reshape(-1, 3)
        self._kernels = [(place, part) for place, (_, part, name) in enumerate(owners) if name == "kernel"]
        penalised = {key: (l1, l2) for key, l1, l2 in network.penalties()}
        self._penalties = np.array([penalised.get(key, (0.0, 0.0)) for key in self._keys], dtype=np.float32)
        self._norms = np.full(len(self._tensors), np.nan)
        self._guidance = Guidance(training, network.frozen())
        self._largest = np.zeros(MOST_LANES, dtype=np.int64)
        self.diverged: tuple[int, str] | None = None
        self._optimizer = np.zeros((MOST_LANES, at.WORDS), dtype=np.int64)
        self.set_training(training)

    def _check(self) -> None:
        inputs, outputs = math.prod(self.network.spec.input_shape), self.network.spec.output_shape[-1]
        if self.network.dtype != np.float32:
            raise RelumeError("Training in compiled code needs a float32 network.", "Stepper")
        if not len(self.x) or self.x.shape[1] != inputs:
            raise RelumeError(f"Training needs samples of {inputs} numbers, not {self.x.shape}.", "inputs")
        if self.targets.shape != (len(self.x), outputs):
            raise RelumeError(f"Targets must be {(len(self.x), outputs)}, not {self.targets.shape}.", "targets")

    # ---- kernels ------------------------------------------------------------------------------

    @property
    def kernels(self) -> list[Kernel]:
        """What must be compiled before training; `compile()` each, or let the first `advance` do it."""
        marked = self._may_mark and self._program.one_round and not self._s[at.CAREFUL]
        own = [optimizer_kernel(self.training.optimizer), *self._parts().values(), *self._of_step(marked).values()]
        own += loops.LOOPS
        return list(dict.fromkeys([*self._program.kernels(), *self._plain.kernels(), *own]))

    def _parts(self) -> dict[int, Kernel]:
        """What the training loop calls for this network."""
        deferred = loops.OF_DEFERRED if self._program.defers else {}
        return {**loops.PARTS, **deferred, **self._guidance.parts(bool(self._penalties.any()))}

    def _of_step(self, marked: bool) -> dict[int, Kernel]:
        """What it calls for a step."""
        return loops.OF_LONE_STEP if marked and self._program.lanes == self._shares == 1 else loops.OF_STEP

    @property
    def _shares(self) -> int:
        """Parts in which threads step the vector: 1 where it is small."""
        large = SHARED_VECTOR if self._program.lanes > 1 else 32 * SHARED_VECTOR
        return MOST_LANES if self.network.trainable >= large else 1

    @property
    def _may_mark(self) -> bool:
        """Whether it is cheap to keep where a call begins, and its gradients need no look."""
        return not self._program.defers and self.training.clip_norm is None and self._mark.cheap

    # ---- training -----------------------------------------------------------------------------

    def advance(self, tiles: int, batches: int, until_epoch: int) -> None:
        """At most so many row tiles and batches, up to the end of epoch `until_epoch` - 1."""
        self._program.make()
        parts = (self._program, self._slot_memory, self._numbers, threads())
        if any(new is not old for new, old in zip(parts, self._laid_out, strict=True)):
            self._lay_out()
            self._laid_out = parts
        self._set_mark()
        loops.TRAIN(address(self._s), tiles, batches, until_epoch)
        if self._s[at.DIVERGED] == at.UNSURE:
            self._go_back()
            loops.TRAIN(address(self._s), tiles, batches, until_epoch)
        self.diverged = self._trouble()

    def _set_mark(self) -> None:
        """Keeps where the run stands, where that is cheap. Then no step needs to look at its gradient before it is
        taken: once a large number was written all goes back to here, and on with care."""
        s = self._s
        s[at.MARKED] = self._may_mark and not s[at.CAREFUL] and not s[at.ROW]
        if s[at.MARKED]:
            self._mark.set(s, self._epoch_sums, self._last_sums)
        self._set_step()

    def _go_back(self) -> None:
        self._mark.go_back()
        self._s[at.SHUFFLED], self._s[at.MARKED], self._s[at.CAREFUL] = -1, 0, 1
        self._set_step()

    def _set_step(self) -> None:
        """Chooses the kernel of the step."""
        s, parts = self._s, self._parts()
        for word, kernel in self._of_step(bool(s[at.MARKED])).items():
            s[word] = kernel.address
        if at.TAKE_STEP not in parts:
            s[at.TAKE_STEP] = s[at.PLAIN_STEP]

    def _lay_out(self) -> None:
        """Writes down where everything is, for the compiled loop."""
        program, s = self._program, self._s
        self._lay_out_shares()
        s[at.TILE_ROWS], s[at.LANES], s[at.LANE_TABLE] = program.tile, program.lanes, address(program.lane_table)
        s[at.INPUT_WIDTH], s[at.OUTPUT_WIDTH] = program.inputs, program.outputs
        s[at.COUNT] = program.operations.shape[1]
        s[at.TRAIN_SAMPLES], s[at.TRAIN_X], s[at.TRAIN_T] = len(self.x), address(self.x), address(self.targets)
        s[at.ORDER], s[at.SUM_COUNT] = address(self._order), len(self._epoch_sums)
        s[at.EPOCH_SUMS], s[at.LAST_SUMS] = address(self._epoch_sums), address(self._last_sums)
        s[at.OPTIMIZER], s[at.TENSORS] = address(self._optimizer), address(self._tensors)
        s[at.TENSOR_COUNT], s[at.PENALIZED] = len(self._tensors), int(self._penalties.any() or self._guidance.clips)
        s[at.PENALTIES], s[at.NORMS] = address(self._penalties), address(self._norms)
        s[at.VECTOR], s[at.TRAINABLE] = address(self.network.vector), self.network.trainable
        s[at.SLOTS], s[at.SLOT_COUNT] = address(self._slot_memory), len(self._slot_memory)
        s[at.BACKUP] = address(self._mark.memory)
        self._guidance.lay_out(s, self._numbers)
        for word, kernel in self._parts().items():
            s[word] = kernel.address
        s[at.CREW] = self._helping()

    def _lay_out_shares(self) -> None:
        """The vector in shares for threads, where it is large, and these in pieces."""
        program, keep = self._program, Buffers()
        kernels = program.deferred()
        self._s[at.SHARES], self._s[at.DEFERS] = self._shares, int(bool(kernels))
        self._share_memory = (keep, shares.dealt_out(self.network.trainable, self._shares, self._tensors, kernels))
        for k, (o, m, pieces) in enumerate(
            zip(self._optimizer, program.lane_table, self._share_memory[1], strict=False)
        ):
            o[at.FORWARD], o[at.OUTPUTS] = optimizer_kernel(self.training.optimizer).address, self._slot_memory.shape[1]
            o[at.CONSTANTS], o[at.SUMS] = address(self._numbers), address(self._largest) + 8 * k
            m[at.SHARE_OPTIMIZER] = address(self._optimizer) + o.nbytes * k
            m[at.SHARE_PIECES], m[at.SHARE_COUNT] = address(pieces), len(pieces)
            m[at.SHARE_SCRATCH] = address(keep.floats(shares.piece_numbers(kernels)))
            m[at.SHARE_SUMS] = address(keep.doubles(len(pieces)))

    def _helping(self) -> int:
        """The address of the threads that help, 0 where none is wanted."""
        helpers = min(threads(), max(self._program.lanes, self._shares)) - 1
        if self._crew is not None and self._crew.helpers != helpers:
            self._crew.close()
            self._crew = None
        if self._crew is None and helpers > 0:
            self._crew = Crew(helpers)
        return self._crew.address if self._crew else 0

    def restart_batch(self) -> None:
        """Forgets the part of a batch that is done: the batch starts again."""
        self._s[at.ROW] = 0

    @property
    def step(self) -> int:
        """Steps taken."""
        return int(self._s[at.STEP])

    @property
    def samples_done(self) -> int:
        """Training samples seen, all epochs together."""
        return int(self._s[at.ALL_SAMPLES])

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return int(self._s[at.EPOCH])

    @property
    def batch(self) -> int:
        """Batches done in the running epoch."""
        return int(self._s[at.BATCH])

    @property
    def batches_per_epoch(self) -> int:
        """Batches of an epoch with the present batch size."""
        n, size = len(self.x), self.training.batch_size
        whole, rest = divmod(n, size)
        return max(1, whole + (1 if rest and self.training.short_batch == "keep" else 0))

    @property
    def learning_rate(self) -> float:
        """That of the next step."""
        begin = self.epoch + int(self._s[at.START]) / len(self.x)
        return schedules.rate_at(self.training, begin, begin + 1 / self.batches_per_epoch, self.rate_scale)

    @property
    def rate_scale(self) -> float:
        """What the loss made of the learning rate so far (a schedule that waits for a plateau)."""
        return self._guidance.scale

    @rate_scale.setter
    def rate_scale(self, scale: float) -> None:
        self._guidance.set_scale(scale)

    @property
    def tiles_done(self) -> int:
        """Row tiles done by the last `advance`."""
        return int(self._s[at.TILES])

    @property
    def at_batch_boundary(self) -> bool:
        """Whether no batch is half done."""
        return int(self._s[at.ROW]) == 0

    @property
    def last_loss(self) -> float:
        """Sample-weighted mean of the batch losses of the last finished epoch, NaN before."""
        return float(self._last_sums[at.LOSS_SUM] / self._last_sums[-1]) if self._last_sums[-1] else math.nan

    @property
    def last_metric(self) -> float:
        """Accuracy or R squared over the last finished epoch, NaN before."""
        return loss_and_metric(self._last_sums[:-1], self._last_sums[-1], self.task, self.targets.shape[1])[1]

    @property
    def batch_loss(self) -> float:
        """Loss of the last batch, NaN before the first."""
        samples = int(self._s[at.BATCH_SAMPLES])
        return float(self._program.sums[0][at.LOSS_SUM] / samples) if samples and self.at_batch_boundary else math.nan

    def gradient_norms(self) -> tuple[float, ...]:
        """Mean |gradient| of each part's kernel in the last batch; NaN where there is none."""
        norms = [math.nan] * len(self.network.spec.parts)
        for place, part in self._kernels:
            norms[part] = float(self._norms[place])
        return tuple(norms)

    def _trouble(self) -> tuple[int, str] | None:
        """What was not finite: its layer and quantity. Puts the weights back if it was they."""
        kind = int(self._s[at.DIVERGED])
        if not kind:
            return None
        if kind == at.BY_LOSS:
            values = self._program.values[int(self._s[at.BAD_LANE])]
            layer = trouble.in_values(values, int(self._s[at.BAD_ROWS]))
            return (len(values) - 1, "loss") if layer is None else (layer, "activation")
        if kind == at.BY_GRADIENT:
            return trouble.in_vectors(self._tensors, self._program.gradient[0]), "gradient"
        layer = trouble.in_vectors(self._tensors, self.network.vector, *self._slot_memory)
        self._mark.put_back(self.network.trainable)
        return layer, "weights"

    # ---- looking ------------------------------------------------------------------------------

    def evaluate(self, x: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """(loss, metric) of encoded targets; nothing random acts."""
        x = np.ascontiguousarray(x, dtype=np.float32)
        return self._plain.evaluate(x, np.ascontiguousarray(targets, dtype=np.float32).reshape(len(x), -1))

    def survey(self, x: np.ndarray, largest: Any, sums: Any = (), active: Any = ()) -> None:
        """`Program.survey`; nothing random acts."""
        self._plain.survey(np.ascontiguousarray(x, dtype=np.float32), largest, sums, active)

    def forward(self, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """(z, a) of every layer; nothing random acts."""
        return self._plain.forward(np.ascontiguousarray(x, dtype=np.float32))

    def predict(self, x: np.ndarray) -> np.ndarray:
        """What the last layer's activation gives; nothing random acts."""
        return self._plain.predict(np.ascontiguousarray(x, dtype=np.float32))

    def live_forward(self, x: np.ndarray, at_once: int) -> LiveForward:
        """Forward passes of these samples over and over, so many at once."""
        return LiveForward(self._plain, x, at_once)

    # ---- changes and state --------------------------------------------------------------------

    def set_training(self, training: TrainingSpec) -> None:
        """Takes other numbers at once, another batch size from the next batch on. Values that fit are kept.

        Raises RelumeError, before anything is changed, where the memory for it cannot fit."""
        program = self._program_for(training)
        if self._program is not None and program is not self._program:
            program.check_memory()
        other = training.optimizer.kind != self.training.optimizer.kind
        if other or not len(self._slot_memory) or tuple(self._slots) != training.optimizer.slots:
            self._make_slots(training.optimizer, {} if other else self._slots)
        if other:
            self._s[at.BORN] = self._s[at.STEP]
        self._numbers = np.array(training.optimizer.numbers())
        self.training = self._guidance.training = training
        s = self._s
        s[at.BATCH_SIZE], s[at.SHORT] = training.batch_size, _SHORT[training.short_batch]
        stream = np.random.SeedSequence([training.seed, _SHUFFLE_STREAM]).generate_state(1, np.uint64)
        s[at.SEED] = stream.view(np.int64)[0]
        self._program = program
        self._program.set_seed(training.seed)

    def set_frozen(self) -> None:
        """Takes what the network holds frozen, from the next step on."""
        self._guidance.set_frozen(self.network.frozen())
        self._laid_out = (None,) * 4

    def check_memory(self) -> None:
        """Raises RelumeError with the figures where the buffers that are still to be made cannot fit."""
        self._program.check_memory()

    def _program_for(self, training: TrainingSpec) -> Program:
        """The program for its batch size; the one at hand where only the size of batches is another."""
        size = training.batch_size
        largest = min(len(self.x), 2 * size - 1 if training.short_batch == "merge" else size)
        batch = largest if size < len(self.x) else len(self.x)
        weights = losses.class_weights(training.class_weights, self.targets) if self.task != "regression" else ()
        program = Program(self.network, True, self.task, batch=batch, class_weights=weights)
        if self._plain is None or self._plain.class_weights != weights:
            self._plain = Program(self.network, task=self.task, class_weights=weights)
        alike = self._program is not None and program.shape == self._program.shape
        return self._program if alike else program

    def _make_slots(self, optimizer: Optimizer, kept: Mapping[str, np.ndarray]) -> None:
        """Memory for the optimizer's slots; those that are kept have their values."""
        count, buffers = len(self.network.vector), Buffers()
        stride = -(-count // STRIDE) * STRIDE  # every slot begins at a cache line
        memory = buffers.floats(max(1, len(optimizer.slots)), stride)
        self._mark = Mark(self.network.vector, memory)  # where there is no memory for it, all stays
        self._slot_buffers, self._slot_memory = buffers, memory
        self._slots = dict(zip(optimizer.slots, memory[:, :count], strict=False))
        for slot, row in self._slots.items():
            row[:] = kept.get(slot, optimizer.initial(slot))

    def take_over(self, other: Stepper) -> None:
        """Goes on where another stepper, on the same samples, stands: for a network of another spec."""
        same_kind = other.training.optimizer.kind == self.training.optimizer.kind
        for slot, row in self._slots.items():
            if same_kind and slot in other._slots:
                other.network.carry_over(other._slots[slot], self.network, row)
        self._set_counters(other.state())
        self._s[at.ROW] = 0
        self.rate_scale = other.rate_scale
        if not same_kind:
            self._s[at.BORN] = self._s[at.STEP]
        if other.network.spec.loss != self.network.spec.loss:
            self._s[at.SAMPLES] = 0  # the mean of an epoch is of one loss
            return
        for name in ("_epoch_sums", "_last_sums"):
            if getattr(self, name).shape == getattr(other, name).shape:
                getattr(self, name)[:] = getattr(other, name)

    def state(self) -> dict[str, Any]:
        """All that resuming needs beside the parameters: numbers and arrays."""
        state: dict[str, Any] = {name.lower(): int(self._s[getattr(at, name)]) for name in _COUNTERS}
        state["epoch_sums"], state["last_sums"] = self._epoch_sums.copy(), self._last_sums.copy()
        state["norms"], state["rate_scale"] = self._norms.copy(), self.rate_scale
        for slot, row in self._slots.items():
            state[f"slot.{slot}"] = row.copy()
        if self.network.held is not None:
            state["held"] = np.flatnonzero(self.network.held)
        if not self.at_batch_boundary:
            state["gradient"], state["sums"] = self._program.gradient.copy(), self._program.sums.copy()
        return state

    def set_state(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`. Raises RelumeError when it belongs to another network or optimizer."""
        arrays = {
            "epoch_sums": self._epoch_sums, "last_sums": self._last_sums, "norms": self._norms,
            **{f"slot.{slot}": row for slot, row in self._slots.items()},
        }  # fmt: skip
        if state.get("row") not in (None, 0):
            self._program.make()
            arrays["gradient"], arrays["sums"] = self._program.gradient, self._program.sums
        checked = {}
        for name, target in arrays.items():
            value = np.asarray(state.get(name))
            if value.shape != target.shape or value.dtype.kind not in "fiu":
                raise RelumeError(f"The state of the run does not fit: {name}.", "training state")
            checked[name] = value
        scale = state.get("rate_scale", 1.0)
        if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0.0 <= scale <= 1.0:
            raise RelumeError("The state of the run does not fit: rate_scale.", "training state")
        held = np.asarray(state.get("held", np.zeros(0, np.int64)))
        if held.dtype.kind not in "iu" or held.ndim != 1 or ((held < 0) | (held >= self.network.trainable)).any():
            raise RelumeError("The state of the run does not fit: held.", "training state")
        self._set_counters(state)
        self.rate_scale = float(scale)
        self.network.held = np.isin(np.arange(self.network.trainable), held) if len(held) else None
        self.set_frozen()
        for name, value in checked.items():
            arrays[name][...] = value

    def _set_counters(self, state: Mapping[str, Any]) -> None:
        try:
            numbers = {name: int(state[name.lower()]) for name in _COUNTERS}
        except (KeyError, TypeError, ValueError):
            raise RelumeError("The counters of the run cannot be read.", "training state") from None
        n = len(self.x)
        fits = 0 <= numbers["START"] <= numbers["STOP"] <= n or numbers["ROW"] == 0 <= numbers["START"] <= n
        if min(numbers.values()) < 0 or not fits or numbers["ROW"] > n:
            raise RelumeError("The counters of the run do not fit the samples.", "training state")
        for name, number in numbers.items():
            self._s[getattr(at, name)] = number
        self._s[at.SHUFFLED] = -1
