"""Trains what it is asked to, as the product does, and tells how fast: JSON lines, so that anything can ask.

    python benchmarks/worker.py [--threads 1|2]

Requests {"w": "W1_tanh" ... "W6_sigm", "min_s": seconds, "x": path.npy, "y": path.npy} (x and y may be left out), or
{"spec": {...}, "training": {...}, "x": ..., "y": ..., "min_s": ...} with the plain data of NetworkSpec and
TrainingSpec. x: flat or shaped features; y: int64 classes or float32 targets. One answer a line:
{"samples": n, "secs": s, "loss": mean training loss of the last epoch, "setup_s": all before the first timed epoch}
or {"error": words}. Whole epochs, at least min_s; a fresh network each time; kernels stay compiled.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402

import engine  # noqa: E402
from benchmarks.protocol import Answer, Request, load, seconds_of, serve  # noqa: E402
from benchmarks.workloads import WORKLOADS  # noqa: E402
from engine.data.dataset import Dataset  # noqa: E402
from engine.kernels.threads import set_threads  # noqa: E402
from engine.spec import NetworkSpec, TrainingSpec  # noqa: E402

ENDLESS = 10**9
SHORTEST = 1e-9  # a time limit must be above 0


def dataset(spec: NetworkSpec, x: np.ndarray, y: np.ndarray) -> Dataset:
    """All samples for training; the task follows from y and the number of outputs."""
    x = x.reshape(len(x), *spec.input_shape)
    task, names, outputs = "regression", (), spec.output_shape[-1]
    if y.dtype.kind != "f":
        task = "binary" if outputs == 1 else "multiclass"
        names = tuple(str(number) for number in range(max(2, outputs)))
    return Dataset(x, y, x[:0], y[:0], task=task, class_names=names)


@functools.lru_cache(maxsize=1)
def made(name: str) -> tuple[np.ndarray, np.ndarray]:
    return WORKLOADS[name].data()


def design(request: Request) -> tuple[NetworkSpec, TrainingSpec, Dataset]:
    """What the request asks to train."""
    name = request.get("w")
    if name is None:
        spec, training = NetworkSpec.from_dict(request["spec"]), TrainingSpec.from_dict(request["training"])
    elif name in WORKLOADS:
        spec, training = WORKLOADS[name].spec, WORKLOADS[name].training
    else:
        raise ValueError(f"There is no workload {name!r}. There are {', '.join(WORKLOADS)}.")
    if name is None or "x" in request or "y" in request:
        return spec, training, dataset(spec, load(request["x"]), load(request["y"]))
    return spec, training, dataset(spec, *made(name))


def train(request: Request) -> Answer:
    started, seconds = time.perf_counter(), seconds_of(request)
    spec, training, data = design(request)
    training = dataclasses.replace(training, epochs=ENDLESS, target_loss=None, time_limit=max(seconds, SHORTEST))
    trainer = engine.Trainer(spec, training, data)
    try:
        trainer.step(0)  # compiles, and measures the loss before training
        stepper = trainer._run.stepper
        began = time.perf_counter()
        trainer.run()
        if stepper.batch or not stepper.at_batch_boundary:
            trainer.step_epoch()
        taken = time.perf_counter() - began
        if trainer.error is not None:
            raise trainer.error
        loss = float(trainer.history.column("train_loss")[-1])
    finally:
        trainer.close()
    return {"samples": stepper.samples_done, "secs": taken, "loss": loss, "setup_s": began - started}


def main() -> None:
    parser = argparse.ArgumentParser(description="Trains on request: JSON lines in, JSON lines out.")
    parser.add_argument("--threads", type=int, choices=(1, 2), default=1)
    set_threads(parser.parse_args().threads)
    serve(train)


if __name__ == "__main__":
    main()
