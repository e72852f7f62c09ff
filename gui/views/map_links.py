"""The links of the network map: which are drawn, how, and which one is under the mouse."""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np
from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from gui import theme
from gui.views.cells import StepScale
from gui.views.link_picture import depth_image, dot_depth, line_depth, share_at
from gui.views.map_layout import Column

MOST_LINKS = 2000
THIN, THICK = 0.75, 3.2
FAINT, STRONG = 0.2, 0.7
DOTS = 0.85
REACH = 5.0  # px from a link that still count as on it


@dataclasses.dataclass(frozen=True, eq=False)
class Gap:
    """The links between two neighbouring columns, strongest last. Arrays of equal length, one entry per link."""

    left: float
    right: float
    key: str
    source: np.ndarray
    target: np.ndarray
    y0: np.ndarray
    y1: np.ndarray
    weight: np.ndarray
    strength: np.ndarray  # |weight| / scale, 0 to 1
    carries: np.ndarray  # bool, False from or to a dead unit


@dataclasses.dataclass(frozen=True)
class Link:
    key: str
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
    """Two neighbouring columns, and the key of the kernel between them."""

    first: Column
    second: Column

    @property
    def key(self) -> str:
        return f"{self.second.layer}.kernel"

    @property
    def count(self) -> int:
        return len(self.first.shown) * len(self.second.shown)


class Links:
    """All links between the tiles shown.

    Drawing a gap takes milliseconds: `renew` draws as many as there is time for, the oldest first, and `paint` shows
    what there is. Colours are relative to the largest weight of their gap, by a scale that does not jump.
    """

    def __init__(self) -> None:
        self._pairs: dict[str, Pair] = {}
        self._parameters: Mapping[str, np.ndarray] = {}
        self._dead: Mapping[int, np.ndarray] = {}
        self._scales: dict[str, StepScale] = {}
        self._pictures: dict[str, tuple[QPointF, QImage]] = {}
        self._stale: deque[str] = deque()

    def reset(self) -> None:
        """Another network: nothing of the old one stays."""
        self.__init__()  # type: ignore[misc]

    def forget_pictures(self) -> None:
        """The colours or the pixels changed."""
        self._pictures.clear()
        self._stale = deque(self._pairs)

    @property
    def most(self) -> int:
        """Links that a gap may draw."""
        return max(8, MOST_LINKS // max(1, len(self._pairs)))

    @property
    def total(self) -> int:
        return sum(pair.count for pair in self._pairs.values())

    @property
    def drawn(self) -> int:
        return sum(min(self.most, pair.count) for pair in self._pairs.values())

    def update(
        self, columns: Sequence[Column], parameters: Mapping[str, np.ndarray], dead: Mapping[int, np.ndarray]
    ) -> None:
        """Takes the kernels `"<layer>.kernel"` (sources, units) between columns; the pictures follow in `renew`."""
        pairs = {}
        for pair in map(Pair, columns, columns[1:]):
            kernel = parameters.get(pair.key)
            if kernel is None or not pair.first.shown or kernel.ndim != 2:
                continue
            if max(pair.first.shown) < kernel.shape[0] and max(pair.second.shown) < kernel.shape[1]:
                pairs[pair.key] = pair
        if pairs != self._pairs:
            self._pictures = {key: self._pictures[key] for key in self._pictures if pairs.get(key) == self._pairs[key]}
            self._pairs = pairs
        self._parameters, self._dead = parameters, dead
        waiting = [key for key in self._stale if key in pairs]
        new = [key for key in pairs if key not in self._pictures and key not in waiting]
        self._stale = deque(dict.fromkeys([*new, *waiting, *pairs]))

    def renew(self, ratio: float, seconds: float) -> bool:
        """Draws the gaps whose numbers changed, for about so long, at `ratio` device pixels per pixel. True while
        there are more."""
        end = time.perf_counter() + seconds
        while self._stale:
            key = self._stale.popleft()
            picture = _picture(self.gap(key), ratio)
            if picture is not None:
                self._pictures[key] = picture
            if time.perf_counter() > end:
                break
        return bool(self._stale)

    def paint(self, painter: QPainter) -> None:
        for place, image in self._pictures.values():
            painter.drawImage(place, image)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return tuple(self.gap(key) for key in self._pairs)

    def gap(self, key: str) -> Gap:
        """The strongest links of one gap."""
        first, second, kernel = self._pairs[key].first, self._pairs[key].second, self._parameters[key]
        sources, targets = np.array(first.shown), np.array(second.shown)
        weight = kernel[np.ix_(sources, targets)].astype(np.float32).ravel()
        scale = self._scales.setdefault(key, StepScale()).update(float(np.abs(weight).max(initial=0.0)))
        strength = np.clip(np.nan_to_num(np.abs(weight)) / scale, 0, 1)
        carries = np.ones((len(sources), len(targets)), bool)
        for units, layer, axis in ((sources, first.layer, 0), (targets, second.layer, 1)):
            gone = self._dead.get(layer)
            if gone is not None and len(gone):
                carries &= np.expand_dims(~gone[units], 1 - axis)
        order = np.argsort(strength, kind="stable")[-self.most :]
        rows, columns = np.divmod(order, len(targets))
        y0 = np.array([rect.center().y() for rect in first.rects])[rows]
        y1 = np.array([rect.center().y() for rect in second.rects])[columns]
        return Gap(
            first.right, second.left, key, sources[rows], targets[columns], y0, y1, weight[order], strength[order],
            carries.ravel()[order],
        )  # fmt: skip

    def at(self, point: QPointF) -> Link | None:
        """The nearest link within reach of `point`."""
        for key, pair in self._pairs.items():
            if not pair.first.right + 2 <= point.x() <= pair.second.left - 2:
                continue
            gap = self.gap(key)
            share = float(share_at((point.x() - gap.left) / (gap.right - gap.left)))
            distance = np.abs(gap.y0 + (gap.y1 - gap.y0) * share - point.y())
            i = len(distance) - 1 - int(np.argmin(distance[::-1]))
            if distance[i] <= REACH:
                return Link(
                    gap.key, int(gap.source[i]), int(gap.target[i]), float(gap.weight[i]), bool(gap.carries[i]),
                    gap.left, gap.right, float(gap.y0[i]), float(gap.y1[i]),
                )  # fmt: skip
        return None


def _picture(gap: Gap, ratio: float) -> tuple[QPointF, QImage] | None:
    columns = round((gap.right - gap.left) * ratio)
    if columns < 8 or not len(gap.weight):
        return None
    top = float(np.floor(min(gap.y0.min(), gap.y1.min()) - THICK))
    rows = round((max(gap.y0.max(), gap.y1.max()) + THICK - top) * ratio) + 1
    y0, y1 = (gap.y0 - top) * ratio, (gap.y1 - top) * ratio
    width = (THIN + (THICK - THIN) * gap.strength) * ratio
    alpha = FAINT + (STRONG - FAINT) * gap.strength
    depths = []
    for chosen in (gap.carries & (gap.weight <= 0), gap.carries & (gap.weight > 0)):
        depths.append(line_depth(y0[chosen], y1[chosen], width[chosen], alpha[chosen], columns, rows))
    depths.append(dot_depth(y0[~gap.carries], y1[~gap.carries], DOTS, ratio, columns, rows))
    colors = (theme.category(0), theme.category(1), theme.color("control edge"))
    return QPointF(gap.left, top), depth_image(depths, colors, ratio)


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
