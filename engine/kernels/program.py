"""A network as a program: rows of operations over buffers, run tile by tile."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

import numpy as np

from engine import losses
from engine.kernels import blocks, layout as at, loops
from engine.kernels.jit import Kernel
from engine.layers.base import Operation

if TYPE_CHECKING:
    from engine.network import Network

_DROPOUT_STREAM = 2


def tile_rows(parameters: int) -> int:
    """Rows of a tile: they depend on the network only, so that the order of every sum does."""
    return 128 if parameters <= 1_000_000 else 32


class Buffers:
    """Keeps memory alive that programs know by address; each buffer starts at a cache line."""

    def __init__(self) -> None:
        self._kept: list[np.ndarray] = []

    def floats(self, *shape: int) -> np.ndarray:
        """Zeroed float32 memory."""
        return self._aligned(np.dtype(np.float32), shape)

    def doubles(self, *shape: int) -> np.ndarray:
        """Zeroed float64 memory."""
        return self._aligned(np.dtype(np.float64), shape)

    def _aligned(self, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
        size = math.prod(shape) * dtype.itemsize
        raw = np.zeros(size + 64, dtype=np.uint8)
        self._kept.append(raw)
        start = -raw.ctypes.data % 64
        return raw[start : start + size].view(dtype).reshape(shape)


def metric_name(task: str, outputs: int) -> str:
    """The metric's block: R squared for a regression, else accuracy."""
    if task == "regression":
        return "metric r2"
    return "metric accuracy of one" if outputs == 1 else "metric accuracy"


class Program:
    """Operations on a network's own parameters.

    Args:
        random: with what acts in training only (dropout).
        task: "binary", "multiclass" or "regression": which metric is counted.
    """

    def __init__(self, network: Network, random: bool = False, task: str = "regression") -> None:
        self.network, self.task = network, task
        self._lock = threading.Lock()
        self._made = False
        self._seed = network.seed
        spec = network.spec
        self.outputs = spec.output_shape[-1]
        self._operations: list[tuple[int, Operation]] = []
        shape = spec.input_shape
        for index, layer in enumerate(spec.layers):
            self._operations.extend((index, operation) for operation in layer.operations(shape))
            shape = layer.output_shape(shape)
        self._operations = [item for item in self._operations if random or not item[1].trains_only]
        self.tail_blocks = (
            blocks.find(f"loss {spec.loss}"),
            blocks.find(metric_name(task, self.outputs)),
        )

    def kernels(self) -> list[Kernel]:
        """Everything that must be compiled, each once."""
        found = [blocks.MATRIX_PRODUCT]
        for _, operation in self._operations:
            found.extend(blocks.find(operation.block).kernels())
        for block in self.tail_blocks:
            found.extend(block.kernels())
        return list(dict.fromkeys(found))

    def make(self) -> None:
        """Lays out the buffers and compiles what is missing."""
        if self._made:
            return
        network, keep = self.network, Buffers()
        self.buffers = keep
        self.tile = tile = tile_rows(len(network.vector))
        inputs = math.prod(network.spec.input_shape)
        widest = max([inputs, *(o.outputs for _, o in self._operations)])
        self.x_tile, self.t_tile = keep.floats(tile, inputs), keep.floats(tile, self.outputs)
        self.gradient = keep.floats(len(network.vector))
        self.sums = keep.doubles(at.SQUARES + 3 * self.outputs)
        zeros, one = keep.floats(widest), keep.floats(1)
        one[0] = 1.0
        turns = (keep.floats(tile, widest), keep.floats(tile, widest))  # gradients, by turns
        vector, gradient = network.vector.ctypes.data, self.gradient.ctypes.data
        self.operations = operations = np.zeros((len(self._operations), at.WORDS), dtype=np.int64)
        self.values: list[tuple[int, int, int, int]] = []  # per layer: address and width of z, of a
        source, count = self.x_tile, len(operations)
        asked = False  # whether an operation before this one has parameters, so that it wants the gradient
        spans: dict[int, list[tuple[int, int]]] = {}
        for number, (layer, operation) in enumerate(self._operations):
            o, block = operations[number], blocks.find(operation.block)
            target = keep.floats(tile, operation.outputs)
            o[at.FORWARD] = block.forward.address
            wanted = bool(operation.parameters) or asked
            o[at.BACKWARD] = block.backward.address if block.backward and wanted else 0
            o[at.PREPARE] = block.prepare.address if block.prepare else 0
            o[at.LAYER], o[at.INPUTS], o[at.OUTPUTS] = layer, operation.inputs, operation.outputs
            o[at.X], o[at.Y] = source.ctypes.data, target.ctypes.data
            o[at.GX] = turns[(count - number) % 2].ctypes.data if asked else 0
            o[at.GY] = turns[(count - number + 1) % 2].ctypes.data
            for word, name in enumerate(operation.parameters):
                offset = 4 * network.slices[f"{layer}.{name}"][0].start
                o[at.P0 + word], o[at.G0 + word] = vector + offset, gradient + offset
            if block.prepare and asked:
                o[at.WORK] = keep.floats(operation.inputs * operation.outputs).ctypes.data
            if operation.constants:
                constants = keep.floats(len(operation.constants))
                constants[:] = operation.constants
                o[at.CONSTANTS] = constants.ctypes.data
            o[at.PRODUCT], o[at.ZEROS], o[at.ONE] = blocks.MATRIX_PRODUCT.address, zeros.ctypes.data, one.ctypes.data
            spans.setdefault(layer, []).append((target.ctypes.data, operation.outputs))
            source, asked = target, wanted
        before = (self.x_tile.ctypes.data, inputs)
        for layer in range(len(network.spec.layers)):
            span = spans.get(layer, [before])
            self.values.append((*span[0], *span[-1]))
            before = span[-1]
        self.tail = tail = np.zeros((2, at.WORDS), dtype=np.int64)
        threshold = keep.floats(1)
        threshold[0] = losses.get(network.spec.loss).threshold
        for o, block in zip(tail, self.tail_blocks, strict=True):
            o[at.FORWARD], o[at.OUTPUTS] = block.forward.address, self.outputs
            o[at.X], o[at.P0], o[at.SUMS] = source.ctypes.data, self.t_tile.ctypes.data, self.sums.ctypes.data
            o[at.GX], o[at.CONSTANTS] = turns[0].ctypes.data, threshold.ctypes.data
            o[at.WORK] = keep.floats(tile, self.outputs).ctypes.data
        self._made = True
        self.set_seed(self._seed)

    def set_seed(self, seed: int) -> None:
        """The seed of random layers: each draws from its own stream."""
        self._seed = seed
        for o in self.operations if self._made else ():
            stream = np.random.SeedSequence([seed, _DROPOUT_STREAM, int(o[at.LAYER])])
            o[at.KEY] = stream.generate_state(1, np.uint64).view(np.int64)[0]

    def forward(self, x: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """(z, a) of every layer for float32 inputs (n, *input_shape); nothing random unless made so."""
        with self._lock:
            self.make()
            n = len(x)
            results, copies = [], []
            for (z_from, z_width, a_from, a_width), shape in zip(self.values, self.network.spec.shapes(), strict=True):
                z = np.empty((n, *shape), dtype=np.float32)
                copies.append((z_from, z.ctypes.data, z_width))
                a = z
                if a_from != z_from:
                    a = np.empty((n, *shape), dtype=np.float32)
                    copies.append((a_from, a.ctypes.data, a_width))
                results.append((z, a))
            table = np.array(copies, dtype=np.int64).reshape(-1, 3)
            loops.PREDICT(self.operations, table, x.reshape(n, self.x_tile.shape[1]), self.x_tile)
            return results

    def evaluate(self, x: np.ndarray, targets: np.ndarray) -> tuple[float, float]:
        """(loss, metric) of float32 inputs and encoded targets."""
        with self._lock:
            self._sweep(x, targets, False)
            return loss_and_metric(self.sums, len(x), self.task)

    def gradients(self, x: np.ndarray, targets: np.ndarray) -> tuple[float, np.ndarray]:
        """(loss, gradient of every parameter, flat) of the mean over these samples."""
        with self._lock:
            self._sweep(x, targets, True)
            return float(self.sums[at.LOSS_SUM] / len(x)), self.gradient.copy()

    def _sweep(self, x: np.ndarray, targets: np.ndarray, backward: bool) -> None:
        self.make()
        self.sums[:] = 0.0
        rows = x.reshape(len(x), self.x_tile.shape[1])
        loops.EVALUATE(self.operations, self.tail, rows, targets, self.x_tile, self.t_tile, backward)


def loss_and_metric(sums: np.ndarray, samples: float, task: str) -> tuple[float, float]:
    """Mean loss, and accuracy or R squared (mean over outputs, as scikit-learn defines it), from sums."""
    if not samples:
        return math.nan, math.nan
    loss = float(sums[at.LOSS_SUM] / samples)
    if task != "regression":
        return loss, float(sums[at.CORRECT] / samples)
    residual, t, square = sums[at.SQUARES :].reshape(3, -1)
    total = np.maximum(square - t * t / samples, 0.0)
    total[total <= 1e-12 * square] = 0.0
    with np.errstate(all="ignore"):
        score = np.where(total > 0, 1.0 - residual / total, np.where(residual > 0, 0.0, 1.0))
    return loss, float(score.mean())
