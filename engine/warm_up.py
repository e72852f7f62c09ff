"""Everything that the engine can compile, so that no run has to wait for it.

`python -m engine.warm_up TITLE ...` compiles the kernels of these titles into the disk cache.
"""

from __future__ import annotations

import sys

from engine.kernels import blocks, loops, threads, updates
from engine.kernels.jit import Kernel
from engine.optimizers import OPTIMIZERS, SGD, Optimizer, RMSprop


def all_kernels() -> list[Kernel]:
    """The kernels of every layer, activation, loss, metric and optimizer, each once."""
    kernels = [kernel for name in blocks.names() for kernel in blocks.find(name).kernels()]
    variants: list[Optimizer] = [record.cls() for record in OPTIMIZERS]
    variants += [SGD(momentum=0.9), SGD(momentum=0.9, nesterov=True), RMSprop(momentum=0.9)]
    kernels += [updates.optimizer_kernel(optimizer) for optimizer in variants]
    return list(dict.fromkeys([*kernels, *loops.EVERY, threads.SERVE]))


if __name__ == "__main__":
    by_title = {kernel.title: kernel for kernel in all_kernels()}
    for title in sys.argv[1:]:
        if title in by_title:
            by_title[title].compile()
