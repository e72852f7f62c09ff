"""The frame around views: a head with title and small controls, a menu to export, and the picture below."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QFontMetricsF, QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QStackedWidget,
    QTabBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from gui import theme
from gui.views.base import View

HEAD = 40
TAKEN = 100  # px of a head that its margins and buttons take from the tabs


def head_widgets(view: View) -> list[QWidget]:
    """The small controls that a view wants in its head."""
    give = getattr(view, "head_widgets", None)
    return list(give()) if give is not None else []


class MoreButton(QToolButton):
    """Three dots with a menu: export the view as a plot or as data."""

    def __init__(self, of: str, view: Callable[[], View], export: Callable[[View], None]) -> None:
        super().__init__()
        self.setProperty("role", "flat")
        self.setFixedSize(24, 24)
        self.setIconSize(QSize(16, 16))
        self.setAccessibleName(f"More for {of}")
        self.setToolTip("Export this picture")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._view, self._export = view, export
        self._menu = QMenu(self)
        self._menu.aboutToShow.connect(self._fill)
        self.setMenu(self._menu)
        self._fill()
        theme.signals.changed.connect(self._dress)
        self._dress()

    @Slot()
    def _fill(self) -> None:
        self._menu.clear()
        self._menu.addActions(self._view().menu_actions())
        self._menu.addAction("Export plot", self._run)

    @Slot()
    def _run(self) -> None:
        self._export(self._view())

    @Slot()
    def _dress(self) -> None:
        self.setIcon(theme.icon("more", "ink 2"))


class PanelFrame(QWidget):
    """One view under its title."""

    def __init__(self, view: View, export: Callable[[View], None]) -> None:
        super().__init__()
        self.view = view
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        title = QLabel(view.title)
        title.setFont(theme.font(13, 600))
        title.setStyleSheet("font-weight: 600")
        head = QHBoxLayout()
        head.setContentsMargins(16, 0, 12, 0)
        head.setSpacing(8)
        head.addWidget(title)
        head.addStretch()
        for widget in head_widgets(view):
            head.addWidget(widget)
        head.addWidget(MoreButton(view.title, lambda: view, export))
        strip = QWidget()
        strip.setFixedHeight(HEAD)
        strip.setLayout(head)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(strip)
        column.addWidget(view, 1)


class TabFrame(QWidget):
    """Several views behind tabs; the head's controls belong to the one in front."""

    changed = Signal()

    def __init__(self, views: Sequence[View], export: Callable[[View], None], of: str) -> None:
        super().__init__()
        self.views = tuple(views)
        self.setAccessibleName(f"{of}, pictures")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setProperty("role", "panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.tabs = QTabBar()
        self.tabs.setAccessibleName(of)
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setUsesScrollButtons(False)
        self.tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self.stack = QStackedWidget()
        self.controls = QStackedWidget()
        self.controls.setFixedHeight(HEAD)
        for view in self.views:
            self.tabs.setTabToolTip(self.tabs.addTab(view.title), view.title)
            self.stack.addWidget(view)
            box = QWidget()
            row = QHBoxLayout(box)
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(8)
            row.addStretch()
            for widget in head_widgets(view):
                row.addWidget(widget)
            self.controls.addWidget(box)
        self.head = QHBoxLayout()
        self.head.setContentsMargins(8, 0, 12, 0)
        self.head.setSpacing(8)
        self.head.addWidget(self.tabs, 1)
        self.head.addWidget(self.controls)
        self.head.addWidget(MoreButton(of, self.current, export))
        strip = QWidget()
        strip.setFixedHeight(HEAD)
        strip.setLayout(self.head)
        line = QWidget()
        line.setFixedHeight(1)
        line.setProperty("role", "rule")
        line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        for widget in (strip, line):
            column.addWidget(widget)
        column.addWidget(self.stack, 1)
        self.tabs.currentChanged.connect(self._turn)
        self._turn(0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Tighter tabs before shorter words."""
        super().resizeEvent(event)
        metrics = QFontMetricsF(theme.font(13, 600))
        needed = sum(metrics.horizontalAdvance(view.title) + 20 for view in self.views)
        tight = needed > self.width() - TAKEN
        if tight != bool(self.tabs.property("tight")):
            self.tabs.setProperty("tight", tight)
            self.tabs.style().unpolish(self.tabs)
            self.tabs.style().polish(self.tabs)

    def current(self) -> View:
        return self.views[self.stack.currentIndex()]

    def show_view(self, name: str) -> bool:
        """Brings the view called `name` to the front, if it is here."""
        for index, view in enumerate(self.views):
            if view.name == name:
                self.tabs.setCurrentIndex(index)
                return True
        return False

    @Slot(int)
    def _turn(self, index: int) -> None:
        self.stack.setCurrentIndex(index)
        self.controls.setCurrentIndex(index)
        for number in range(self.controls.count()):  # only the one in front may take room from the tabs
            policy = QSizePolicy.Policy.Preferred if number == index else QSizePolicy.Policy.Ignored
            if (page := self.controls.widget(number)) is not None:
                page.setSizePolicy(policy, QSizePolicy.Policy.Preferred)
        self.controls.setVisible(bool(head_widgets(self.views[index])))
        self.changed.emit()
