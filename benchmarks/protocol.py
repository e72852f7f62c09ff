"""JSON lines: one request a line in, one answer a line out. What the worker and every peer speak.

A request says what to train: `spec` and `training` as plain data, `x` and `y` as .npy files, `min_s` seconds.
The answer is {"samples", "secs", "loss", "setup_s"} or {"error": "..."}; after an error the next request is served.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

Request = Mapping[str, Any]
Answer = dict[str, Any]


def serve(answer: Callable[[Request], Answer]) -> None:
    """Answers the lines of standard input until it ends; whatever else is printed goes to standard error."""
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        if line.strip():
            out.write(_answered(answer, line) + "\n")
            out.flush()


def _answered(answer: Callable[[Request], Answer], line: str) -> str:
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise ValueError("A request is an object.")
        return json.dumps(answer(request), allow_nan=False)
    except Exception as error:  # noqa: BLE001  one bad request must not end the others
        return json.dumps({"error": f"{type(error).__name__}: {error}"})


def seconds_of(request: Request) -> float:
    """How long to train at least."""
    value = request.get("min_s", 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError(f"min_s must be seconds from 0, not {value!r}.")
    return float(value)


def load(path: Any) -> np.ndarray:
    """The array of a .npy file, read from the disk where it is used."""
    if not isinstance(path, str):
        raise ValueError(f"x and y are paths of .npy files, not {path!r}.")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.ndarray) or not array.ndim or array.dtype.kind not in "fiub":
        raise ValueError(f"{path} holds no array of numbers.")
    return array


def load_pair(request: Request, input_shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """x as float32 (n, *input_shape), y as int64 (n,) or float32 (n, outputs)."""
    x, y = load(request["x"]), load(request["y"])
    x = np.asarray(x, dtype=np.float32).reshape(len(x), *input_shape)
    if y.dtype.kind == "f":
        return x, np.asarray(y, dtype=np.float32).reshape(len(y), -1)
    return x, np.asarray(y, dtype=np.int64)


def timed_epochs(epoch: Callable[[], tuple[int, float]], seconds: float, started: float) -> Answer:
    """Calls `epoch`, which gives its samples and mean loss, for so long; `started`: when the request came in."""
    samples, began = 0, time.perf_counter()
    while True:
        count, loss = epoch()
        samples += count
        taken = time.perf_counter() - began
        if taken >= seconds:
            return {"samples": samples, "secs": taken, "loss": loss, "setup_s": began - started}
