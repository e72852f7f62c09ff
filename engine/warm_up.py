"""Everything that the engine can compile, so that no run has to wait for it."""

from __future__ import annotations

from engine.kernels import blocks, loops, threads, updates
from engine.kernels.jit import Kernel
from engine.optimizers import OPTIMIZERS, SGD, Optimizer, RMSprop


def all_kernels() -> list[Kernel]:
    """The kernels of every layer, activation, loss, metric and optimizer, each once."""
    kernels = [blocks.MATRIX_PRODUCT, *(kernel for name in blocks.names() for kernel in blocks.find(name).kernels())]
    variants: list[Optimizer] = [record.cls() for record in OPTIMIZERS]
    variants += [SGD(momentum=0.9), SGD(momentum=0.9, nesterov=True), RMSprop(momentum=0.9)]
    kernels += [updates.optimizer_kernel(optimizer) for optimizer in variants]
    return list(dict.fromkeys([*kernels, *loops.PARTS, loops.TRAIN, loops.EVALUATE, loops.PREDICT, threads.SERVE]))
