"""What an operation calls: a block, its compiled kernels, and the memory that it wants."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.kernels.jit import Kernel, bound

SIGNATURE = "void(int64,int64,int64)"  # operation, rows, moment
Plan = Callable[[tuple[int, ...], int], np.ndarray]


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """Kernels of an operation; backward and commit may be missing.

    Args:
        commit: called once the step is taken.
        shared: a kernel that forward and backward call through the operation where there is no product.
        product: what forward and backward call through the operation.
        whole_batch: needs all rows of a batch at once.
        in_place: backward turns the gradient of the output (GY) into that of the input where it lies.
        scratch: (inputs, outputs, geometry, rows) -> float32 numbers of working memory.
        plan: (geometry, rows) -> words that the kernels read.
    """

    forward: Kernel
    backward: Kernel | None = None
    commit: Kernel | None = None
    product: Kernel | None = None
    shared: Kernel | None = None
    in_place: bool = False
    whole_batch: bool = False
    scratch: Callable[[int, int, tuple[int, ...], int], int] | None = None
    plan: Plan | None = None

    def kernels(self) -> list[Kernel]:
        return [
            kernel
            for kernel in (self.product, self.shared, self.forward, self.backward, self.commit)
            if kernel is not None
        ]


def block_kernel(title: str, function: Callable[..., Any], /, **names: Any) -> Kernel:
    """`names` are made when the kernel is: values are functions without arguments."""
    label = "".join(c if c.isalnum() else "_" for c in title)

    def make() -> Callable[..., Any]:
        return bound(function, label, **{name: value() for name, value in names.items()})

    return Kernel(title, make, SIGNATURE)
