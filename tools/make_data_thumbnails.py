"""Draws the pictures in the choice of data sets: resources/thumbnails/data/NAME-light.png and -dark.png.

python tools/make_data_thumbnails.py [NAME ...]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QApplication

from engine.data.sets import DATASETS, DatasetInfo, RawData
from engine.data.spec import OWN_TABLE
from gui import theme
from gui.pixels import pixel_image
from gui.views.pieces import paint_marker, shade, to_image
from gui.widgets.data_combo import OWN_IMAGES, PICTURE, PICTURES

SCALE = 3
EDGE = 3.0
AREA = QRectF(EDGE, EDGE, PICTURE - 2 * EDGE, PICTURE - 2 * EDGE)
FIELD = 14  # cells along an edge of a plane of values


def draw(record: DatasetInfo, painter: QPainter) -> None:
    """The kind of picture follows from the kind of data."""
    if record.kind == "table":
        draw_table(painter, record.classes[0] if record.classes else 0)
        return
    regression = record.task == "regression"
    raw = record.make(3000 if regression else 110, 0.0, record.classes[0] if record.classes else 2, 1)
    if record.kind == "image":
        draw_images(raw, painter)
    elif record.kind == "1d":
        draw_curve(raw, painter)
    elif regression:
        draw_field(raw, painter)
    else:
        draw_points(raw, painter)


def draw_points(raw: RawData, painter: QPainter) -> None:
    low, high = raw.x.min(axis=0), raw.x.max(axis=0)
    middle, reach = (low + high) / 2, float((high - low).max()) / 2
    for (x, y), number in zip((raw.x - middle) / reach, raw.y, strict=True):
        at = AREA.center() + QPointF(x, -y) * (AREA.width() / 2)
        paint_marker(painter, at, int(number), theme.category(int(number)), False, 2.0)


def draw_field(raw: RawData, painter: QPainter) -> None:
    """The mean value of every cell of the plane."""
    reach = float(np.abs(raw.x).max()) * 1.001
    column, row = (((raw.x * [1, -1]) / reach + 1) / 2 * FIELD).astype(int).T
    total = np.zeros((2, FIELD, FIELD))
    np.add.at(total, (slice(None), row, column), np.stack([raw.y[:, 0], np.ones(len(raw.y))]))
    values = total[0] / np.maximum(total[1], 1)
    top = float(np.abs(values).max())
    painter.drawImage(QRectF(0, 0, PICTURE, PICTURE), to_image(shade(values, -top, top, "diverging")))


def draw_curve(raw: RawData, painter: QPainter) -> None:
    order = np.argsort(raw.x[:, 0])
    x, y = raw.x[order, 0], raw.y[order, 0]
    low, high = min(float(y.min()), 0.0), max(float(y.max()), 0.0)
    across = AREA.left() + (x - x[0]) / (x[-1] - x[0]) * AREA.width()
    down = AREA.bottom() - (y - low) / (high - low) * AREA.height()
    zero = AREA.bottom() + low / (high - low) * AREA.height()
    painter.setPen(QPen(theme.color("control edge"), 0.8))
    painter.drawLine(QPointF(AREA.left(), zero), QPointF(AREA.right(), zero))
    painter.setPen(
        QPen(theme.category(0), 1.8, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin)
    )
    jumps = np.flatnonzero(np.abs(np.diff(down)) > AREA.height() / 2) + 1  # not joined
    for part in np.split(np.stack([across, down], axis=1), jumps):
        painter.drawPolyline(QPolygonF([QPointF(*point) for point in part]))


def draw_images(raw: RawData, painter: QPainter) -> None:
    """The first image of each of the first four classes that come."""
    side, gap = 12, 2
    firsts = np.sort(np.unique(raw.y, return_index=True)[1])[:4]
    for place, index in enumerate(firsts):
        square = QRectF(1 + place % 2 * (side + gap), 1 + place // 2 * (side + gap), side, side)
        image = pixel_image(raw.x[index].reshape(raw.image_shape))
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, image.width() > side)
        painter.drawImage(square, image)


def draw_own_images(painter: QPainter) -> None:
    """Hills under a sun, in a few pixels."""
    painter.fillRect(AREA, theme.color("line"))
    heights, step = (2, 3, 4, 3, 2, 3, 2), AREA.width() / 7
    for column, height in enumerate(heights):
        for row in range(7 - height, 7):
            color = QColor(*theme.lut("sequential")[70 + 22 * row].tolist()[:3])
            painter.fillRect(QRectF(AREA.left() + column * step, AREA.top() + row * step, step, step), color)
    painter.fillRect(QRectF(AREA.left() + 5 * step, AREA.top() + step, step, step), theme.category(1))


def draw_table(painter: QPainter, classes: int) -> None:
    """A table whose last column is what is to be learnt: classes or a value."""
    rows, columns = 4, 3
    width, height = AREA.width() / columns, AREA.height() / rows
    blue = theme.lut("sequential")
    for row in range(rows):
        for column in range(columns):
            cell = QRectF(AREA.left() + column * width, AREA.top() + row * height, width - 1, height - 1)
            color = theme.color("ink 3" if row == 0 else "line")
            if column == columns - 1 and row:
                color = theme.category((row - 1) % classes) if classes else QColor(*blue[70 * row].tolist()[:3])
            painter.fillRect(cell, color)


def save(name: str, paint: object) -> None:
    for mode in ("light", "dark"):
        theme.set_mode(mode)
        image = QImage(PICTURE * SCALE, PICTURE * SCALE, QImage.Format.Format_ARGB32_Premultiplied)
        image.setDevicePixelRatio(SCALE)
        image.fill(Qt.GlobalColor.transparent)
        with QPainter(image) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            frame = QPainterPath()
            frame.addRoundedRect(QRectF(0, 0, PICTURE, PICTURE), 4, 4)
            painter.setClipPath(frame)
            painter.fillPath(frame, theme.color("sunken"))
            paint(painter)  # type: ignore[operator]
        image.save(str(PICTURES / f"{name}-{mode}.png"), quality=0)  # 0: smallest file


def main(names: list[str]) -> None:
    app = QApplication.instance() or QApplication([])
    PICTURES.mkdir(parents=True, exist_ok=True)
    for record in DATASETS:
        if not names or record.name in names:
            save(record.name, lambda painter, record=record: draw(record, painter))
    if not names or OWN_TABLE in names:
        save(OWN_TABLE, lambda painter: draw_table(painter, 2))
    if not names or OWN_IMAGES in names:
        save(OWN_IMAGES, draw_own_images)
    app.processEvents()


if __name__ == "__main__":
    main(sys.argv[1:])
