"""The frame: what is where at both sizes, keys, focus, what is watched, theme, closing."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from engine.errors import RelumeError
from gui import app, edits, settings, theme
from gui.dialogs.import_dialog import ImportDialog
from gui.main_window import LEFT, LEFT_WIDE, RIGHT, RIGHT_WIDE, MainWindow
from gui.words import error_words

SMALL, LARGE = (1280, 720), (1920, 1080)


@pytest.fixture
def window(qtbot: QtBot) -> Iterator[MainWindow]:
    kept = theme.mode()
    _, made = app.build(["relume"])
    made.resize(*SMALL)
    made.show_workspace()
    made.show()
    with qtbot.waitActive(made):
        made.activateWindow()
    yield made
    made.session.undo_stack.setClean()
    made.session.path = None
    assert made.close()
    made.deleteLater()
    qtbot.wait(1)
    theme.set_mode(kept)


def control(window: QWidget, name: str) -> QWidget:
    found = [item for item in window.findChildren(QWidget) if item.accessibleName() == name and item.isVisible()]
    assert found, name
    return found[0]


def press(window: QWidget, name: str) -> None:
    button = control(window, name)
    assert isinstance(button, QAbstractButton)
    button.click()


def wait_state(qtbot: QtBot, window: MainWindow, *states: str) -> None:
    qtbot.waitUntil(lambda: window.session.state in states, timeout=60_000)


def test_columns_have_their_widths_at_both_sizes(window: MainWindow, qtbot: QtBot) -> None:
    assert (window.width(), window.height()) == SMALL
    left, _, right = window.columns.sizes()
    assert abs(left - LEFT) <= 1 and abs(right - RIGHT) <= 1
    assert not window.second.isVisible() and not window.right[2].isVisible()
    window.resize(*LARGE)
    qtbot.wait(50)
    left, _, right = window.columns.sizes()
    assert abs(left - LEFT_WIDE) <= 1 and abs(right - RIGHT_WIDE) <= 1
    assert window.second.isVisible() and window.right[2].isVisible() and window.run_bar.rate.isVisible()
    window.resize(*SMALL)
    qtbot.wait(50)
    assert not window.second.isVisible() and not window.run_bar.rate.isVisible()


def test_splitters_keep_what_the_user_chose(window: MainWindow, qtbot: QtBot) -> None:
    window.columns.setSizes([340, 600, 340])
    window.columns.splitterMoved.emit(340, 1)
    chosen = window.columns.sizes()
    window.resize(1300, 720)
    qtbot.wait(20)
    assert window.columns.sizes()[0] == chosen[0]
    window.resize(*LARGE)
    qtbot.wait(20)
    assert abs(window.columns.sizes()[0] - LEFT_WIDE) <= 1
    window.resize(*SMALL)
    qtbot.wait(20)
    assert abs(window.columns.sizes()[0] - chosen[0]) <= 2
    settings.set_splitter_sizes("columns, narrow", [])


def test_two_views_side_by_side_on_request(window: MainWindow) -> None:
    press(window, "Two views side by side")
    assert window.second.isVisible() and window.centre.current().isVisible()
    assert window.second.current().name == "heatmap"
    press(window, "Two views side by side")
    assert not window.second.isVisible()


def test_space_arrow_and_ctrl_r_train(window: MainWindow, qtbot: QtBot) -> None:
    session = window.session
    window.centre.setFocus()
    QTest.keyClick(window, Qt.Key.Key_Space)
    wait_state(qtbot, window, "running")
    qtbot.waitUntil(lambda: session.snapshot is not None and session.snapshot.step > 0, timeout=60_000)
    assert control(window, "Pause").isEnabled()
    QTest.keyClick(window, Qt.Key.Key_Space)
    wait_state(qtbot, window, "paused")
    step = session.trainer.snapshot().step
    QTest.keyClick(window, Qt.Key.Key_Right)
    qtbot.waitUntil(lambda: session.snapshot is not None and session.snapshot.step == step + 1, timeout=20_000)
    QTest.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: session.snapshot is not None and session.snapshot.step == 0, timeout=20_000)
    assert window.run_bar.epoch.value.text() == "0"


def test_tab_goes_through_the_window_and_comes_back(window: MainWindow) -> None:
    window.activateWindow()
    start = control(window, "Run")
    start.setFocus()
    seen: list[QWidget] = []
    for _ in range(150):
        window.focusNextChild()
        focused = QApplication.focusWidget()
        assert focused is not None
        if focused is start:
            break
        seen.append(focused)
    else:
        pytest.fail("Tab never comes back")
    names = {widget.accessibleName() for widget in seen}
    assert {"Step", "Reset", "Speed", "Full speed", "Seed", "New weights", "Data set", "Add layer"} <= names
    assert {"Units of layer 1", "Activation of layer 1", "Learning rate", "Batch size", "Views"} <= names


def test_every_control_has_a_name_at_both_sizes(window: MainWindow, qtbot: QtBot) -> None:
    for size in (SMALL, LARGE):
        window.resize(*size)
        qtbot.wait(20)
        nameless = [
            f"{type(item).__name__} in {type(item.parentWidget()).__name__}"
            for item in window.findChildren(QWidget)
            if item.isVisible() and item.focusPolicy() != Qt.FocusPolicy.NoFocus and not item.focusProxy()
            and not item.accessibleName()
        ]  # fmt: skip
        assert not nameless


def test_only_visible_views_are_asked_for_and_drawn(window: MainWindow, qtbot: QtBot) -> None:
    drawn: list[str] = []
    for view in window.tab_views():
        show = view.show_snapshot
        view.show_snapshot = lambda snapshot, view=view, show=show: (drawn.append(view.name), show(snapshot))
    window.show_view("distributions")
    window.session.run()
    qtbot.waitUntil(lambda: "distributions" in drawn, timeout=60_000)
    drawn.clear()
    qtbot.waitUntil(lambda: len(drawn) > 3, timeout=60_000)
    assert set(drawn) == {"distributions"}
    wanted = frozenset().union(*(view.watches for view in window.visible_views()))
    qtbot.waitUntil(lambda: window.session.trainer.watched == wanted, timeout=5_000)
    assert "distributions" in wanted and "activations" not in wanted
    window.session.pause()


def test_visible_views_tell_screen_readers_what_they_show(window: MainWindow, qtbot: QtBot) -> None:
    window.show_view("map")
    qtbot.waitUntil(lambda: window.centre.current().accessibleDescription().startswith("Network map: 2 inputs"))
    window.session.run()
    curves = window.right[1].view
    qtbot.waitUntil(lambda: curves.accessibleDescription().startswith("Epoch "), timeout=60_000)
    window.session.pause()
    wait_state(qtbot, window, "paused", "finished")
    hidden = [view for view in window.tab_views() if not view.isVisible()]
    assert hidden and not any(view.accessibleDescription() for view in hidden)
    window.show_view("weights")
    qtbot.waitUntil(lambda: "neurons, from" in window.centre.current().accessibleDescription(), timeout=5_000)


def test_the_speed_is_visible_and_full_is_one_click(window: MainWindow) -> None:
    bar, session = window.run_bar, window.session
    assert bar.speed_words.text() == "4 ep/s"
    press(window, "Full speed")
    assert session.document.speed is None and bar.speed_words.text() == "full"
    press(window, "Full speed")
    assert session.document.speed == pytest.approx(4, rel=0.1)
    bar.speed.setValue(0)
    assert bar.speed_words.text() == "1 batch/s"
    assert session.undo_stack.count() == 0


def test_the_seed_field_and_the_dice_give_other_weights(window: MainWindow, qtbot: QtBot) -> None:
    bar, session = window.run_bar, window.session
    bar.seed.setText("23")
    bar.seed.editingFinished.emit()
    assert session.document.training.seed == 23
    qtbot.waitUntil(lambda: session.trainer.training.seed == 23, timeout=60_000)
    press(window, "New weights")
    assert bar.seed.text() == "24"
    session.undo_stack.undo()
    assert bar.seed.text() == "23"
    for text in ("many", "²", "-1", "2.5", "1e300"):
        window.notice_bar.dismiss()
        bar.seed.setText(text)
        bar.seed.editingFinished.emit()
        assert bar.seed.text() == "23" and window.notice_bar.isVisible()
        assert text.replace("-", "") in window.notice_bar.words.text() or text == "1e300"
    bar.seed.setText(str(2**53))
    bar.seed.editingFinished.emit()
    assert session.document.training.seed == 2**53
    press(window, "New weights")
    assert session.document.training.seed == 0


def test_a_notice_says_what_where_and_what_to_do_and_goes_when_dismissed(window: MainWindow) -> None:
    window.session.notice.emit(error_words(RelumeError("It is wrong.", "here", "Do that.")), "warning")
    assert window.notice_bar.words.text() == "It is wrong (here). Do that."
    press(window, "Dismiss notice")
    assert not window.notice_bar.isVisible()


def test_a_notice_is_seen_on_the_start_page_too(window: MainWindow) -> None:
    from gui import file_actions

    window.show_gallery()
    file_actions.take_file(window, "numbers.xlsx")
    assert window.notice_bar.isVisible() and ".xlsx cannot be opened" in window.notice_bar.words.text()


def test_undo_and_redo_can_be_chosen_as_soon_as_there_is_something(window: MainWindow) -> None:
    session, undo, redo = window.session, window.actions_by_name["undo"], window.actions_by_name["redo"]
    assert not undo.isEnabled()
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=3))
    assert undo.isEnabled() and undo.text() == "Undo units"
    undo.trigger()
    assert not undo.isEnabled() and redo.isEnabled()
    session.set_parameter("0.bias", (0,), 1.0)
    assert undo.isEnabled() and undo.text() == "Undo set bias" and not redo.isEnabled()
    undo.trigger()


def test_words_of_files_are_never_taken_for_html(window: MainWindow, qtbot: QtBot, tmp_path) -> None:
    evil = "<img src=x>&amp;<b>"
    path = tmp_path / f"{evil}.csv"
    rows = "\n".join(f"{i},{2 * i},{'' if i == 7 else i % 9 * 1.5}" for i in range(40))
    path.write_text(f"{evil}1,{evil}2,{evil}3\n{rows}\n", encoding="utf-8")
    dialog = ImportDialog(window.session, path, window, window.show_workspace)
    dialog.open()
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=20_000)
    assert evil in dialog.words.text() and not_html(dialog)
    dialog.ok.click()
    qtbot.waitUntil(lambda: window.session.dataset.name == "table", timeout=20_000)
    window.session.notice.emit(f"Saved {evil}.", "info")
    window._corner.show_name(f"{evil}.relume")
    window.session.step_epoch()
    qtbot.waitUntil(lambda: window.session.snapshot is not None and window.session.snapshot.epoch == 1, timeout=60_000)
    qtbot.wait(300)
    seen = [label.text() for label in window.findChildren(QLabel)] + [w.toolTip() for w in window.findChildren(QWidget)]
    assert sum("img src" in words for words in seen) >= 4 and not_html(window)


def not_html(widget: QWidget) -> bool:
    """Whether what a file says stands there letter by letter, in every label and tooltip."""
    rich = [
        label.text() for label in widget.findChildren(QLabel)
        if "img" in label.text() and label.textFormat() != Qt.TextFormat.PlainText and type(label) is QLabel
    ]  # fmt: skip
    tips = [child.toolTip() for child in widget.findChildren(QWidget) if "img" in child.toolTip()]
    return not rich and not any("<img" in words or "<b>" in words for words in tips)


def test_name_edits_and_state_stand_at_the_menus_end(window: MainWindow, qtbot: QtBot) -> None:
    def words() -> list[str]:
        return [label.text() for label in window._corner.findChildren(QLabel)]

    assert "untitled" in words() and "edited" not in words() and "Ready" in words()
    window.session.edit("Add layer", spec=edits.add_layer(window.session.document.spec))
    assert "edited" in words()
    window.session.undo_stack.undo()
    assert "edited" not in words()
    window.session.run()
    wait_state(qtbot, window, "running")
    qtbot.waitUntil(lambda: "Training" in words(), timeout=60_000)
    qtbot.waitUntil(lambda: window.session.snapshot is not None and window.session.snapshot.step > 0, timeout=60_000)
    window.session.pause()
    wait_state(qtbot, window, "paused")
    assert window.session.dirty and "edited" not in words(), "a run that is not asked about is no edit"


@pytest.mark.parametrize("kept", [None, (1900, 1000)])
def test_the_window_is_never_larger_than_the_screen(window: MainWindow, kept: tuple[int, int] | None) -> None:
    if kept is not None:
        window.resize(*kept)
        settings.set_window_geometry(window.saveGeometry())
    window.restore_place()
    assert window.screen().availableGeometry().contains(window.frameGeometry())


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_theme_dresses_everything_that_is_open(window: MainWindow, qtbot: QtBot, mode: str) -> None:
    theme.set_mode("dark" if mode == "light" else "light")
    theme.set_mode(mode)
    qtbot.wait(50)
    picture = window.grab().toImage()
    assert picture.pixelColor(4, 140) == theme.color("bg")
    assert picture.pixelColor(4, 60) == theme.color("panel")
    assert settings.theme_mode() == mode


def test_unsaved_changes_are_asked_about_before_it_closes(window: MainWindow, qtbot: QtBot) -> None:
    session = window.session
    session.edit("Units", spec=edits.set_layer(session.document.spec, 0, units=3))
    assert not window.close() and window.isVisible()
    question = window.findChild(QMessageBox)
    assert question is not None and "not saved" in question.text()
    question.buttons()[-1].click()
    assert window.isVisible() and session.trainer.state != "closed"


def test_training_of_a_saved_project_is_asked_about_too(window: MainWindow, tmp_path, qtbot: QtBot) -> None:
    session = window.session
    session.save_project(tmp_path / "a.relume")
    qtbot.waitUntil(lambda: session.path is not None, timeout=20_000)
    assert not session.unsaved and window.windowTitle().startswith("a.relume")
    session.step_epoch()
    qtbot.waitUntil(lambda: session.snapshot is not None and session.snapshot.step > 0, timeout=60_000)
    assert session.unsaved and not window.close()
    question = window.findChild(QMessageBox)
    assert question is not None
    question.reject()


def test_a_slow_example_opens_beside_the_window_and_runs(window: MainWindow, qtbot: QtBot) -> None:
    from gui import file_actions

    file_actions.run_example(window, "wine")
    qtbot.waitUntil(lambda: window.session.document.data.name == "wine", timeout=30_000)
    wait_state(qtbot, window, "running", "finished")
    window.session.load_example("iris")
    window.session.load_example("x-sin-5x")  # the newest wish wins
    qtbot.wait(300)
    assert window.session.document.data.name == "x_sin_5x"


def test_a_column_keeps_its_least_width(window: MainWindow) -> None:
    window.columns.setSizes([10, 2000, 10])
    left, _, right = window.columns.sizes()
    assert left >= LEFT and right >= RIGHT


def test_a_change_of_the_optimizer_does_not_stop_the_run(window: MainWindow, qtbot: QtBot) -> None:
    session = window.session
    session.run()
    qtbot.waitUntil(lambda: session.snapshot is not None and session.snapshot.step > 0, timeout=60_000)
    training = session.document.training
    session.edit("Rate", training=dataclasses.replace(training, optimizer=dataclasses.replace(training.optimizer)))
    session.edit("Batch", training=dataclasses.replace(training, batch_size=20))
    session.edit("Activation", spec=edits.set_layer(session.document.spec, 0, activation="tanh"))
    step = session.snapshot.step if session.snapshot else 0
    qtbot.waitUntil(lambda: session.snapshot is not None and session.snapshot.step > step, timeout=60_000)
    assert session.state == "running" and session.trainer.training.batch_size == 20
    session.pause()


def test_a_refused_edit_leaves_the_pictures_as_they_are(window, qtbot):
    shown = window.right[0].view
    qtbot.waitUntil(lambda: shown._pages.currentWidget() is not shown._empty, timeout=60_000)
    window.session.document_changed.emit()  # as after a value that cannot be: fields show the document again
    assert shown._pages.currentWidget() is not shown._empty
