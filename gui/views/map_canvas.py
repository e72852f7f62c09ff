"""The drawing area of the network map: one cached picture, and what the mouse does on it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QMouseEvent,
    QMoveEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PySide6.QtWidgets import QWidget

from engine.telemetry import Snapshot
from gui import marks, theme
from gui.numbers import number, percent
from gui.views.layer_words import LayerWords, unit_state
from gui.views.map_layout import INPUTS, LEAST_PITCH, ROOMY_PITCH, Column, Layout, bias_spot, lay_out
from gui.views.map_links import Link, Links, link_path, link_pen
from gui.views.map_tiles import Art, Tiles, paint_art, paint_condition, paint_dead

if TYPE_CHECKING:
    from gui.views.network_map import NetworkMap

BESIDE = Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextSingleLine
DEATH_SECONDS = 0.6
FRAME_SECONDS = 0.025  # what one picture may cost of each 33 ms
CENTER = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextSingleLine


class MapCanvas(QWidget):
    """Paints columns, tiles and links; hands hovers and clicks to its view."""

    def __init__(self, view: NetworkMap) -> None:
        super().__init__()
        self.view = view
        self.tiles, self.links = Tiles(), Links()
        self.layout_of_map = Layout((), 0, 0, 0)
        self._picture: QPixmap | None = None
        self._stale, self._waited, self._cost = True, 0, 0.0
        self._scene: Art | None = None
        self._hovered: tuple[int, int] | None = None
        self._link: Link | None = None
        self._deaths: dict[tuple[int, int], float] = {}
        self.setMouseTracking(True)

    # what is drawn

    def forget(self) -> None:
        """Another run or network: no picture of the old one stays."""
        self.tiles.reset()
        self.links.reset()
        self._link = self._hovered = None

    def renew(self) -> None:
        """New numbers: drawn at the next paint; less often where one picture takes longer than a frame should."""
        self._waited += 1
        if self._waited * FRAME_SECONDS >= self._cost:
            self._stale = True
            self.update()

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
            self.renew_all()
        self.update()

    def renew_all(self) -> None:
        """Another size, theme or state of training: the links too, at once."""
        self.links.touch()
        self._stale = True
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        self.renew_all()

    def _arrange(self) -> None:
        view = self.view
        inputs = view.input_names()
        self.whole_image = self._shows_image(len(inputs))
        widths = [(INPUTS, 1 if self.whole_image else len(inputs))]
        widths += [(words.index, words.units) for words in view.words]
        metrics = QFontMetricsF(theme.font(12))
        shown = [] if self.whole_image else inputs[:24]
        left = min(96.0, max((metrics.horizontalAdvance(name) for name in shown), default=0.0))
        right = min(96.0, max((metrics.horizontalAdvance(name) for name in self._output_names()), default=0.0))
        big = {words.index for words in view.words if words.last and words.units == 1}
        if self.whole_image:
            big.add(INPUTS)
        window = self.parentWidget() or self
        size = (window.width(), window.height())
        selection = view.session.selection
        self.layout_of_map = lay_out(
            widths, size, selection, (left, right), frozenset(big), view.words[-1].index if view.words else None
        )
        self.setMinimumWidth(int(self.layout_of_map.width))

    def columns_in_sight(self) -> list[Column]:
        """The columns in the window, and the next one on each side for its links."""
        columns, seen = self.layout_of_map.columns, self.visibleRegion().boundingRect()
        if seen.isEmpty() or seen.width() >= self.width():
            return list(columns)
        reach = self.layout_of_map.pitch + 40
        return [c for c in columns if seen.left() - reach <= c.center <= seen.right() + reach]

    def moveEvent(self, event: QMoveEvent) -> None:  # noqa: N802
        self.renew_all()

    def _shows_image(self, inputs: int) -> bool:
        data = self.view.session.dataset
        shape = getattr(data, "image_shape", None)
        return shape is not None and len(shape) >= 2 and int(np.prod(shape)) == inputs

    def _output_names(self) -> tuple[str, ...]:
        data, words = self.view.session.dataset, self.view.words
        if data is None or not words:
            return ()
        names = tuple(data.class_names) or tuple(getattr(data, "target_names", ()) or ())
        return names if len(names) == words[-1].units > 1 else ()

    def _prepare(self) -> None:
        self._arrange()
        view, snapshot = self.view, self.view.snapshot
        columns = self.columns_in_sight()
        if snapshot is None:
            return
        by_index = {words.index: words for words in view.words}
        data = view.session.dataset
        failed = snapshot.state == "diverged"  # tiles stay as they were; links follow the size, their weights are kept
        if not failed:
            self.tiles.update(snapshot, columns, by_index, data)
        if not failed and self.whole_image and data is not None:
            sample = view.session.sample
            self._scene = self.tiles.scene(data, sample[1] if sample is not None and sample[0] == "train" else None)
        if snapshot.parameters is not None:
            dead = {words.index: snapshot.layers[words.index].dead for words in view.words}
            linked = [column for column in columns if column.layer != INPUTS or not self.whole_image]
            self.links.update(linked, snapshot.parameters, dead)

    def _draw(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(theme.color("panel"))
        with QPainter(picture) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            snapshot = self.view.snapshot
            if snapshot is not None and snapshot.state == "diverged":
                painter.setOpacity(0.4)
            self.links.paint(painter, ratio)
            for column in self.columns_in_sight():
                if column.layer == INPUTS:
                    self._paint_inputs(painter, column)
                else:
                    self._paint_layer(painter, column, next(w for w in self.view.words if w.index == column.layer))
        return picture

    def _head(self, painter: QPainter, column: Column, title: str, state: str, dead: bool) -> None:
        pitch = max(LEAST_PITCH, self.layout_of_map.pitch)
        for words, font, top, color in (
            (title, theme.font(12, 600), 6, "ink"),
            (state, theme.font(11, 600 if dead else 400), 23, "dead" if dead else "ink 2"),
        ):
            painter.setFont(font)
            painter.setPen(theme.color(color))
            room = pitch - 4
            words = QFontMetricsF(font).elidedText(words, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QRectF(column.center - room / 2, top, room, 18), CENTER, words)

    def _paint_inputs(self, painter: QPainter, column: Column) -> None:
        names = self.view.input_names()
        state = f"{len(names)} pixels" if self.whole_image else f"{len(names)} feature{'s' * (len(names) != 1)}"
        self._head(painter, column, "Inputs", state, False)
        for unit, rect in zip(column.shown, column.rects, strict=True):
            art = self._scene if self.whole_image else self.tiles.art.get((INPUTS, unit))
            paint_art(painter, rect, art)
            self._edge(painter, rect)
            if not self.whole_image:
                self._name(painter, names[unit], QRectF(8, rect.top(), rect.left() - 16, rect.height()), True)
        if column.more is not None:
            self._paint_more(painter, column.more, len(column.hidden), 0)

    def _paint_layer(self, painter: QPainter, column: Column, words: LayerWords) -> None:
        view, snapshot = self.view, self.view.snapshot
        layer = snapshot.layers[words.index] if snapshot is not None else None
        known = layer is not None and len(layer.dead) == words.units
        state = view.state_line(words)
        if words.between and self.layout_of_map.pitch >= ROOMY_PITCH:
            state = f"{state}, after {words.between}"
        dead = known and bool(layer.dead.any())  # type: ignore[union-attr]
        roomy = self.layout_of_map.pitch >= ROOMY_PITCH
        self._head(painter, column, words.title if roomy else words.short_title, state, dead and not words.last)
        names, bias = self._output_names() if words.last else (), view.parameter(f"{words.index}.bias")
        for unit, rect in zip(column.shown, column.rects, strict=True):
            condition = unit_state(words, layer, unit) if known and layer is not None else ""
            if condition == "dead":
                paint_dead(painter, rect, unit)
            else:
                paint_art(painter, rect, self.tiles.art.get((words.index, unit)))
                if condition:
                    paint_condition(painter, rect, condition)
            self._edge(painter, rect)
            if names:
                place = QRectF(rect.right() + 8, rect.top(), self.width() - rect.right() - 12, rect.height())
                self._name(painter, names[unit], place, False)
            if bias is not None and unit < len(bias):
                self._paint_bias(painter, rect, float(bias[unit]))
        if column.more is not None:
            gone = int(layer.dead[list(column.hidden)].sum()) if known and layer is not None else 0
            self._paint_more(painter, column.more, len(column.hidden), gone)

    def _name(self, painter: QPainter, words: str, place: QRectF, right: bool) -> None:
        painter.setFont(theme.font(12))
        painter.setPen(theme.color("ink"))
        words = QFontMetricsF(painter.font()).elidedText(words, Qt.TextElideMode.ElideRight, place.width())
        painter.drawText(place, BESIDE | (Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft), words)

    def _edge(self, painter: QPainter, rect: QRectF) -> None:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.color("control edge"), 1))
        painter.drawRoundedRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5), 3, 3)

    def _paint_bias(self, painter: QPainter, rect: QRectF, bias: float) -> None:
        painter.setPen(QPen(theme.color("panel"), 1.5))
        painter.setBrush(theme.category(1 if bias > 0 else 0) if bias else theme.color("control edge"))
        painter.drawEllipse(bias_spot(rect), 3.5, 3.5)

    def _paint_more(self, painter: QPainter, rect: QRectF, hidden: int, dead: int) -> None:
        painter.setPen(QPen(theme.color("control edge"), 1, Qt.PenStyle.DashLine))
        painter.setBrush(theme.color("sunken"))
        painter.drawRoundedRect(rect.adjusted(-0.5, -0.5, 0.5, 0.5), 3, 3)
        middle = rect.center().y()
        wide = rect.adjusted(-16, 0, 16, 0)
        painter.setFont(theme.font(11, 600))
        painter.setPen(theme.color("ink"))
        painter.drawText(QRectF(wide.left(), middle - 16, wide.width(), 16), CENTER, f"+{hidden}")
        if dead:
            painter.setPen(theme.color("dead"))
            painter.setFont(theme.font(11, 600))
            marks.paint_cross(painter, QRectF(rect.left() + 4, middle + 4, 7, 7), theme.color("dead"))
            painter.setPen(theme.color("dead"))
            painter.drawText(QRectF(rect.left() + 13, middle, rect.width() - 12, 16), BESIDE, f"{dead}")
        else:
            painter.setFont(theme.font(11))
            painter.setPen(theme.color("ink 2"))
            painter.drawText(QRectF(wide.left(), middle, wide.width(), 16), CENTER, "more")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        if self._stale or self._picture is None:
            started = time.perf_counter()
            self._prepare()
            self._picture, self._stale, self._waited = self._draw(), False, 0
            self._cost = time.perf_counter() - started
        with QPainter(self) as painter:
            painter.drawPixmap(0, 0, self._picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            if self._link is not None:
                link = self._link
                color = QColor(
                    theme.category(1 if link.weight > 0 else 0) if link.carries else theme.color("control edge")
                )
                painter.setPen(QPen(color, max(2.5, link_pen(True, 1.0).widthF())))
                painter.drawPath(link_path(link.left, link.y0, link.right, link.y1))
            for (layer, neuron), since in self._deaths.items():
                column = self.layout_of_map.column(layer)
                rect = column.rect_of(neuron) if column is not None else None
                age = (time.monotonic() - since) / DEATH_SECONDS
                if rect is not None and age < 1:
                    painter.setPen(QPen(theme.color("dead"), 4 - 2 * age))
                    painter.drawRoundedRect(rect.adjusted(-3, -3, 3, 3), 5, 5)
            for unit, token in ((self._hovered, "control edge"), (self.view.session.selection, "accent")):
                column = self.layout_of_map.column(unit[0]) if unit is not None else None
                rect = column.rect_of(unit[1]) if column is not None and unit is not None else None
                if rect is not None:
                    painter.setPen(QPen(theme.color(token), 2))
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
        if bias is not None and view.parameter(f"{bias[0]}.bias") is not None:
            values = view.parameter(f"{bias[0]}.bias")
            value = float(values[bias[1]]) if values is not None else 0.0
            words = f"Bias of {view.unit_name(*bias)}\n{number(value)}\nclick to change it"
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
                view.edit_unit(int(link.key.split(".")[0]), link.target, place, link.source)
