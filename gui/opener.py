"""Makes what a document works with, its data set and its trainer, beside the window if that may take a moment.

The newest wish wins, and the last few data sets are kept, large ones only while they are in use.
"""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from engine import datasets
from engine.checkpoint import Checkpoint
from engine.data.dataset import Dataset
from engine.data.spec import DataSpec
from engine.errors import RelumeError
from engine.trainer import Trainer
from gui.document import Document
from gui.suited import suited
from gui.tasks import Task

KEPT, KEPT_BYTES = 6, 64 << 20  # how many data sets, and what those of them that are not in use may take
MANY_SAMPLES, MANY_PARAMETERS = 20_000, 200_000  # more take longer than a frame


@dataclasses.dataclass(frozen=True, eq=False)
class Opened:
    """A document whose output fits its data, with the trainer at rest; `step` is where a saved run goes on. `words`
    say what came or went in its network without being asked for."""

    document: Document
    dataset: Dataset
    trainer: Trainer
    step: int = 0
    words: str = ""


def make(
    document: Document, dataset: Dataset | None = None, checkpoint: Checkpoint | None = None,
    before: Dataset | None = None,
) -> Opened:  # fmt: skip
    """Loads the data unless it is at hand, and draws or takes the weights. `before` is as in `suited`. Raises
    RelumeError."""
    dataset = dataset or datasets.load_spec(document.data)
    document, words = suited(document, dataset, before)
    if checkpoint is None:
        return Opened(document, dataset, Trainer(document.spec, document.training, dataset), words=words)
    trainer = Trainer.from_checkpoint(document.spec, document.training, dataset, checkpoint)
    return Opened(document, dataset, trainer, int(checkpoint.stepper.get("step", 0)))


def make_project(path: str) -> Opened:
    """What a project file holds. Raises RelumeError."""
    from engine.files import load_project

    project = load_project(path)
    document = Document(project.spec, project.training, project.data, project.pace)
    return make(document, None, project.checkpoint)


def _size(dataset: Dataset) -> int:
    """Bytes of its inputs."""
    arrays = (dataset.x_train, dataset.x_test, dataset.raw_train, dataset.raw_test)
    return sum({id(array): array.nbytes for array in arrays}.values())


class Opener(QObject):
    """Opens documents, at once or beside the window."""

    busy = Signal(str)  # what is being waited for, "" when nothing is

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._kept: OrderedDict[DataSpec, Dataset] = OrderedDict()
        self._task: Task | None = None

    @property
    def waiting(self) -> bool:
        """Whether something is being made beside the window."""
        return self._task is not None

    def is_slow(self, document: Document) -> bool:
        """Whether it may take longer than a frame: real tables, own ones, very many points or weights."""
        data, kept = document.data, self._kept.get(document.data)
        if kept is None and (data.table is not None or not datasets.get(data.name).has_samples):
            return True
        samples = data.samples if kept is None else len(kept.x_train) + len(kept.x_test)
        return samples > MANY_SAMPLES or document.spec.parameter_count() > MANY_PARAMETERS

    def now(self, document: Document, before: Dataset | None = None) -> Opened:
        """Makes it in this thread. Raises RelumeError."""
        opened = make(document, self._kept.get(document.data), before=before)
        self.keep(document.data, opened.dataset)
        return opened

    def keep(self, data: DataSpec, dataset: Dataset) -> None:
        self._kept[data] = dataset
        self._kept.move_to_end(data)
        others = list(self._kept.values())[:-1]
        while len(self._kept) > KEPT or sum(map(_size, others)) > KEPT_BYTES:
            self._kept.popitem(last=False)
            others.pop(0)

    def open(
        self, document: Document, done: Callable[[Opened], None], failed: Callable[[RelumeError], None],
        before: Dataset | None = None,
    ) -> None:  # fmt: skip
        """Calls `done` with what was made, at once if that is quick. `before` is as in `suited`."""
        self.cancel()
        if self.is_slow(document):
            dataset = self._kept.get(document.data)
            self.beside(lambda: make(document, dataset, before=before), "Loading data", done, failed)
            return
        try:
            done(self.now(document, before))
        except RelumeError as error:
            failed(error)

    def beside(
        self, work: Callable[[], Opened], words: str, done: Callable[[Opened], None],
        failed: Callable[[RelumeError], None],
    ) -> None:  # fmt: skip
        """Lets a worker thread make it, in the place of whatever else is being waited for."""
        self.cancel()

        def made(opened: Opened) -> None:
            self._end(task)
            self.keep(opened.document.data, opened.dataset)
            try:
                done(opened)
            except RelumeError as error:
                failed(error)

        def refused(error: RelumeError) -> None:
            self._end(task)
            failed(error)

        self._task = task = Task(lambda _: work(), made, refused, self, ended=lambda: self._end(task))
        self.busy.emit(words)

    def cancel(self) -> None:
        """Forgets what is still being made."""
        if self._task is not None:
            self._task.cancel()
            self._end(self._task)

    def _end(self, task: Task) -> None:
        if self._task is task:
            self._task = None
            self.busy.emit("")
