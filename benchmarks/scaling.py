"""Time per step against width, depth, batch and samples, beside the sgemm limit.

    python benchmarks/scaling.py [--quick]

Writes docs/pictures/scaling-*.png and a section of docs/performance.md; --quick measures a few points, writes nothing.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402

import engine  # noqa: E402
from benchmarks import page  # noqa: E402
from benchmarks.engines import ENGINES, LIMIT, Field, progress  # noqa: E402
from benchmarks.flops import per_sample  # noqa: E402
from benchmarks.workloads import clouds  # noqa: E402
from engine.files.figures import Figure, Line, Panel, Points, export_figure  # noqa: E402
from engine.layers import Dense  # noqa: E402
from engine.spec import NetworkSpec, TrainingSpec  # noqa: E402

INPUTS, CLASSES, WIDTH, BATCH, STEPS = 64, 10, 64, 32, 40
PICTURES = page.PAGE.parent / "pictures"


@dataclasses.dataclass(frozen=True)
class Case:
    """A network of `depth` hidden layers of `width`."""

    width: int = WIDTH
    depth: int = 2
    batch: int = BATCH
    samples: int = 0  # 0: as many as make some steps

    @property
    def spec(self) -> NetworkSpec:
        hidden = [Dense(self.width, "relu") for _ in range(self.depth)]
        return NetworkSpec((INPUTS,), (*hidden, Dense(CLASSES)), "softmax_cross_entropy")

    @property
    def rows(self) -> int:
        return self.samples or STEPS * self.batch


@dataclasses.dataclass(frozen=True)
class Sweep:
    name: str
    label: str
    values: Sequence[int]
    case: Callable[[int], Case]


SWEEPS = (
    Sweep("width", "units in each of two hidden layers", [8 << i for i in range(9)], lambda v: Case(width=v)),
    Sweep("depth", "hidden layers of 64 units", [1, 2, 3, 5, 8, 12, 20, 30, 50], lambda v: Case(depth=v)),
    Sweep("batch", "samples in a batch", [1 << i for i in range(11)], lambda v: Case(batch=v)),
    Sweep("samples", "samples in the data set", [100, 1000, 10_000, 100_000, 1_000_000], lambda v: Case(samples=v)),
)


def seconds_per_step(field: Field, case: Case, folder: Path, rounds: int) -> float:
    """The median of some turns."""
    x, y = clouds(case.rows, (INPUTS,), CLASSES)
    paths = {"x": folder / "x.npy", "y": folder / "y.npy"}
    np.save(paths["x"], x)
    np.save(paths["y"], y)
    training = TrainingSpec(engine.Adam(), case.batch, seed=7, short_batch="drop")
    request = {
        "spec": case.spec.to_dict(), "training": training.to_dict(), "min_s": 0.3,
        **{name: str(path) for name, path in paths.items()},
    }  # fmt: skip
    answers = [field.worker(ENGINES[0], 1).ask(request) for _ in range(rounds)]
    return statistics.median(case.batch * answer["secs"] / answer["samples"] for answer in answers)


def figure(sweep: Sweep, values: np.ndarray, measured: np.ndarray, limit: np.ndarray) -> Figure:
    marks = (
        Line(values, measured, "Relume, 1 thread", "accent"), Points(values, measured, color="accent"),
        Line(values, limit, "limit: matrix products at the speed of sgemm", "ink 3", dashed=True),
    )  # fmt: skip
    panel = Panel(marks, "", sweep.label, "microseconds per step", x_log=True, y_log=True)
    return Figure(f"Time per step against {sweep.name}", (panel,))


def measure(field: Field, folder: Path, quick: bool) -> str:
    """Draws the pictures; returns the section of the page."""
    rounds = 1 if quick else 3
    flops = max(field.worker(LIMIT, 1).ask({"size": size, "min_s": 1.0})["flops_per_s"] for size in (512, 1024))
    rows, pictures = [], []
    for sweep in SWEEPS:
        values = np.array(sweep.values[:: 4 if quick else 1])
        measured, limit = [], []
        for value in values:
            case = sweep.case(int(value))
            progress(f"{sweep.name} {value}")
            measured.append(1e6 * seconds_per_step(field, case, folder, rounds))
            limit.append(1e6 * case.batch * per_sample(case.spec) / flops)
            rows.append(
                [
                    f"{sweep.name} {value:,}",
                    f"{measured[-1]:.4g}",
                    f"{limit[-1]:.4g}",
                    page.percent(limit[-1] / measured[-1]),
                ]
            )
        picture = f"scaling-{sweep.name}.png"
        pictures.append(f"![Time per step against {sweep.name}](pictures/{picture})")
        if not quick:
            drawn = figure(sweep, values.astype(float), np.array(measured), np.array(limit))
            export_figure(drawn, PICTURES / picture)
    words = (
        f"Time per step of a network of {INPUTS} inputs, two hidden layers of {WIDTH} relu units and {CLASSES} "
        f"classes, Adam, batch {BATCH}, one thread, where one thing at a time is changed; whole epochs, medians of {rounds} "
        f"turns. The limit is the same matrix products at the best sgemm rate seen ({flops / 1e9:.0f} GFLOP/s). "
        f"{page.machine('python benchmarks/scaling.py')}"
    )
    heads = ["", "microseconds per step", "limit", "share"]
    return "\n\n".join(["## Scaling", words, *pictures, page.table(heads, rows)])


def main() -> None:
    parser = argparse.ArgumentParser(description="Time per step against width, depth, batch and samples.")
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    try:
        with Field((1,)) as field, tempfile.TemporaryDirectory(prefix="relume-scaling-") as folder:
            text = measure(field, Path(folder), quick)
    except KeyboardInterrupt:
        progress("Stopped.")
        raise SystemExit(130) from None
    sys.stdout.write(text + "\n")
    if not quick:
        page.write("scaling", text)


if __name__ == "__main__":
    main()
