"""Images in the window: the import of IDX files, the choice of data, the picture of a sample."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPixmap
from PySide6.QtWidgets import QPushButton, QWidget

import engine
from engine.data.images import open_images
from gui.pixels import fitted, paint_pixels, pixel_image


def idx(values: np.ndarray) -> bytes:
    sizes = b"".join(int(extent).to_bytes(4, "big") for extent in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


def write(folder: Path, part: str, count: int, labels: bool = True) -> Path:
    pixels = np.random.default_rng(1).integers(0, 256, (count, 6, 5), dtype=np.uint8)
    path = folder / f"{part}-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx(pixels)))
    if labels:
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx((np.arange(count) % 3).astype(np.uint8)))
    return path


class FakeSession:
    """What the dialog asks of a session."""

    def __init__(self) -> None:
        from types import SimpleNamespace

        self.document = SimpleNamespace(data=engine.DataSpec())
        self.taken: list[object] = []

    def import_table(self, spec: engine.DataSpec, dataset: engine.Dataset) -> None:
        self.taken += [spec, dataset]


@pytest.fixture
def parent(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def opened(parent, path: Path):
    from gui.dialogs.image_import import ImageImportDialog

    session = FakeSession()
    dialog = ImageImportDialog(session, path, parent, lambda: None)
    dialog.open()
    return session, dialog


def test_images_are_shown_and_taken(qtbot, parent, tmp_path):
    path = write(tmp_path, "train", 30)
    write(tmp_path, "t10k", 9)
    session, dialog = opened(parent, path)
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=5000)
    assert "30 images" in dialog.found.text() and "6 × 5" in dialog.found.text()
    assert dialog.labels.text() == "train-labels-idx1-ubyte" and dialog.test.text() == "t10k-images-idx3-ubyte.gz"
    assert "3 classes" in dialog.words.text() and "9 for testing" in dialog.words.text()
    dialog.grab()
    dialog.ok.click()
    spec, dataset = session.taken
    assert spec.table.has_test and spec.scaling == "none" and dataset.x_train.shape == (30, 6, 5, 1)


def test_missing_labels_are_told_and_may_be_chosen(qtbot, parent, tmp_path):
    path = write(tmp_path, "train", 12, labels=False)
    other = tmp_path / "names"
    other.write_bytes(idx((np.arange(12) % 2).astype(np.uint8)))
    _, dialog = opened(parent, path)
    qtbot.waitUntil(lambda: "not beside the images" in dialog.words.text(), timeout=5000)
    assert not dialog.ok.isEnabled() and dialog.findChild(QPushButton, "") is not None
    dialog.choose("labels", other)
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=5000)
    assert dialog.labels.text() == "names" and "2 classes" in dialog.words.text()
    other.write_bytes(b"damaged")
    dialog.choose("labels", other)
    qtbot.waitUntil(lambda: "not an IDX file" in dialog.words.text(), timeout=5000)
    assert not dialog.ok.isEnabled() and dialog.labels.text() == ""


def test_the_kind_of_file_chooses_the_dialog(qtbot, window, tmp_path):
    from gui import file_actions
    from gui.dialogs.image_import import ImageImportDialog
    from gui.dialogs.import_dialog import ImportDialog

    table = tmp_path / "a.csv"
    table.write_text("a,b\n" + "1,2\n2,3\n" * 5)
    for path, kind in ((write(tmp_path, "train", 12), ImageImportDialog), (table, ImportDialog)):
        file_actions.take_file(window, path)
        dialog = window.findChild(kind)
        assert dialog is not None
        qtbot.waitUntil(dialog.ok.isEnabled, timeout=5000)
        dialog.reject()


def test_the_window_takes_images_and_says_so(qtbot, window, tmp_path):
    from engine.datasets import load_spec
    from gui.panels.data_panel import DataPanel

    write(tmp_path, "t10k", 9)
    spec = engine.DataSpec("table", table=open_images(write(tmp_path, "train", 30)))
    window.session.import_table(spec, load_spec(spec))
    panel = window.findChild(DataPanel)
    assert window.session.document.spec.input_shape == (6, 5, 1)
    assert panel.sets.detail == "39 images, 3 classes" and panel.sets.currentText() == "train-images-idx3-ubyte.gz"
    assert panel.share.field.text() == "76.9"  # 30 of 39, as they come
    assert panel.missing_row.isHidden() and panel.features_row.isHidden() and panel.noise_row.isHidden()
    index = panel.sets.findData("fashion_mnist_12k")
    panel.sets.setCurrentIndex(index)
    panel._choose(index)
    qtbot.waitUntil(lambda: panel.sets.detail.endswith("images, 10 classes"), timeout=10_000)
    assert window.session.document.spec.input_shape == (28, 28, 1) and panel.share.field.text() == "83.3"


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 1), (4, 6, 3), (5, 5, 2)])
def test_every_image_has_a_picture(qapp, shape):
    pixels = np.random.default_rng(0).random(shape).astype(np.float32)
    image = pixel_image(pixels)
    assert (image.height(), image.width()) == shape[:2]
    assert fitted(QRectF(0, 0, 60, 60), image).width() == 60 * min(1, shape[1] / shape[0])
    pixel_image(np.zeros(shape, np.uint8))
    target = QPixmap(60, 60)
    with QPainter(target) as painter:
        paint_pixels(painter, QRectF(0, 0, 60, 60), pixels)


def test_large_data_sets_are_kept_only_while_in_use(qapp):
    from PySide6.QtCore import QObject

    from gui.opener import KEPT_BYTES, Opener

    parent = QObject()
    opener, small = Opener(parent), engine.datasets.load("spiral")
    x = np.zeros((KEPT_BYTES // 4 // 1000 + 1, 1000), np.float32)
    large = engine.Dataset(x, np.zeros(len(x), np.int64), x[:0], [])
    opener.keep(engine.DataSpec("xor"), small)
    opener.keep(engine.DataSpec("moons"), large)
    assert len(opener._kept) == 2
    opener.keep(engine.DataSpec("circles"), small)
    assert list(opener._kept) == [engine.DataSpec("circles")]
