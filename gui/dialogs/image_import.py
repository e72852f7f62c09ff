"""Own images: what the IDX files hold, the first images with their labels, and which files belong to them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from engine.data.images import Images
from engine.data.spec import OWN_TABLE, SCALINGS, DataSpec
from engine.errors import RelumeError
from gui import settings, theme
from gui.dialogs.own_data_dialog import OwnDataDialog, task_words
from gui.numbers import count, plain
from gui.pixels import paint_pixels
from gui.widgets.elided_label import ElidedLabel

if TYPE_CHECKING:
    from engine.data.dataset import Dataset

FILTER = "IDX files (*ubyte *ubyte.gz *.idx* *.gz);;All files (*)"
SHOWN = 60
TYPE_WORDS = {"u1": "bytes", "i1": "signed bytes", "i2": "16-bit", "i4": "32-bit", "f4": "float32", "f8": "float64"}


@dataclasses.dataclass(frozen=True, eq=False)
class Found:
    """What was read, with the first images and their labels."""

    images: Images
    pixels: np.ndarray
    labels: np.ndarray


class ImageImportDialog(OwnDataDialog):
    """IDX files: the labels and a test part beside the images are taken, or the ones that are chosen."""

    def _fill(self, column: QVBoxLayout) -> None:
        self.chosen: dict[str, Path] = {}  # "labels", "test": files that were named by hand
        self.preview = ImagePreview()
        column.addWidget(self.preview, 1)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        self.labels = self._file_row(grid, 0, "Labels", "labels")
        self.test = self._file_row(grid, 1, "Test images", "test")
        self.scaling = self._combo("Input scaling", [(name, name) for name in SCALINGS])
        grid.addWidget(QLabel(self.scaling.accessibleName()), 2, 0)
        grid.addWidget(self.scaling, 2, 1)
        grid.setColumnStretch(1, 1)
        column.addLayout(grid)

    def _file_row(self, grid: QGridLayout, row: int, title: str, option: str) -> ElidedLabel:
        name = ElidedLabel("")
        button = QPushButton("Choose …")
        button.setAccessibleName(f"Choose {title.lower()}")
        button.setAutoDefault(False)
        button.clicked.connect(lambda: self._ask(title, option))
        box = QHBoxLayout()
        box.addWidget(name, 1)
        box.addWidget(button)
        grid.addWidget(QLabel(title), row, 0)
        grid.addLayout(box, row, 1)
        return name

    def _ask(self, title: str, option: str) -> None:
        dialog = QFileDialog(self, f"Choose {title.lower()}", str(self.path.parent), FILTER)
        dialog.setAccessibleName(f"Choose {title.lower()}")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda text: self.choose(option, Path(text)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def choose(self, option: str, path: Path) -> None:
        """Takes a file that was named by hand: "labels", or "test" for the test images."""
        settings.set_last_folder(str(path.parent))
        self.chosen[option] = path
        self._read()

    # reading

    def _read(self) -> None:
        self.own = None
        path, chosen = self.path, dict(self.chosen)
        self._start(lambda _: _found(path, chosen), self._show_images, f"Reading {path.name}")

    def _show_images(self, found: Found) -> None:
        self.own, images = found.images, found.images
        header = images.headers["images"]
        parts = [
            f"{count(header.shape[0])} images",
            " × ".join(map(str, header.shape[1:])),
            TYPE_WORDS[header.dtype.str[1:]],
            f"{count(images.headers['test images'].shape[0])} test images" if images.has_test else "no test images",
        ]
        self.found.setText("  ·  ".join(parts))
        self.labels.setText(images.names["labels"])
        self.test.setText(images.names.get("test images", "none: some of the images are kept for testing"))
        self.preview.show_images(found.pixels, found.labels)
        self._choice_changed()

    def _failed(self, error: RelumeError) -> None:
        if self.own is None:
            self.preview.show_images(None, None)
            for label in (self.labels, self.test):
                label.setText("")
        super()._failed(error)

    # trying out

    def _chosen_spec(self) -> DataSpec:
        return DataSpec(
            name=OWN_TABLE,
            seed=self.session.document.data.seed,
            table=self.own,
            scaling=self.scaling.currentData(),
        )

    def _came_of_it(self, dataset: Dataset) -> list[str]:
        return [
            f"{task_words(dataset)}, {count(len(dataset.feature_names))} inputs, "
            f"{count(len(dataset.x_train))} images for training, {count(len(dataset.x_test))} for testing."
        ]


def _found(path: Path, chosen: dict[str, Path]) -> Found:
    from engine.datasets import open_images

    images = open_images(path, **chosen)
    return Found(images, images.values("images", SHOWN), images.values("labels", SHOWN))


class ImagePreview(QWidget):
    """The first images with their labels, as many as there is room for."""

    SIDE, GAP, WORDS = 56, 12, 18

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("First images of the file")
        self.setMinimumHeight(self.SIDE + self.WORDS + self.GAP)
        self._pixels: np.ndarray | None = None
        self._names: list[str] = []

    def show_images(self, pixels: np.ndarray | None, labels: np.ndarray | None) -> None:
        """Images (n, rows, columns) or (n, rows, columns, channels); other samples are no picture."""
        self._pixels = pixels if pixels is not None and pixels.ndim > 2 else None
        if labels is not None:
            self._names = [plain(row[0], 4) for row in labels.reshape(len(labels), -1)]
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._pixels is None:
            return
        pitch = self.SIDE + self.GAP
        columns = max(1, (self.width() + self.GAP) // pitch)
        rows = max(1, (self.height() + self.GAP) // (pitch + self.WORDS))
        with QPainter(self) as painter:
            painter.setFont(theme.font(11))
            painter.setPen(theme.color("ink 2"))
            for place, (pixels, name) in enumerate(zip(self._pixels[: rows * columns], self._names, strict=False)):
                row, column = divmod(place, columns)
                square = QRectF(column * pitch, row * (pitch + self.WORDS), self.SIDE, self.SIDE)
                paint_pixels(painter, square, pixels)
                words = QRectF(square.left(), square.bottom() + 2, self.SIDE, self.WORDS - 2)
                painter.drawText(words, Qt.AlignmentFlag.AlignCenter, name)
