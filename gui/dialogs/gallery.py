"""The start page: examples that open and run with one click, new work, and recent projects."""

from __future__ import annotations

import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from engine.examples import EXAMPLES, Example
from engine.layers import Conv2D, Dense
from gui import settings, theme
from gui.words import tip, unmarked

if TYPE_CHECKING:
    from collections.abc import Sequence

THUMBNAILS = Path(__file__).resolve().parents[2] / "resources" / "thumbnails"
CARD, PICTURE = QSize(286, 230), QSize(284, 132)
MARGIN, GAP = 32, 24
SHOWN_RECENT = 3


def size_words(example: Example) -> str:
    """What an example is made of: "2 inputs, 8-8", "28 × 28 pixels, filters 8-16", "2 inputs, 17 layers of 8"."""
    shape, hidden = example.spec.input_shape, [part.layer for part in example.spec.parts[:-1] if not part.skips]
    fed = f"{shape[0]} input{'s' if shape[0] != 1 else ''}"
    if len(shape) > 1:
        fed = f"{shape[0]} × {shape[1]} pixels"
    filters = "-".join(str(layer.filters) for layer in hidden if isinstance(layer, Conv2D))
    sizes = [str(layer.units) for layer in hidden if isinstance(layer, Dense)]
    units = f"{len(sizes)} layers of {sizes[0]}" if len(sizes) > 3 and len(set(sizes)) == 1 else "-".join(sizes)
    made_of = [fed, f"filters {filters}" if filters else "", units]
    return ", ".join(filter(None, made_of)) if filters or units else f"{fed}, no hidden layer"


class Card(QFrame):
    """One example: its picture, what it is, and Run; a click anywhere on it runs too."""

    chosen = Signal(str)

    def __init__(self, example: Example, first: bool) -> None:
        super().__init__()
        self.example, self.first = example, first
        self.words = f"{example.title} {example.line} {example.group}".lower()
        self.setFixedSize(CARD)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(example.title)
        self.setAccessibleDescription(example.line)
        self.title, self.line = QLabel(example.title), QLabel(example.line)
        self.size_label = QLabel(size_words(example))
        self.title.setProperty("role", "title")
        self.line.setProperty("role", "label")
        self.size_label.setProperty("role", "caption")
        self.run = QPushButton("Run")
        self.run.setAccessibleName(f"Run {example.title}")
        self.run.setToolTip(f"Open “{example.title}” and train it")
        self.run.clicked.connect(self._choose)
        foot = QHBoxLayout()
        foot.addWidget(self.size_label, 1)
        foot.addWidget(self.run)
        column = QVBoxLayout(self)
        column.setContentsMargins(17, PICTURE.height() + 9, 17, 10)
        column.setSpacing(0)
        column.addWidget(self.title)
        column.addWidget(self.line)
        column.addStretch(1)
        column.addLayout(foot)
        self.restyle()

    def restyle(self) -> None:
        """Takes the colours of the current theme."""
        self.run.setProperty("role", "accent" if self.first else "")
        self.run.setIcon(theme.icon("play", "on accent" if self.first else "ink"))
        path = THUMBNAILS / f"{self.example.name}-{theme.name()}.png"
        self._picture = QPixmap(str(path)) if path.exists() else QPixmap()
        self.update()

    @Slot()
    def _choose(self) -> None:
        self.chosen.emit(self.example.name)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._choose()

    def paintEvent(self, event: QPaintEvent) -> None:
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            edge = 2.0 if self.first else 1.0
            frame = QRectF(self.rect()).adjusted(edge / 2, edge / 2, -edge / 2, -edge / 2)
            outline = QPainterPath()
            outline.addRoundedRect(frame, 6, 6)
            painter.fillPath(outline, theme.color("panel"))
            painter.setClipPath(outline)
            place = QRect(1, 1, PICTURE.width(), PICTURE.height())
            painter.fillRect(place, theme.color("sunken"))
            if not self._picture.isNull():
                painter.drawPixmap(place, self._picture)
            painter.fillRect(QRect(0, place.bottom() + 1, CARD.width(), 1), theme.color("line"))
            painter.setClipping(False)
            painter.setPen(QPen(theme.color("accent" if self.first else "line"), edge))
            painter.drawPath(outline)


class CardGrid(QWidget):
    """Cards in as many columns as fit."""

    def __init__(self, cards: Sequence[Card]) -> None:
        super().__init__()
        self.cards = list(cards)
        self.empty = QLabel("No example has these words. Clear the search to see all.", self)
        self.empty.hide()
        for card in self.cards:
            card.setParent(self)

    def show_only(self, wanted: Sequence[Card]) -> None:
        for card in self.cards:
            card.setVisible(card in wanted)
        self.empty.setVisible(not wanted)
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place()

    def _place(self) -> None:
        columns = max(1, (self.width() + GAP) // (CARD.width() + GAP))
        shown = [card for card in self.cards if not card.isHidden()]
        for number, card in enumerate(shown):
            row, column = divmod(number, columns)
            card.move(column * (CARD.width() + GAP), row * (CARD.height() + GAP))
        rows = -(-len(shown) // columns)
        self.empty.setGeometry(0, 24, self.width(), 24)
        self.setMinimumHeight(max(80, rows * (CARD.height() + GAP)))


class Gallery(QWidget):
    """The whole page. It only says what was asked for; the window does it.

    Signals: `chosen` (example name), `wanted` ("new network", "import data", "open project": names of menu
    actions), `project_chosen` (path), `closed` (Esc: on to the window).
    """

    chosen = Signal(str)
    wanted = Signal(str)
    project_chosen = Signal(str)
    closed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("gallery")
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName("Examples")
        self.cards = [Card(example, number == 0) for number, example in enumerate(EXAMPLES)]
        for card in self.cards:
            card.chosen.connect(self.chosen)
        self.grid = CardGrid(self.cards)
        self._group = "All"
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head())
        column.addLayout(self._filters())
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        holder = QWidget()
        inner = QVBoxLayout(holder)
        inner.setContentsMargins(MARGIN, 4, 0, 0)
        inner.addWidget(self.grid)
        inner.addStretch(1)
        scroll.setWidget(holder)
        column.addWidget(scroll, 1)
        column.addWidget(self._foot())
        theme.signals.changed.connect(self._restyle)
        self._restyle()
        self.refresh()

    def _head(self) -> QHBoxLayout:
        title = QLabel("What do you want to see learn?")
        line = QLabel("Each example opens and runs with one click. Everything in it can be changed.")
        title.setProperty("role", "welcome")
        line.setProperty("role", "quiet")
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(title)
        words.addWidget(line)
        row = QHBoxLayout()
        row.setContentsMargins(MARGIN, 20, MARGIN, 16)
        row.setSpacing(8)
        row.addLayout(words, 1)
        self._buttons: list[tuple[QPushButton, str]] = []
        for text, icon, name in (
            ("New network", "plus", "new network"),
            ("Own data", "table", "import data"),
            ("Open project", "folder", "open project"),
        ):
            button = QPushButton(text)
            button.setAccessibleName(text)
            button.setMinimumHeight(32)
            button.clicked.connect(partial(self._want, name))
            self._buttons.append((button, icon))
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        return row

    def _filters(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setContentsMargins(MARGIN, 0, MARGIN, 14)
        row.setSpacing(8)
        groups = ["All", *dict.fromkeys(example.group for example in EXAMPLES)]
        self.chips = QButtonGroup(self)
        for group in groups:
            count = sum(group in ("All", example.group) for example in EXAMPLES)
            chip = QPushButton(f"{group}  {count}")
            chip.setProperty("role", "chip")
            chip.setCheckable(True)
            chip.setChecked(group == "All")
            chip.setAccessibleName(f"{group}, {count} example{'s' if count != 1 else ''}")
            chip.clicked.connect(partial(self._choose_group, group))
            self.chips.addButton(chip)
            row.addWidget(chip)
        row.addStretch(1)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search examples")
        self.search.setAccessibleName("Search examples")
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(188)
        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(self._run_found)
        row.addWidget(self.search)
        return row

    def _foot(self) -> QWidget:
        foot = QWidget()
        row = QHBoxLayout(foot)
        row.setContentsMargins(MARGIN, 12, MARGIN, 14)
        row.setSpacing(12)
        self._recent = QHBoxLayout()
        self._recent.setSpacing(12)
        row.addLayout(self._recent)
        row.addStretch(1)
        self.at_start = QCheckBox("Show this at the start")
        self.at_start.setAccessibleName("Show this at the start")
        self.at_start.setChecked(settings.gallery_at_start())
        self.at_start.toggled.connect(settings.set_gallery_at_start)
        row.addWidget(self.at_start)
        return foot

    def refresh(self) -> None:
        """Reads the recent projects anew."""
        while (item := self._recent.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        paths = settings.recent_projects()[:SHOWN_RECENT]
        if not paths:
            return
        head = QLabel("RECENT")
        head.setProperty("role", "head")
        self._recent.addWidget(head)
        for path in map(Path, paths):
            link = QPushButton(unmarked(path.name))
            link.setProperty("role", "word")
            link.setToolTip(tip(str(path)))
            link.setAccessibleName(f"Open {path.name}")
            link.clicked.connect(partial(self._open_recent, str(path)))
            when = QLabel(_when(path))
            when.setProperty("role", "label")
            self._recent.addWidget(link)
            self._recent.addWidget(when)

    def _want(self, name: str, *_: object) -> None:
        self.wanted.emit(name)

    def _open_recent(self, path: str, *_: object) -> None:
        self.project_chosen.emit(path)

    def _choose_group(self, group: str, *_: object) -> None:
        self._group = group
        self._filter()

    @Slot()
    def _filter(self) -> None:
        words = self.search.text().lower().split()
        self.grid.show_only(
            [
                card
                for card in self.cards
                if self._group in ("All", card.example.group) and all(word in card.words for word in words)
            ]
        )

    @Slot()
    def _run_found(self) -> None:
        """Enter after a search runs the first example that was found."""
        found = [card for card in self.cards if not card.isHidden()]
        if found and self.search.text().strip():
            self.chosen.emit(found[0].example.name)

    @Slot()
    def _restyle(self) -> None:
        for card in self.cards:
            card.restyle()
        for button, icon in self._buttons:
            button.setIcon(theme.icon(icon))

    def showEvent(self, event: QShowEvent) -> None:
        self.refresh()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)


def _when(path: Path) -> str:
    """When a project was written: "today 14:02", "yesterday", "3 May 2026"."""
    try:
        written = datetime.datetime.fromtimestamp(path.stat().st_mtime)
    except OSError:
        return "not found"
    days = (datetime.date.today() - written.date()).days
    if days == 0:
        return f"today {written:%H:%M}"
    return "yesterday" if days == 1 else f"{written.day} {written:%B %Y}"
