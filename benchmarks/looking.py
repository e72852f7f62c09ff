"""What the trainer's own looking costs: unit statistics at milestones and on their budget, snapshots, commands.

    python benchmarks/looking.py [seconds per turn] [--only W2,W6]

Each workload is trained in turns by a Trainer, which nobody watches, and by its bare Run; the share is the Trainer's
speed over the Run's.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import engine  # noqa: E402
from benchmarks.page import number, percent, table  # noqa: E402
from benchmarks.worker import ENDLESS, dataset  # noqa: E402
from benchmarks.workloads import WORKLOADS  # noqa: E402
from engine.data.dataset import Dataset  # noqa: E402
from engine.run import Run  # noqa: E402
from engine.spec import NetworkSpec, TrainingSpec  # noqa: E402

TURNS = 5


def watched(spec: NetworkSpec, training: TrainingSpec, data: Dataset) -> float:
    trainer = engine.Trainer(spec, training, data)
    trainer.step(0)
    began = time.perf_counter()
    trainer.run()
    rate = trainer._run.stepper.samples_done / (time.perf_counter() - began)
    trainer.close()
    return rate


def bare(spec: NetworkSpec, training: TrainingSpec, data: Dataset) -> float:
    run = Run(spec, training, data)
    run.prepare(lambda done, all: True)
    began = time.perf_counter()
    while not run.reached_target():
        run.advance(ENDLESS, None, lambda: False)
    return run.stepper.samples_done / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description="What looking costs.")
    parser.add_argument("seconds", nargs="?", type=float, default=1.0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    wanted = tuple(options.only.split(","))
    rows = []
    for workload in WORKLOADS.values():
        if not workload.name.startswith(wanted):
            continue
        training = dataclasses.replace(workload.training, epochs=ENDLESS, time_limit=options.seconds)
        arguments = workload.spec, training, dataset(workload.spec, *workload.data(workload.brief))
        pairs = [(watched(*arguments), bare(*arguments)) for _ in range(TURNS)]
        share = statistics.median(a / b for a, b in pairs)
        medians = [number(statistics.median(rates)) for rates in zip(*pairs, strict=True)]
        rows.append([workload.name, *medians, percent(share)])
    sys.stdout.write(table(["samples per second", "Trainer", "its Run", "share"], rows) + "\n")


if __name__ == "__main__":
    main()
