"""The ground the program stands on: this Python, this Qt, this pyqtgraph."""

from __future__ import annotations

import sys

import numpy as np
import pyqtgraph
from PySide6.QtGui import QPainter, QPainterPath
from PySide6.QtWidgets import QApplication, QWidget


class Painted(QWidget):
    def paintEvent(self, event) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.drawLine(0, 0, self.width(), self.height())
        painter.end()


def test_none_keeps_its_references(qtbot):
    """PySide6 6.12.0 lost one reference to None per call, until the process died."""
    widget = Painted()
    qtbot.addWidget(widget)
    widget.show()
    before = sys.getrefcount(None)
    for round_number in range(10_000):
        QApplication.processEvents()
        if round_number % 20 == 0:
            widget.repaint()
    assert sys.getrefcount(None) - before >= -10


def test_pyqtgraph_fills_qts_paths_rightly(qapp):
    """It writes Qt's private memory, whose layout has changed before."""
    x, y = np.arange(50.0), np.sin(np.arange(50.0))
    expected = QPainterPath()
    expected.moveTo(x[0], y[0])
    for a, b in zip(x[1:], y[1:], strict=True):
        expected.lineTo(a, b)
    assert pyqtgraph.arrayToQPath(x, y) == expected


def test_a_curve_leaves_its_colour(qtbot):
    plot = pyqtgraph.PlotWidget()
    qtbot.addWidget(plot)
    plot.plot([0, 1], [0, 1], pen=pyqtgraph.mkPen(255, 0, 0, width=3))
    plot.resize(200, 150)
    plot.show()
    QApplication.processEvents()
    image = plot.grab().toImage()
    colors = [image.pixelColor(i, j) for i in range(image.width()) for j in range(image.height())]
    assert sum(color.red() > 150 and color.blue() < 90 for color in colors) > 50
    plot.close()
