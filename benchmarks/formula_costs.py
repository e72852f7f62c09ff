"""Own formulas beside the built-in activations that they are: python benchmarks/formula_costs.py.

Forward and backward blocks as the training loop calls them, in turn; the best of many, in ns per number.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402

from benchmarks import activation_worker  # noqa: E402

PAIRS = (
    ("abs", "= abs(x)"),
    ("leaky_relu", "= max(0, x) + 0.01*min(0, x)"),
    ("silu", "= x*sigmoid(x)"),
    ("swish", "= x*sigmoid(a*x)"),
    ("tanh", "= tanh(x)"),
    ("elu", "= where(x > 0, x, exp(x) - 1)"),
)
SIZE, ROUNDS = 32 * 64, 400


def main() -> None:
    rng = np.random.default_rng(0)
    lines = [f"{'built-in':12}{'formula':32}{'ns':>8}{'ns':>8}{'times':>8}"]
    for pair in PAIRS:
        z, gradient = (rng.standard_normal(SIZE, dtype=np.float32) * 3 for _ in range(2))
        runs = [activation_worker.own(name, z, gradient) for name in pair]
        best = [np.inf, np.inf]
        for _ in range(ROUNDS):
            for which, run in enumerate(runs):
                began = time.perf_counter()
                run(20)
                best[which] = min(best[which], 1e9 * (time.perf_counter() - began) / (20 * SIZE))
        lines.append(f"{pair[0]:12}{pair[1]:32}{best[0]:8.2f}{best[1]:8.2f}{best[1] / best[0]:8.2f}")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
