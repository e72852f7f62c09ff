"""The activations as a list: curve, name, advice, family by family."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal, Slot
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from engine.activations import ACTIVATIONS, Activation
from gui import theme
from gui.widgets import curve_thumbnail

NAME = Qt.ItemDataRole.UserRole
ROW, HEAD = 40, 26
CURVE = QSize(48, 30)
BEST, LAST = "Best match", 2


class ActivationList(QListWidget):
    """`previewed` tells the row that is looked at, `taken` the one that is wanted (Enter, double click)."""

    previewed = Signal(str)
    taken = Signal()

    def __init__(self, in_use: str) -> None:
        super().__init__()
        self.setAccessibleName("Activations")
        self.setProperty("role", "plain")
        self.setItemDelegate(_Rows(in_use, self))
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.currentItemChanged.connect(self._tell)
        self.itemDoubleClicked.connect(self._take)
        self.fill("", None)

    def fill(self, search: str, family: str | None) -> None:
        """Shows what matches, names that begin with the search first, and chooses the first of it; without a search
        the chosen one stays chosen where it can."""
        before = self.chosen()
        words = search.casefold().split()
        self.blockSignals(True)
        self.clear()
        last = ""
        shown = [r for r in _ordered() if family in (None, r.family) and _matches(r, words)]
        for record in sorted(shown, key=lambda record: _rank(record, words)):
            head = record.family if _rank(record, words) == LAST else BEST
            if head != last:
                last = head
                self._add(last, "", HEAD).setFlags(Qt.ItemFlag.NoItemFlags)
            self._add(record.title, record.name, ROW)
        self.blockSignals(False)
        if words or not self.choose(before):
            self.step(1)

    def _add(self, text: str, name: str, height: int) -> QListWidgetItem:
        item = QListWidgetItem(text)
        item.setData(NAME, name)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, name or text)
        item.setSizeHint(QSize(0, height))
        self.addItem(item)
        return item

    def chosen(self) -> str:
        """The name of the row that is looked at, "" for none."""
        item = self.currentItem()
        return item.data(NAME) if item is not None else ""

    def choose(self, name: str) -> bool:
        """Looks at `name`; tells whether it is in the list."""
        for row in range(self.count()):
            if name and self.item(row).data(NAME) == name:
                self.setCurrentRow(row)
                self.scrollToItem(self.item(row))
                return True
        return False

    def step(self, steps: int) -> None:
        """Goes so many activations on, or back."""
        rows = [row for row in range(self.count()) if self.item(row).data(NAME)]
        if not rows:
            return
        here = rows.index(self.currentRow()) if self.currentRow() in rows else -1 if steps > 0 else 0
        to = max(0, min(here + steps, len(rows) - 1))
        self.setCurrentRow(rows[to])
        self.scrollToItem(self.item(max(0, rows[to] - 1) if to == 0 else rows[to]))

    @Slot()
    def _tell(self) -> None:
        if self.chosen():
            self.previewed.emit(self.chosen())

    @Slot()
    def _take(self) -> None:
        if self.chosen():
            self.taken.emit()


class _Rows(QStyledItemDelegate):
    def __init__(self, in_use: str, parent: QListWidget) -> None:
        super().__init__(parent)
        self._in_use = in_use

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        rect: QRect = option.rect  # type: ignore[attr-defined]
        state: QStyle.StateFlag = option.state  # type: ignore[attr-defined]
        name = index.data(NAME)
        painter.save()
        if not name:
            painter.setPen(theme.color("ink 2"))
            painter.setFont(theme.font(11, 600, capitals=True))
            words = rect.adjusted(12, 6, 0, 0)
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, index.data(Qt.ItemDataRole.DisplayRole))
            painter.restore()
            return
        record = ACTIVATIONS.get(name)
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        if chosen or state & QStyle.StateFlag.State_MouseOver:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(theme.color("accent") if chosen else Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("accent soft" if chosen else "sunken"))
            painter.drawRoundedRect(rect.toRectF().adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.drawPixmap(rect.left() + 12, rect.top() + 5, curve_thumbnail.picture(name, CURVE, slope=True))
        left = rect.left() + 12 + CURVE.width() + 14
        width = rect.right() - left - 8
        painter.setPen(theme.color("ink"))
        painter.setFont(theme.font(13, 600))
        painter.drawText(left, rect.top() + 17, name)
        if name == self._in_use:
            after = left + painter.fontMetrics().horizontalAdvance(name) + 8
            painter.setPen(theme.color("ink 2"))
            painter.setFont(theme.font(11))
            painter.drawText(after, rect.top() + 17, "in use")
        painter.setPen(theme.color("ink 2"))
        painter.setFont(theme.font(12))
        advice = painter.fontMetrics().elidedText(record.advice, Qt.TextElideMode.ElideRight, width)
        painter.drawText(left, rect.top() + 33, advice)
        painter.restore()


def families() -> dict[str, int]:
    """Each family with how many activations it has, in the order of the table."""
    counts: dict[str, int] = {}
    for record in ACTIVATIONS:
        counts[record.family] = counts.get(record.family, 0) + 1
    return counts


def _ordered() -> list[Activation]:
    return [record for family in families() for record in ACTIVATIONS if record.family == family]


def _matches(record: Activation, words: list[str]) -> bool:
    text = f"{record.name} {record.title} {record.family} {record.advice}".casefold()
    return all(word in text for word in words)


def _rank(record: Activation, words: list[str]) -> int:
    """0 for the very name, 1 for one that begins so, LAST for what matches in another way."""
    text = " ".join(words).replace("_", " ")
    names = [name.casefold().replace("_", " ") for name in (record.name, record.title)]
    return 0 if text in names else 1 if text and any(name.startswith(text) for name in names) else LAST
