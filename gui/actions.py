"""Every menu action in one table: name, place, words, keys, and what it does to the window.

`build_menus(window)` makes the menus; buttons elsewhere may reuse `window.actions_by_name[name]`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QMenu,
    QTabBar,
    QWidget,
)

from engine.spec import NetworkSpec
from gui import edits, file_actions, settings, theme
from gui.dialogs import help_dialog
from gui.dialogs.run_until import RunUntilDialog
from gui.panels.changes import change
from gui.panels.network_panel import add_layer
from gui.views.unit_menu import switch, switch_words
from gui.words import tip, unmarked

if TYPE_CHECKING:
    from gui.main_window import MainWindow

MENUS = ("File", "Edit", "Network", "Train", "View", "Help")


@dataclasses.dataclass(frozen=True)
class Entry:
    """One line of a menu.

    `text` and `enabled` may depend on the window; `checked` makes it a tick, `group` a choice of one.
    """

    name: str
    menu: str
    text: str | Callable[[MainWindow], str]
    run: Callable[[MainWindow], object]
    keys: str = ""
    tip: str = ""
    enabled: Callable[[MainWindow], bool] | None = None
    checked: Callable[[MainWindow], bool] | None = None
    group: str = ""
    separator: bool = False  # a line above it


def _layer(window: MainWindow) -> int:
    """The layer that the network actions mean: the selected one, else the last hidden one."""
    spec, selection = window.session.document.spec, window.session.selection
    if selection is not None and selection[0] < len(spec.parts):
        return selection[0]
    return edits.index_of(spec, "", max(0, len(spec.layers) - 2))


def _number(window: MainWindow) -> str:
    return window.session.document.spec.parts[_layer(window)].number


def _edit_layers(
    words: str, act: Callable[..., NetworkSpec], offset: int | None = None
) -> Callable[[MainWindow], None]:
    def run(window: MainWindow) -> None:
        spec, index = window.session.document.spec, _layer(window)
        arguments = (spec, index) if offset is None else (spec, index, edits.place_of(spec, index)[1] + offset)
        change(window.session, words.format(_number(window)), lambda: {"spec": act(*arguments)})

    return run


def _can_switch(window: MainWindow) -> bool:
    chosen = window.session.selection
    return chosen is not None and edits.can_switch(window.session.document.spec, chosen[0])


def _switch_words(window: MainWindow) -> str:
    chosen = window.session.selection
    return switch_words(window.session, *chosen) if chosen and _can_switch(window) else "Switch off a neuron"


def _switch(window: MainWindow) -> None:
    if window.session.selection is not None:
        switch(window.session, *window.session.selection)


def _can_freeze(window: MainWindow) -> bool:
    return edits.can_freeze(window.session.document.spec, _layer(window))


def _freeze_words(window: MainWindow) -> str:
    if not _can_freeze(window):
        return "Freeze a layer"
    trains = getattr(window.session.document.spec.parts[_layer(window)].layer, "trainable", True)
    return f"{'Freeze' if trains else 'Unfreeze'} layer {_number(window)}"


def _freeze(window: MainWindow) -> None:
    session = window.session
    session.edit(_freeze_words(window), spec=edits.freeze_layer(session.document.spec, _layer(window)))


def _movable(offset: int) -> Callable[[MainWindow], bool]:
    def movable(window: MainWindow) -> bool:
        _, place, count = edits.place_of(window.session.document.spec, _layer(window))
        return _is_hidden(window) and 0 <= place + offset < count

    return movable


def _is_hidden(window: MainWindow) -> bool:
    return _layer(window) < edits.output_index(window.session.document.spec)


def _add_layer(window: MainWindow) -> None:
    add_layer(window.session, "Dense")


def _show_preferences(window: MainWindow) -> None:
    from gui.dialogs.preferences import Preferences

    Preferences(window.session, window).open()


def _run_or_pause(window: MainWindow) -> None:
    session = window.session
    session.pause() if session.state == "running" else session.run()


def _set_theme(mode: str) -> Callable[[MainWindow], None]:
    def run(window: MainWindow) -> None:
        settings.set_theme_mode(mode)
        theme.set_mode(mode)

    return run


def _is_theme(mode: str, window: MainWindow) -> bool:
    return theme.mode() == mode


ENTRIES: tuple[Entry, ...] = (
    Entry("new network", "File", "New network", file_actions.new_network, "Ctrl+N"),
    Entry("open project", "File", "Open project", file_actions.open_project, "Ctrl+O"),
    Entry("save project", "File", "Save project", file_actions.save_project, "Ctrl+S", separator=True),
    Entry("save project as", "File", "Save project as", file_actions.save_project_as, "Ctrl+Shift+S"),
    Entry("import data", "File", "Import data", file_actions.import_data, "Ctrl+I", "CSV or TSV", separator=True),
    Entry("export weights", "File", "Export weights", file_actions.export_weights, "Ctrl+E", separator=True),
    Entry("export plot", "File", "Export plot", file_actions.export_plot, "Ctrl+Shift+E", "PNG, SVG or PDF"),
    Entry("export plot data", "File", "Export data of plot", file_actions.export_plot_data, tip="CSV"),
    Entry("screenshot", "File", "Screenshot of the window", file_actions.screenshot, "Ctrl+Shift+P"),
    Entry("examples", "File", "Examples", file_actions.show_gallery, "Ctrl+G", separator=True),
    Entry("quit", "File", "Quit", lambda window: window.close(), "Ctrl+Q", separator=True),
    Entry(
        "undo", "Edit", lambda w: f"Undo {w.session.undo_stack.undoText().lower()}".strip(),
        lambda w: w.session.undo(), "Ctrl+Z", enabled=lambda w: w.session.undo_stack.canUndo(),
    ),
    Entry(
        "redo", "Edit", lambda w: f"Redo {w.session.undo_stack.redoText().lower()}".strip(),
        lambda w: w.session.redo(), "Ctrl+Shift+Z", enabled=lambda w: w.session.undo_stack.canRedo(),
    ),
    Entry(
        "preferences", "Edit", "Preferences", _show_preferences, "Ctrl+,", "Theme, threads, compiled kernels",
        separator=True,
    ),
    Entry("add layer", "Network", "Add layer", _add_layer, "Ctrl+L"),
    Entry(
        "duplicate layer", "Network", lambda w: f"Duplicate layer {_number(w)}",
        _edit_layers("Duplicate layer {}", edits.duplicate_layer), "Ctrl+D", enabled=_is_hidden,
    ),
    Entry(
        "move layer up", "Network", lambda w: f"Move layer {_number(w)} up",
        _edit_layers("Move layer {} up", edits.move_layer, -1), "Alt+Up", enabled=_movable(-1),
    ),
    Entry(
        "move layer down", "Network", lambda w: f"Move layer {_number(w)} down",
        _edit_layers("Move layer {} down", edits.move_layer, 1), "Alt+Down", enabled=_movable(1),
    ),
    Entry(
        "remove layer", "Network", lambda w: f"Remove layer {_number(w)}",
        _edit_layers("Remove layer {}", edits.remove_layer), "Ctrl+Del", enabled=_is_hidden,
    ),
    Entry(
        "switch neuron", "Network", _switch_words, _switch, "Ctrl+B", "A neuron that is off gives 0",
        enabled=_can_switch, separator=True,
    ),
    Entry(
        "freeze layer", "Network", _freeze_words, _freeze, "Ctrl+Shift+B", "Training leaves its weights as they are",
        enabled=_can_freeze,
    ),
    Entry(
        "new weights", "Network", "Draw new weights", lambda w: w.session.new_weights(), "Ctrl+Shift+R",
        "The next seed",
    ),
    Entry(
        "run", "Train", lambda w: "Pause" if w.session.state == "running" else "Run", _run_or_pause, "Space",
    ),
    Entry("one batch", "Train", "One batch", lambda w: w.session.step_batch(), "Right", separator=True),
    Entry("one epoch", "Train", "One epoch", lambda w: w.session.step_epoch(), "Shift+Right"),
    Entry(
        "reset", "Train", "Reset", lambda w: w.session.reset(), "Ctrl+R", "The same weights as at the start",
        separator=True,
    ),
    Entry("run until", "Train", "Run until", lambda w: RunUntilDialog(w.session, w).open(), "Ctrl+U"),
    Entry(
        "two views", "View", "Two views side by side", lambda w: w.toggle_second_views(), "Ctrl+Shift+2",
        checked=lambda w: w.second.isVisible(), separator=True,
    ),
    *(
        Entry(
            f"theme {mode}", "View", text, _set_theme(mode), checked=partial(_is_theme, mode),
            group="theme", separator=mode == "light",
        )
        for mode, text in (("light", "Light"), ("dark", "Dark"), ("system", "As the system"))
    ),
    Entry("tour", "Help", "Five-minute tour", help_dialog.show_tour, "F1"),
    Entry("keyboard", "Help", "Keyboard", help_dialog.show_keyboard, "Ctrl+/"),
    Entry("about", "Help", "About Relume", help_dialog.show_about, separator=True),
)  # fmt: skip


def build_menus(window: MainWindow) -> dict[str, QAction]:
    """Fills the window's menu bar and returns the actions by name, also kept as `window.actions_by_name`."""
    return MenuBook(window).actions


class MenuBook(QObject):
    """The menus of one window; keeps words, ticks and greyness true."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self.window = window
        self.actions: dict[str, QAction] = {}
        self._entries: dict[str, Entry] = {}
        self._groups: dict[str, QActionGroup] = {}
        self.menus = {title: self._menu(title) for title in MENUS}
        for entry in self._all_entries():
            self._add(entry)
        self.recent = QMenu("Open recent", window)
        self.menus["File"].insertMenu(self.actions["save project"], self.recent)
        self.recent.aboutToShow.connect(self._fill_recent)
        window.actions_by_name = self.actions
        window.installEventFilter(self)
        session = window.session
        session.document_changed.connect(self.refresh)
        session.selection_changed.connect(self.refresh)
        session.state_changed.connect(self.refresh)
        session.edits_changed.connect(self.refresh)
        theme.signals.changed.connect(self.refresh)
        self.refresh()

    def _menu(self, title: str) -> QMenu:
        menu = self.window.menuBar().addMenu(f"&{title}")
        menu.aboutToShow.connect(self.refresh)
        return menu

    def _all_entries(self) -> tuple[Entry, ...]:
        views = tuple(
            Entry(
                f"view {view.name}", "View", view.title, partial(_show_view, name=view.name),
                f"Ctrl+{number}" if number <= 9 else "",
            )
            for number, view in enumerate(self.window.tab_views(), 1)
        )  # fmt: skip
        first_theme = next(i for i, entry in enumerate(ENTRIES) if entry.menu == "View")
        return ENTRIES[:first_theme] + views + ENTRIES[first_theme:]

    def _add(self, entry: Entry) -> None:
        action = QAction(self.window)
        action.setObjectName(entry.name)
        if entry.keys:
            action.setShortcut(QKeySequence(entry.keys))
        if entry.checked is not None:
            action.setCheckable(True)
        if entry.group:
            group = self._groups.setdefault(entry.group, QActionGroup(self.window))
            group.addAction(action)
        if entry.name == "quit":
            action.setMenuRole(QAction.MenuRole.QuitRole)
        if entry.name == "preferences":
            action.setMenuRole(QAction.MenuRole.PreferencesRole)
        action.triggered.connect(partial(self._run, entry))
        menu = self.menus[entry.menu]
        if entry.separator:
            menu.addSeparator()
        menu.addAction(action)
        self.window.addAction(action)  # its keys work while the menu bar is hidden
        self.actions[entry.name] = action
        self._entries[entry.name] = entry

    def _run(self, entry: Entry, *_: object) -> None:
        entry.run(self.window)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Sets words, ticks and greyness anew."""
        for name, entry in self._entries.items():
            action = self.actions[name]
            text = entry.text if isinstance(entry.text, str) else entry.text(self.window)
            if action.text() != text:
                action.setText(text)
            action.setToolTip(f"{text}. {entry.tip}" if entry.tip else text)
            action.setStatusTip(entry.tip)
            if entry.enabled is not None:
                action.setEnabled(entry.enabled(self.window))
            if entry.checked is not None:
                action.setChecked(entry.checked(self.window))

    def _fill_recent(self) -> None:
        self.recent.clear()
        paths = settings.recent_projects()
        for path in paths:
            action = self.recent.addAction(unmarked(Path(path).name))
            action.setToolTip(tip(str(path)))
            action.triggered.connect(partial(file_actions.open_project_at, self.window, path))
        if not paths:
            self.recent.addAction("No project yet").setEnabled(False)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Space and the arrows belong to the focused button or field before they belong to Run and Step."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _needed_by_focus(event):
            event.accept()
            return True
        return super().eventFilter(watched, event)


def _needed_by_focus(event: QKeyEvent) -> bool:
    widget = QApplication.focusWidget()
    key = event.key()
    if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
        return False
    if _in_gallery(widget) and key in (Qt.Key.Key_Space, Qt.Key.Key_Right):
        return True
    if key == Qt.Key.Key_Space:
        return isinstance(widget, QAbstractButton | QComboBox | QLineEdit | QAbstractSpinBox | QAbstractItemView)
    if key in (Qt.Key.Key_Right, Qt.Key.Key_Left):
        return isinstance(
            widget, QAbstractSlider | QComboBox | QLineEdit | QAbstractSpinBox | QAbstractItemView | QTabBar
        )
    return False


def _in_gallery(widget: QWidget | None) -> bool:
    """Where no network is to be seen, no bare key may train it."""
    while widget is not None and widget.objectName() != "gallery":
        widget = widget.parentWidget()
    return widget is not None


def _show_view(window: MainWindow, name: str) -> None:
    window.show_view(name)
