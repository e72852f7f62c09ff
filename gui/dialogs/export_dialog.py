"""What leaves the program: the weights as files, the plots as pictures and tables."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from engine.errors import RelumeError
from engine.files import weights
from engine.files.figures import export_figure
from gui import settings, theme
from gui.numbers import count, number
from gui.tasks import Progress, Task
from gui.views.base import View
from gui.words import error_words

if TYPE_CHECKING:
    from gui.session import Session

WEIGHT_FORMATS = tuple((format.ending[1:], format.ending, format.words) for format in weights.FORMATS)
PLOT_FORMATS = (
    ("png", "PNG", "a picture for slides"),
    ("svg", "SVG", "sharp at every size, for the web"),
    ("pdf", "PDF", "sharp at every size, for print"),
    ("csv", "CSV", "the numbers behind the plot"),
)


class _FileDialog(QDialog):
    """Formats, a place, a button that writes, and what came of it. Subclasses fill in `work`.

    The proposed name is free; of a name that is taken the button says that it replaces the file. What was just
    written is no such name until another has stood there.
    """

    title, verb, many = "", "Export", "Export {} files"
    formats: tuple[tuple[str, str, str], ...] = ()

    def __init__(self, session: Session, parent: QWidget, stem: str, chosen: str) -> None:
        super().__init__(parent)
        self.session = session
        self.task: Task | None = None
        self._writing: list[Path] = []
        self._written: list[Path] = []  # until another name stands there
        self.setWindowTitle(f"{self.title} – Relume")
        self.setAccessibleName(self.title)
        self.setMinimumWidth(520)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(24, 24, 24, 24)
        self.column.setSpacing(12)
        head = QLabel(self.title)
        head.setProperty("role", "screen")
        self.column.addWidget(head)
        self._add_formats(chosen)
        self._add_place(stem)
        self._add_foot()
        self._format_chosen()
        self.finished.connect(self._closed)

    def _add_formats(self, chosen: str) -> None:
        self.group = QButtonGroup(self)
        for suffix, name, line in self.formats:
            button = QRadioButton(f"{name}: {line}")
            button.setAccessibleName(name)
            button.setProperty("suffix", suffix)
            button.setChecked(suffix == chosen)
            button.toggled.connect(self._format_chosen)
            self.group.addButton(button)
            self.column.addWidget(button)

    def _add_place(self, stem: str) -> None:
        row = QHBoxLayout()
        row.setSpacing(8)
        self.place = QLineEdit(str(self._free(Path(settings.last_folder()) / stem)))
        self.place.setAccessibleName("File name")
        self.place.textChanged.connect(self._place_changed)
        browse = QPushButton("Choose")
        browse.setAccessibleName("Choose a file name")
        browse.setAutoDefault(False)
        browse.clicked.connect(self._browse)
        row.addWidget(QLabel("File"))
        row.addWidget(self.place, 1)
        row.addWidget(browse)
        self.column.addLayout(row)

    def _add_foot(self) -> None:
        self.taken, self.outcome = QLabel(), QLabel()
        self.taken.setProperty("role", "warning")
        self.taken.setAccessibleName("Files that exist")
        for label in (self.taken, self.outcome):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedHeight(4)
        self.bar.hide()
        self.outcome.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.outcome.setAccessibleName("Outcome")
        self.column.addWidget(self.taken)
        self.column.addWidget(self.bar)
        self.column.addWidget(self.outcome)
        self.write = QPushButton(self.verb)
        self.write.setProperty("role", "accent")
        self.write.setDefault(True)
        self.write.clicked.connect(self._write)
        self.folder = QPushButton("Open the folder")
        self.folder.setAccessibleName("Open the folder")
        self.folder.setAutoDefault(False)
        self.folder.clicked.connect(self._open_folder)
        self.folder.hide()
        self.close_button = QPushButton("Close")
        self.close_button.setAccessibleName("Close")
        self.close_button.setAutoDefault(False)
        self.close_button.clicked.connect(self._stop_or_close)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.folder)
        row.addStretch(1)
        row.addWidget(self.close_button)
        row.addWidget(self.write)
        self.column.addLayout(row)

    # the place

    @property
    def suffix(self) -> str:
        chosen = self.group.checkedButton()
        return str(chosen.property("suffix")) if chosen is not None else self.formats[0][0]

    @property
    def path(self) -> Path:
        """The place that is written, with the suffix that was typed or chosen."""
        path = Path(os.path.expanduser(self.place.text().strip()))
        return path if self._ending(path.name) else Path(f"{path}.{self.suffix}")

    def _ending(self, name: str) -> str:
        """The ending of a format that a name has, the longest there is, or ""."""
        return max((ending for ending in self._suffixes() if name.lower().endswith(ending)), key=len, default="")

    def _suffixes(self) -> list[str]:
        return [f".{suffix}" for suffix, _, _ in self.formats]

    def _free(self, path: Path) -> Path:
        """`path`, or the first of path-2, path-3 and so on that no format's file has."""
        number_, free = 1, path
        while any(os.path.exists(f"{free}{suffix}") for suffix in self._suffixes()):
            number_ += 1
            free = path.with_name(f"{path.name}-{number_}")
        return free

    def targets(self) -> list[Path]:
        """The files that would be written."""
        return [self.path]

    @Slot()
    def _format_chosen(self) -> None:
        if self.group.checkedButton() is not None and self._named():
            path = self.path
            stem = path.name[: -len(self._ending(path.name))]
            self.place.setText(str(path.with_name(f"{stem}.{self.suffix}")))

    @Slot()
    def _place_changed(self) -> None:
        ready = self.ready()
        targets = self.targets() if ready else []
        if targets != self._written:
            self._written = []
        done = bool(self._written)
        taken = [path.name for path in targets if not done and os.path.exists(path)]
        self.taken.setText(f"{', '.join(taken)}: there is such a file already." if taken else "")
        self.taken.setVisible(bool(taken))
        words = f"Replace {len(taken)} files" if len(taken) > 1 else "Replace the file" if taken else self.verb
        self.write.setText(words if taken or len(targets) < 2 else self.many.format(len(targets)))
        self.write.setAccessibleName(self.write.text())
        self.write.setEnabled(ready and self.task is None and not done)

    @Slot()
    def _browse(self) -> None:
        dialog = QFileDialog(self, self.title, str(self.path.parent), f"*.{self.suffix}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(self.suffix)
        dialog.selectFile(self.path.name)
        dialog.fileSelected.connect(self.place.setText)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    @Slot()
    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.path.parent)))

    # the work

    def ready(self) -> bool:
        return self._named()

    def _named(self) -> bool:
        return bool(Path(self.place.text().strip()).name)

    def work(self, path: Path, progress: Progress) -> str:
        """Writes the file in the worker thread and returns what to say. Raises RelumeError."""
        raise NotImplementedError

    @Slot()
    def _write(self) -> None:
        promised = self.write.text()
        self._place_changed()
        if self.write.text() != promised:  # a file has come meanwhile
            return
        path = self.path
        settings.set_last_folder(str(path.parent))
        self.prepare()
        self._writing = self.targets()
        self.write.setEnabled(False)
        self.close_button.setText("Cancel")
        self.folder.hide()
        self._say("", "quiet")
        self.task = Task(
            lambda progress: self.work(path, progress), self._done, self._failed, self, self._show_progress, self._ended
        )

    def prepare(self) -> None:
        """Gathers on the GUI thread what the worker may not ask for."""

    def _show_progress(self, words: str, share: float | None) -> None:
        self.bar.setVisible(bool(words))
        self.bar.setRange(0, 0 if share is None else 1000)
        self.bar.setValue(round(1000 * (share or 0)))
        if words:
            self._say(words, "quiet")

    def _done(self, words: Any) -> None:
        self._written = self._writing
        self.folder.show()
        self._say(words, "")

    def _failed(self, error: RelumeError) -> None:
        self._say(error_words(error), "warning")

    def _ended(self) -> None:
        if self.task is not None and self.task.was_cancelled:
            self._say("Cancelled; no half file is left.", "quiet")
        self.bar.hide()
        self.close_button.setText("Close")
        self.task = None
        self._place_changed()

    def _say(self, words: str, role: str) -> None:
        self.outcome.setProperty("role", role)
        self.outcome.style().unpolish(self.outcome)
        self.outcome.style().polish(self.outcome)
        self.outcome.setText(words)
        self.column.activate()
        self.resize(self.width(), max(self.height(), self.heightForWidth(self.width())))

    @Slot()
    def _stop_or_close(self) -> None:
        if self.task is not None:
            self.task.cancel()
        else:
            self.reject()

    @Slot()
    def _closed(self) -> None:
        if self.task is not None:
            self.task.cancel()
        self.deleteLater()


class ExportDialog(_FileDialog):
    """The weights, with the preprocessing, read back after writing."""

    title, verb, many = "Export weights", "Write the weights", "Write the weights"
    formats = WEIGHT_FORMATS

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(session, parent, f"{session.document.data.name}-weights", "npz")

    def targets(self) -> list[Path]:
        chosen = weights.format_of(self.path)
        return [self.path] if chosen is None else list(chosen.files(self.path))

    def prepare(self) -> None:
        self._trainer, self._dataset = self.session.trainer, self.session.dataset

    def work(self, path: Path, progress: Progress) -> str:
        progress.report("Writing and reading back")
        network, dataset = self._trainer.network, self._dataset
        preprocessing = None if dataset is None else dataset.preprocessing
        report = weights.export_weights(network, path, preprocessing, dataset, progress.check)
        sizes = [f"{count(file.stat().st_size)} bytes" for file in self._writing]
        beside = [f"\nBeside it: {file.name} ({size})" for file, size in zip(self._writing, sizes, strict=True)][1:]
        difference = report.largest_difference
        compared = (
            "The weights were read back. PyTorch is not installed here, so the script was not run and compared."
            if difference is None
            else f"Read back and compared: largest difference of the outputs {number(difference)}"
        )
        return f"Written: {path} ({sizes[0]}){''.join(beside)}\n{compared}"


class PlotExportDialog(_FileDialog):
    """The plots that are on the screen, as a picture or as the numbers behind them."""

    title, verb, many, formats = "Export plot", "Write the plot", "Write {} plots", PLOT_FORMATS

    def __init__(self, session: Session, views: Sequence[View], parent: QWidget, chosen: str = "png") -> None:
        self.boxes: list[tuple[QCheckBox, View]] = []
        self.views = [view for view in views if view.figure() is not None]
        stem = f"{session.document.data.name}-{self.views[0].name}" if self.views else "plot"
        super().__init__(session, parent, stem, chosen)
        self._add_views()

    def _add_views(self) -> None:
        at = 1
        if not self.views:
            self._say("No plot shows anything yet. Run the network first.", "quiet")
        for number_, view in enumerate(self.views):
            box = QCheckBox(view.title)
            box.setAccessibleName(f"Export {view.title}")
            box.setChecked(number_ == 0)
            box.setVisible(len(self.views) > 1)
            box.toggled.connect(self._place_changed)
            self.boxes.append((box, view))
            self.column.insertWidget(at, box)
            at += 1
        self._place_changed()

    def ready(self) -> bool:
        return super().ready() and any(box.isChecked() for box, _ in self.boxes)

    def targets(self) -> list[Path]:
        names = [view.name for box, view in self.boxes if box.isChecked()]
        if len(names) == 1:
            return [self.path]
        again = [names[:place].count(name) for place, name in enumerate(names)]  # two views of one kind
        stems = [f"{name}-{times + 1}" if times else name for name, times in zip(names, again, strict=True)]
        return [self.path.with_stem(f"{self.path.stem}-{stem}") for stem in stems]

    def prepare(self) -> None:
        views = [view for box, view in self.boxes if box.isChecked()]
        pairs = [(place, view.figure()) for place, view in zip(self.targets(), views, strict=True)]
        self._plots = [(place, figure) for place, figure in pairs if figure is not None]
        self._theme = theme.name()

    def work(self, path: Path, progress: Progress) -> str:
        for done, (place, figure) in enumerate(self._plots):
            progress.report(f"Writing {place.name}", done / len(self._plots))
            export_figure(figure, place, self._theme, progress.check)
        return "Written: " + "\n".join(str(place) for place, _ in self._plots)
