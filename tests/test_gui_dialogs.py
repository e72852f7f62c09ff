"""The dialogs, each on its own with a small stand-in for the session."""

from __future__ import annotations

import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

import engine
from engine.files.figures import Figure, Line, Panel
from engine.telemetry import SampleTrace


class FakeSession(QObject):
    """What dialogs ask of a session."""

    sample_changed = Signal()
    selection_changed = Signal()
    notice = Signal(str, str)

    def __init__(self, data: str = "spiral", inputs: int = 2, outputs: int = 1) -> None:
        super().__init__()
        loss = "binary_cross_entropy" if outputs == 1 else "softmax_cross_entropy"
        spec = engine.NetworkSpec((inputs,), (engine.Dense(8, "relu"), engine.Dense(outputs, "linear")), loss)
        training, chosen = engine.TrainingSpec(epochs=5), engine.DataSpec(data)
        self.document = SimpleNamespace(spec=spec, training=training, data=chosen)
        self.dataset = engine.datasets.load_spec(chosen)
        self.sample, self.selection, self.snapshot, self.trainer = None, None, None, None
        self.taken: list = []
        self.ran = 0

    def pick_sample(self, part: str, index: int) -> None:
        self.sample = (part, index)
        self.sample_changed.emit()

    def select(self, layer: int, unit: int) -> None:
        self.selection = (layer, unit)
        self.selection_changed.emit()

    def import_table(self, spec: engine.DataSpec, dataset: engine.Dataset) -> None:
        assert dataset.feature_names
        self.taken.append(spec)

    def edit(self, words: str, training: engine.TrainingSpec) -> None:
        self.document.training = training

    def run(self) -> None:
        self.ran += 1


@pytest.fixture
def parent(qtbot):
    widget = QWidget()
    qtbot.addWidget(widget)
    return widget


def trace_snapshot(session: FakeSession, z: np.ndarray, dead: np.ndarray) -> SimpleNamespace:
    outputs = session.document.spec.output_shape[0]
    part, index = session.sample
    out = np.full(outputs, 1 / max(2, outputs), np.float32)
    trace = SampleTrace(index, part, (z, out), (np.maximum(z, 0), out), out, 0.5, 0.0)
    layers = (SimpleNamespace(dead=dead), SimpleNamespace(dead=np.zeros(outputs, bool)))
    return SimpleNamespace(spec=session.document.spec, sample=trace, layers=layers)


# own data


def open_import(qtbot, parent, path: Path, text: str):
    from gui.dialogs.import_dialog import ImportDialog

    path.write_text(text, encoding="utf-8")
    session, done = FakeSession(), []
    dialog = ImportDialog(session, path, parent, lambda: done.append(True))
    dialog.open()
    return session, dialog, done


def house_rows(count: int = 40) -> str:
    towns = ("Lund", "Ystad", "Kivik")
    rows = (f"h{i}x,{i % 5 + 1},{'' if i % 9 == 0 else 40 + i},{towns[i % 3]},{100 + i * 2.5}" for i in range(count))
    return "id,rooms,area,town,price\n" + "\n".join(rows)


def test_a_table_is_previewed_and_taken(qtbot, parent, tmp_path):
    session, dialog, done = open_import(qtbot, parent, tmp_path / "houses.csv", house_rows())
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=5000)
    assert "comma" in dialog.found.text() and "missing" in dialog.found.text()
    assert dialog.target.currentText() == "price"
    assert dialog.preview.roles["id"] == "out"  # free text
    assert "regression" in dialog.words.text().lower()
    dialog.ok.click()
    assert done and session.taken[0].target == ("price",)
    assert session.taken[0].inputs == ("rooms", "area", "town")


def test_a_choice_is_tried_out_and_its_fault_is_told_in_the_panel(qtbot, parent, tmp_path):
    _, dialog, _ = open_import(qtbot, parent, tmp_path / "houses.csv", house_rows())
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=5000)
    dialog.task.setCurrentIndex(dialog.task.findData("binary"))
    assert not dialog.ok.isEnabled()
    qtbot.waitUntil(lambda: "price" in dialog.words.text() and "different values" in dialog.words.text(), timeout=5000)
    assert not dialog.ok.isEnabled()
    dialog.target.setCurrentIndex(dialog.target.findData("town"))
    dialog.target.activated.emit(dialog.target.currentIndex())
    dialog.task.setCurrentIndex(dialog.task.findData("multiclass"))
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=5000)
    assert "3 classes" in dialog.words.text()


def test_an_older_trial_that_ends_late_is_not_taken_for_the_newer_choice(qtbot, parent, tmp_path):
    _, dialog, _ = open_import(qtbot, parent, tmp_path / "houses.csv", house_rows())
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=5000)
    dialog._again.setInterval(60_000)  # the next trial does not begin while this test looks
    dialog._try()
    task = dialog._task
    dialog.missing.setCurrentIndex(dialog.missing.findData("mean"))
    qtbot.waitUntil(task._future.done, timeout=5000)
    qtbot.wait(100)
    assert not dialog.ok.isEnabled() and dialog.tried is None


def test_a_bad_file_is_told_with_its_line_and_nothing_can_be_taken(qtbot, parent, tmp_path):
    session, dialog, _ = open_import(qtbot, parent, tmp_path / "bad.csv", 'a,b\n1,2\n3,4\n"x')
    qtbot.waitUntil(lambda: "line 4" in dialog.words.text(), timeout=5000)
    assert not dialog.ok.isEnabled() and not session.taken


def test_the_header_can_be_told_otherwise(qtbot, parent, tmp_path):
    _, dialog, _ = open_import(qtbot, parent, tmp_path / "plain.csv", "a,b\n1,2\n2,4\n3,6\n4,8\n5,10\n6,12\n")
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=5000)
    assert dialog.header.isChecked() and dialog.table.rows == 6
    dialog.header.click()
    qtbot.waitUntil(lambda: dialog.table.rows == 7, timeout=5000)


def test_a_missing_file_is_told(qtbot, parent, tmp_path):
    from gui.dialogs.import_dialog import ImportDialog

    dialog = ImportDialog(FakeSession(), tmp_path / "none.csv", parent, lambda: None)
    qtbot.waitUntil(lambda: "cannot be read" in dialog.words.text(), timeout=5000)
    assert not dialog.ok.isEnabled()


# exports


def test_export_formats_change_the_suffix_only(qtbot, parent):
    from gui.dialogs.export_dialog import ExportDialog

    dialog = ExportDialog(FakeSession(), parent)
    assert dialog.path.name == "spiral-weights.npz"
    for button in dialog.group.buttons():
        button.setChecked(True)
        assert dialog.path.name == f"spiral-weights.{button.property('suffix')}"


def test_a_failed_export_leaves_the_old_file_and_says_what_to_do(qtbot, parent, tmp_path):
    from gui.dialogs.export_dialog import ExportDialog

    class Broken(ExportDialog):
        def work(self, path, progress):
            raise engine.RelumeError("The disk is full.", str(path), "Make room.")

    old = tmp_path / "w.npz"
    old.write_bytes(b"old")
    dialog = Broken(FakeSession(), parent)
    dialog.place.setText(str(old))
    dialog.write.click()
    qtbot.waitUntil(lambda: "Make room." in dialog.outcome.text(), timeout=5000)
    assert old.read_bytes() == b"old" and dialog.write.isEnabled()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The folder that dialogs propose."""
    from gui import settings

    monkeypatch.setattr(settings, "last_folder", lambda: str(tmp_path))
    monkeypatch.setattr(settings, "set_last_folder", lambda folder: None)
    return tmp_path


def test_an_export_proposes_a_free_name(qtbot, parent, here):
    from gui.dialogs.export_dialog import ExportDialog

    (here / "spiral-weights.py").touch()
    (here / "spiral-weights-2.npz").touch()
    dialog = ExportDialog(FakeSession(), parent)
    assert dialog.path == here / "spiral-weights-3.npz" and dialog.taken.isHidden()
    dialog.place.setText(str(here / "rate 0.5"))
    assert dialog.path.name == "rate 0.5.npz", "a point in a name begins no suffix"
    for text in ("", "/", "~", "~nobody/x", "a/"):
        dialog.place.setText(text)
        dialog.group.buttons()[1].toggle()
        assert dialog.write.isEnabled() == (text not in ("", "/"))


def test_an_export_replaces_a_file_only_by_a_button_that_says_so(qtbot, parent, here):
    from gui.dialogs.export_dialog import ExportDialog

    class Quick(ExportDialog):
        def work(self, path, progress):
            path.write_text("new")
            return "Written"

    dialog = Quick(FakeSession(), parent)
    dialog.place.setText(str(here / "mine.npz"))
    assert dialog.write.text() == "Write the weights"
    (here / "mine.npz").write_text("old")
    dialog.write.click()  # it came after the name was typed
    assert dialog.task is None and "mine.npz" in dialog.taken.text() and not dialog.taken.isHidden()
    assert dialog.write.text() == dialog.write.accessibleName() == "Replace the file"
    dialog.write.click()
    qtbot.waitUntil(lambda: dialog.outcome.text() == "Written", timeout=5000)
    assert (here / "mine.npz").read_text() == "new"


def test_every_format_of_weights_says_how_far_its_predictions_are(qtbot, parent, here):
    from engine.files import weights
    from gui.dialogs.export_dialog import ExportDialog

    session = FakeSession()
    session.trainer = SimpleNamespace(network=engine.Network(session.document.spec))
    dialog = ExportDialog(session, parent)
    assert [button.accessibleName() for button in dialog.group.buttons()] == [item.ending for item in weights.FORMATS]
    for button, item in zip(dialog.group.buttons(), weights.FORMATS, strict=True):
        assert item.words in button.text()
        button.setChecked(True)
        dialog.place.setText(str(here / f"my.net{item.ending.upper()}"))
        for path in dialog.targets():
            path.unlink(missing_ok=True)
        dialog._place_changed()
        assert dialog.write.text() == "Write the weights"
        dialog.write.click()
        qtbot.waitUntil(lambda: "Written" in dialog.outcome.text() and dialog.task is None, timeout=60_000)
        words = dialog.outcome.text()
        assert "largest difference of the outputs" in words or "PyTorch is not installed" in words
        assert all(path.exists() and path.name in words for path in dialog.targets())


def test_a_module_and_its_weights_are_named_before_they_replace_anything(qtbot, parent, here):
    from gui.dialogs.export_dialog import ExportDialog

    dialog = ExportDialog(FakeSession(), parent)
    dialog.place.setText(str(here / "mine.torch.py"))
    assert [path.name for path in dialog.targets()] == ["mine.torch.py", "mine.safetensors"]
    assert dialog.write.text() == "Write the weights"
    (here / "mine.safetensors").touch()
    dialog._place_changed()
    assert dialog.write.text() == "Replace the file" and "mine.safetensors" in dialog.taken.text()
    dialog.group.buttons()[3].setChecked(True)
    assert dialog.path.name == "mine.py" and dialog.write.text() == "Write the weights"


class PlotView(QWidget):
    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = self.title = name

    def figure(self) -> Figure:
        return Figure(self.name, (Panel((Line(np.arange(3.0), np.arange(3.0)),)),))


def test_plots_get_a_file_each_and_say_which_exist(qtbot, parent, here):
    from gui.dialogs.export_dialog import PlotExportDialog

    views = [PlotView(name) for name in ("heatmap", "curves", "heatmap")]
    for view in views:
        qtbot.addWidget(view)
    dialog = PlotExportDialog(FakeSession(), views, parent, "csv")
    assert dialog.place.text() == str(here / "spiral-heatmap.csv")
    for box, _ in dialog.boxes:
        box.setChecked(True)
    names = [f"spiral-heatmap-{name}.csv" for name in ("heatmap", "curves", "heatmap-2")]
    assert [path.name for path in dialog.targets()] == names and dialog.write.text() == "Write 3 plots"
    for name in names[1:]:
        (here / name).touch()
    dialog.boxes[0][0].toggle()
    dialog.boxes[0][0].toggle()
    assert dialog.write.text() == "Replace 2 files" and names[1] in dialog.taken.text()
    dialog.write.click()
    qtbot.waitUntil(lambda: dialog.outcome.text().startswith("Written"), timeout=20_000)
    assert sorted(path.name for path in here.iterdir()) == sorted(names)
    assert all(path.stat().st_size for path in here.iterdir())


# slow work


@pytest.mark.parametrize("kind", ["weights", "plot"])
def test_a_cancelled_export_keeps_the_old_file(qtbot, parent, here, monkeypatch, kind):
    """Links stay links and rights stay rights because `engine.files.atomic` alone replaces files."""
    from engine.files import atomic
    from gui.dialogs.export_dialog import ExportDialog, PlotExportDialog

    session, view = FakeSession(), PlotView("curves")
    session.trainer = SimpleNamespace(network=engine.Network(session.document.spec))
    qtbot.addWidget(view)
    dialog = ExportDialog(session, parent) if kind == "weights" else PlotExportDialog(session, [view], parent, "csv")
    real, link = here / f"real{dialog.path.suffix}", here / f"link{dialog.path.suffix}"
    real.write_bytes(b"old")
    real.chmod(0o600)
    link.symlink_to(real)
    dialog.place.setText(str(link))
    flushing, go = threading.Event(), threading.Event()
    flush = atomic._flush
    monkeypatch.setattr(atomic, "_flush", lambda path: (flushing.set(), go.wait(20), flush(path)))
    dialog.write.click()
    future = dialog.task._future
    assert flushing.wait(20)
    dialog.close_button.click()
    go.set()
    qtbot.waitUntil(lambda: future.done() and dialog.task is None, timeout=20_000)
    assert real.read_bytes() == b"old" and sorted(here.iterdir()) == sorted((real, link))
    dialog.write.click()
    qtbot.waitUntil(lambda: dialog.outcome.text().startswith("Written"), timeout=20_000)
    assert link.is_symlink() and real.read_bytes() != b"old" and real.stat().st_mode & 0o777 == 0o600


def test_an_operating_system_fault_becomes_words(qtbot, parent, tmp_path):
    from gui.tasks import Task

    told: list[engine.RelumeError] = []
    Task(lambda progress: (tmp_path / "no" / "file").write_text("x"), lambda r: None, told.append, parent)
    qtbot.waitUntil(lambda: bool(told), timeout=5000)
    assert "file" in told[0].where and told[0].fix


# one sample


def test_the_sample_view_tells_which_neurons_let_it_through(qtbot):
    from gui.dialogs.sample_inspector import SampleView

    session = FakeSession()
    view = SampleView(session)
    qtbot.addWidget(view)
    view.resize(700, 420)
    view.show()
    assert view.summary() == "No sample is picked." and view.figure() is None
    session.pick_sample("train", 3)
    z = np.array([1, -1, 2, -2, 3, -3, 0, -4], np.float32)
    dead = np.array([0, 1, 0, 0, 0, 0, 0, 0], bool)
    view.show_snapshot(trace_snapshot(session, z, dead))
    assert "layer 1: 3 of 8 let it through, 1 dead" in view.summary()
    assert len(view.figure().panels) == 2
    view.grab()
    qtbot.mouseClick(view.picture, Qt.MouseButton.LeftButton, pos=_cell(view, 2))
    assert session.selection == (0, 2)


def test_the_sample_view_says_what_to_click_for_these_data(qtbot):
    from gui.dialogs.sample_inspector import SampleView

    session = FakeSession("digits", 64, 10)
    view = SampleView(session)
    qtbot.addWidget(view)
    assert "click a cell of the matrix in Output" in view.hint.text()
    session.dataset = engine.datasets.load("spiral")
    view.reset()
    assert "click a point in Output" in view.hint.text()


def _cell(view, unit: int):
    from PySide6.QtCore import QPoint

    top = view.picture._blocks()[0].top
    return QPoint(view.picture._cells_left() + unit * 26 + 8, int(top) + 24 + 8)


@pytest.mark.parametrize(
    "loss, output, words, bars",
    [
        ("binary_cross_entropy", [0.3], "Says A with 70.0\u2009%", ("70.0\u2009%", "30.0\u2009%")),
        ("hinge", [0.3], "Says B, score 0.300 (B above 0)", ("0.300",)),
        ("hinge", [2.5], "Says B, score 2.50 (B above 0)", ("2.50",)),
        ("mean_squared_error", [0.3], "Says A, score 0.300 (B above 0.5)", ("0.300",)),
        ("softmax_cross_entropy", [0.1, 0.9], "Says B with 90.0\u2009%", ("10.0\u2009%", "90.0\u2009%")),
    ],
)
def test_a_sample_is_read_by_the_rules_of_its_loss(loss, output, words, bars):
    from gui.dialogs.sample_words import outcome

    data = engine.datasets.load("circles", samples=20)
    told = outcome(data, loss, SampleTrace(0, "train", (), (), np.array(output), 0.7, 0.0))
    assert told.words.startswith(words) and told.written() == bars


def test_next_and_previous_walk_through_the_samples_and_the_parts(qtbot):
    from gui.dialogs.sample_inspector import SampleView

    session = FakeSession("digits", 64, 10)
    view = SampleView(session)
    qtbot.addWidget(view)
    view.show()
    session.pick_sample("train", 0)
    assert not view.previous.isEnabled()
    view.next.click()
    assert session.sample == ("train", 1)
    view.part.setCurrentIndex(1)
    view.part.activated.emit(1)
    assert session.sample == ("test", 1)
    session.pick_sample("test", len(session.dataset.x_test) - 1)
    assert not view.next.isEnabled()
    view.grab()


# run until


def test_run_until_sets_the_ends_and_runs(qtbot, parent):
    from gui.dialogs.run_until import RunUntilDialog

    session = FakeSession()
    dialog = RunUntilDialog(session, parent)
    dialog.epochs.setValue(77)
    dialog.by_loss.setChecked(True)
    dialog.loss.setText("zero")
    dialog._run()
    assert "not a number" in dialog.trouble.text() and not session.ran
    dialog.loss.setText("0,02")
    dialog._run()
    assert session.document.training.epochs == 77 and session.document.training.target_loss == 0.02
    assert session.ran == 1
