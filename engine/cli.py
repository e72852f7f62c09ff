"""The command line without a window: train, datasets, warm-up."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from engine.errors import RelumeError

if TYPE_CHECKING:
    from engine.jobs import Job
    from engine.telemetry import Snapshot
    from engine.trainer import Trainer

BAD_INPUT, DIVERGED, INTERRUPTED = 2, 1, 130
RESULTS = Path("relume-results")
SHOWN = "spiral"

app = typer.Typer(
    name="relume",
    help="A laboratory for neural networks. Without a word it opens the window.",
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def run(words: list[str]) -> int:
    """Runs one command; returns its exit code."""
    try:
        app(args=words, prog_name="python main.py")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


def run_without_screen(words: list[str]) -> int:
    """What the door does where no window can be shown: trains the file it was given, or the built-in spiral."""
    does = "Training this file" if words else "Training the built-in example"
    out.print(f"No screen was found, so there is no window. {does} instead:", soft_wrap=True)
    out.print(f"  python main.py train {escape(words[0] if words else SHOWN)}\n", soft_wrap=True)
    return run(["train", *(words or [SHOWN])])


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Bad input is told in words, with exit code 2."""
    try:
        yield
    except RelumeError as error:
        err.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
        raise typer.Exit(BAD_INPUT) from None


@app.command()
def train(
    what: Annotated[str, typer.Argument(metavar="EXAMPLE|PROJECT|DATASET|CSV|IDX", help="What to train.")],
    epochs: Annotated[int | None, typer.Option(min=0, help="How many epochs.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Draws the first weights and the order of samples.")] = None,
    folder: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where the results go.")] = None,
    labels: Annotated[str | None, typer.Option(metavar="FILE", help="Labels of an IDX file of images.")] = None,
) -> None:
    """Train without a window; writes weights.npz, history.csv and plots/."""
    with _told():
        from engine.jobs import find_job
        from engine.report import write_results

        job = find_job(what, epochs, seed, labels)
        folder = RESULTS / job.name if folder is None else folder
        _claim(folder)
        _introduce(job)
        try:
            finished = _watch(job)
            with out.status("Writing weights, history and plots"):
                snapshot = write_results(job.trainer, folder)
        finally:
            job.trainer.close()
        _tell_result(snapshot, job.trainer)
        out.print(f"Weights, history and plots: {escape(str(folder))}", soft_wrap=True)
        if job.trainer.error is not None:
            err.print(f"[bold red]Diverged:[/] {escape(str(job.trainer.error))}", soft_wrap=True)
            raise typer.Exit(DIVERGED)
        if not finished:
            raise typer.Exit(INTERRUPTED)


def _claim(folder: Path) -> None:
    """Makes the folder before the work, so that a bad one is told before the training."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RelumeError(f"The folder cannot be made: {reason}.", str(folder), "Choose another --out.") from None


def _introduce(job: Job) -> None:
    from engine.diagnosis import check_design
    from engine.fields import name_of

    spec, data = job.trainer.spec, job.trainer.data
    widths = " - ".join(str(math.prod(shape)) for shape in (spec.input_shape, *spec.shapes()))
    out.print(f"[bold]{escape(data.title)}[/]: {len(data.x_train)} training samples, {len(data.x_test)} for testing")
    optimizer = job.trainer.training.optimizer.kind
    out.print(f"Network {widths}: {spec.parameter_count():,} parameters, {name_of(spec.loss)}, {optimizer}")
    for note in data.notes:
        out.print(escape(note))
    for finding in check_design(spec, data):
        out.print(f"[yellow]Note:[/] {escape(finding.title)}. {escape(finding.cause)}")


def _watch(job: Job) -> bool:
    """Trains with a progress bar; False when Ctrl-C ended it. What is done is kept either way."""
    trainer = job.trainer
    columns = (
        TextColumn("{task.description}"),
        BarColumn(16),
        TextColumn("{task.fields[words]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=out) as progress:
        task = progress.add_task("Preparing kernels", total=None, words="")
        try:
            trainer.start()
            while not trainer.wait(0.1):
                _show(progress, task, job, trainer.mailbox.take())
        except KeyboardInterrupt:
            trainer.pause()
            progress.update(task, description="Stopped")
            return False
        _show(progress, task, job, trainer.snapshot())
        progress.update(task, description="Trained" if trainer.error is None else "Diverged")
    return True


def _show(progress: Progress, task: TaskID, job: Job, snapshot: Snapshot | None) -> None:
    if snapshot is None:
        return
    if snapshot.preparing is not None:
        done, total = snapshot.preparing
        progress.update(task, completed=done, total=total, words=f"{done} of {total}")
        return
    words = f"epoch {snapshot.epoch} of {job.until}, loss {snapshot.train_loss:.4g}, "
    words += _metric(job.trainer, snapshot.train_metric)
    progress.update(task, description="Training", completed=snapshot.epoch, total=job.until or 1, words=words)


def _metric(trainer: Trainer, value: float) -> str:
    if trainer.data.task == "regression":
        return f"R² {value:.3f}"
    return f"accuracy {100 * value:.1f} %"


def _tell_result(snapshot: Snapshot, trainer: Trainer) -> None:
    from engine.report import dead_words
    from engine.target_error import target_error

    tested = math.isfinite(snapshot.test_loss)
    loss, metric = (
        (snapshot.test_loss, snapshot.test_metric) if tested else (snapshot.train_loss, snapshot.train_metric)
    )
    out.print(
        f"[bold]{'Test' if tested else 'Training'} loss {loss:.4g}, {_metric(trainer, metric)}[/] "
        f"after {snapshot.epoch:,} epochs in {snapshot.seconds:.2f} s of training"
    )
    if snapshot.ended:
        out.print(f"Finished: {snapshot.ended}")
    error = target_error(snapshot.spec.loss, trainer.data)
    if error is not None:
        value = float(error.of("test" if tested else "train", loss, metric))
        out.print(f"{error.name} {value:.4g}, {escape(error.unit)}")
    units = [
        f"{dead_words(layer.dead)} in layer {part.number}"
        for part, layer in zip(snapshot.spec.parts[:-1], snapshot.layers, strict=False)
        if layer.dead.size
    ]
    if units:
        out.print(f"Neurons: {', '.join(units)}")


@app.command()
def datasets() -> None:
    """List what there is to learn."""
    from engine.datasets import DATASETS, REMOTE, DataSpec, is_fetched, load_spec, switch
    from engine.examples import EXAMPLES

    with _told():
        table = Table(box=SIMPLE_HEAD, caption_justify="left", pad_edge=False, padding=(0, 2, 0, 0))
        table.caption = "Made sets have as many samples as asked for, 500 by default."
        table.add_column("name", no_wrap=True, style="bold")
        table.add_column("task", no_wrap=True)
        for name in ("samples", "inputs", "classes"):
            table.add_column(name, no_wrap=True, justify="right")
        table.add_column("what it shows")
        for record in DATASETS:
            data = load_spec(switch(DataSpec(), record.name))
            samples = "made" if record.has_samples else f"{len(data.x_train) + len(data.x_test):,}"
            ends = sorted({str(record.classes[0]), str(record.classes[-1])}) if record.classes else ["-"]
            inputs = str(math.prod(data.x_train.shape[1:]))
            table.add_row(record.name, record.task, samples, inputs, " to ".join(ends), record.line)
        out.print(table)
        for remote in REMOTE:
            wanted = f"{remote.packed / 1e6:.0f} MB: python main.py fetch {remote.name}"
            state = "fetched" if is_fetched(remote) else wanted
            out.print(f"[bold]{remote.name}[/]  {remote.line} [dim]({state})[/]")
        out.print(f"Examples, with a network of their own: {', '.join(EXAMPLES.names())}")


@app.command()
def fetch(name: Annotated[str, typer.Argument(help="mnist or fashion_mnist")]) -> None:
    """Bring a large data set to this computer, from the network."""
    from engine import datasets

    with _told():
        columns = (TextColumn("Fetching"), BarColumn(24), DownloadColumn(), TimeRemainingColumn())
        try:
            with Progress(*columns, console=out) as progress:
                task = progress.add_task("")
                folder = datasets.fetch(name, lambda done, all_: progress.update(task, completed=done, total=all_))
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        out.print(f"{name} is in {escape(str(folder))}. `python main.py train {name}` trains on it.")


@app.command("warm-up")
def warm_up() -> None:
    """Compile every kernel ahead of time, so that no run waits."""
    with _told():
        from engine.kernels import jit
        from engine.warm_up import all_kernels

        kernels = all_kernels()
        columns = (TextColumn("Compiling"), BarColumn(16), TextColumn("{task.description}"), TimeRemainingColumn())
        try:
            with Progress(*columns, console=out) as progress:
                task = progress.add_task("", total=len(kernels))
                for number, kernel in enumerate(kernels, 1):
                    progress.update(task, description=f"{number} of {len(kernels)}: {kernel.title}")
                    kernel.compile()
                    progress.advance(task)
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        out.print(f"{len(kernels)} kernels are ready, {len(jit.misses)} of them newly compiled.")
