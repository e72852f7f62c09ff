"""Gradient flow: how large the gradient of each layer's weights is, on a log scale."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QScrollArea, QStackedLayout

from engine.files.figures import Bars, Figure, Panel
from engine.telemetry import Snapshot
from gui import theme
from gui.numbers import power_of_ten, significant
from gui.views.base import View
from gui.views.pieces import Canvas, EmptyNote, bar_color, layer_name
from gui.views.plot import Pace

if TYPE_CHECKING:
    from gui.session import Session

X_NAME = "mean |gradient| of the weights"


@dataclasses.dataclass
class Bar:
    name: str
    value: float
    text: str = ""


class GradientFlow(View):
    """Horizontal bars, one for each layer with weights; the axis grows by whole decades and never shrinks in a run."""

    name = "gradient_flow"
    title = "Gradient flow"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._bars: list[Bar] = []
        self._run = -1
        self._pace = Pace()
        self._chart = _Chart()
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._chart)
        self._scroll.verticalScrollBar().valueChanged.connect(self._chart.scrolled)
        self._pages = QStackedLayout(self)
        self._empty = EmptyNote(
            "The mean gradient of each layer appears here with the first training step. Press Run or Step."
        )
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._scroll)

    def show_snapshot(self, snapshot: Snapshot) -> None:
        self._empty.follow(snapshot)
        layers = [k for k, part in enumerate(snapshot.spec.parts) if part.layer.has_kernel]
        values = [float(snapshot.layers[k].gradient_norm) for k in layers if k < len(snapshot.layers)]
        if snapshot.run != self._run:
            self._run = snapshot.run
            self._chart.decades = None
            self._pace.reset()
        if not values or all(math.isnan(value) for value in values):
            self.reset()
            return
        names = [layer_name(snapshot.spec, k) for k in layers]
        fresh_text = self._pace.due() or snapshot.state != "running" or [bar.name for bar in self._bars] != names
        texts = [_words(value) for value in values] if fresh_text else [bar.text for bar in self._bars]
        self._bars = [Bar(*item) for item in zip(names, values, texts, strict=False)]
        self._chart.show_bars(self._bars)
        if self._pages.currentIndex() != 1:
            self._pages.setCurrentIndex(1)

    def reset(self) -> None:
        self._bars = []
        self._chart.decades = None
        self._pace.reset()
        self._pages.setCurrentIndex(0)

    def summary(self) -> str:
        if not self._bars:
            return "No gradients yet."
        return "Mean gradient: " + ", ".join(f"{bar.name} {_words(bar.value)}" for bar in self._bars) + "."

    def figure(self) -> Figure | None:
        if not self._bars:
            return None
        lengths = np.array([bar.value for bar in self._bars])
        bars = Bars(tuple(bar.name for bar in self._bars), lengths, "mean |gradient|", horizontal=True)
        return Figure("Gradient flow", (Panel((bars,), "Gradient flow", X_NAME, "layer", x_log=True),))


class _Chart(Canvas):
    LEFT, RIGHT, FOOT = 82, 64, 40

    def __init__(self) -> None:
        super().__init__()
        self.bars: list[Bar] = []
        self.decades: tuple[int, int] | None = None
        self.setAccessibleName("Mean gradient of each layer")

    def show_bars(self, bars: list[Bar]) -> None:
        if len(bars) != len(self.bars):
            self.setMinimumHeight(len(bars) * 20 + self.FOOT + 8)
        self.bars = bars
        exponents = [math.log10(bar.value) for bar in bars if 0 < bar.value < math.inf]
        if exponents:
            low, high = math.floor(min(exponents)), math.ceil(max(exponents))
            if self.decades is None:
                low, high = low - 1, max(high, low + 2)
            else:
                low, high = min(low, self.decades[0]), max(high, self.decades[1])
            self.decades = (max(low, high - 16), high)
        self.update()

    @Slot()
    def scrolled(self) -> None:
        """The axis stays at the foot of what is visible."""
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, len(self.bars) * 32 + self.FOOT + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        with self.painter(event) as painter:
            if not self.bars:
                return
            low, high = self.decades or (-3, 0)
            row = min(40.0, (self.height() - self.FOOT - 4) / len(self.bars))
            left, right = float(self.LEFT), float(self.width() - self.RIGHT)
            visible = self.visibleRegion().boundingRect()
            bottom = min(4 + row * len(self.bars), max(visible.bottom() + 1.0 - self.FOOT, 4 + row))
            self._paint_axis(painter, left, right, bottom, low, high)
            thick = min(16.0, row - 4)
            metrics = painter.fontMetrics()
            painter.setClipRect(QRectF(0, 0, self.width(), bottom))
            for k, bar in enumerate(self.bars):
                middle = 4 + (k + 0.5) * row
                painter.setPen(theme.color("ink"))
                name = metrics.elidedText(bar.name, Qt.TextElideMode.ElideRight, self.LEFT - 24)
                flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                painter.drawText(QRectF(8, middle - 9, left - 16, 18), flags, name)
                length = 0.0
                if bar.value > 0:
                    exponent = math.log10(bar.value) if math.isfinite(bar.value) else high
                    length = max(2.0, (exponent - low) / (high - low) * (right - left))
                    painter.setPen(Qt.PenStyle.NoPen)
                    painter.setBrush(bar_color())
                    painter.drawRoundedRect(QRectF(left, middle - thick / 2, min(length, right - left), thick), 2, 2)
                painter.setPen(theme.color("ink 2"))
                painter.drawText(QPointF(left + min(length, right - left) + 6, middle + 4), bar.text)

    def _paint_axis(self, painter: QPainter, left: float, right: float, bottom: float, low: int, high: int) -> None:
        painter.setFont(theme.font(11))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        stride = max(1, math.ceil((high - low) / max(2, (right - left) // 44)))
        for exponent in range(high, low - 1, -stride):
            x = round(left + (exponent - low) / (high - low) * (right - left))
            painter.setPen(QPen(theme.color("grid"), 1))
            painter.drawLine(QPointF(x, 4), QPointF(x, bottom))
            painter.setPen(theme.color("ink 2"))
            text = power_of_ten(exponent)
            painter.drawText(QRectF(x - 24, bottom + 4, 48, 15), Qt.AlignmentFlag.AlignHCenter, text)
        painter.drawText(QRectF(left - 40, bottom + 20, right - left + 80, 16), Qt.AlignmentFlag.AlignHCenter, X_NAME)
        painter.setPen(QPen(theme.color("control edge"), 1))
        painter.drawLine(QPointF(left, 4), QPointF(left, bottom))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)


def _words(value: float) -> str:
    return significant(value, 2) if math.isfinite(value) else "not finite"
