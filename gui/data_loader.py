"""Data sets by their specs: the last few are kept, slow ones come from a worker thread, and the newest wish wins."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from engine import datasets
from engine.data.dataset import Dataset
from engine.data.spec import DataSpec
from engine.errors import RelumeError
from gui.tasks import Task

KEPT = 6
MANY_SAMPLES = 20_000


class DataLoader(QObject):
    """Loads what a DataSpec describes, at once or beside the window."""

    busy = Signal(str)  # what is being waited for, "" when nothing is

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._kept: OrderedDict[DataSpec, Dataset] = OrderedDict()
        self._task: Task | None = None

    def is_slow(self, data: DataSpec) -> bool:
        """Whether loading may take longer than a frame: real tables, own ones, very many points."""
        if data in self._kept:
            return False
        return data.table is not None or not datasets.get(data.name).has_samples or data.samples > MANY_SAMPLES

    def now(self, data: DataSpec) -> Dataset:
        """Loads in this thread unless it is kept. Raises RelumeError."""
        if data not in self._kept:
            self.keep(data, datasets.load_spec(data))
        self._kept.move_to_end(data)
        return self._kept[data]

    def keep(self, data: DataSpec, dataset: Dataset) -> None:
        self._kept[data] = dataset
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def beside(self, data: DataSpec, done: Callable[[], None], failed: Callable[[RelumeError], None]) -> None:
        """Loads in a worker thread; `done` is called when `now(data)` has it at hand."""
        self.cancel()
        self.busy.emit("Loading data")

        def loaded(dataset: Dataset) -> None:
            self._end()
            self.keep(data, dataset)
            try:
                done()
            except RelumeError as error:
                failed(error)

        def refused(error: RelumeError) -> None:
            self._end()
            failed(error)

        self._task = Task(lambda _: datasets.load_spec(data), loaded, refused, self)

    def cancel(self) -> None:
        """Forgets what is still being loaded."""
        if self._task is not None:
            self._task.cancel()
            self._end()

    def _end(self) -> None:
        self._task = None
        self.busy.emit("")
