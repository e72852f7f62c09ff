"""Large data sets that are fetched when the user asks: the question before it, its progress, and taking them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from engine import datasets
from engine.data.dataset import Dataset
from engine.data.fetch import RemoteSet, folder_of
from engine.data.spec import OWN_TABLE, DataSpec
from engine.errors import RelumeError
from gui.numbers import stored
from gui.session import Session
from gui.tasks import Progress, run_with_progress
from gui.words import error_words


def choose_remote(session: Session, record: RemoteSet, over: QWidget, settled: Callable[[], None]) -> None:
    """Takes a data set that was fetched; asks first whether to fetch one that was not. `settled` is called at the
    end, however it ends."""
    if datasets.is_fetched(record):
        _take(session, record, over, settled)
        return
    question = QMessageBox(over.window())
    question.setWindowTitle("Relume")
    question.setAccessibleName(f"Fetch {record.title}")
    question.setIcon(QMessageBox.Icon.Question)
    question.setTextFormat(Qt.TextFormat.PlainText)
    question.setText(f"Fetch {record.title}? {stored(record.packed)} come from the network.")
    host = record.mirrors[0].split("/")[2]
    question.setInformativeText(
        f"{record.line} License: {record.license}.\n\nFrom {host}, kept in {folder_of(record)}. Nothing is sent."
    )
    fetch = question.addButton("Fetch", QMessageBox.ButtonRole.AcceptRole)
    question.setDefaultButton(fetch)
    question.setEscapeButton(question.addButton("Cancel", QMessageBox.ButtonRole.RejectRole))

    def answered(_: int) -> None:
        if question.clickedButton() is fetch:
            _take(session, record, over, settled)
        else:
            settled()
        question.deleteLater()

    question.finished.connect(answered)
    question.open()


def _take(session: Session, record: RemoteSet, over: QWidget, settled: Callable[[], None]) -> None:
    seed = session.wanted_data.seed

    def work(progress: Progress) -> tuple[DataSpec, Dataset]:
        def came(done: int, whole: int) -> None:
            progress.report(f"Fetching {record.title}: {stored(done)} of {stored(whole)}", min(1.0, done / whole))

        if not datasets.is_fetched(record):
            datasets.fetch(record.name, came)
        progress.report(f"Reading {record.title}")
        spec = DataSpec(OWN_TABLE, seed, table=datasets.open_fetched(record))
        return spec, datasets.load_spec(spec)

    def failed(error: RelumeError) -> None:
        session.notice.emit(error_words(error), "warning")

    def taken(made: tuple[DataSpec, Dataset]) -> None:
        session.import_table(*made)

    run_with_progress(over.window(), f"Fetching {record.title}", work, taken, failed, settled)
