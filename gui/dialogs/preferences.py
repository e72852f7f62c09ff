"""What holds for the whole program, whatever is open: colours, threads, and what compiled kernels take on the disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from engine.errors import RelumeError
from gui import settings, theme
from gui.numbers import stored
from gui.tasks import Task
from gui.widgets.elided_label import ElidedLabel
from gui.widgets.number_field import QuietCombo
from gui.widgets.rows import Row, bare, head, label
from gui.words import error_words

if TYPE_CHECKING:
    from engine.kernels.cache import CacheSize
    from gui.session import Session

THEMES = (("As the system", "system"), ("Light", "light"), ("Dark", "dark"))
THREADS_HELP = (
    "More than one is used where a training step takes longer than about 1 ms. The results are the same, bit for bit."
)
WIDTH = 480
LABELS = 96  # px


class Preferences(QDialog):
    """Every change holds at once."""

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self.session = session
        self.setWindowTitle("Preferences – Relume")
        self.setAccessibleName("Preferences")
        self.setFixedWidth(WIDTH)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 16)
        column.setSpacing(8)
        self._add_window(column)
        column.addSpacing(12)
        self._add_training(column)
        column.addSpacing(12)
        self._add_kernels(column)
        column.addSpacing(12)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
        self.finished.connect(self.deleteLater)
        self._measure()

    # ---- building -------------------------------------------------------------------------------

    def _add_window(self, column: QVBoxLayout) -> None:
        self.theme = QuietCombo("Theme")
        for words, mode in THEMES:
            self.theme.addItem(words, mode)
        self.theme.setCurrentIndex(self.theme.findData(theme.mode()))
        self.theme.activated.connect(self._set_theme)
        self.examples = QCheckBox("Show the examples at the start")
        self.examples.setAccessibleName(self.examples.text())
        self.examples.setChecked(settings.gallery_at_start())
        self.examples.clicked.connect(settings.set_gallery_at_start)
        column.addWidget(head("Window"))
        column.addWidget(Row("Theme", self._short(self.theme), width=LABELS))
        column.addWidget(self.examples)

    def _add_training(self, column: QVBoxLayout) -> None:
        self.threads = QuietCombo("Threads")
        most = max(min(os.cpu_count() or 1, settings.MOST_THREADS), settings.threads())
        for count in range(1, most + 1):
            self.threads.addItem(str(count), count)
        self.threads.setCurrentIndex(self.threads.findData(settings.threads()))
        self.threads.activated.connect(self._set_threads)
        words = label(THREADS_HELP, "label")
        words.setWordWrap(True)
        column.addWidget(head("Training"))
        column.addWidget(Row("Threads", self._short(self.threads), width=LABELS))
        column.addWidget(words)

    def _add_kernels(self, column: QVBoxLayout) -> None:
        words = label("Training runs in compiled code, which is kept for the next start.", "label")
        words.setWordWrap(True)
        self.folder = ElidedLabel()
        self.folder.setAccessibleName("Folder of compiled kernels")
        self.amount = label("", "label")
        self.amount.setAccessibleName("Size of compiled kernels")
        self.open_folder, self.clear = QPushButton("Open folder"), QPushButton("Clear")
        self.clear.setAccessibleName("Clear compiled kernels")
        self.open_folder.clicked.connect(self._open_folder)
        self.clear.clicked.connect(self._ask)
        acts = QHBoxLayout()
        bare(acts, 8)
        for button in (self.open_folder, self.clear):
            button.setAutoDefault(False)
            acts.addWidget(button)
        acts.addStretch()
        self.question = QWidget()
        asked = QVBoxLayout(self.question)
        bare(asked, 8)
        asked.addWidget(label("Clear them? The next start compiles again, which takes some seconds.", "label"))
        self.yes, self.no = QPushButton("Clear now"), QPushButton("Keep")
        answers = QHBoxLayout()
        bare(answers, 8)
        for button, act in ((self.yes, self._clear), (self.no, self._keep)):
            button.setAutoDefault(False)
            button.clicked.connect(act)
            answers.addWidget(button)
        answers.addStretch()
        asked.addLayout(answers)
        self.question.hide()
        column.addWidget(head("Compiled kernels"))
        column.addWidget(words)
        column.addWidget(Row("Folder", self.folder, width=LABELS))
        column.addWidget(Row("Size", self.amount, width=LABELS))
        column.addLayout(acts)
        column.addWidget(self.question)

    def _short(self, field: QComboBox) -> QWidget:
        """A field no wider than its words need."""
        holder = QWidget()
        holder.setAccessibleName(field.accessibleName())
        holder.setFocusProxy(field)
        row = QHBoxLayout(holder)
        bare(row)
        field.setFixedWidth(160)
        row.addWidget(field)
        row.addStretch()
        return holder

    # ---- what the user does ---------------------------------------------------------------------

    @Slot(int)
    def _set_theme(self, row: int) -> None:
        mode = self.theme.itemData(row)
        settings.set_theme_mode(mode)
        theme.set_mode(mode)

    @Slot(int)
    def _set_threads(self, row: int) -> None:
        settings.set_threads(self.threads.itemData(row))
        self.session.use_threads()

    @Slot()
    def _open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self.folder.text()))

    @Slot()
    def _ask(self) -> None:
        self.question.show()
        self._fit()
        self.clear.setEnabled(False)
        self.no.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _keep(self) -> None:
        self.question.hide()
        self._fit()
        self.clear.setEnabled(True)
        self.clear.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _clear(self) -> None:
        self._keep()
        self._work(clear=True)

    def _fit(self) -> None:
        """As high as what is shown."""
        self._column.activate()
        self.resize(WIDTH, self._column.totalHeightForWidth(WIDTH))

    def _measure(self) -> None:
        self._work(clear=False)

    def _work(self, clear: bool) -> None:
        """Counts, or clears, beside the window: the compiler takes a while to load."""
        self.amount.setText("Clearing" if clear else "Counting")
        self.clear.setEnabled(False)
        self.open_folder.setEnabled(False)

        def work(_: object) -> CacheSize:
            from engine.kernels import cache

            return cache.clear_cache() if clear else cache.cache_size()

        Task(work, self._told, self._refused, self)

    def _told(self, size: CacheSize) -> None:
        self.folder.setText(str(size.folder))
        self.amount.setText(size_words(size))
        self.clear.setEnabled(size.bytes > 0)
        self.open_folder.setEnabled(size.folder.is_dir())

    def _refused(self, error: RelumeError) -> None:
        self.amount.setText(error_words(error))


def size_words(size: CacheSize) -> str:
    """ "12.3 MB, 2 versions"."""
    if not size.bytes:
        return "empty"
    amount = stored(size.bytes)
    return f"{amount}, {size.versions} versions" if size.versions > 1 else amount
