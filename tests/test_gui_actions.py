"""The menu table: what is in it, what it calls, when it is grey, and whose key Space is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QCheckBox, QMainWindow, QWidget

import engine


class FakeSession(QObject):
    document_changed = Signal()
    edits_changed = Signal()
    selection_changed = Signal()
    state_changed = Signal(str)
    notice = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        layers = (engine.Dense(4, "relu"), engine.Dense(5, "abs"), engine.Dense(1, "linear"))
        spec = engine.NetworkSpec((2,), layers, "binary_cross_entropy")
        self.document = SimpleNamespace(spec=spec, training=engine.TrainingSpec(), data=engine.DataSpec())
        self.undo_stack = QUndoStack(self)
        self.selection, self.state, self.unsaved, self.path = None, "ready", False, None
        self.calls: list[str] = []

    def edit(self, words: str, spec: engine.NetworkSpec, merge: str | None = None) -> None:
        self.calls.append(words)
        self.document.spec = spec
        self.document_changed.emit()

    def __getattr__(self, name: str):
        if name.startswith("_"):
            raise AttributeError(name)
        return lambda *arguments, **options: self.calls.append(name)


class FakeWindow(QMainWindow):
    def __init__(self) -> None:
        super().__init__()
        self.session = FakeSession()
        self.shown: list[str] = []
        self.setCentralWidget(QWidget())
        self.second = QWidget(self)

    def toggle_second_views(self) -> None:
        self.second.setVisible(self.second.isHidden())

    def tab_views(self):
        return [SimpleNamespace(name="map", title="Map"), SimpleNamespace(name="heatmap", title="Heatmap")]

    def show_view(self, name: str) -> None:
        self.shown.append(name)

    def show_workspace(self) -> None:
        self.shown.append("workspace")

    def show_gallery(self) -> None:
        self.shown.append("gallery")


@pytest.fixture
def window(qtbot):
    from gui.actions import build_menus

    made = FakeWindow()
    qtbot.addWidget(made)
    made.book = build_menus(made)
    made.resize(600, 400)
    made.show()
    qtbot.waitExposed(made)
    return made


def test_the_names_that_others_rely_on_are_in_the_menus(window):
    texts = {action.text() for action in window.actions_by_name.values()}
    assert {"Export weights", "Export plot", "Save project", "Open project", "Run", "Reset", "Add layer"} <= texts


def test_no_two_actions_share_a_key(window):
    keys = [
        action.shortcut().toString() for action in window.actions_by_name.values() if not action.shortcut().isEmpty()
    ]
    assert len(keys) == len(set(keys))


def test_actions_reach_the_session_and_the_window(window):
    for name in ("run", "one batch", "one epoch", "reset", "new weights", "view heatmap", "examples"):
        window.actions_by_name[name].trigger()
    assert window.session.calls == ["run", "step_batch", "step_epoch", "reset", "new_weights"]
    assert window.shown == ["heatmap", "gallery"]
    window.session.state = "running"
    window.session.state_changed.emit("running")
    assert window.actions_by_name["run"].text() == "Pause"


def test_layer_actions_mean_the_selected_layer_and_never_the_output(window):
    actions, session = window.actions_by_name, window.session
    session.selection = (0, 1)
    session.selection_changed.emit()
    assert actions["remove layer"].text() == "Remove layer 1"
    assert not actions["move layer up"].isEnabled() and actions["move layer down"].isEnabled()
    actions["duplicate layer"].trigger()
    assert [layer.units for layer in session.document.spec.layers] == [4, 4, 5, 1]
    session.selection = (3, None)
    session.selection_changed.emit()
    assert not actions["remove layer"].isEnabled() and not actions["move layer up"].isEnabled()


def test_space_belongs_to_a_focused_box_and_else_to_run(window, qtbot):
    box = QCheckBox("box", window.centralWidget())
    box.show()
    window.activateWindow()
    box.setFocus()
    qtbot.waitUntil(box.hasFocus, timeout=2000)
    qtbot.keyClick(box, Qt.Key.Key_Space)
    assert box.isChecked() and "run" not in window.session.calls
    box.clearFocus()
    window.setFocus()
    qtbot.keyClick(window, Qt.Key.Key_Space)
    assert window.session.calls == ["run"]


def test_changes_are_asked_about_before_they_are_lost(window, qtbot):
    from PySide6.QtWidgets import QMessageBox

    window.session.unsaved, window.session.path = True, "mine.relume"
    window.actions_by_name["new network"].trigger()
    assert "new_document" not in window.session.calls
    question = window.findChild(QMessageBox)
    discard = next(button for button in question.buttons() if button.text() == "Do not save")
    discard.click()
    assert "new_document" in window.session.calls and window.shown == ["workspace"]


def test_a_dropped_file_goes_where_its_kind_belongs(window, tmp_path):
    from gui import file_actions
    from gui.dialogs.import_dialog import ImportDialog

    told: list[str] = []
    window.session.notice.connect(lambda words, level: told.append(words))
    file_actions.take_file(window, tmp_path / "picture.bmp")
    assert "picture.bmp" in told[0] and ".csv" in told[0]
    file_actions.take_file(window, tmp_path / "net.relume")
    assert "open_project" in window.session.calls
    table = tmp_path / "t.csv"
    table.write_text("a,b\n1,2\n2,3\n")
    file_actions.take_file(window, Path(table))
    assert window.findChild(ImportDialog) is not None


def test_help_lists_the_keys_from_the_table(window):
    from gui.dialogs.help_dialog import show_about, show_keyboard, show_tour

    words = show_keyboard(window).page.toPlainText()
    assert "Ctrl+S" in words and "Save project" in words
    assert "spiral" in show_tour(window).page.toPlainText().lower()
    assert "Version" in show_about(window).page.toPlainText()
