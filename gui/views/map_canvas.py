"""The drawing area of the network map: links, and the columns over them; and what the mouse does on it."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, Qt, Slot
from PySide6.QtGui import (
    QContextMenuEvent,
    QFontMetricsF,
    QMouseEvent,
    QMoveEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from engine.telemetry import Snapshot
from gui import theme
from gui.numbers import number, percent
from gui.views.image_data import image_shape, pixel_words
from gui.views.layer_words import silent_units, unit_state
from gui.views.map_captions import Caption
from gui.views.map_column import ColumnPicture
from gui.views.map_layout import INPUTS, ROOMY_PITCH, Column, Layout, lay_out
from gui.views.map_link_pictures import LinkPictures
from gui.views.map_links import Link, Links, direct_lines, link_path, link_pen
from gui.views.map_tiles import Cells, Tiles
from gui.views.unit_menu import show_unit_menu

if TYPE_CHECKING:
    from gui.views.network_map import NetworkMap

DEATH_SECONDS = 0.6
CAPTION_SECONDS = 0.2  # words that change faster cannot be read
SLICE_SECONDS = 0.003  # of drawing captions in one frame
LINK_SECONDS = 0.25  # from one picture of the links to the next


class MapCanvas(QWidget):
    """Paints the newest snapshot; hands hovers and clicks to its view."""

    def __init__(self, view: NetworkMap) -> None:
        super().__init__()
        self.view = view
        self.tiles, self.links = Tiles(), Links()
        self.link_pictures = LinkPictures(self)
        self.link_pictures.drawn.connect(self._links_drawn)
        self.layout_of_map = Layout((), 0, 0, 0)
        self.whole_image = False
        self._stale, self._told, self._linked = True, 0.0, 0.0
        self._arranged: object = None
        self._ratio = 0.0
        self._columns: list[Column] = []
        self._pictures: dict[int, ColumnPicture] = {}
        self._untold: deque[Column] = deque()
        self._scene: Cells | None = None
        self._hovered: tuple[int, int] | None = None
        self._link: Link | None = None
        self._deaths: dict[tuple[int, int], float] = {}
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # else the panels behind are drawn with every frame

    # what is drawn

    def forget(self) -> None:
        """Another run or network: no picture of the old one stays."""
        self.tiles.reset()
        self.links.reset()
        self.link_pictures.forget()
        self._told = self._linked = 0.0
        self._link = self._hovered = None

    def renew(self) -> None:
        """New numbers: they are drawn at the next paint."""
        self._stale = True
        self.update()

    def recolor(self) -> None:
        self.link_pictures.forget()
        self._pictures.clear()
        self._told = self._linked = 0.0
        self.renew()

    def mark_deaths(self, before: Snapshot, now: Snapshot) -> None:
        """A neuron that died between two snapshots gets a ring for a moment."""
        moment = time.monotonic()
        self._deaths = {unit: since for unit, since in self._deaths.items() if moment - since < DEATH_SECONDS}
        for index, (old, new) in enumerate(zip(before.layers, now.layers, strict=True)):
            if len(old.dead) == len(new.dead):
                for unit in np.flatnonzero(new.dead & ~old.dead).tolist():
                    self._deaths[index, unit] = moment

    def selection_moved(self) -> None:
        chosen = self.view.session.selection
        column = None if chosen is None else self.layout_of_map.column(chosen[0])
        if column is not None and chosen is not None and chosen[1] not in column.shown:
            self._stale = True
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.renew()

    def moveEvent(self, event: QMoveEvent) -> None:  # noqa: N802
        self.renew()

    def _arrange(self) -> None:
        view = self.view
        inputs = view.input_names()
        self.whole_image = self._shows_image(len(inputs))
        window = self.parentWidget() or self
        key = (inputs, view.words, self._output_names(), self.whole_image, view.session.selection, window.size())
        if key == self._arranged:
            return
        self._arranged = key
        widths = [(INPUTS, 1 if self.whole_image else len(inputs))]
        widths += [(words.index, words.units) for words in view.words]
        metrics = QFontMetricsF(theme.font(12))
        shown = [] if self.whole_image else inputs[:24]
        left = min(96.0, max((metrics.horizontalAdvance(name) for name in shown), default=0.0))
        right = min(96.0, max((metrics.horizontalAdvance(name) for name in self._output_names()), default=0.0))
        big = {words.index for words in view.words if words.last and words.units == 1}
        if self.whole_image:
            big.add(INPUTS)
        self.layout_of_map = lay_out(
            widths, (window.width(), window.height()), view.session.selection, (left, right), frozenset(big),
            view.words[-1].index if view.words else None,
        )  # fmt: skip
        self.setMinimumWidth(int(self.layout_of_map.width))

    def columns_in_sight(self) -> list[Column]:
        """The columns in the window, and the next one on each side for its links."""
        columns, seen = self.layout_of_map.columns, self.visibleRegion().boundingRect()
        if seen.isEmpty() or seen.width() >= self.width():
            return list(columns)
        reach = self.layout_of_map.pitch + 40
        return [c for c in columns if seen.left() - reach <= c.center <= seen.right() + reach]

    def _shows_image(self, inputs: int) -> bool:
        data = self.view.session.dataset
        shape = image_shape(data)
        return shape is not None and int(np.prod(shape)) == inputs

    def _output_names(self) -> tuple[str, ...]:
        data, words = self.view.session.dataset, self.view.words
        if data is None or not words:
            return ()
        names = tuple(data.class_names) or tuple(getattr(data, "target_names", ()) or ())
        return names if len(names) == words[-1].units > 1 else ()

    def _prepare(self) -> None:
        """Takes the newest snapshot: tiles at once, captions and links a few times a second."""
        self._arrange()
        before = (self._columns, self._ratio)
        self._columns, self._ratio = self.columns_in_sight(), self.devicePixelRatioF()
        moved = before != (self._columns, self._ratio)
        view, snapshot = self.view, self.view.snapshot
        still = snapshot is None or snapshot.state != "running"
        if moved or not self._pictures:
            self._take_places()
        self._tell(moved, still or not self._told)
        data = view.session.dataset
        if snapshot is not None and snapshot.state != "diverged":  # then tiles stay as they were
            self.tiles.update(snapshot, self._columns, {words.index: words for words in view.words}, data)
            if self.whole_image and data is not None:
                self._scene = self.tiles.scene(data, self.picked_sample())
        for column in self._columns:
            whole = column.layer == INPUTS and self.whole_image
            self._pictures[column.layer].show_tiles(self._scene if whole else self.tiles.art.get(column.layer))
        if snapshot is not None and snapshot.parameters is not None:
            silent = {words.index: silent_units(words, snapshot.layers[words.index]) for words in view.words}
            linked = [column for column in self._columns if column.layer != INPUTS or not self.whole_image]
            self.links.update(linked, view.kernels(), silent)
            now = time.monotonic()
            if moved or still or now - self._linked > LINK_SECONDS and not self.link_pictures.busy:
                self._linked = now
                self.link_pictures.begin(self.links, self._ratio)

    def picked_sample(self) -> tuple[str, int] | None:
        """The sample whose maps are shown, else the one that the user picked."""
        return self.tiles.mapped or self.view.session.sample

    def _take_places(self) -> None:
        """A picture for every column in sight; those of columns that stayed where they were are kept."""
        kept, self._pictures, ratio = self._pictures, {}, self._ratio
        for column in self._columns:
            picture, strip = kept.get(column.layer), QRectF(*self.layout_of_map.strip(column), self.height())
            if picture is None or (picture.column, picture.strip, picture.ratio) != (column, strip, ratio):
                picture = ColumnPicture(column, strip, self.layout_of_map.pitch, ratio)
            self._pictures[column.layer] = picture

    def _tell(self, moved: bool, at_once: bool) -> None:
        """Draws what is said of the columns: of new ones now, of the others in turns of a few ms unless `at_once`."""
        now = time.monotonic()
        if moved or at_once or not self._untold and now - self._told > CAPTION_SECONDS:
            self._told, self._untold = now, deque(sorted(self._columns, key=self._is_told))
        while self._untold:
            if not at_once and self._is_told(self._untold[0]) and time.monotonic() - now > SLICE_SECONDS:
                break
            column = self._untold.popleft()
            self._pictures[column.layer].show_caption(self.caption(column))

    def conditions(self) -> set[str]:
        """What is marked on the tiles in sight."""
        return {condition for picture in self._pictures.values() for condition in picture.conditions}

    def _is_told(self, column: Column) -> bool:
        return self._pictures[column.layer].told

    @Slot(QRectF)
    def _links_drawn(self, place: QRectF) -> None:
        snapshot = self.view.snapshot
        if snapshot is None or snapshot.state != "running":  # else the next frame shows them
            self.update(place.toAlignedRect())

    def caption(self, column: Column) -> Caption:
        view, snapshot = self.view, self.view.snapshot
        if column.layer == INPUTS:
            names = view.input_names()
            if self.whole_image:
                return Caption(column, "Inputs", pixel_words(view.session.dataset))
            state = f"{len(names)} feature{'s' * (len(names) != 1)}"
            return Caption(column, "Inputs", state, names=tuple(names[unit] for unit in column.shown))
        words = next(w for w in view.words if w.index == column.layer)
        layer = snapshot.layers[words.index] if snapshot is not None else None
        if layer is not None and len(layer.dead) != words.units:
            layer = None
        state, roomy = view.state_line(words), self.layout_of_map.pitch >= ROOMY_PITCH
        longer = f"{state}, after {words.between}"
        metrics = QFontMetricsF(theme.font(11))
        if words.between and metrics.horizontalAdvance(longer) <= self.layout_of_map.pitch - 8:
            state = longer
        names, bias = self._output_names() if words.last else (), view.biases(words.index)
        known = bias is not None and max(column.shown, default=0) < len(bias)
        return Caption(
            column,
            words.title if roomy else words.short_title,
            state,
            layer is not None and bool(layer.dead.any()) and not words.last,
            () if layer is None else tuple(unit_state(words, layer, unit) for unit in column.shown),
            tuple(np.sign(bias[list(column.shown)]).astype(int).tolist()) if known and bias is not None else (),
            tuple(names[unit] for unit in column.shown) if names else (),
            0 if layer is None else int(layer.dead[list(column.hidden)].sum()),
        )

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self._stale or self._ratio != self.devicePixelRatioF():
            self._prepare()
            self._stale = False
            self.view.legend.renew()
        snapshot, seen = self.view.snapshot, QRectF(event.rect())
        with QPainter(self) as painter:
            painter.fillRect(event.rect(), theme.color("panel"))
            painter.setOpacity(0.4 if snapshot is not None and snapshot.state == "diverged" else 1.0)
            self.link_pictures.paint(painter, seen)
            self._paint_direct(painter)
            for picture in self._pictures.values():
                if picture.strip.intersects(seen):
                    picture.paint(painter)
            painter.setOpacity(1.0)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            self._paint_marked(painter)

    def _paint_direct(self, painter: QPainter) -> None:
        """Lines between units that feed each other one to one, without a weight."""
        painter.setPen(QPen(theme.color("control edge"), 1.0))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for start, end in direct_lines(self._columns, self.view.words):
            painter.drawLine(start, end)

    def _paint_marked(self, painter: QPainter) -> None:
        """The link and the tile under the mouse, the selected tile, and those that just died."""
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self._link is not None:
            link = self._link
            color = theme.category(1 if link.weight > 0 else 0) if link.carries else theme.color("control edge")
            painter.setPen(QPen(color, max(2.5, link_pen(True, 1.0).widthF())))
            painter.drawPath(link_path(link.left, link.y0, link.right, link.y1))
        moment = time.monotonic()
        rings = [
            (unit, "dead", 4 - 2 * (moment - since) / DEATH_SECONDS)
            for unit, since in self._deaths.items()
            if moment - since < DEATH_SECONDS
        ]
        rings += [(self._hovered, "control edge", 2.0)] if self._hovered is not None else []
        chosen = self.view.session.selection
        rings += [(chosen, "accent", 2.0)] if chosen is not None else []
        for (layer, unit), token, width in rings:
            column = self.layout_of_map.column(layer)
            rect = column.rect_of(unit) if column is not None else None
            if rect is not None:
                painter.setPen(QPen(theme.color(token), width))
                painter.drawRoundedRect(rect.adjusted(-3, -3, 3, 3), 5, 5)

    # the mouse

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        point, view = event.position(), self.view
        before = (self._hovered, self._link)
        self._hovered = self.layout_of_map.unit_at(point)
        bias = self.layout_of_map.bias_at(point)
        more = self.layout_of_map.more_at(point)
        self._link = None
        words = ""
        values = None if bias is None else view.biases(bias[0])
        if bias is not None and values is not None:
            words = f"Bias of {view.unit_name(*bias)}\n{number(float(values[bias[1]]))}\nclick to change it"
        elif self._hovered is not None:
            words = "" if self._hovered[0] == INPUTS and self.whole_image else view.unit_numbers(*self._hovered)
        elif more is not None:
            words = self._more_words(more)
        else:
            self._link = self.links.at(point)
            words = view.link_numbers(self._link) if self._link is not None else ""
        pointing = words and (self._link is not None or bias is not None or self._hovered is not None)
        self.setCursor(Qt.CursorShape.PointingHandCursor if pointing else Qt.CursorShape.ArrowCursor)
        view.hover.say(self.mapTo(view, point.toPoint()), words)
        if before != (self._hovered, self._link):
            self.update()

    def _more_words(self, column: Column) -> str:
        words = f"{len(column.hidden)} more without a tile of their own"
        snapshot = self.view.snapshot
        if column.layer == INPUTS or snapshot is None or not len(snapshot.layers[column.layer].dead):
            return words
        layer, hidden = snapshot.layers[column.layer], list(column.hidden)
        share = float(np.mean(layer.active_share[hidden]))
        dead = int(layer.dead[hidden].sum())
        return f"{words}\n{dead} of them dead\nactive on {percent(share)} of the samples on average"

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        self._hovered = self._link = None
        self.view.hover.hide()
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        unit, view = self.layout_of_map.unit_at(QPointF(event.pos())), self.view
        if unit is not None and unit[0] != INPUTS:
            view.hover.hide()
            view.session.select(*unit)
            place = self.mapTo(view, event.pos())
            show_unit_menu(view.session, *unit, view, event.globalPos(), lambda: view.edit_unit(*unit, place))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() != Qt.MouseButton.LeftButton:
            return
        point, view = event.position(), self.view
        view.setFocus()
        place: QPoint = self.mapTo(view, point.toPoint())
        unit, bias = self.layout_of_map.unit_at(point), self.layout_of_map.bias_at(point)
        view.editor.hide()
        if bias is not None:
            view.edit_unit(*bias, place)
        elif unit is not None:
            if unit[0] != INPUTS:
                view.session.select(*unit)
        else:
            link = self.links.at(point)
            if link is not None:
                view.edit_unit(link.layer, link.target, place, link.source)
