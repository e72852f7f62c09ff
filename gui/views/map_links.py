"""The links of the network map: which are drawn, and which one is under the mouse."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainterPath, QPen

from gui import theme
from gui.views.cells import StepScale
from gui.views.layer_words import LayerWords
from gui.views.link_picture import share_at
from gui.views.map_layout import Column

MOST_LINKS = 2000
THIN, THICK = 0.75, 3.2
FAINT, STRONG = 0.2, 0.7
REACH = 5.0  # px from a link that still count as on it


@dataclasses.dataclass(frozen=True, eq=False)
class Gap:
    """The links between two neighbouring columns, strongest last. Arrays of equal length, one entry per link."""

    left: float
    right: float
    layer: int  # of the second column: its kernel
    source: np.ndarray
    target: np.ndarray
    y0: np.ndarray
    y1: np.ndarray
    weight: np.ndarray
    strength: np.ndarray  # |weight| / scale, 0 to 1
    carries: np.ndarray  # bool, False from or to a dead unit


@dataclasses.dataclass(frozen=True)
class Link:
    layer: int
    source: int
    target: int
    weight: float
    carries: bool
    left: float
    right: float
    y0: float
    y1: float


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two neighbouring columns."""

    first: Column
    second: Column

    @property
    def count(self) -> int:
        return len(self.first.shown) * len(self.second.shown)


class Links:
    """All links between the tiles shown.

    Colours are relative to the largest weight of their gap, by a scale that does not jump.
    """

    def __init__(self) -> None:
        self.pairs: dict[int, Pair] = {}
        self._kernels: Mapping[int, np.ndarray] = {}
        self._dead: Mapping[int, np.ndarray] = {}
        self._scales: dict[int, StepScale] = {}

    def reset(self) -> None:
        """Another network: nothing of the old one stays."""
        self.__init__()  # type: ignore[misc]

    @property
    def most(self) -> int:
        """Links that a gap may draw."""
        return max(8, MOST_LINKS // max(1, len(self.pairs)))

    @property
    def total(self) -> int:
        return sum(pair.count for pair in self.pairs.values())

    @property
    def drawn(self) -> int:
        return sum(min(self.most, pair.count) for pair in self.pairs.values())

    def update(
        self, columns: Sequence[Column], kernels: Mapping[int, np.ndarray], dead: Mapping[int, np.ndarray]
    ) -> None:
        """Takes the kernels (sources, units) of the columns' layers."""
        self.pairs = {}
        for pair in map(Pair, columns, columns[1:]):
            kernel = kernels.get(pair.second.layer)
            if kernel is None or not pair.first.shown or kernel.ndim != 2:
                continue
            if kernel.shape == (pair.first.units, pair.second.units):  # else something lies between, as Flatten
                self.pairs[pair.second.layer] = pair
        self._kernels, self._dead = kernels, dead

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return tuple(self.gap(layer) for layer in self.pairs)

    def gap(self, layer: int) -> Gap:
        """The strongest links of one gap."""
        first, second, kernel = self.pairs[layer].first, self.pairs[layer].second, self._kernels[layer]
        sources, targets = np.array(first.shown), np.array(second.shown)
        weight = kernel[np.ix_(sources, targets)].astype(np.float32).ravel()
        scale = self._scales.setdefault(layer, StepScale()).update(float(np.abs(weight).max(initial=0.0)))
        strength = np.clip(np.nan_to_num(np.abs(weight)) / scale, 0, 1)
        carries = np.ones((len(sources), len(targets)), bool)
        for units, column, axis in ((sources, first, 0), (targets, second, 1)):
            gone = self._dead.get(column.layer)
            if gone is not None and len(gone):
                carries &= np.expand_dims(~gone[units], 1 - axis)
        order = np.argsort(strength, kind="stable")[-self.most :]
        rows, columns = np.divmod(order, len(targets))
        y0 = np.array([rect.center().y() for rect in first.rects])[rows]
        y1 = np.array([rect.center().y() for rect in second.rects])[columns]
        return Gap(
            first.right, second.left, layer, sources[rows], targets[columns], y0, y1, weight[order], strength[order],
            carries.ravel()[order],
        )  # fmt: skip

    def at(self, point: QPointF) -> Link | None:
        """The nearest link within reach of `point`."""
        for layer, pair in self.pairs.items():
            if not pair.first.right + 2 <= point.x() <= pair.second.left - 2:
                continue
            gap = self.gap(layer)
            share = float(share_at((point.x() - gap.left) / (gap.right - gap.left)))
            distance = np.abs(gap.y0 + (gap.y1 - gap.y0) * share - point.y())
            i = len(distance) - 1 - int(np.argmin(distance[::-1]))
            if distance[i] <= REACH:
                return Link(
                    layer, int(gap.source[i]), int(gap.target[i]), float(gap.weight[i]), bool(gap.carries[i]),
                    gap.left, gap.right, float(gap.y0[i]), float(gap.y1[i]),
                )  # fmt: skip
        return None


def direct_lines(columns: Sequence[Column], words: Sequence[LayerWords]) -> Iterator[tuple[QPointF, QPointF]]:
    """Where units feed each other one to one: from the right of a tile to the left of the one beside it."""
    direct = {each.index: each.previous for each in words if each.direct}
    for first, second in zip(columns, columns[1:], strict=False):
        if direct.get(second.layer) != first.layer:
            continue
        for unit, rect in zip(first.shown, first.rects, strict=True):
            target = second.rect_of(unit)
            if target is not None:
                yield QPointF(rect.right() + 2, rect.center().y()), QPointF(target.left() - 2, target.center().y())


def link_pen(positive: bool, strength: float) -> QPen:
    """Blue for minus and orange for plus, wider and denser with `strength` (0 to 1)."""
    color = QColor(theme.category(1 if positive else 0))
    color.setAlphaF(FAINT + (STRONG - FAINT) * strength)
    return QPen(color, THIN + (THICK - THIN) * strength)


def dotted_pen() -> QPen:
    """What carries nothing."""
    color = QColor(theme.color("control edge"))
    color.setAlphaF(0.75)
    pen = QPen(color, 1.0)
    pen.setDashPattern([1.5, 3.0])
    return pen


def link_path(left: float, y0: float, right: float, y1: float) -> QPainterPath:
    path = QPainterPath(QPointF(left, y0))
    middle = (left + right) / 2
    path.cubicTo(middle, y0, middle, y1, right, y1)
    return path
