"""Small pieces that several views share: the empty sentence, markers, a legend with a colour bar, colour maths."""

from __future__ import annotations

import dataclasses

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from engine.output_panels import MARKERS
from engine.spec import NetworkSpec
from engine.telemetry import Snapshot
from gui import theme
from gui.numbers import preparing_words

#: the marker of each category in pyqtgraph's letters, as engine.output_panels.MARKERS names them
SYMBOLS = ("o", "d", "s", "t1", "+", "star", "h")


class Canvas(QWidget):
    """A widget that paints itself on the panel's ground, and again when the theme changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        theme.signals.changed.connect(self.update)

    def painter(self, event: QPaintEvent) -> QPainter:
        """A painter to use in a `with`: one left open by a fault would crash the program."""
        painter = QPainter(self)
        painter.fillRect(event.rect(), theme.color("panel"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        return painter


class Ground(Canvas):
    """A container with the panel's ground."""

    def paintEvent(self, event: QPaintEvent) -> None:
        self.painter(event).end()


class EmptyNote(Canvas):
    """A sunken area with one sentence: what will appear here, and what to do for it."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = self._invitation = sentence
        self.setAccessibleName(sentence)

    def follow(self, snapshot: Snapshot) -> None:
        """Tells how far the kernels are while they are prepared, else what will appear here."""
        preparing = snapshot.preparing
        self.say(self._invitation if preparing is None else f"{preparing_words(preparing)}.")

    def say(self, sentence: str) -> None:
        if sentence != self.sentence:
            self.sentence = sentence
            self.setAccessibleName(sentence)
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        with self.painter(event) as painter:
            area = QRectF(self.rect()).adjusted(16, 8, -16, -16)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("sunken"))
            painter.drawRoundedRect(area, 4, 4)
            painter.setPen(theme.color("ink 2"))
            painter.setFont(theme.font(12))
            flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft | Qt.TextFlag.TextWordWrap
            painter.drawText(area.adjusted(16, 8, -16, -8), int(flags), self.sentence)


class Age(QLabel):
    """How old a picture is, told when the budget for looking lets it fall behind."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Age of the picture")
        self.setProperty("role", "caption")
        self.setMinimumWidth(52)

    def tell(self, snapshot: Snapshot, taken: float | None) -> None:
        seconds = snapshot.taken - taken if taken is not None and snapshot.state == "running" else 0.0
        text = f"{seconds:.1f} s old" if seconds >= 0.5 else ""
        if text != self.text():
            self.setText(text)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One mark of a legend. `marker` counts like the categories; None draws a line."""

    text: str
    color: str
    marker: int | None = 0
    hollow: bool = False
    dashed: bool = False


class Legend(Canvas):
    """Marks with their names at the left, in as many rows as they need, and a colour bar at the right."""

    BAR = 96

    def __init__(self) -> None:
        super().__init__()
        self.entries: tuple[Entry, ...] = ()
        self.bar: tuple[str, str, str, str] | None = None  # table, low, name, high
        self.indent, self.edge = 48, 28  # px free at the left and the right
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def show_entries(self, entries: tuple[Entry, ...], bar: tuple[str, str, str, str] | None = None) -> None:
        if (entries, bar) == (self.entries, self.bar):
            return
        self.entries, self.bar = entries, bar
        self.setAccessibleName("Legend: " + ", ".join(entry.text for entry in entries))
        self.updateGeometry()
        self.update()

    def align(self, left: int, right: int) -> None:
        """Keeps the legend under a frame that leaves so much free at its sides."""
        if (left, right) != (self.indent, self.edge):
            self.indent, self.edge = left, right
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self._height(self.width() or 296))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.sizeHint().height())

    def resizeEvent(self, event: object) -> None:
        self.updateGeometry()

    def _places(self, width: float) -> list[QPointF]:
        metrics = QFontMetricsF(theme.font(11))
        limit = width - (self.edge if self.bar else 8) - (self.BAR + 12 if self.bar else 0)
        x, y, places = float(self.indent), 0.0, []
        for entry in self.entries:
            advance = metrics.horizontalAdvance(entry.text) + 24
            if x > self.indent and x + advance - 10 > limit:
                x, y = float(self.indent), y + 18
            places.append(QPointF(x, y))
            x += advance
        return places

    def _height(self, width: float) -> int:
        places = self._places(width)
        rows = (places[-1].y() + 18) if places else 0
        return int(max(rows, 34 if self.bar else 0)) + 8

    def paintEvent(self, event: QPaintEvent) -> None:
        with self.painter(event) as painter:
            painter.setFont(theme.font(11))
            for entry, place in zip(self.entries, self._places(self.width()), strict=True):
                middle = QPointF(place.x() + 5, place.y() + 9)
                if entry.marker is None:
                    pen = QPen(ink(entry.color), 2)
                    if entry.dashed:
                        pen.setDashPattern([2, 1.25])
                    painter.setPen(pen)
                    painter.drawLine(middle - QPointF(6, 0), middle + QPointF(6, 0))
                else:
                    paint_marker(painter, middle, entry.marker, ink(entry.color), entry.hollow)
                painter.setPen(theme.color("ink 2"))
                painter.drawText(QPointF(place.x() + 15, place.y() + 13), entry.text)
            if self.bar is not None:
                paint_bar(painter, QRectF(self.width() - self.edge - self.BAR, 5, self.BAR, 8), *self.bar)


def paint_bar(painter: QPainter, area: QRectF, table: str, low: str, name: str, high: str) -> None:
    """A colour bar with its ends and its name in the row below."""
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, True)
    painter.drawImage(area, to_image(theme.lut(table)[None, :255]))
    painter.setFont(theme.font(11))
    painter.setPen(theme.color("ink 2"))
    row = QRectF(area.left() - 8, area.bottom() + 3, area.width() + 16, 15)
    flags = Qt.AlignmentFlag
    painter.drawText(row, flags.AlignLeft, low)
    painter.drawText(row, flags.AlignHCenter, name)
    painter.drawText(row, flags.AlignRight, high)


def paint_marker(painter: QPainter, at: QPointF, kind: int, color: QColor, hollow: bool, size: float = 7) -> None:
    """The marker of category `kind`, as the scatter plots draw it."""
    painter.setPen(QPen(color, 1.5) if hollow else Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("panel") if hollow else color)
    half = size / 2
    match MARKERS[kind % len(MARKERS)]:
        case "circle" | "hexagon":
            painter.drawEllipse(at, half, half)
        case "square":
            painter.drawRect(QRectF(at.x() - half, at.y() - half, size, size))
        case "diamond" | "star":
            corners = [(0, -half - 1), (half + 1, 0), (0, half + 1), (-half - 1, 0)]
            painter.drawPolygon(QPolygonF([at + QPointF(*corner) for corner in corners]))
        case "triangle":
            painter.drawPolygon(QPolygonF([at + QPointF(*c) for c in ((0, -half), (half, half), (-half, half))]))
        case _:
            painter.setPen(QPen(color, 2))
            painter.drawLine(at - QPointF(half, 0), at + QPointF(half, 0))
            painter.drawLine(at - QPointF(0, half), at + QPointF(0, half))


def to_image(rgba: np.ndarray) -> QImage:
    """A QImage that owns its bytes, from (rows, columns, 4) uint8, row 0 at the top."""
    pixels = np.ascontiguousarray(rgba, dtype=np.uint8)
    rows, columns = pixels.shape[:2]
    return QImage(pixels.tobytes(), columns, rows, 4 * columns, QImage.Format.Format_RGBA8888).copy()


def shade(values: np.ndarray, low: float, high: float, table: str) -> np.ndarray:
    """Colours (..., 4) uint8 of values on a scale; what is not finite takes the middle."""
    with np.errstate(over="ignore", invalid="ignore"):
        position = np.nan_to_num((values - low) / (high - low), nan=0.5, posinf=1.0, neginf=0.0)
    return theme.lut(table)[np.rint(np.clip(position, 0, 1) * 254).astype(np.uint8)]


def ink(name: str) -> QColor:
    """A colour by its name in figures: a token of the palette, or "category 0" and so on."""
    kind, _, index = name.partition(" ")
    return theme.category(int(index)) if kind == "category" else theme.color(name)


def rgb(color: QColor) -> np.ndarray:
    return np.array([color.red(), color.green(), color.blue()], dtype=np.float32)


def bar_color() -> QColor:
    """The one blue of bars: the middle stop of the sequential map."""
    return QColor(*(int(part) for part in theme.lut("sequential")[127]))


def layer_name(spec: NetworkSpec, index: int) -> str:
    """What a part is called on the screen: "1 Dense", "4.1 Conv2D", the last one "Output"."""
    part = spec.parts[index]
    return "Output" if index == len(spec.parts) - 1 else f"{part.number} {part.layer.kind}"


def metric_name(task: str) -> str:
    return "R²" if task == "regression" else "accuracy"
