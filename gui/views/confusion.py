"""The confusion matrix: which classes the network takes for which, with numbers in the cells."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip

from gui import theme
from gui.numbers import count as whole
from gui.views.pieces import Canvas, shade
from gui.words import tip

GAP = 8  # px between the names of two columns
NUMBERS = (11, 10, 9)  # px of the numbers in cells
HEAD = 28.0  # px above the names of the columns, and below them


class ConfusionMatrix(Canvas):
    """True classes down, predicted across. A cell's shade is its share of the row; the diagonal is right."""

    chosen = Signal(int, int)  # true, predicted

    def __init__(self) -> None:
        super().__init__()
        self.counts = np.zeros((0, 0), np.int64)
        self.names: tuple[str, ...] = ()
        self.part, self.samples = "test", 0
        self.at = (0, 0)
        self.faded = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Confusion matrix")

    def show_counts(self, counts: np.ndarray, names: tuple[str, ...], part: str, faded: bool, samples: int = 0) -> None:
        """`samples`: how many the part has; the counts may be of some of them."""
        shown = (names, part, faded, samples)
        same = shown == (self.names, self.part, self.faded, self.samples) and np.array_equal(counts, self.counts)
        self.counts, (self.names, self.part, self.faded, self.samples) = counts, shown
        if not same:
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(296, 280)

    def words(self) -> str:
        """How many are right, and of how many where those are not all."""
        right, total = int(np.trace(self.counts)), int(self.counts.sum())
        words = f"{whole(right)} of {whole(total)} {self.part} samples right"
        return f"{words}, of {whole(self.samples)} in all" if self.samples > total else words

    def _cells(self) -> QRectF:
        return self._places()[0]

    def _places(self) -> tuple[QRectF, bool]:
        """Where the cells are, and whether the columns' names stand upright: where they are wider than a column."""
        metrics = QFontMetrics(theme.font(11))
        widest = max((metrics.horizontalAdvance(name) for name in self.names), default=10)
        left = min(max(44.0, widest + 34.0), self.width() * 0.4)
        area = self._square(left, HEAD + 16)
        if widest <= self._room(area):
            return area, False
        return self._square(left, HEAD + min(widest, self.height() * 0.3)), True

    def _square(self, left: float, top: float) -> QRectF:
        side = max(20.0, min(self.width() - left - 8, self.height() - top - 30))
        count = max(1, len(self.names))
        return QRectF(left, top, *(side // count * count if side >= count else side,) * 2)

    def _stride(self, area: QRectF) -> int:
        """Every how many classes one has its name written."""
        return max(1, int(np.ceil(14 * max(1, len(self.names)) / area.width())))

    def _room(self, area: QRectF) -> float:
        """How wide a name that lies above its column may be."""
        return max(self._stride(area) * area.width() / max(1, len(self.names)) - GAP, 18.0)

    def _paint_head(self, painter: QPainter, area: QRectF, upright: bool, middle: float, name: str) -> None:
        """The name of a column, which begins just above it where it stands upright."""
        metrics, flags = painter.fontMetrics(), Qt.AlignmentFlag
        room = area.top() - HEAD if upright else self._room(area)
        name = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(np.ceil(room)))
        if not upright:
            painter.drawText(QRectF(middle - room / 2, area.top() - 20, room, 16), flags.AlignCenter, name)
            return
        painter.save()
        painter.translate(middle, area.top() - 5)
        painter.rotate(-90)
        painter.drawText(QRectF(0, -8, room + 1, 16), flags.AlignLeft | flags.AlignVCenter, name)
        painter.restore()

    def _cell_at(self, place: QPointF) -> tuple[int, int] | None:
        area, count = self._cells(), len(self.counts)
        if not count or not area.contains(place):
            return None
        row = int((place.y() - area.top()) / area.height() * count)
        column = int((place.x() - area.left()) / area.width() * count)
        return min(row, count - 1), min(column, count - 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        with self.painter(event) as painter:
            painter.setFont(theme.font(11))
            count = len(self.counts)
            if not count:
                return
            (area, upright), flags = self._places(), Qt.AlignmentFlag
            side = area.width() / count
            shares = self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)
            colors = shade(np.sqrt(shares) * 0.85, 0, 1, "sequential")
            luma = colors[..., :3] @ np.array([0.299, 0.587, 0.114])
            panel, ink = theme.color("panel"), theme.color("ink")
            painter.setOpacity(0.4 if self.faded else 1.0)
            font = self._font_of_numbers(side)
            painter.setFont(font or theme.font(11))
            for row in range(count):
                for column in range(count):
                    cell = QRectF(area.left() + column * side, area.top() + row * side, side - 1, side - 1)
                    color = QColor(*colors[row, column, :3].tolist())
                    painter.fillRect(cell, color)
                    if font is not None and self.counts[row, column]:
                        painter.setPen(panel if (luma[row, column] < 140) == (panel.lightnessF() > 0.5) else ink)
                        painter.drawText(cell, flags.AlignCenter, str(self.counts[row, column]))
            painter.setOpacity(1.0)
            painter.setPen(theme.color("ink 2"))
            painter.setFont(theme.font(11))
            metrics = painter.fontMetrics()
            for k in range(0, count, self._stride(area)):
                name = metrics.elidedText(self.names[k], Qt.TextElideMode.ElideRight, int(area.left()) - 32)
                line = QRectF(24, area.top() + k * side, area.left() - 32, side)
                painter.drawText(line, flags.AlignRight | flags.AlignVCenter, name)
                self._paint_head(painter, area, upright, area.left() + (k + 0.5) * side, self.names[k])
            painter.drawText(QRectF(area.left(), 4, area.width(), 16), flags.AlignHCenter, "predicted")
            painter.drawText(QRectF(16, area.bottom() + 6, self.width() - 24, 16), flags.AlignLeft, self.words())
            painter.save()
            painter.translate(14, area.center().y())
            painter.rotate(-90)
            painter.drawText(QRectF(-40, -8, 80, 16), flags.AlignCenter, "true")
            painter.restore()
            if self.hasFocus():
                row, column = self.at
                painter.setPen(QPen(theme.color("accent"), 2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(QRectF(area.left() + column * side, area.top() + row * side, side - 1, side - 1))

    def _font_of_numbers(self, side: float) -> QFont | None:
        """The largest font in which every number fits into a cell; None where none does."""
        for font in map(theme.font, NUMBERS):
            metrics = QFontMetrics(font)
            if side >= max(metrics.horizontalAdvance(f"{self.counts.max()}") + 2, metrics.ascent() + 2):
                return font
        return None

    def _named_at(self, place: QPointF) -> str:
        """The class whose name is above or beside the cells here, "" for none."""
        area, count = self._cells(), len(self.counts)
        above = place.y() < area.top() and area.left() <= place.x() < area.right()
        beside = place.x() < area.left() and area.top() <= place.y() < area.bottom()
        if not count or not (above or beside):
            return ""
        along = place.x() - area.left() if above else place.y() - area.top()
        return self.names[min(int(along / area.width() * count), count - 1)]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event.position())
        if cell is not None:
            self.at = cell
            self.chosen.emit(*cell)
            self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        cell = self._cell_at(event.position())
        if cell is not None:
            count = int(self.counts[cell])
            words = f"{count} of true {self.names[cell[0]]} taken for {self.names[cell[1]]}. Click: show one."
        else:
            words = self._named_at(event.position())
        QToolTip.showText(event.globalPosition().toPoint(), tip(words), self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}
        last = len(self.counts) - 1
        if event.key() in moves and last >= 0:
            down, across = moves[Qt.Key(event.key())]
            self.at = (min(max(self.at[0] + down, 0), last), min(max(self.at[1] + across, 0), last))
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and last >= 0:
            self.chosen.emit(*self.at)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        # the arrows move the cursor here, before the window takes Right for one training step
        if event.type() == QEvent.Type.ShortcutOverride and event.key() in (  # type: ignore[attr-defined]
            Qt.Key.Key_Up,
            Qt.Key.Key_Down,
            Qt.Key.Key_Left,
            Qt.Key.Key_Right,
            Qt.Key.Key_Return,
        ):
            event.accept()
            return True
        return super().event(event)
