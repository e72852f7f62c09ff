"""What dialogs propose and warn of after something was done."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtCore import Qt

from gui import settings
from gui.dialogs.export_dialog import ExportDialog
from gui.dialogs.run_until import RunUntilDialog
from gui.main_window import MainWindow
from gui.session import Session


@pytest.fixture
def window(qtbot):
    made = MainWindow(Session())
    qtbot.addWidget(made)
    yield made
    made.clock.stop()
    made.session.close()


def test_what_was_just_written_is_no_file_to_warn_of(qtbot, window, tmp_path, monkeypatch) -> None:
    class Quick(ExportDialog):
        def work(self, path, progress):
            path.write_text("new")
            return "Written"

    monkeypatch.setattr(settings, "last_folder", lambda: str(tmp_path))
    monkeypatch.setattr(settings, "set_last_folder", lambda folder: None)
    dialog = Quick(window.session, window)
    assert dialog.windowTitle() == "Export weights – Relume"
    dialog.show()
    here = dialog.place.text()
    qtbot.mouseClick(dialog.write, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.outcome.text() == "Written" and dialog.task is None, timeout=5000)
    assert dialog.taken.isHidden() and dialog.write.text() == "Write the weights" and not dialog.write.isEnabled()
    dialog.place.setText(here + "x")
    assert dialog.write.isEnabled() and dialog.write.text() == "Write the weights"
    dialog.place.setText(here)
    assert dialog.write.text() == "Replace the file" and not dialog.taken.isHidden() and dialog.write.isEnabled()
    dialog.close()


@pytest.mark.parametrize(("last", "done", "proposed"), [(60, 0, 60), (60, 59, 60), (60, 60, 120), (60, 75, 135)])
def test_run_until_proposes_an_epoch_that_is_still_to_come(qtbot, window, last, done, proposed) -> None:
    training = SimpleNamespace(epochs=last, target_loss=None, time_limit=None)
    session: Any = SimpleNamespace(document=SimpleNamespace(training=training), snapshot=SimpleNamespace(epoch=done))
    dialog = RunUntilDialog(session, window)
    assert dialog.epochs.value() == proposed
    dialog.close()
