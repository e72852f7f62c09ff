"""What other programs on the desktop cost: training with 1 and 2 threads, alone and beside processes that are busy.

    python benchmarks/busy_desktop.py [seconds per turn] [--only W3,W4] [--busy 2] [--turns 5]

The ways take turns. Nothing spins for long: a thread that is late finds its lane taken by the other. Two threads beside
busy processes must not fall below a third of one thread there.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.looking import bare  # noqa: E402
from benchmarks.page import number, table, times  # noqa: E402
from benchmarks.worker import ENDLESS, dataset, set_threads  # noqa: E402
from benchmarks.workloads import WORKLOADS  # noqa: E402

WAYS = ((1, False), (2, False), (1, True), (2, True))  # threads, beside busy processes
LEAST = 1 / 3


class Beside:
    """So many processes that compute and nothing else."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __enter__(self) -> None:
        self._busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(self._count)]

    def __exit__(self, *_: object) -> None:
        for process in self._busy:
            process.kill()
        for process in self._busy:
            process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description="What busy processes beside the training cost.")
    parser.add_argument("seconds", nargs="?", type=float, default=1.0)
    parser.add_argument("--only", default="W3,W4")
    parser.add_argument("--busy", type=int, default=2)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    rows, slow = [], []
    for workload in WORKLOADS.values():
        if not workload.name.startswith(tuple(options.only.split(","))):
            continue
        training = dataclasses.replace(workload.training, epochs=ENDLESS, time_limit=options.seconds)
        arguments = workload.spec, training, dataset(workload.spec, *workload.data(workload.brief))
        bare(*arguments)  # compiles
        rates: dict[tuple[int, bool], list[float]] = {way: [] for way in WAYS}
        for _ in range(options.turns):
            for threads, busy in WAYS:
                set_threads(threads)
                with Beside(options.busy if busy else 0):
                    rates[threads, busy].append(bare(*arguments))
        alone, beside = (
            statistics.median(two / one for one, two in zip(rates[1, busy], rates[2, busy], strict=True))
            for busy in (False, True)
        )
        medians = [number(statistics.median(rates[way])) for way in WAYS]
        rows.append([workload.name, *medians[:2], times(alone), *medians[2:], times(beside)])
        if beside < LEAST:
            slow.append(workload.name)
    head = ["samples per second", "1 thread", "2 threads", "2 over 1", "1, beside", "2, beside", "2 over 1, beside"]
    sys.stdout.write(table(head, rows) + f"\n{os.cpu_count()} processors, {options.busy} busy processes beside.\n")
    if slow:
        sys.exit(f"Two threads beside busy processes are over three times slower than one: {', '.join(slow)}.")


if __name__ == "__main__":
    main()
