"""What views work out before they draw: scales, ticks, places of labels, merged cells, matrices of kernels."""

from __future__ import annotations

import numpy as np
import pytest

from engine.layers import Conv1D, Conv2D, Dense, Flatten, MaxPool2D
from engine.output_panels import finer
from engine.spec import NetworkSpec
from gui.views import scales
from gui.views.kernels import drawn_kernel
from gui.views.layer_words import layer_words
from gui.views.plot import numbered
from gui.views.weight_pictures import strongest


def test_finer_keeps_values_and_adds_between() -> None:
    grid = np.array([[[0.0, 1.0], [2.0, 3.0]]], np.float32)
    fine = finer(grid, 3)
    assert fine.shape == (1, 6, 6) and fine[0, 0, 0] == 0 and fine[0, -1, -1] == 3
    assert (np.diff(fine[0], axis=1) >= 0).all()


def test_kernels_of_images_are_drawn_as_images_and_those_of_maps_as_a_matrix() -> None:
    layers = (Conv2D(6, 3), MaxPool2D(2), Conv2D(5, 3), Flatten(), Dense(4), Dense(2))
    spec = NetworkSpec((12, 12, 2), layers, "softmax_cross_entropy")
    first, second, third, _ = layer_words(spec)
    kernel = np.arange(3 * 3 * 2 * 6, dtype=np.float32).reshape(3, 3, 2, 6)
    drawn = drawn_kernel(kernel, first, spec, (12, 12, 2), ())
    assert drawn.images is not None and drawn.images.shape == (6, 3, 7) and np.isnan(drawn.images[:, :, 3]).all()
    assert np.array_equal(drawn.images[4, :, 4:], kernel[:, :, 1, 4])
    matrix = drawn_kernel(np.ones((3, 3, 6, 5)), second, spec, (12, 12, 2), ())
    assert matrix.images is None and matrix.matrix.shape == (54, 5) and matrix.names[53] == "filter 6, 3, 3"
    flat = drawn_kernel(np.ones((45, 4)), third, spec, (12, 12, 2), ())
    assert flat.names[7] == "place 2, filter 3" and flat.what == "places and filters of layer 3"


def test_kernels_of_groups_and_of_signals() -> None:
    spec = NetworkSpec((12, 12, 2), (Conv2D(6, 3), Conv2D(4, 3, groups=2), Flatten(), Dense(2)))
    drawn = drawn_kernel(np.ones((3, 3, 3, 4)), layer_words(spec)[1], spec, (12, 12, 2), ())
    assert drawn.matrix.shape == (27, 4) and drawn.names[26] == "filter 3, 3, 3"
    assert drawn.what.startswith("filter of the group, row and column")
    spec = NetworkSpec((30, 2), (Conv1D(6, 5), Conv1D(4, 3), Flatten(), Dense(2)))
    first, second, _ = layer_words(spec)
    kernel = np.arange(5 * 2 * 6, dtype=np.float32).reshape(5, 2, 6)
    drawn = drawn_kernel(kernel, first, spec, None, ())
    assert drawn.images is not None and drawn.images.shape == (6, 1, 11)
    assert np.array_equal(drawn.images[4, 0, 6:], kernel[:, 1, 4])
    matrix = drawn_kernel(np.ones((3, 6, 4)), second, spec, None, ())
    assert matrix.names[17] == "filter 6, 3" and matrix.what.startswith("filter and place in the window")


def test_merged_cells_keep_the_strongest() -> None:
    values = np.zeros((100, 100))
    values[37, 41] = -5
    values[90, 3] = 2
    merged = strongest(values, 10, 10)
    assert merged.shape == (10, 10) and merged.min() == -5 and merged.max() == 2


@pytest.mark.parametrize(
    ("low", "high", "expected"), [(0, 128, (0, 150)), (-1.1, 1.0, (-1.5, 1.0)), (0, 0.0031, (0, 0.004))]
)
def test_ranges_grow_in_steps(low, high, expected) -> None:
    assert scales.stepped_range(low, high) == pytest.approx(expected)


def test_ticks_are_round() -> None:
    assert len(numbered(-4.4, 4.4, few=True)) >= 3
    assert [round(10**v, 2) for v in scales.log_ticks(*scales.log_range(0.04, 0.9))] == [0.03, 0.1, 0.3, 1.0]


def test_labels_move_apart_and_stay_inside() -> None:
    assert scales.apart([50, 52], 16, 0, 100) == [50, 66]
    assert scales.apart([99, 98], 16, 0, 100) == [100, 84]


def test_decimation_keeps_the_extremes() -> None:
    x, y = np.arange(5000.0), np.sin(np.arange(5000.0))
    y[1234] = 9
    _, few = scales.decimate(x, y, 100)
    assert len(few) <= 400 and few.max() == 9 and few[-1] == y[-1]
