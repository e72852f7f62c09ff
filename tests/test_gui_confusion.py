"""The confusion matrix: its names can be read at every size, and tell which class is which."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF
from PySide6.QtGui import QFontMetrics, QImage

from gui import theme
from gui.views.confusion import HEAD, ConfusionMatrix

CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
SMALL, LARGE = (296, 340), (424, 376)  # as in a window of 1280 x 800 and of 1920 x 1080


def matrix_of(qtbot, names: tuple[str, ...], size: tuple[int, int]) -> ConfusionMatrix:
    matrix = ConfusionMatrix()
    qtbot.addWidget(matrix)
    matrix.resize(*size)
    matrix.show_counts(np.eye(len(names), dtype=int) * 7, names, "test", False)
    return matrix


def head_of(matrix: ConfusionMatrix) -> QImage:
    """What stands above the columns."""
    area = matrix._cells().toRect()
    return matrix.grab(area.adjusted(0, -area.top(), 0, -area.height())).toImage()


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_the_names_of_clothes_are_whole_above_the_columns(qtbot, size) -> None:
    matrix, other = (matrix_of(qtbot, (*CLOTHES[:7], name, *CLOTHES[8:]), size) for name in ("Sneaker", "Sneakel"))
    assert head_of(matrix) != head_of(other), "the last letter is to be seen"
    area, upright = matrix._places()
    widest = max(map(QFontMetrics(theme.font(11)).horizontalAdvance, CLOTHES))
    assert upright and area.top() - HEAD >= widest
    assert area.width() >= 160 and area.bottom() + 22 <= size[1] and area.right() <= size[0], "the cells stay large"


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_short_names_lie_flat(qtbot, size) -> None:
    area, upright = matrix_of(qtbot, tuple("0123456789"), size)._places()
    assert not upright and area.top() == HEAD + 16


def test_a_name_that_is_cut_is_told_under_the_mouse(qtbot) -> None:
    names = ("a name far too long for any head of a column of this size", *CLOTHES[1:])
    matrix = matrix_of(qtbot, names, SMALL)
    area = matrix._cells()
    assert area.width() >= 120
    assert matrix._named_at(QPointF(area.left() + 3, area.top() - 6)) == names[0]
    assert matrix._named_at(QPointF(area.left() - 6, area.bottom() - 3)) == names[-1]
    assert matrix._named_at(area.center()) == matrix._named_at(QPointF(2, 2)) == ""


def test_long_class_names_stay_apart_in_the_confusion_matrix(qtbot) -> None:
    matrix = ConfusionMatrix()
    qtbot.addWidget(matrix)
    matrix.resize(296, 300)
    matrix.show_counts(
        np.eye(3, dtype=int), ("a very long class name", "another very long class name", "c"), "test", False
    )
    area, picture = matrix._cells(), matrix.grab().toImage()
    x, top = round(area.left() + area.width() / 3), round(area.top())
    colors = {picture.pixel(x + aside, y) for aside in (-2, -1, 0, 1) for y in range(top - 20, top - 4)}
    assert len(colors) == 1, "nothing is written between two columns"


@pytest.mark.parametrize(("most", "told"), [(7, True), (196, True), (60_000, False)])
def test_cells_hold_their_numbers_where_these_can_be_read(qtbot, most, told) -> None:
    matrix = matrix_of(qtbot, CLOTHES, SMALL)
    counts = np.eye(10, dtype=int) * most
    matrix.show_counts(counts, CLOTHES, "test", False)
    cell = matrix._cells().toRect()
    cell.setSize(cell.size() / 10)
    colors = {matrix.grab(cell.adjusted(2, 2, -2, -2)).toImage().pixel(x, y) for x in range(12) for y in range(12)}
    assert (len(colors) > 1) == told
