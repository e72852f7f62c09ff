"""Draws the pictures on the gallery's cards from real training runs: resources/thumbnails/NAME-light.png and -dark.png.

python tools/make_thumbnails.py [NAME ...]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QImage, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QApplication

import engine
from engine.examples import EXAMPLES, Example
from engine.layers import Conv2D
from gui import theme
from gui.marks import paint_cross
from gui.views.cells import cell_image, color_table, levels, step_above

WIDTH, HEIGHT, SCALE = 284, 132, 2
OUT = Path(__file__).resolve().parents[1] / "resources" / "thumbnails"
ROWS = 10


class Run:
    """An example, trained: enough epochs to show what it is about."""

    def __init__(self, example: Example) -> None:
        self.example = example
        self.data = engine.datasets.load_spec(example.data)
        trainer = engine.Trainer(example.spec, example.training, self.data)
        trainer.run()
        self.snapshot, self.network = trainer.snapshot(), trainer.network
        trainer.close()
        self.spec = self.network.spec

    def says(self, raw: np.ndarray) -> np.ndarray:
        """Probabilities or target units for raw inputs."""
        out = self.network.predict(self.data.preprocessing.apply(raw.astype(np.float32)))
        if self.data.task == "regression":
            return self.data.preprocessing.targets_to_units(out)
        return engine.losses.link(self.spec.loss, out, self.data.task)


def draw(run: Run, painter: QPainter) -> None:
    """The kind of picture follows from what the example is about and its data."""
    raw = run.data.raw_train
    if "dead" in run.example.group.lower() and run.data.image_shape:
        draw_rows(run, painter)
    elif isinstance(run.spec.layers[0], Conv2D):
        draw_maps(run, painter)
    elif run.data.image_shape:
        draw_images(run, painter)
    elif raw.shape[1] == 1:
        draw_curve(run, painter)
    elif raw.shape[1] == 2:
        draw_plane(run, painter)
    elif run.data.task == "regression":
        draw_predicted(run, painter)
    else:
        draw_table(run, painter)


def rgb(color: QColor) -> np.ndarray:
    return np.array([color.red(), color.green(), color.blue()], np.float64)


def draw_plane(run: Run, painter: QPainter) -> None:
    raw = run.data.raw_train
    reach = float(np.abs(raw).max()) * 1.1
    x = np.linspace(-reach * WIDTH / HEIGHT, reach * WIDTH / HEIGHT, WIDTH)
    y = np.linspace(reach, -reach, HEIGHT)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    said = run.says(grid)
    regression = run.data.task == "regression"
    if regression or said.shape[1] <= 2:
        values = said[:, -1].reshape(HEIGHT, WIDTH)
        low, high = (values.min(), values.max()) if regression else (0.0, 1.0)
        reach_v = max(abs(low), abs(high))
        share = values / (2 * reach_v) + 0.5 if regression else values
        table = theme.lut("decision")
        rgba = np.ascontiguousarray(table[np.clip(share * 254, 0, 254).astype(np.uint8)])
    else:
        best = said.argmax(axis=1)
        rgba = np.zeros((HEIGHT * WIDTH, 4), np.uint8)
        paper = rgb(theme.color("panel"))
        for number in range(said.shape[1]):
            ink = rgb(theme.category(number))
            share = 0.25 + 0.3 * said[best == number, number : number + 1]
            rgba[best == number] = np.hstack([paper + (ink - paper) * share, np.full((len(share), 1), 255)])
        rgba = np.ascontiguousarray(rgba.reshape(HEIGHT, WIDTH, 4))
    painter.drawImage(QRectF(0, 0, WIDTH, HEIGHT), QImage(rgba.data, WIDTH, HEIGHT, QImage.Format.Format_RGBA8888))
    places = np.stack([WIDTH / 2 + raw[:, 0] / reach * HEIGHT / 2, HEIGHT / 2 - raw[:, 1] / reach * HEIGHT / 2], axis=1)
    if regression:
        places = places[:0]
    draw_points(painter, places, run.data.y_train)


def draw_points(painter: QPainter, places: np.ndarray, classes: np.ndarray, radius: float = 2.2) -> None:
    painter.setPen(QPen(theme.color("panel"), 0.6))
    for (x, y), number in zip(places, classes, strict=False):
        painter.setBrush(theme.category(int(number)))
        if int(number) % 2:
            corner = radius * 1.3
            points = [QPointF(x, y - corner), QPointF(x + corner, y), QPointF(x, y + corner), QPointF(x - corner, y)]
            painter.drawPolygon(QPolygonF(points))
        else:
            painter.drawEllipse(QPointF(x, y), radius, radius)


def draw_curve(run: Run, painter: QPainter) -> None:
    raw = run.data.raw_train[:, 0]
    y = run.data.preprocessing.targets_to_units(run.data.y_train)[:, 0]
    x = np.linspace(raw.min(), raw.max(), 400)
    fit = run.says(x[:, None])[:, 0]
    low, high = min(y.min(), fit.min(), 0.0), max(y.max(), fit.max(), 0.0)

    def place(a: np.ndarray, b: np.ndarray) -> list[QPointF]:
        across = 16 + (a - raw.min()) / (raw.max() - raw.min()) * (WIDTH - 32)
        down = HEIGHT - 14 - (b - low) / (high - low) * (HEIGHT - 28)
        return [QPointF(p, q) for p, q in zip(across, down, strict=True)]

    painter.setPen(QPen(theme.color("control edge"), 1))
    painter.drawLine(*place(np.array([raw.min(), raw.max()]), np.zeros(2)))
    painter.setPen(QPen(theme.color("panel"), 0.6))
    painter.setBrush(theme.category(0))
    step = max(1, len(raw) // 90)
    for point in place(raw[::step], y[::step]):
        painter.drawEllipse(point, 2.4, 2.4)
    painter.setPen(QPen(theme.color("accent"), 2.2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(QPolygonF(place(x, fit)))


def draw_images(run: Run, painter: QPainter) -> None:
    for place in range(18):
        draw_tile(painter, *divmod(place, 6), sample_image(run, place))


def draw_maps(run: Run, painter: QPainter) -> None:
    """Three samples of other classes, each followed by what the busiest filters of the first layer make of it."""
    _, firsts = np.unique(run.data.y_train, return_index=True)
    samples = firsts[[9, 0, 5]]  # a boot, a shirt, a sandal
    maps = run.network.activations(run.data.x_train[samples])[0]
    filters = np.sort(np.argsort(-maps.mean(axis=(0, 1, 2)))[:5])
    table = color_table(False)
    for row, sample in enumerate(samples):
        draw_tile(painter, row, 0, sample_image(run, sample))
        for column, number in enumerate(filters, start=1):
            values = maps[row, :, :, number]
            draw_tile(painter, row, column, cell_image(levels(values, step_above(float(values.max())), False), table))


def sample_image(run: Run, index: int) -> QImage:
    """A training sample in grey."""
    raw, paper, ink = run.data.raw_train, rgb(theme.color("sunken")), rgb(theme.color("ink"))
    image = raw[index].reshape(run.data.image_shape[:2]) / (raw.max() or 1.0)
    grey = (paper + (ink - paper) * image[..., None]).astype(np.uint8)
    rgba = np.ascontiguousarray(np.dstack([grey, np.full(image.shape, 255, np.uint8)]))
    return QImage(rgba.data, image.shape[1], image.shape[0], QImage.Format.Format_RGBA8888).copy()


def draw_tile(painter: QPainter, row: int, column: int, picture: QImage) -> None:
    """One of three rows of six pictures."""
    painter.drawImage(QRectF((WIDTH - 6 * 41) / 2 + column * 42, 6 + row * 42, 38, 38), picture)


def draw_rows(run: Run, painter: QPainter) -> None:
    """The first layer's heatmap: dead rows solid and crossed."""
    data, first = run.data, run.snapshot.layers[0]
    order = np.argsort(data.y_train, kind="stable")
    order = order[np.linspace(0, len(order) - 1, 150).astype(int)]
    values = run.network.activations(data.x_train[order])[0]
    units = typical_units(first.dead, np.asarray(values > 0.05 * values.max()).mean(axis=0))
    left, table, height = 30, color_table(False), HEIGHT / ROWS
    top = step_above(float(np.quantile(values[:, units], 0.99)))
    image = levels(values[:, units].T, top, False)
    image[first.dead[units]] = 255
    for row, unit in enumerate(units):
        strip = cell_image(image[row : row + 1], table)
        painter.drawImage(QRectF(left, row * height, WIDTH - left, height - 1), strip)
        if first.dead[unit]:
            paint_cross(painter, QRectF(10, row * height + height / 2 - 5, 9, 9), theme.color("dead"))


def typical_units(dead: np.ndarray, activity: np.ndarray) -> np.ndarray:
    """ROWS units in their order: as many dead ones as in the layer, and the busiest of the living."""
    lost = round(ROWS * float(dead.mean()))
    dying = np.flatnonzero(dead)
    living = np.flatnonzero(~dead)
    kept = dying[np.linspace(0, len(dying) - 1, lost).astype(int)] if lost else dying[:0]
    busy = living[np.argsort(-activity[living], kind="stable")[: ROWS - lost]]
    return np.sort(np.concatenate([kept, busy]))


def draw_table(run: Run, painter: QPainter) -> None:
    """The two directions in which the rows differ most."""
    raw = run.data.raw_train.astype(float)
    scaled = (raw - raw.mean(axis=0)) / (raw.std(axis=0) + 1e-9)
    flat = scaled @ np.linalg.svd(scaled, full_matrices=False)[2][:2].T
    flat = (flat - flat.min(axis=0)) / (flat.max(axis=0) - flat.min(axis=0))
    places = flat * np.array([WIDTH - 40, HEIGHT - 28]) + np.array([20, 14])
    draw_points(painter, places, run.data.y_train, 2.6)


def draw_predicted(run: Run, painter: QPainter) -> None:
    true = run.data.preprocessing.targets_to_units(run.data.y_train)[:, 0]
    said = run.says(run.data.raw_train)[:, 0]
    low, high = min(true.min(), said.min()), max(true.max(), said.max())
    size = HEIGHT - 20
    left = (WIDTH - 1.6 * size) / 2

    def place(a: float, b: float) -> QPointF:
        return QPointF(left + (a - low) / (high - low) * 1.6 * size, HEIGHT - 10 - (b - low) / (high - low) * size)

    painter.setPen(QPen(theme.color("control edge"), 1, Qt.PenStyle.DashLine))
    painter.drawLine(place(low, low), place(high, high))
    painter.setPen(QPen(theme.color("panel"), 0.6))
    painter.setBrush(theme.category(0))
    for a, b in zip(true, said, strict=True):
        painter.drawEllipse(place(a, b), 2.2, 2.2)


def main(names: list[str]) -> None:
    app = QApplication.instance() or QApplication([])
    OUT.mkdir(parents=True, exist_ok=True)
    for example in EXAMPLES:
        if names and example.name not in names:
            continue
        run = Run(example)
        for mode in ("light", "dark"):
            theme.set_mode(mode)
            image = QImage(WIDTH * SCALE, HEIGHT * SCALE, QImage.Format.Format_RGB32)
            image.setDevicePixelRatio(SCALE)
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.fillRect(QRectF(0, 0, WIDTH, HEIGHT), QBrush(theme.color("sunken")))
            draw(run, painter)
            painter.end()
            image.save(str(OUT / f"{example.name}-{mode}.png"), quality=0)  # 0: smallest file
    app.processEvents()


if __name__ == "__main__":
    main(sys.argv[1:])
