"""What the map's legend says where there is little room, and the captions of the weights' images."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtGui import QFontMetrics, QFontMetricsF

from gui import theme
from gui.views.map_legend import BAR, CONDITIONS, SHORT_BAR, plan
from gui.views.weight_pictures import UnitImages

ONE, TWO = ["activation 0max"], ["activation 0max", "−+"]
SENTENCE = "layer 1: weights"
MARKED = CONDITIONS


def width(words: str) -> float:
    return QFontMetricsF(theme.font(11)).horizontalAdvance(words)


@pytest.mark.parametrize(
    ("window", "scales", "marked", "told"),
    [
        (1000, ONE, (), (BAR, 3, (), SENTENCE)),
        (1000, ONE, MARKED, (BAR, 3, MARKED, SENTENCE)),
        (563, ONE, (), (SHORT_BAR, 3, (), SENTENCE)),  # one of two views at 1920 px
        (563, ONE, MARKED, (SHORT_BAR, 2, MARKED, "")),
        (424, ONE, (), (SHORT_BAR, 2, (), SENTENCE)),  # the least window
        (424, ONE, MARKED, (SHORT_BAR, 2, (), "")),
        (424, TWO, (), (SHORT_BAR, 2, (), "")),
        (250, TWO, MARKED, (SHORT_BAR, 0, (), "")),
        (424, [], (), (BAR, 3, (), SENTENCE)),
    ],
)
def test_the_legend_leaves_out_what_has_no_room(qtbot, window, scales, marked, told) -> None:
    assert plan(window, width, scales, marked, SENTENCE) == told


@pytest.mark.parametrize("across", [300, 420, 700])
def test_captions_of_dead_neurons_do_not_touch(qtbot, across) -> None:
    images = UnitImages()
    qtbot.addWidget(images)
    images.resize(across, 500)
    images.show_units(np.ones((64, 8, 8), np.float32), np.ones(64, bool), 1.0)
    metrics, side = QFontMetrics(theme.font(11)), int(images.place(0).width())
    words = "64 dead" if images._word_fits(metrics, side) else "64"
    assert metrics.horizontalAdvance(words) + images.CROSS < side + images.GAP
    assert not images.grab().isNull()
