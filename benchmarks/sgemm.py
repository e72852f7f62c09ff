"""How fast this machine multiplies matrices: requests {"size": n, "min_s": s}, answers {"flops_per_s": mean}.

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
    seconds, count, began = seconds_of(request), 0, time.perf_counter()
    while count == 0 or time.perf_counter() - began < seconds:
        np.matmul(a, b, out=c)
        count += 1
    return {"flops_per_s": 2 * size**3 * count / (time.perf_counter() - began)}


if __name__ == "__main__":
    serve(measure)
