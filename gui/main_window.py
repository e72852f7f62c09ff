"""The window: run bar on top, what is set on the left, what is watched in the middle and on the right."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMenuBar,
    QProxyStyle,
    QSplitter,
    QStackedWidget,
    QStyle,
    QStyleHintReturn,
    QStyleOption,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui import actions, file_actions, settings, theme
from gui.dialogs.run_until import RunUntilDialog
from gui.dialogs.sample_inspector import SampleView
from gui.frame_clock import FrameClock
from gui.notice_bar import NoticeBar
from gui.panel_frame import PanelFrame, TabFrame
from gui.panels.column import Column
from gui.panels.data_panel import DataPanel
from gui.panels.findings_panel import FindingsPanel
from gui.panels.network_panel import NetworkPanel
from gui.panels.run_bar import RunBar
from gui.panels.training_panel import TrainingPanel
from gui.session import Session
from gui.state_corner import StateCorner
from gui.views.base import View
from gui.views.curves import Curves
from gui.views.distributions import Distributions
from gui.views.gradient_flow import GradientFlow
from gui.views.heatmap import Heatmap
from gui.views.network_map import NetworkMap
from gui.views.output import Output
from gui.views.weights import Weights

if TYPE_CHECKING:
    from gui.dialogs.gallery import Gallery

SMALLEST = QSize(1024, 640)
WIDE = 1600
LEFT, RIGHT = 272, 296
LEFT_WIDE, RIGHT_WIDE = 304, 424
TAB_VIEWS = (NetworkMap, Heatmap, GradientFlow, Distributions, Weights, SampleView)


class MainWindow(QMainWindow):
    """One document, its controls and its pictures."""

    actions_by_name: dict[str, QAction]
    session: Session
    second: TabFrame

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.setAcceptDrops(True)
        self.setMinimumSize(SMALLEST)
        self.resize(1280, 720)
        self.run_bar = RunBar(session)
        self.notice_bar = NoticeBar()
        self.network_panel = NetworkPanel(session)
        self.training_panel = TrainingPanel(session)
        self.findings = FindingsPanel(session)
        self.centre = TabFrame([kind(session) for kind in TAB_VIEWS], self.export_view, "Views")
        self.second = TabFrame([kind(session) for kind in TAB_VIEWS], self.export_view, "Second views")
        self.second.show_view("heatmap")
        self.right = [PanelFrame(kind(session), self.export_view) for kind in (Output, Curves, GradientFlow)]
        self._pictured = self._to_picture()
        self._two_views: bool | None = None  # None: as wide as the window allows
        self._corner = StateCorner(session)
        self._gallery: Gallery | None = None
        self._asked_to_close = False
        self._arranged: tuple[bool, bool] | None = None  # wide, two views
        self._menu_bar = QMenuBar()
        self._menu_bar.setNativeMenuBar(False)
        self._menu_style = PlainMenuStyle()
        self._menu_bar.setStyle(self._menu_style)
        self._menu_bar.setStyleSheet("QMenuBar {}")  # one of its own, or a style of its own escapes the application's
        self._lay_out()
        actions.build_menus(self)
        self.run_bar.until.triggered.connect(self._run_until)
        session.notice.connect(self.notice_bar.tell)
        session.busy.connect(self._corner.show_busy)
        for signal in (session.document_changed, session.saved):
            signal.connect(self._show_name)
        session.document_changed.connect(self._follow_document)
        session.dataset_changed.connect(self._reset_views)
        session.sample_changed.connect(self._show_sample)
        readers = (self.run_bar, self.network_panel, self.training_panel, self.findings, self._corner)
        self.clock = FrameClock(session, self.visible_views, readers)
        self.clock.start()
        self._show_name()
        self._arrange()

    def menuBar(self) -> QMenuBar:
        """The menus; the file's name and the state stand beside them."""
        return self._menu_bar

    # ---- layout ---------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        top = QWidget()
        row = QHBoxLayout(top)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self._menu_bar, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addStretch(1)
        row.addWidget(self._corner)
        self.setMenuWidget(top)
        data = DataPanel(self.session)
        self.left = Column((data, self.network_panel, self.training_panel), data.more)
        self.left.setMinimumWidth(LEFT)
        split = QToolButton()
        split.setProperty("role", "flat")
        split.setFixedSize(24, 24)
        split.setIconSize(QSize(16, 16))
        split.setAccessibleName("Two views side by side")
        split.setToolTip("Two views side by side")
        split.clicked.connect(self.toggle_second_views)
        self._split_button = split
        self.centre.head.insertWidget(self.centre.head.count() - 1, split)
        views = QSplitter(Qt.Orientation.Horizontal)
        views.setChildrenCollapsible(False)
        views.addWidget(self.centre)
        views.addWidget(self.second)
        middle = QWidget()
        middle_column = QVBoxLayout(middle)
        middle_column.setContentsMargins(0, 0, 0, 0)
        middle_column.setSpacing(0)
        middle_column.addWidget(views, 1)
        middle_column.addWidget(_line())
        middle_column.addWidget(self.findings)
        right = QSplitter(Qt.Orientation.Vertical)
        right.setChildrenCollapsible(False)
        right.setMinimumWidth(RIGHT)
        for frame in self.right:
            right.addWidget(frame)
        self.columns = QSplitter(Qt.Orientation.Horizontal)
        self.columns.setChildrenCollapsible(False)
        for widget in (self.left, middle, right):
            self.columns.addWidget(widget)
        self.columns.setStretchFactor(1, 1)
        self._splitters = {"columns": self.columns, "views": views, "right": right}
        for name, splitter in self._splitters.items():
            splitter.splitterMoved.connect(partial(self._remember_sizes, name))
        workspace = QWidget()
        whole = QVBoxLayout(workspace)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        for widget in (_line(), self.run_bar, _line()):
            whole.addWidget(widget)
        whole.addWidget(self.columns, 1)
        self.pages = QStackedWidget()
        self.pages.addWidget(workspace)
        page = QWidget()
        page_column = QVBoxLayout(page)
        page_column.setContentsMargins(0, 0, 0, 0)
        page_column.setSpacing(0)
        page_column.addWidget(self.notice_bar)
        page_column.addWidget(self.pages, 1)
        self.setCentralWidget(page)
        theme.signals.changed.connect(self._dress)
        self._dress()

    @Slot()
    def _dress(self) -> None:
        self._split_button.setIcon(theme.icon("split", "ink 2"))
        settings.set_theme_mode(theme.mode())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._arrange()

    def _arrange(self) -> None:
        """Columns by the width of the window; from 1600 px on, two views and the gradient flow."""
        wide = self.width() >= WIDE
        two = wide if self._two_views is None else self._two_views
        if (wide, two) == self._arranged:
            return
        self._arranged = wide, two
        self.second.setVisible(two)
        self.right[2].setVisible(wide)
        left, right = (LEFT_WIDE, RIGHT_WIDE) if wide else (LEFT, RIGHT)
        sizes = {"columns": [left, max(1, self.width() - left - right), right], "views": [1000, 1000],
                 "right": [460, 290, 210] if wide else [340, 290, 0]}  # fmt: skip
        for name, splitter in self._splitters.items():
            splitter.setSizes(settings.splitter_sizes(self._place(name), len(sizes[name])) or sizes[name])

    def _place(self, splitter: str) -> str:
        return f"{splitter}, {'wide' if self.width() >= WIDE else 'narrow'}"

    def _remember_sizes(self, splitter: str, *_: int) -> None:
        settings.set_splitter_sizes(self._place(splitter), self._splitters[splitter].sizes())

    def toggle_second_views(self) -> None:
        """Shows one view in the middle, or two side by side."""
        self._two_views = not self.second.isVisible()
        self._arrange()

    # ---- views ----------------------------------------------------------------------------------

    def tab_views(self) -> tuple[View, ...]:
        """The views behind the tabs, in their order."""
        return self.centre.views

    def _all_views(self) -> tuple[View, ...]:
        return (*self.centre.views, *self.second.views, *(frame.view for frame in self.right))

    def visible_views(self) -> list[View]:
        """The views that can be seen now."""
        return [] if self.isMinimized() else [view for view in self._all_views() if view.isVisible()]

    def show_view(self, name: str) -> None:
        """Brings a view of the middle to the front."""
        self.show_workspace()
        self.centre.show_view(name)

    def export_view(self, view: View) -> None:
        file_actions.export_view(self, view)

    @Slot()
    def _follow_document(self) -> None:
        """Another rate or batch size leaves the pictures as they are; another network or seed makes them anew."""
        pictured = self._to_picture()
        if pictured != self._pictured:
            self._pictured = pictured
            self._reset_views()

    def _to_picture(self) -> tuple[object, ...]:
        """What the pictures are of."""
        document = self.session.document
        return document.spec, document.data, document.training.seed

    @Slot()
    def _reset_views(self) -> None:
        for view in self._all_views():
            view.reset()

    @Slot()
    def _show_sample(self) -> None:
        if self.session.sample is not None and not any(isinstance(v, SampleView) for v in self.visible_views()):
            (self.second if self.second.isVisible() else self.centre).show_view(SampleView.name)

    @Slot()
    def _run_until(self) -> None:
        RunUntilDialog(self.session, self).open()

    # ---- pages ----------------------------------------------------------------------------------

    def show_workspace(self) -> None:
        """The network and its pictures; Space and the arrows train from there."""
        if self.pages.currentIndex() != 0:
            self.pages.setCurrentIndex(0)
            self.centre.setFocus()

    def show_gallery(self) -> None:
        """The examples over the whole window."""
        if self._gallery is None:
            from gui.dialogs.gallery import Gallery

            self._gallery = Gallery()
            self._gallery.chosen.connect(self._run_example)
            self._gallery.wanted.connect(self._do)
            self._gallery.project_chosen.connect(self._open_recent)
            self._gallery.closed.connect(self.show_workspace)
            self.pages.addWidget(self._gallery)
        self.pages.setCurrentWidget(self._gallery)
        self._gallery.setFocus()

    @Slot(str)
    def _run_example(self, name: str) -> None:
        for frame, view in ((self.centre, "map"), (self.second, "heatmap")):
            if isinstance(frame.current(), SampleView):  # of the old data
                frame.show_view(view)
        file_actions.run_example(self, name)

    @Slot(str)
    def _do(self, name: str) -> None:
        self.actions_by_name[name].trigger()

    @Slot(str)
    def _open_recent(self, path: str) -> None:
        file_actions.open_project_at(self, path)

    # ---- the window itself ----------------------------------------------------------------------

    @Slot()
    def _show_name(self) -> None:
        name = Path(self.session.path).name if self.session.path else "untitled"
        self._corner.show_name(name)
        self.setWindowTitle(f"{name} – Relume")

    def restore_place(self) -> None:
        """Where and how large the window was the last time, as far as the screen has room for it."""
        geometry = settings.window_geometry()
        if geometry is not None:
            self.restoreGeometry(geometry)
        self.fit_screen()

    def fit_screen(self) -> None:
        """Keeps the window, with its frame where it has one by now, inside what the screen has free."""
        frame, inner = self.frameGeometry(), self.geometry()
        room = self.screen().availableGeometry()
        largest = room.size() - (frame.size() - inner.size())
        self.setMinimumSize(SMALLEST.boundedTo(largest))
        if self.isMaximized() or self.isFullScreen():
            return
        self.resize(inner.size().boundedTo(largest))
        frame = self.frameGeometry()
        if not room.contains(frame):
            left = max(room.left(), min(frame.left(), room.right() + 1 - frame.width()))
            self.move(left, max(room.top(), min(frame.top(), room.bottom() + 1 - frame.height())))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if paths:
            event.acceptProposedAction()
            QTimer.singleShot(0, self, lambda: file_actions.take_file(self, paths[0]))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Asks about unsaved changes, then ends the clock, the trainer and all tasks, in this order."""
        if self._asked_to_close or not self.session.unsaved:
            settings.set_window_geometry(self.saveGeometry())
            self.clock.stop()
            self.session.close()
            event.accept()
            return
        event.ignore()
        file_actions.when_saved(self, self._close_now)

    def _close_now(self) -> None:
        self._asked_to_close = True
        QTimer.singleShot(0, self, self.close)


class PlainMenuStyle(QProxyStyle):
    """Menu titles without underlined letters; Alt with a letter still opens them."""

    def styleHint(
        self, hint: QStyle.StyleHint, option: QStyleOption | None = None, widget: QWidget | None = None,
        data: QStyleHintReturn | None = None,
    ) -> int:  # fmt: skip
        return 0 if hint == QStyle.StyleHint.SH_UnderlineShortcut else super().styleHint(hint, option, widget, data)


def _line() -> QFrame:
    line = QFrame()
    line.setProperty("role", "line")
    return line
