"""A network as a program: rows of operations over buffers, run tile by tile."""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine import losses, memory
from engine.kernels import blocks, layout as at, loops, shares, stages
from engine.kernels.buffers import Buffers, address
from engine.kernels.elementwise import STRIDE
from engine.kernels.jit import Kernel
from engine.kernels.scores import loss_and_metric, metric_name
from engine.layers.base import Operation

if TYPE_CHECKING:
    from engine.network import Network

_DROPOUT_STREAM = 2


MOST_ROWS, MOST_LANES = 128, 4
DEFERRED_KERNEL = 1 << 15  # numbers of a kernel whose gradient is not kept, but made and used piece by piece
DEFERRED_ROWS = 1000  # of a batch for that, at most
WORKSPACE = 1 << 21  # bytes of the buffers of a tile: what fits near the processor
GRADIENTS = 1 << 27  # bytes of all lanes' gradients together
TILE_FLOPS = 2e9  # of a tile: a call can only stop between tiles
REUSE = 250  # floating point operations for each parameter that pay for reading and writing it
TWO_LANES, FOUR_LANES = 6e7, 5e8  # floating point operations of a step: about a millisecond, about eight


class Program:
    """Operations on a network's own parameters.

    Args:
        training: with what acts in training only (dropout), and normalisation by the batch.
        by_batch: normalisation by the samples at hand, without what is random.
        task: "binary", "multiclass" or "regression": which metric is counted.
        batch: rows of the largest batch; None where rows are independent of each other.
        class_weights: what samples of each class count in the loss; (): alike.
    """

    def __init__(
        self, network: Network, training: bool = False, task: str = "regression", by_batch: bool = False,
        batch: int | None = None, class_weights: tuple[float, ...] = (),
    ) -> None:  # fmt: skip
        self.network, self.task = network, task
        self.class_weights = class_weights if task != "regression" else ()
        self._lock = threading.Lock()
        self._made = False
        self._seed = network.seed
        spec = network.spec
        self.inputs, self.outputs = math.prod(spec.input_shape), spec.output_shape[-1]
        self._operations = stages.operations(spec, training or by_batch)
        self._operations = [item for item in self._operations if training or not item[1].trains_only]
        if training:
            self._operations = stages.pooled_first(self._operations)
        self.whole_batches = any(blocks.find(operation.block).whole_batch for _, operation in self._operations)
        family = "class-weighted" if self.class_weights else "loss"
        metric = metric_name(task, self.outputs, spec.loss)
        self.tail_blocks = (blocks.find(f"{family} {losses.get(spec.loss).name}"), blocks.find(f"metric {metric}"))
        self._choose_tiles(batch, training)
        #: Whether every batch is one tile of every lane: what one operation makes of its weights is not needed again.
        self.one_round = training and batch is not None and batch <= self.lanes * self.tile
        few = self.one_round and self.lanes * self.tile <= DEFERRED_ROWS
        #: Positions of operations whose kernel's gradient is made when the step is taken.
        self._deferred = {
            place
            for place, (_, o) in enumerate(self._operations)
            if few and o.block == "affine" and o.inputs * o.outputs >= DEFERRED_KERNEL
        }
        self._stages = stages.staged(self._operations, self.tile, self.whole_batches)

    def _choose_tiles(self, batch: int | None, training: bool) -> None:
        """Rows of a tile and lanes depend on network and batch size only, so that the order of every sum does."""
        between = max((stage[-1][1].outputs for stage in stages.split(self._operations)), default=self.outputs)
        row = 4 * (self.inputs + sum(o.outputs for _, o in self._operations) + 2 * between)
        parameters, flops = len(self.network.vector), max(1, self.flops)
        enough = min(MOST_ROWS, REUSE * parameters // flops)  # rows that are worth a pass over the weights
        most = min(MOST_ROWS, max(MOST_ROWS // 4, int(TILE_FLOPS // flops)))
        self.tile = max(4, min(most, max(enough, WORKSPACE // row)))
        self.lanes = 1
        if self.whole_batches:
            self.tile = batch or 1
        elif batch is not None and training:
            wanted = MOST_LANES if flops * batch >= FOUR_LANES else (2 if flops * batch >= TWO_LANES else 1)
            worth = flops * batch // (REUSE * max(1, parameters))  # each lane has a gradient of its own to write
            self.lanes = max(1, min(wanted, worth, GRADIENTS // (4 * max(1, parameters)), batch // 4))
            share = -(-batch // self.lanes)
            self.tile = _even(share, self.tile) if self.lanes > 1 else -(-share // -(-share // self.tile))

    @property
    def shape(self) -> tuple[int, int, bool, tuple[float, ...]]:
        """What a training spec decides; programs of one network that are alike in it are the same."""
        return self.tile, self.lanes, self.one_round, self.class_weights

    @property
    def flops(self) -> int:
        """Floating point operations of one training sample, those of the products."""
        return sum(flops_of(operation) * (3 if number else 2) for number, (_, operation) in enumerate(self._operations))

    def kernels(self) -> list[Kernel]:
        """Everything that must be compiled, each once."""
        found: list[Kernel] = []
        for _, operation in self._operations:
            found.extend(blocks.find(operation.block).kernels())
        for block in self.tail_blocks:
            found.extend(block.kernels())
        return list(dict.fromkeys(found))

    @functools.cached_property
    def bytes(self) -> int:
        """Memory that `make` takes, but for some hundred bytes a buffer."""
        operations = [operation for _, operation in self._operations]
        sizes = [self.inputs, *(o.outputs for o in operations)]
        kept = sum(self._operations[position][1].outputs for position in self._deferred)
        kept += sum(o.inputs for o in operations if o.reads_fork)  # and its "add" as much as its "fork" does without
        a_row = sum(sizes) + 2 * self._between + 2 * self.outputs + kept
        lane, plans = self.tile * a_row + 2 * self._near + len(self.network.vector), 0
        lane += self._turned
        for o in operations:
            lane += 0 if self._shares_scratch(o) else self._scratch(o)
        for rows, o in dict.fromkeys((stage.rows, o) for stage in self._stages for _, o in stage.operations):
            plan = blocks.find(o.block).plan
            if plan:  # some of its words are there once, some for every row
                one, two = (len(plan(o.geometry, rows)) for rows in (1, 2))
                plans += one + (rows - 1) * (two - one)
        return 4 * (self.lanes * lane + max(sizes)) + 8 * plans

    @property
    def _between(self) -> int:
        """The widest gradient per sample from one stage to the next."""
        return max((stage.width for stage in self._stages), default=self.outputs)

    @property
    def _near(self) -> int:
        """Numbers of the largest gradient within a stage."""
        return max((stage.rows * stage.inner_width for stage in self._stages), default=0)

    def _scratch(self, operation: Operation) -> int:
        """Numbers of working memory."""
        scratch = blocks.find(operation.block).scratch
        return scratch(operation.inputs, operation.outputs, operation.geometry, self.tile) if scratch else 0

    def _shares_scratch(self, operation: Operation) -> bool:
        """Whether it turns its kernel in memory that all do: one after the other, it stays near."""
        return self.one_round and blocks.find(operation.block).product is not None

    @property
    def _turned(self) -> int:
        """Numbers of that memory."""
        return max((self._scratch(o) for _, o in self._operations if self._shares_scratch(o)), default=0)

    def check_memory(self) -> None:
        """Raises RelumeError with the figures where the buffers, if they are still to be made, cannot fit."""
        if self._made:
            return
        if self.whole_batches:
            what, fix = f"Batch normalization of {self.tile:,} samples at once", "Use a smaller batch size."
        else:
            what, fix = f"The values of {self.lanes * self.tile:,} samples at once", "Use fewer or smaller layers."
        memory.check(self.bytes, what, "network", fix)

    def make(self) -> None:
        """Lays out the buffers and compiles what is missing. Raises RelumeError where they cannot fit."""
        if self._made:
            return
        self.check_memory()
        self._keep = keep = Buffers()
        network, width = self.network, at.SQUARES + 3 * self.outputs
        # Between the lanes is room: a thread may write the numbers after its own back as they were.
        self.gradient = keep.floats(self.lanes, (len(network.vector) // STRIDE + 2) * STRIDE)
        self.sums = keep.doubles(self.lanes, -(-width // STRIDE) * STRIDE)
        widest = max([self.inputs, *(o.outputs for _, o in self._operations)])
        self._zeros = keep.floats(widest)
        self._plans: dict[tuple[int, Operation], int] = {}
        self.lane_table = keep.words(np.zeros((MOST_LANES, at.LANE_WORDS), dtype=np.int64))
        count = sum(len(stage.operations) * len(stage.parts(self.tile)) for stage in self._stages)
        self.operations = keep.words(np.zeros((self.lanes, count, at.WORDS), dtype=np.int64))
        self.tail = keep.words(np.zeros((self.lanes, 2, at.WORDS), dtype=np.int64))
        self.values: list[list[tuple[int, int, int, int]]] = []  # a lane, a layer: address and width of z, of a
        for number, lane in enumerate(self.lane_table[: self.lanes]):
            lane[at.GRADIENT], lane[at.LANE_SUMS] = address(self.gradient[number]), address(self.sums[number])
            lane[at.OPERATIONS], lane[at.TAIL] = address(self.operations[number]), address(self.tail[number])
            self._make_lane(keep, lane, self.operations[number], self.tail[number])
        self._made = True
        self.set_seed(self._seed)

    def _make_lane(self, keep: Buffers, lane: np.ndarray, rows: np.ndarray, tail: np.ndarray) -> None:
        tile = self.tile
        x_tile, t_tile = keep.floats(tile, self.inputs), keep.floats(tile, self.outputs)
        lane[at.X_TILE], lane[at.T_TILE] = address(x_tile), address(t_tile)
        whole = np.zeros((len(self._operations), at.WORDS), dtype=np.int64)  # as if every stage had the whole tile
        source, turned = address(x_tile), address(keep.floats(self._turned))
        spans: dict[int, list[tuple[int, int]]] = {}
        asked = False  # whether an operation before this one has parameters, so that it wants the gradient
        forks: list[tuple[int, bool]] = []  # what each was fed, and whether that wants a gradient
        numbers = iter(whole)
        for stage in self._stages:
            for part, operation in stage.operations:
                o, block = next(numbers), blocks.find(operation.block)
                self._fill(keep, lane, o, part, operation, stage.rows, turned)
                if operation.block == "fork":
                    forks.append((source, asked))
                    target = source
                else:
                    target = address(keep.floats(tile, operation.outputs))
                if operation.block == "add":
                    o[at.SKIP] = forks.pop()[0]
                o[at.X], o[at.GX] = forks[-1] if operation.reads_fork else (source, asked)
                if operation.reads_fork:  # the block's other way is what waits to be added
                    forks[-1] = (source, forks[-1][1])
                o[at.Y] = target
                if operation.fed_z:
                    spans.setdefault(part, [(source, operation.inputs)])
                if not operation.prepares:
                    spans.setdefault(part, []).append((target, operation.outputs))
                asked = asked or bool(operation.parameters)
                if block.backward and asked:
                    o[at.BACKWARD] = block.backward.address
                source = target
        last, near = self._lay_gradients(keep, whole)
        self._cut(whole, rows, near)
        loss = self.network.spec.loss
        constants_of = ((*losses.constants_of(loss), *self.class_weights), (losses.get(loss).threshold,))
        for o, block, given in zip(tail, self.tail_blocks, constants_of, strict=True):
            constants = keep.floats(max(1, len(given)))
            constants[: len(given)] = given
            o[at.FORWARD], o[at.OUTPUTS] = block.forward.address, self.outputs
            o[at.X], o[at.P0], o[at.SUMS] = source, lane[at.T_TILE], lane[at.LANE_SUMS]
            o[at.GX], o[at.CONSTANTS] = last, address(constants)
            o[at.WORK] = address(keep.floats(tile, self.outputs))
        before, values = (address(x_tile), self.inputs), []
        for part in range(len(self.network.spec.parts)):
            span = spans.get(part, [before])
            values.append((*span[0], *span[-1]))
            before = span[-1]
        self.values.append(values)

    def _fill(
        self, keep: Buffers, lane: np.ndarray, o: np.ndarray, part: int, operation: Operation, rows: int, turned: int
    ) -> None:  # fmt: skip
        """What an operation is, without its buffers. `turned`: where kernels are turned one after the other."""
        block = blocks.find(operation.block)
        o[at.FORWARD] = block.forward.address
        o[at.COMMIT] = block.commit.address if block.commit else 0
        o[at.LAYER], o[at.INPUTS], o[at.OUTPUTS] = part, operation.inputs, operation.outputs
        o[at.UNITS] = operation.units or operation.outputs
        for word, name in enumerate(operation.parameters):
            offset = 4 * self.network.slices[f"{self.network.spec.parts[part].path}.{name}"][0].start
            o[at.P0 + word], o[at.G0 + word] = address(self.network.vector) + offset, lane[at.GRADIENT] + offset
        o[at.WORK] = turned if self._shares_scratch(operation) else address(keep.floats(self._scratch(operation)))
        if operation.geometry:
            o[at.GEOMETRY] = address(keep.words(np.array(operation.geometry, dtype=np.int64)))
        if block.plan:
            if (rows, operation) not in self._plans:
                self._plans[rows, operation] = address(keep.words(block.plan(operation.geometry, rows)))
            o[at.PLAN] = self._plans[rows, operation]
        if operation.constants:
            constants = keep.floats(len(operation.constants))
            constants[:] = operation.constants
            o[at.CONSTANTS] = address(constants)
        called = block.product or block.shared
        o[at.PRODUCT], o[at.ZEROS] = called.address if called else 0, address(self._zeros)

    def _lay_gradients(self, keep: Buffers, whole: np.ndarray) -> tuple[int, list[int]]:
        """Gradients on their way back, in turn in two buffers of the whole tile, within a stage in two of its part.

        Returns where that of the outputs lies, and those two."""
        between = [address(keep.floats(self.tile, self._between)) for _ in range(2)]
        near = [address(keep.floats(self._near)) for _ in range(2)]
        position = len(whole) - 1
        waiting: list[int] = []  # gradients that forks will add
        last = given = self._kept_gradient(keep, position) or between[0]
        for stage in reversed(self._stages):
            for place, (_, operation) in reversed(list(enumerate(stage.operations))):
                o = whole[position]
                o[at.GY], o[at.DEFERRED] = given, int(position in self._deferred)
                position -= 1
                if operation.block == "add":
                    waiting.append(address(keep.floats(self.tile, operation.outputs)))
                    o[at.GSKIP] = waiting[-1]
                elif operation.block == "fork":
                    o[at.GSKIP] = waiting.pop()
                if operation.reads_fork:
                    own = address(keep.floats(self.tile, operation.inputs))
                    o[at.GX] = own if o[at.GX] else 0
                    given, waiting[-1] = waiting[-1], own
                    continue
                if not blocks.find(operation.block).in_place:
                    turns = near if place else between
                    turns.reverse()
                    given = self._kept_gradient(keep, position) or turns[0]
                o[at.GX] = given if o[at.GX] else 0
        return last, near

    def _kept_gradient(self, keep: Buffers, position: int) -> int:
        """A buffer of its own for the output's gradient of this operation, if it must stay until the step; else 0."""
        while position >= 0 and blocks.find(self._operations[position][1].block).in_place:
            position -= 1
        if position not in self._deferred:
            return 0
        return address(keep.floats(self.tile, self._operations[position][1].outputs))

    @property
    def defers(self) -> bool:
        """Whether the gradients of some kernels are made with the step."""
        return bool(self._deferred)

    def deferred(self) -> list[shares.Kernel]:
        """The kernels whose gradients are made with the step, in the order of the vector."""
        kernels = []
        for row, o in enumerate(self.operations[0]):
            if o[at.DEFERRED]:
                begin = (int(o[at.P0]) - address(self.network.vector)) // 4
                kernels.append(shares.Kernel(row, begin, int(o[at.INPUTS]), int(o[at.OUTPUTS])))
        return kernels

    def _cut(self, whole: np.ndarray, rows: np.ndarray, near: list[int]) -> None:
        """Writes down every stage, part by part; `near` are the buffers of a part."""
        targets, begin = iter(rows), 0
        for stage in self._stages:
            own = whole[begin : begin + len(stage.operations)]
            begin += len(own)
            for first in stage.parts(self.tile):
                for o in own:
                    target = next(targets)
                    target[:] = o
                    target[at.PART_FIRST], target[at.PART_ROWS] = first, stage.rows
                    for word, width in at.TILE_WIDE:
                        if o[word] and int(o[word]) not in near:
                            target[word] += 4 * first * o[width]

    def set_seed(self, seed: int) -> None:
        """The seed of random layers: each draws from its own stream."""
        self._seed = seed
        for o in self.operations.reshape(-1, at.WORDS) if self._made else ():
            stream = np.random.SeedSequence([seed, _DROPOUT_STREAM, int(o[at.LAYER])])
            o[at.KEY] = stream.generate_state(1, np.uint64).view(np.int64)[0]

    def forward(self, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """(z, a) of every part of the spec for float32 inputs (n, *input_shape); nothing random unless made so."""
        with self._lock:
            self.make()
            n, shapes = len(x), [part.given for part in self.network.spec.parts]
            _check_results(n, 2 * sum(map(math.prod, shapes)))
            results, copies = [], []
            for (z_from, z_width, a_from, a_width), shape in zip(self.values[0], shapes, strict=True):
                z = np.empty((n, *shape), dtype=np.float32)
                copies.append((z_from, address(z), z_width))
                a = z
                if a_from != z_from:
                    a = np.empty((n, *shape), dtype=np.float32)
                    copies.append((a_from, address(a), a_width))
                results.append((z, a))
            self._predict(x, copies)
            return results

    def predict(self, x: np.ndarray) -> np.ndarray:
        """What the last layer's activation gives, (n, *output_shape): the rest is not kept."""
        with self._lock:
            self.make()
            shape = self.network.spec.output_shape
            _check_results(len(x), math.prod(shape))
            _, _, source, width = self.values[0][-1]
            result = np.empty((len(x), *shape), dtype=np.float32)
            self._predict(x, [(source, address(result), width)])
            return result

    def _predict(self, x: np.ndarray, copies: list[tuple[int, int, int]]) -> None:
        table = np.array(copies, dtype=np.int64)
        loops.PREDICT(
            address(self.lane_table), self.operations.shape[1], self.tile, len(x), address(x), self.inputs,
            address(table), len(copies),
        )  # fmt: skip

    def survey(
        self, x: np.ndarray, largest: Sequence[np.ndarray], sums: Sequence[np.ndarray] = (),
        active: Sequence[np.ndarray] = (),
    ) -> None:  # fmt: skip
        """Adds samples to what is known of every unit (a channel is a unit, over all positions), in place.

        Args:
            largest: float32 (units,) a layer, the largest z; none where the layer's array is empty.
            sums, active: float64 the sums of a, int64 how often a is not 0; neither, where only z is asked for.
        """
        with self._lock:
            self.make()
            wanted = (largest, sums, active) if sums else (largest,)
            entries = [
                (z, a, width, len(top), address(top), *(map(address, more) if more else (0, 0)))
                for (z, _, a, width), top, *more in zip(self.values[0], *wanted, strict=True)
                if len(top)
            ]
            table = np.array(entries, dtype=np.int64).reshape(-1, 7)
            loops.SURVEY(
                address(self.lane_table), self.operations.shape[1], self.tile, len(x), address(x), self.inputs,
                address(table), len(entries),
            )  # fmt: skip

    def evaluate(self, x: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """(loss, metric) of float32 inputs and encoded targets."""
        with self._lock:
            self._sweep(x, targets, False)
            return loss_and_metric(self.sums[0], len(x), self.task, self.outputs)

    def gradients(self, x: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
        """(loss, gradient of every parameter, flat) of the mean over these samples."""
        if any(layer.measured for layer in self.network.spec.layers) and not self.whole_batches:
            return Program(self.network, task=self.task, by_batch=True, batch=len(x)).gradients(x, targets)
        with self._lock:
            self._sweep(x, targets, True)
            return float(self.sums[0][at.LOSS_SUM] / len(x)), self.gradient[0, : len(self.network.vector)].copy()

    def _sweep(self, x: np.ndarray, targets: np.ndarray, backward: bool) -> None:
        self.make()
        self.sums[0][:] = 0.0
        loops.EVALUATE(
            address(self.lane_table), self.operations.shape[1], self.tile, len(x), address(x), self.inputs,
            address(targets), self.outputs, int(backward),
        )  # fmt: skip


def _even(share: int, tile: int) -> int:
    """Rows of a tile, at most a third above `tile`, with the fewest missing in a lane's last: threads wait for it."""
    most = min(MOST_ROWS, tile + tile // 3)
    sizes = [-(-share // rounds) for rounds in range(1, -(-share // tile) + 1)]
    return min((size for size in sizes if size <= most), key=lambda size: (-share % size, size))


def flops_of(operation: Operation) -> int:
    """Floating point operations of an operation's product, forward, for one sample."""
    if operation.block == "affine":
        return 2 * operation.inputs * operation.outputs
    if operation.block.endswith("convolution"):
        channels, size, cells, groups = (operation.geometry[place] for place in (2, 6, 10, 12))
        return 2 * operation.outputs * channels // groups * size * cells
    return 0


def _check_results(samples: int, values: int) -> None:
    """Raises RelumeError with the figures where so many values of each sample cannot be handed out together."""
    if 4 * samples * values > memory.SLACK:
        memory.check(4 * samples * values, f"The values of {samples:,} samples", "inputs", "Ask for fewer at a time.")
