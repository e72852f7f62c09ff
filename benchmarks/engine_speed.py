"""How fast the engine trains, beside the same training in plain numpy, interleaved in one run.

python benchmarks/engine_speed.py [seconds per workload]
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from engine.kernels.stepper import Stepper  # noqa: E402
from engine.layers import Dense  # noqa: E402
from engine.losses import LOSSES, encode_targets  # noqa: E402
from engine.network import Network  # noqa: E402
from engine.optimizers import SGD, Adam, Optimizer  # noqa: E402
from engine.spec import NetworkSpec, TrainingSpec  # noqa: E402

RELU = [Dense(width, "relu", "he_normal") for width in (256, 128)]
WORKLOADS: dict[str, tuple[int, NetworkSpec, Optimizer, int]] = {
    "W1 spiral 2-8-8-1": (
        250, NetworkSpec((2,), (Dense(8, "tanh"), Dense(8, "tanh"), Dense(1, "tanh"))), SGD(0.015), 10,
    ),
    "W2 digits 64-64-32-10": (
        1797, NetworkSpec((64,), (Dense(64, "relu"), Dense(32, "relu"), Dense(10)), "softmax_cross_entropy"),
        Adam(1e-3), 32,
    ),
    "W3 images 784-256-128-10": (
        12800, NetworkSpec((784,), (*RELU, Dense(10)), "softmax_cross_entropy"), Adam(1e-3), 128,
    ),
    "W6 20 hidden layers of 64": (
        1797, NetworkSpec((64,), (*[Dense(64, "relu") for _ in range(20)], Dense(10)), "softmax_cross_entropy"),
        SGD(0.01), 32,
    ),
}  # fmt: skip


class NumpyTraining:
    """The layers' numpy arithmetic in float32, one batch after the other."""

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, x: np.ndarray, targets: np.ndarray) -> None:
        self.network, self.training, self.x, self.targets = Network(spec, 1), training, x, targets
        self.slots = {name: np.zeros_like(self.network.vector) for name in training.optimizer.slots}
        self.step = 0

    def epoch(self) -> None:
        network, size = self.network, self.training.batch_size
        order = np.random.default_rng(self.step).permutation(len(self.x))
        for start in range(0, len(order) - size + 1, size):
            rows = order[start : start + size]
            _, gradients = network._gradients(self.x[rows], self.targets[rows])
            flat = np.concatenate([gradients[key].ravel() for key in network.slices]).astype(np.float32)
            self.step += 1
            network.vector[:], self.slots = self.training.optimizer.update(network.vector, flat, self.slots, self.step)


def rate(work: Callable[[], int], seconds: float) -> float:
    """Samples per second of `work`, repeated for so long."""
    samples, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < seconds:
        samples += work()
    return samples / elapsed


def measure(title: str, seconds: float) -> str:
    n, spec, optimizer, batch = WORKLOADS[title]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, *spec.input_shape)).astype(np.float32)
    outputs = spec.output_shape[0]
    task = "multiclass" if LOSSES.get(spec.loss).coupled else "binary"
    targets = encode_targets(spec.loss, rng.integers(0, max(2, outputs), n), task, outputs)
    training = TrainingSpec(optimizer, batch_size=batch, short_batch="drop")
    stepper = Stepper(Network(spec, 1), training, x, targets, task)
    plain = NumpyTraining(spec, training, x, targets)
    chunk = max(1, 20_000 // n)

    def compiled() -> int:
        before = stepper.samples_done
        stepper.advance(1 << 40, 1 << 40, stepper.epoch + chunk)
        return stepper.samples_done - before

    def numpy_epoch() -> int:
        plain.epoch()
        return n // batch * batch

    compiled()
    pairs = [(rate(compiled, seconds / 10), rate(numpy_epoch, seconds / 10)) for _ in range(5)]
    ratio = statistics.median(a / b for a, b in pairs)
    own = statistics.median(a for a, _ in pairs)
    flops = 6 * sum(int(np.prod(shape)) for _, shape in stepper.network.slices.values() if len(shape) == 2)
    return f"{title:28s} {own / 1e3:10.1f} k samples/s {own * flops / 1e9:7.1f} GFLOP/s {ratio:7.1f} x numpy"


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    for title in WORKLOADS:
        sys.stdout.write(measure(title, seconds) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
