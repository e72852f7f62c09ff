"""Times one activation, forward and derivative: python benchmarks/activation_worker.py own|numpy|torch.

Requests {"name": activation, "size": floats, "min_s": seconds}, answers {"ns": per element}. Each way does what a
training step does: a = f(z), then the gradient of z from the gradient of a; one thread, memory made before.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402

from benchmarks.protocol import Answer, Request, seconds_of, serve  # noqa: E402
from engine import activations  # noqa: E402

UNITS = 64
Repeat = Callable[[int], None]  # so many times


def own(name: str, z: np.ndarray, gradient: np.ndarray) -> Repeat:
    """The compiled blocks, called as the training loop calls them: by address, from compiled code."""
    from engine.kernels import blocks, layout as at
    from engine.kernels.jit import Loop
    from engine.kernels.memory import call

    record = activations.get(name)
    block = blocks.find(f"activation {name}" if record.steps is None else "own formula")
    assert block.backward is not None
    # Backward works in place: zeros stay zeros, where other gradients would shrink to slow denormals.
    kept = {at.X: z, at.Y: np.empty_like(z), at.GY: np.zeros_like(gradient)}
    fixed = [option.default for option in record.options if not option.learned]
    if record.steps is not None:
        code, fixed = record.steps[0], list(record.steps[1])
        assert block.shared is not None and block.scratch is not None
        kept[at.GEOMETRY] = np.array(code, dtype=np.int64)
        kept[at.WORK] = np.zeros(block.scratch(UNITS, UNITS, code, len(z) // UNITS), dtype=np.float32)
    kept[at.CONSTANTS] = np.array(fixed or [0.0], dtype=np.float32)
    for word, option in enumerate(record.learned):
        kept[at.P0 + word] = np.full(UNITS, option.default, dtype=np.float32)
        kept[at.G0 + word] = np.zeros(UNITS, dtype=np.float32)
    operation = np.zeros(at.WORDS, dtype=np.int64)
    operation[at.INPUTS] = operation[at.OUTPUTS] = operation[at.UNITS] = UNITS
    moment = np.zeros(at.LANE_WORDS, dtype=np.int64)
    moment[at.FRESH] = 1
    for word, array in kept.items():
        operation[word] = array.ctypes.data
    operation[at.PRODUCT] = block.shared.address if block.shared else 0
    addresses = block.forward.address, block.backward.address
    rows = len(z) // UNITS

    def repeat(forward: int, backward: int, row: int, rows: int, now: int, times: int) -> None:
        for _ in range(times):
            call(forward, row, rows, now)
            call(backward, row, rows, now)

    loop = Loop("repetition", lambda: repeat, 6)

    def run(times: int) -> None:
        assert kept  # the memory behind the addresses
        loop(*addresses, operation.ctypes.data, rows, moment.ctypes.data, times)

    return run


def plain(name: str, z: np.ndarray, gradient: np.ndarray) -> Repeat:
    """The record's formulas in numpy."""
    record = activations.get(name)
    values = [np.float32(value) for value in record.values()]

    def run(times: int) -> None:
        with np.errstate(all="ignore"):
            for _ in range(times):
                a = record.function(z, *values)
                gradient * record.slope(z, a, *values)

    return run


def torch(name: str, z: np.ndarray, gradient: np.ndarray) -> Repeat:
    """PyTorch's function and the derivative that its autograd would call, without autograd."""
    from benchmarks.peers.torch_activations import pair

    return pair(name, z, gradient)


WAYS = {"own": own, "numpy": plain, "torch": torch}


def main() -> None:
    way = WAYS[sys.argv[1]]

    def measure(request: Request) -> Answer:
        size, rng = int(request["size"]) // UNITS * UNITS, np.random.default_rng(0)
        z, gradient = (rng.standard_normal(size, dtype=np.float32) * 3 for _ in range(2))
        run = way(request["name"], z, gradient)
        run(1)
        times, best, seconds = max(1, (1 << 18) // size), float("inf"), seconds_of(request)
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            started = time.perf_counter()
            run(times)
            best = min(best, (time.perf_counter() - started) / times)
        return {"ns": 1e9 * best / size}

    serve(measure)


if __name__ == "__main__":
    main()
