"""What the File menu does: projects, data, exports. Slow parts run beside the window."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from engine.data.idx import looks_like_idx
from engine.errors import RelumeError
from gui import settings
from gui.dialogs.export_dialog import ExportDialog, PlotExportDialog
from gui.dialogs.image_import import ImageImportDialog
from gui.dialogs.import_dialog import ImportDialog
from gui.views.base import View
from gui.words import error_words

if TYPE_CHECKING:
    from gui.main_window import MainWindow

PROJECTS = "Relume project (*.relume)"
TABLES = "Tables and IDX images (*.csv *.tsv *.txt *ubyte *ubyte.gz *.idx*);;All files (*)"
TABLE_SUFFIXES = (".csv", ".tsv", ".txt", ".tab")


def ask_path(
    parent: QWidget, title: str, filters: str, then: Callable[[Path], None], save_as: str = "", suffix: str = ""
) -> QFileDialog:
    """Asks for a file without stopping the event loop; `save_as` proposes the name of a file to write."""
    dialog = QFileDialog(parent, title, settings.last_folder(), filters)
    dialog.setAccessibleName(title)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave if save_as else QFileDialog.AcceptMode.AcceptOpen)
    dialog.setFileMode(QFileDialog.FileMode.AnyFile if save_as else QFileDialog.FileMode.ExistingFile)
    if save_as:
        dialog.setDefaultSuffix(suffix)
        dialog.selectFile(save_as)

    def chosen(text: str) -> None:
        settings.set_last_folder(str(Path(text).parent))
        then(Path(text))

    dialog.fileSelected.connect(chosen)
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog


def when_saved(window: MainWindow, then: Callable[[], None]) -> None:
    """Calls `then` once nothing can be lost: at once, after saving, or when the user lets the changes go."""
    session = window.session
    if not session.unsaved:
        then()
        return
    name = Path(session.path).name if session.path else "This network"
    question = QMessageBox(window)
    question.setWindowTitle("Relume")
    question.setAccessibleName("Unsaved changes")
    question.setIcon(QMessageBox.Icon.Question)
    question.setTextFormat(Qt.TextFormat.PlainText)
    question.setText(f"{name} has changes that are not saved.")
    question.setInformativeText("Save them first?")
    save = question.addButton("Save", QMessageBox.ButtonRole.AcceptRole)
    discard = question.addButton("Do not save", QMessageBox.ButtonRole.DestructiveRole)
    question.setDefaultButton(save)
    question.setEscapeButton(question.addButton("Cancel", QMessageBox.ButtonRole.RejectRole))

    def saved() -> None:
        """What was edited while the file was written is asked about again; a run that went on is not."""
        when_saved(window, then) if session.edited else then()

    def answered(_: int) -> None:
        if question.clickedButton() is save:
            save_project(window, saved)
        elif question.clickedButton() is discard:
            then()
        question.deleteLater()

    question.finished.connect(answered)
    question.open()


# projects


def new_network(window: MainWindow) -> None:
    """A new document, once the old one is safe."""

    def make() -> None:
        window.session.new_document()
        window.show_workspace()

    when_saved(window, make)


def run_example(window: MainWindow, name: str) -> None:
    """Opens an example and trains it."""

    def start() -> None:
        window.session.load_example(name, window.session.run)
        window.show_workspace()

    when_saved(window, start)


def open_project(window: MainWindow) -> None:
    def ask() -> None:
        ask_path(window, "Open project", PROJECTS, partial(_open, window))

    when_saved(window, ask)


def open_project_at(window: MainWindow, path: Path | str, *_: object) -> None:
    """Opens a project by its path (recent files, a drop, the command line)."""
    when_saved(window, partial(_open, window, Path(path)))


def _open(window: MainWindow, path: Path) -> None:
    window.session.open_project(path)
    window.show_workspace()


def save_project(window: MainWindow, then: Callable[[], None] | None = None) -> None:
    """Saves where the project lives, or asks for a place; `then` is called when it is on the disk."""
    if window.session.path:
        _save(window, then, Path(window.session.path))
    else:
        save_project_as(window, then)


def save_project_as(window: MainWindow, then: Callable[[], None] | None = None) -> None:
    proposed = Path(window.session.path).name if window.session.path else f"{window.session.document.data.name}.relume"
    ask_path(window, "Save project", PROJECTS, partial(_save, window, then), proposed, "relume")


def _save(window: MainWindow, then: Callable[[], None] | None, path: Path) -> None:
    window.session.save_project(path, then)


def show_gallery(window: MainWindow) -> None:
    window.show_gallery()


# data


def import_data(window: MainWindow) -> None:
    ask_path(window, "Import data", TABLES, partial(import_data_at, window))


def import_data_at(window: MainWindow, path: Path | str) -> None:
    """Shows what is in a table or in files of images, and asks how to use it."""
    kind = ImageImportDialog if looks_like_idx(path) else ImportDialog
    kind(window.session, Path(path), window, window.show_workspace).open()


def take_file(window: MainWindow, path: Path | str) -> None:
    """A file dropped on the window or named on the command line: a project, a table or images."""
    path = Path(path)
    if path.suffix.lower() == ".relume":
        open_project_at(window, path)
    elif path.suffix.lower() in TABLE_SUFFIXES or looks_like_idx(path):
        import_data_at(window, path)
    else:
        error = RelumeError(
            f"A file that ends in {path.suffix or 'nothing'} cannot be opened.", path.name,
            "Drop a .relume project, a .csv or .tsv table, or an IDX file of images.",
        )  # fmt: skip
        window.session.notice.emit(error_words(error), "warning")


# exports


def export_weights(window: MainWindow) -> None:
    ExportDialog(window.session, window).open()


def export_plot(window: MainWindow) -> None:
    PlotExportDialog(window.session, window.visible_views(), window).open()


def export_plot_data(window: MainWindow) -> None:
    PlotExportDialog(window.session, window.visible_views(), window, "csv").open()


def export_view(window: MainWindow, view: View) -> None:
    """Exports one view: for the menus on the views' heads."""
    PlotExportDialog(window.session, [view], window).open()


def screenshot(window: MainWindow) -> None:
    """The window as it is now, into a PNG."""
    picture = window.grab()

    def write(path: Path) -> None:
        if picture.save(str(path)):
            window.session.notice.emit(f"Screenshot written to {path}", "info")
        else:
            error = RelumeError("The picture cannot be written.", str(path), "Choose another place.")
            window.session.notice.emit(error_words(error), "warning")

    ask_path(window, "Screenshot of the window", "Picture (*.png)", write, "relume.png", "png")
