"""The links of the network map: which are drawn, how, and which one is under the mouse."""

from __future__ import annotations

import dataclasses
import time
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
FRAME_SECONDS = 0.004  # of drawing links, per frame on average
MOST_REST = 12  # frames
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


class Links:
    """All links between the tiles shown.

    Colours are relative to the largest weight of their gap, by a scale that does not jump.
    """

    def __init__(self) -> None:
        self.gaps: tuple[Gap, ...] = ()
        self.total = 0
        self._scales: dict[str, StepScale] = {}
        self._images: list[tuple[QPointF, QImage]] = []
        self._stale, self._age, self._rest = True, 0, 0

    def reset(self) -> None:
        self.gaps, self.total = (), 0
        self._images = []
        self.touch()
        self._scales.clear()

    def touch(self) -> None:
        """The links are drawn anew at the next paint: the layout or the colours changed."""
        self._stale, self._age = True, MOST_REST

    @property
    def drawn(self) -> int:
        return sum(len(gap.weight) for gap in self.gaps)

    def update(
        self,
        columns: Sequence[Column],
        parameters: Mapping[str, np.ndarray],
        dead: Mapping[int, np.ndarray],
        most: int = MOST_LINKS,
    ) -> None:
        """Chooses the strongest links from the kernels `"<layer>.kernel"` (sources, units)."""
        gaps = []
        for first, second in zip(columns, columns[1:], strict=False):
            kernel = parameters.get(f"{second.layer}.kernel")
            if kernel is None or not first.shown or kernel.ndim != 2:
                continue
            if max(first.shown) < kernel.shape[0] and max(second.shown) < kernel.shape[1]:
                gaps.append(self._gap(first, second, kernel, dead))
        self.total = sum(len(gap.weight) for gap in gaps)
        if self.total > most:
            strengths = np.concatenate([gap.strength for gap in gaps])
            least = np.partition(strengths, -most)[-most]
            gaps = [_thinned(gap, least, max(8, most // len(gaps))) for gap in gaps]
        self.gaps, self._stale = tuple(gaps), True

    def _gap(self, first: Column, second: Column, kernel: np.ndarray, dead: Mapping[int, np.ndarray]) -> Gap:
        sources, targets = np.array(first.shown), np.array(second.shown)
        weight = kernel[np.ix_(sources, targets)].astype(np.float32).ravel()
        key = f"{second.layer}.kernel"
        scale = self._scales.setdefault(key, StepScale()).update(float(np.abs(weight).max(initial=0.0)))
        strength = np.clip(np.nan_to_num(np.abs(weight)) / scale, 0, 1)
        carries = np.ones((len(sources), len(targets)), bool)
        for units, layer, axis in ((sources, first.layer, 0), (targets, second.layer, 1)):
            gone = dead.get(layer)
            if gone is not None and len(gone):
                carries &= np.expand_dims(~gone[units], 1 - axis)
        grid = np.meshgrid(np.arange(len(sources)), np.arange(len(targets)), indexing="ij")
        rows, columns = grid[0].ravel(), grid[1].ravel()
        y0 = np.array([rect.center().y() for rect in first.rects])[rows]
        y1 = np.array([rect.center().y() for rect in second.rects])[columns]
        order = np.argsort(strength, kind="stable")
        return Gap(
            first.right, second.left, key, sources[rows][order], targets[columns][order], y0[order], y1[order],
            weight[order], strength[order], carries.ravel()[order],
        )  # fmt: skip

    def at(self, point: QPointF) -> Link | None:
        """The nearest link within reach of `point`."""
        for gap in self.gaps:
            if gap.left + 2 <= point.x() <= gap.right - 2 and len(gap.weight):
                share = float(share_at((point.x() - gap.left) / (gap.right - gap.left)))
                distance = np.abs(gap.y0 + (gap.y1 - gap.y0) * share - point.y())
                nearest = int(np.argmin(distance[::-1]))
                i = len(distance) - 1 - nearest
                if distance[i] <= REACH:
                    return Link(
                        gap.key, int(gap.source[i]), int(gap.target[i]), float(gap.weight[i]), bool(gap.carries[i]),
                        gap.left, gap.right, float(gap.y0[i]), float(gap.y1[i]),
                    )  # fmt: skip
        return None

    def paint(self, painter: QPainter, ratio: float) -> None:
        """Draws all links, at `ratio` device pixels per pixel. When that is slow, they are made anew less often."""
        self._age += 1
        if self._stale and self._age >= self._rest:
            started = time.perf_counter()
            self._images = [made for gap in self.gaps if (made := _gap_image(gap, ratio)) is not None]
            self._stale, self._age = False, 0
            self._rest = min(MOST_REST, int((time.perf_counter() - started) / FRAME_SECONDS))
        for place, image in self._images:
            painter.drawImage(place, image)


def _gap_image(gap: Gap, ratio: float) -> tuple[QPointF, QImage] | None:
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


def _thinned(gap: Gap, least: float, most: int) -> Gap:
    """The links that reach `least`, but at most twice the fair share of a gap."""
    first = int(np.searchsorted(gap.strength, least))
    kept = slice(max(first, len(gap.weight) - 2 * most), None)
    arrays = ("source", "target", "y0", "y1", "weight", "strength", "carries")
    return dataclasses.replace(gap, **{name: getattr(gap, name)[kept] for name in arrays})
