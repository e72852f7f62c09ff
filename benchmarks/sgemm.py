"""How fast this machine multiplies matrices: requests {"size": n, "min_s": s}, answers {"flops_per_s": best}.

python benchmarks/sgemm.py --threads N, with OPENBLAS_NUM_THREADS=N set before.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402

from benchmarks.protocol import Answer, Request, seconds_of, serve  # noqa: E402


def measure(request: Request) -> Answer:
    size, rng = int(request["size"]), np.random.default_rng(0)
    a, b = (rng.standard_normal((size, size), dtype=np.float32) for _ in range(2))
    c = a @ b
    best, began = float("inf"), time.perf_counter()
    while time.perf_counter() - began < seconds_of(request):
        started = time.perf_counter()
        np.matmul(a, b, out=c)
        best = min(best, time.perf_counter() - started)
    return {"flops_per_s": 2 * size**3 / best}


if __name__ == "__main__":
    serve(measure)
