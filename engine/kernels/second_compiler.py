"""A second process that compiles the end of a list while this one compiles its start: they meet on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from engine.kernels import head_start, object_files
from engine.kernels.jit import Kernel

WORTH_IT = 4  # kernels left to compile
GLANCE = 0.02  # seconds


def compile_all(kernels: Sequence[Kernel], progress: Callable[[int, int], bool]) -> bool:
    """Makes all ready; `progress(done, all)` returns False to give up, and so does this function.

    A second process that has more to do goes on with it."""
    second = head_start.running() or (_started(kernels) if object_files.is_empty() else None)
    ready = False
    try:
        for number, kernel in enumerate(kernels):
            while True:
                if not progress(number, len(kernels)):
                    return False
                if second is None or not second.is_at(kernel.title):
                    break
                time.sleep(GLANCE)  # it is nearly there: all after this one is done
            compiled = kernel.compile()
            rest = kernels[number + 1 :]
            at_work = second is not None and second.poll() is None
            if compiled and not at_work and len(rest) >= WORTH_IT:
                second = _started(rest)
        ready = True
        return ready
    finally:
        if second is not None and not ready:
            second.terminate()
            second.wait()


def _started(kernels: Sequence[Kernel]) -> head_start.Compiler | None:
    titles = [kernel.title for kernel in reversed(kernels) if not kernel.ready]
    return head_start.compiler(titles) if object_files.folder() else None
