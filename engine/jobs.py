"""What `train` may be told to train: an example, a project file, a data set, or the user's own table or images."""

from __future__ import annotations

import dataclasses
import difflib
from pathlib import Path
from typing import Any

from engine.data.idx import looks_like_idx
from engine.data.spec import OWN_TABLE, DataSpec
from engine.datasets import DATASETS, REMOTE, Images, load_spec, open_fetched, open_own, switch
from engine.default_network import default_design
from engine.errors import RelumeError
from engine.examples import EXAMPLES
from engine.trainer import Trainer

PROJECT_SUFFIX = ".relume"


@dataclasses.dataclass(frozen=True)
class Job:
    """A trainer at rest, the name that its results get, and the epoch at which it ends."""

    name: str
    trainer: Trainer
    until: int


def find_job(what: str, epochs: int | None = None, seed: int | None = None, labels: str | None = None) -> Job:
    """The job that `what` names; examples come before data sets of the same name.

    `epochs` counts from where the job stands; `seed` draws weights and order anew (a project then starts afresh),
    and for data without a design of their own the points and the split too. `labels` names the labels of images where
    they are not beside them.

    Raises:
        RelumeError: for an unknown name, a file that cannot be read, or a value that cannot be.
    """
    path = Path(what)
    if path.suffix.lower() == PROJECT_SUFFIX:
        return _project(path, epochs, seed)
    if what in EXAMPLES:
        example = EXAMPLES.get(what)
        training = dataclasses.replace(example.training, **_given(epochs=epochs, seed=seed))
        return _fresh(what, Trainer(example.spec, training, load_spec(example.data)))
    if what in DATASETS:
        return _fresh(what, _plain(switch(DataSpec(), what), epochs, seed))
    if what in REMOTE:
        return _fresh(what, _plain(DataSpec(OWN_TABLE, table=open_fetched(REMOTE.get(what))), epochs, seed))
    if path.is_file() or path.suffix or looks_like_idx(path):
        own = open_own(path, **({} if labels is None else {"labels": labels}))
        scaling = "none" if isinstance(own, Images) else "standard"
        data = DataSpec(OWN_TABLE, scaling=scaling, target_scaling="standard", table=own)
        return _fresh(path.stem, _plain(data, epochs, seed))
    raise _unknown(what)


def _given(**values: int | None) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _fresh(name: str, trainer: Trainer) -> Job:
    return Job(name, trainer, trainer.training.epochs)


def _plain(data: DataSpec, epochs: int | None, seed: int | None) -> Trainer:
    dataset = load_spec(dataclasses.replace(data, **_given(seed=seed)))
    spec, training = default_design(dataset)
    return Trainer(spec, dataclasses.replace(training, **_given(epochs=epochs, seed=seed)), dataset)


def _project(path: Path, epochs: int | None, seed: int | None) -> Job:
    from engine.files import load_project

    project = load_project(path)
    dataset, checkpoint = load_spec(project.data), project.checkpoint
    if checkpoint is None or seed is not None:
        training = dataclasses.replace(project.training, **_given(epochs=epochs, seed=seed))
        return _fresh(path.stem, Trainer(project.spec, training, dataset))
    try:
        done = int(checkpoint.stepper["epoch"])
        until = int(checkpoint.counters.get("epoch_limit", project.training.epochs))
    except (KeyError, TypeError, ValueError):
        raise RelumeError("The counters of the run cannot be read.", path.name) from None
    if epochs is not None or until <= done:
        until = done + (project.training.epochs if epochs is None else epochs)
        counters = {**checkpoint.counters, "epoch_limit": until, "state": "paused"}
        checkpoint = dataclasses.replace(checkpoint, counters=counters)
    return Job(path.stem, Trainer.from_checkpoint(project.spec, project.training, dataset, checkpoint), until)


def _unknown(what: str) -> RelumeError:
    names = dict.fromkeys((*EXAMPLES.names(), *DATASETS.names(), *REMOTE.names()))
    near = difflib.get_close_matches(what, names, n=3, cutoff=0.5)
    fix = f"Did you mean {' or '.join(near)}?" if near else "`python main.py datasets` lists what there is."
    return RelumeError(f"There is no example, data set or file called {what!r}.", "train", fix)
