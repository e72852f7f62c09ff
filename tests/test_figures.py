"""Plots as files: pictures that show what was described, and a table that gives every number back."""

from __future__ import annotations

import csv
import io
import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as Xml
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

import engine
from engine.files import FORMATS, export_figure
from engine.files.figure_pictures import Colors
from engine.files.figures import Bars, Figure, Image, Line, Panel, Points, Segments, Text

ROOT = Path(__file__).parent.parent
STEPS = np.arange(6.0)


def curves(**panel) -> Figure:
    marks = (
        Line(STEPS, np.array([1, 0.5, 0.3, np.nan, 0.2, 1 / 3]), "train"),
        Line(STEPS, STEPS / 7 + 0.1, "_test", "ink 2", dashed=True),
        Points(STEPS[:2], STEPS[:2], "neurons $died$", "dead", "plus"),
        Points(STEPS, STEPS, "A, test", "category 6", "hexagon", hollow=True),
        Text(1.0, 0.5, "a note & <b>"),
    )
    return Figure("Loss & more", (Panel(marks, "Loss", "epoch", "loss", **panel),))


def heatmap(rows: int = 8) -> Figure:
    values = np.tile(np.linspace(0, 1, 10), (rows, 1))
    image = Image(values, (0, 10, rows + 0.5, 0.5), label="activation", top_down=True, dead_rows=(2,))
    return Figure("Heatmap", (Panel((image,), "Layer 1", "sample", "neuron"),))


def others() -> Figure:
    bars = Bars(("=1+1", "two"), np.array([0.5, -2.0]), "length", horizontal=True)
    ends = Segments(STEPS, STEPS, STEPS + 1, STEPS * 0, np.full(6, 1.5), ("category 0", "ink 3") * 3, "weights")
    matrix = Image(np.array([[3, 1], [0, 5]]), (0, 2, 0, 2), high=5, label="samples", top_down=True, numbers=True)
    classes = Image(np.array([[0, 1], [2, 8]]), (0, 2, 0, 2), "categories", label="class")
    signed = Image(np.array([[-1, np.nan], [0, 1]]), (0, 2, 0, 2), "diverging", -1, 1)
    panels = (
        Panel((bars,), "Bars"),
        Panel((ends,), "Links", axes=False),
        Panel((matrix,), "Matrix", equal=True, x_ticks=((0.5, "A"), (1.5, "B"))),
        Panel((classes,), "Classes"),
        Panel((signed,), "Signed"),
        Panel((), "Nothing"),
    )
    return Figure("All the others", panels, columns=3)


def picture_of_pictures() -> Figure:
    ends = Segments(np.zeros(3), STEPS[:3], np.full(3, 6.0), STEPS[3:], np.ones(3), ("category 0",) * 3, "links",
                    np.array([0.2, 0.5, 1.0]), True, np.array([False, False, True]))  # fmt: skip
    tile = Image(np.eye(4), (6, 9, 0, 3), label="tile", tile=True)
    dead = Image(np.zeros((1, 1)), (6, 9, 4, 7), label="tile", tile=True, dead_rows=(0,))
    texts = Text(0, 8, "left", align="left"), Text(9, 8, "right", align="right", bold=True)
    panel = Panel((ends, tile, dead, *texts), axes=False, equal=True, extent=(0.0, 10.0, 0.0, 9.0))
    return Figure("Tiles", (panel,), size=(5.0, 4.5))


def read(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8"), newline="")))


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    "figure", [curves(), curves(x_log=True, y_log=True), heatmap(), heatmap(300), others(), picture_of_pictures()]
)
def test_every_mark_is_written_in_every_format(tmp_path, figure, suffix, theme):
    path = export_figure(figure, tmp_path / f"plot{suffix}", theme)
    data = path.read_bytes()
    assert data.startswith({".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF", ".csv": b"panel,"}[suffix])
    export_figure(figure, path, theme)
    assert path.read_bytes() == data  # the same figure gives the same bytes
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_dead_row_has_the_dead_colour_and_a_cross(tmp_path, theme):
    colors = Colors(theme)
    picture = Picture.open(export_figure(heatmap(), tmp_path / "h.png", theme)).convert("RGB")
    pixels = np.asarray(picture).reshape(-1, 3)

    def count(name: str) -> int:
        color = [int(colors(name)[at : at + 2], 16) for at in (1, 3, 5)]
        return int((pixels == color).all(axis=1).sum())

    assert pixels.shape[0] > 1000 * 700
    assert count("dead") > 0.04 * len(pixels)
    assert count("panel") > 0.1 * len(pixels)
    rows = np.asarray(picture)
    dead = (rows == [int(colors("dead")[at : at + 2], 16) for at in (1, 3, 5)]).all(axis=2)
    lines = np.flatnonzero(dead.sum(axis=1) > 300)
    inside = dead[lines[0] : lines[-1] + 1, np.flatnonzero(dead.any(axis=0))[0] : np.flatnonzero(dead.any(axis=0))[-1]]
    assert 20 < (~inside).sum() < 0.02 * inside.size  # the cross


def test_cells_are_not_blurred(tmp_path):
    picture = Picture.open(export_figure(heatmap(), tmp_path / "h.png")).convert("RGB")
    middle = np.asarray(picture)[picture.height // 2, : int(picture.width * 0.8)]
    colors = {tuple(pixel) for pixel in middle.tolist()}
    assert 10 <= len(colors) <= 40


def test_svg_keeps_text_and_asks_for_nothing(tmp_path):
    source = export_figure(curves(), tmp_path / "c.svg").read_text("utf-8")
    said = " ".join("".join(node.itertext()) for node in Xml.fromstring(source).iter() if node.tag.endswith("}text"))
    for words in ("Loss & more", "epoch", "train", "_test", "neurons $died$", "a note & <b>"):
        assert words in said
    assert "DOCTYPE" not in source and "@import" not in source and "<script" not in source
    assert set(re.findall(r"https?://[^\"' ]+", source)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
    }
    references = re.findall(r'(?:href|src)="([^"]*)"', export_figure(heatmap(), tmp_path / "h.svg").read_text("utf-8"))
    assert references and all(reference.startswith(("#", "data:")) for reference in references)


def test_the_table_gives_every_number_back(tmp_path):
    figure = curves()
    rows = read(export_figure(figure, tmp_path / "c.csv"))
    assert rows[0]["kind"] == "axes" and (rows[0]["label"], rows[0]["name"]) == ("epoch", "loss")
    train = [row for row in rows if row["label"] == "train"]
    expected = figure.panels[0].marks[0].y  # type: ignore[union-attr]
    told = np.array([float(row["y"]) if row["y"] else math.nan for row in train])
    np.testing.assert_array_equal(told, expected)
    cells = [row for row in read(export_figure(heatmap(), tmp_path / "h.csv")) if row["kind"] == "image"]
    assert len(cells) == 80 and {row["y"] for row in cells if row["name"] == "dead"} == {"3.0"}
    np.testing.assert_array_equal([float(r["value"]) for r in cells[:10]], np.linspace(0, 1, 10))
    assert engine.datasets.open_table(tmp_path / "c.csv").column("x").kind == "number"


def test_no_cell_of_the_table_is_a_formula(tmp_path):
    names = ("=cmd", "+1", "-1", "@x", "\tx", "\rx", "plain")
    figure = Figure("=t", (Panel((Bars(names, np.arange(7.0) - 3),), "=t", "+x", "@y"),))
    text = export_figure(figure, tmp_path / "b.csv").read_bytes().decode("utf-8")
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            assert not re.match(r"[=+\-@\t\r]", cell) or float(cell) < 0, cell


def test_strange_texts_are_drawn(tmp_path):
    text = "\x00\x1b$\\frac{1}$ \ud800 日本 " + "long " * 100
    marks = (Line(STEPS, STEPS, text), Line(STEPS, STEPS, "_"), Text(0, 0, text), Bars((text, ""), np.ones(2)))
    figure = Figure(text, (Panel(marks, text + "!", text, text, x_ticks=((0.0, text),)),))
    for suffix in FORMATS:
        export_figure(figure, tmp_path / f"t{suffix}")
    Xml.parse(tmp_path / "t.svg")


def test_what_cannot_be_written_is_told(tmp_path):
    with pytest.raises(engine.RelumeError, match=r"\.png, \.svg, \.pdf, \.csv"):
        export_figure(heatmap(), tmp_path / "h.bmp")
    with pytest.raises(engine.RelumeError, match="light or dark"):
        export_figure(heatmap(), tmp_path / "h.png", "sepia")
    with pytest.raises(engine.RelumeError, match=r"h\.png.*cannot be written"):
        export_figure(heatmap(), tmp_path / "none" / "h.png")
    if os.name == "posix" and os.geteuid() != 0:
        tmp_path.chmod(0o500)
        with pytest.raises(engine.RelumeError, match="cannot be written"):
            export_figure(heatmap(), tmp_path / "h.csv")
        tmp_path.chmod(0o700)


def test_records_are_light_and_pictures_need_no_window(tmp_path):
    code = (
        "import sys, engine.files.figures; assert 'matplotlib' not in sys.modules; "
        "from engine.files.figures import *; export_figure(Figure('f', (Panel(()),)), sys.argv[1] + '/f.png'); "
        "assert 'matplotlib.pyplot' not in sys.modules and not any('PySide' in m for m in sys.modules)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
