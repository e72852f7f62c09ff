"""Everything that the engine can compile, so that no run has to wait for it.

`python -m engine.warm_up TITLE ...` compiles the kernels of these titles onto the disk; `--first` in their place
those of the first network, the last ones first, and then those that it needs once its numbers are large.
"""

from __future__ import annotations

import sys

import numpy as np

from engine.default_network import first_design
from engine.kernels import blocks, guidance, head_start, loops, object_files, threads, updates
from engine.kernels.jit import Kernel
from engine.kernels.stepper import Stepper
from engine.network import Network
from engine.optimizers import OPTIMIZERS, SGD, Optimizer, RMSprop
from engine.schedules import SCHEDULES, Schedule


def all_kernels() -> list[Kernel]:
    """The kernels of every layer, activation, loss, metric and optimizer, each once."""
    kernels = [kernel for name in blocks.names() for kernel in blocks.find(name).kernels()]
    variants: list[Optimizer] = [record.cls() for record in OPTIMIZERS]
    variants += [SGD(momentum=0.9), SGD(momentum=0.9, nesterov=True), RMSprop(momentum=0.9)]
    kernels += [updates.optimizer_kernel(optimizer) for optimizer in variants]
    kernels += [guidance.rate_kernel(record.cls()) for record in SCHEDULES]
    kernels.append(guidance.rate_kernel(Schedule()))
    return list(dict.fromkeys([*kernels, *loops.EVERY, *guidance.EVERY, threads.SERVE]))


def first_kernels() -> list[Kernel]:
    """The kernels of the network that a new window holds."""
    spec, training = first_design()
    x, y = np.zeros((1, *spec.input_shape), np.float32), np.zeros((1, *spec.output_shape), np.float32)
    return Stepper(Network(spec, training.seed), training, x, y).kernels


def asked_for(titles: list[str]) -> list[Kernel]:
    """The kernels of these titles, or those of the first network."""
    if titles == [head_start.FIRST]:
        return [*first_kernels()[::-1], *loops.OF_STEP.values()] if object_files.folder() else []
    by_title = {kernel.title: kernel for kernel in all_kernels()}
    return [by_title[title] for title in titles if title in by_title]


if __name__ == "__main__":
    for asked in asked_for(sys.argv[1:]):
        sys.stdout.write(f"{asked.title}\n")
        sys.stdout.flush()  # who waits for it listens
        asked.compile()
