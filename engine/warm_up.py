"""Everything that the engine can compile, so that no run has to wait for it.

`python -m engine.warm_up TITLE ...` compiles the kernels of these titles into the disk cache; `--first` in their place
those of the first network, the last ones first.
"""

from __future__ import annotations

import sys

import numpy as np

from engine.default_network import first_design
from engine.kernels import blocks, head_start, loops, threads, updates
from engine.kernels.jit import Kernel, has_disk_cache, prepare_cache
from engine.kernels.stepper import Stepper
from engine.network import Network
from engine.optimizers import OPTIMIZERS, SGD, Optimizer, RMSprop


def all_kernels() -> list[Kernel]:
    """The kernels of every layer, activation, loss, metric and optimizer, each once."""
    kernels = [kernel for name in blocks.names() for kernel in blocks.find(name).kernels()]
    variants: list[Optimizer] = [record.cls() for record in OPTIMIZERS]
    variants += [SGD(momentum=0.9), SGD(momentum=0.9, nesterov=True), RMSprop(momentum=0.9)]
    kernels += [updates.optimizer_kernel(optimizer) for optimizer in variants]
    return list(dict.fromkeys([*kernels, *loops.EVERY, threads.SERVE]))


def first_kernels() -> list[Kernel]:
    """The kernels of the network that a new window holds."""
    spec, training = first_design()
    x, y = np.zeros((1, *spec.input_shape), np.float32), np.zeros((1, *spec.output_shape), np.float32)
    return Stepper(Network(spec, training.seed), training, x, y).kernels


if __name__ == "__main__":
    prepare_cache()
    if sys.argv[1:] == [head_start.FIRST]:
        for kernel in reversed(first_kernels() if has_disk_cache() else []):
            kernel.compile()
        sys.exit()
    by_title = {kernel.title: kernel for kernel in all_kernels()}
    for title in sys.argv[1:]:
        if title in by_title:
            by_title[title].compile()
