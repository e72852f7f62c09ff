"""MNIST and Fashion-MNIST whole, from local IDX files, beside what the books promise.

    python -m benchmarks.real_runs [MNIST_FOLDER [FASHION_FOLDER]] [--threads 2] [--only conv]

A folder holds the four files, packed or not; without any they are the sets that were fetched. Writes a section of
docs/results.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from pathlib import Path

from benchmarks import page
from benchmarks.engines import progress
from benchmarks.results_page import write
from engine import DataSpec, Trainer, TrainingSpec
from engine.data.dataset import Dataset
from engine.data.fetch import REMOTE, folder_of
from engine.data.spec import OWN_TABLE
from engine.datasets import load_spec, open_own
from engine.kernels.threads import set_threads
from engine.layers import Conv2D, Dense, Dropout, Flatten, Layer, MaxPool2D
from engine.optimizers import Adam
from engine.spec import NetworkSpec


@dataclasses.dataclass(frozen=True)
class RealRun:
    """A network on a whole data set, and the test accuracy that it must reach."""

    name: str
    data: str
    title: str
    layers: tuple[Layer, ...]
    parameters: int
    epochs: int
    batch: int
    least: float
    published: str


RUNS = (
    RealRun(
        "dense", "mnist", "784-512-512-10", (Flatten(), Dense(512, "relu"), Dense(512, "relu"), Dense(10)),
        669_706, 20, 128, 0.981, "98.40 % (Keras)",
    ),
    RealRun(
        "conv", "mnist", "conv32-pool-conv64-pool-dropout-dense10",
        (Conv2D(32, 3, activation="relu"), MaxPool2D(2), Conv2D(64, 3, activation="relu"), MaxPool2D(2), Flatten(),
         Dropout(0.5), Dense(10)),
        34_826, 12, 128, 0.989, "99.22 % (Keras)",
    ),
    RealRun(
        "fashion", "fashion", "784-256-128-100-10",
        (Flatten(), Dense(256, "relu"), Dense(128, "relu"), Dense(100, "relu"), Dense(10)),
        247_766, 15, 128, 0.88, "88 % (gate)",
    ),
)  # fmt: skip


def loaded(folder: Path) -> Dataset:
    images = sorted(folder.glob("train-images*"))
    if not images:
        sys.exit(f"There is no train-images file in {folder}.")
    return load_spec(DataSpec(OWN_TABLE, table=open_own(images[0])))


def trained(run: RealRun, data: Dataset) -> tuple[float, float, float]:
    """(test accuracy, seconds of training, seconds in all)"""
    spec = NetworkSpec(data.x_train.shape[1:], run.layers, "softmax_cross_entropy")
    assert spec.parameter_count() == run.parameters, spec.parameter_count()
    began = time.perf_counter()
    trainer = Trainer(spec, TrainingSpec(Adam(1e-3), batch_size=run.batch, epochs=run.epochs, seed=1), data)
    history = trainer.run()
    return float(history.column("test_metric")[-1]), trainer.snapshot().seconds, time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path, help="the folder of MNIST, then that of Fashion-MNIST")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=[run.name for run in RUNS])
    arguments = parser.parse_args()
    fetched = [folder_of(REMOTE.get(name)) for name in ("mnist", "fashion_mnist")]
    folders = dict(zip(("mnist", "fashion"), arguments.folders or fetched, strict=False))
    set_threads(arguments.threads)
    rows, short = [], 0
    for run in RUNS:
        if run.data not in folders or arguments.only not in (None, run.name):
            continue
        accuracy, seconds, everything = trained(run, loaded(folders[run.data]))
        short += accuracy < run.least
        rows.append([
            {"mnist": "MNIST", "fashion": "Fashion-MNIST"}[run.data], run.title, f"{run.parameters:,}", str(run.epochs),
            run.published, f"{100 * run.least:.1f} %", f"**{100 * accuracy:.2f} %**", f"{seconds:.0f} s",
            f"{everything:.0f} s",
        ])  # fmt: skip
        progress(f"{run.name}: {100 * accuracy:.2f} % in {seconds:.0f} s")
    heads = ["data", "network", "parameters", "epochs", "published", "at least", "measured", "training", "in all"]
    command = f"python -m benchmarks.real_runs MNIST_FOLDER FASHION_FOLDER --threads {arguments.threads}"
    text = (
        f"{page.machine(command)}\n\nAdam 1e-3, batches of 128, float32, seed 1; the whole 60,000 images for training, "
        f'10,000 for testing. "In all" counts compiling, and measuring after every epoch.\n\n{page.table(heads, rows)}'
    )
    if arguments.only is None and len(rows) == len(RUNS):
        write("real runs", text)
    progress(text)
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main())
