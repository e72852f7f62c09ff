"""Colours, type, icons and number words of the window."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QFontInfo
from PySide6.QtWidgets import QApplication

from gui import theme

ROOT = Path(__file__).parent.parent

#: text on what it stands on: 4.5:1 at least
READ = (
    ("ink", "panel"), ("ink", "bg"), ("ink 2", "panel"), ("ink 2", "bg"), ("accent", "panel"),
    ("accent", "accent soft"), ("on accent", "accent"), ("dead", "panel"), ("on dead", "dead"),
    ("warning", "panel"),
)  # fmt: skip
#: lines and marks: 3:1 at least
SEEN = (("control edge", "panel"), ("control edge", "bg"), ("accent", "bg"), ("dead", "bg"))


@pytest.fixture(params=["light", "dark"])
def shown(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[str]:
    kept = theme.mode()
    theme.set_mode(request.param)
    yield request.param
    theme.set_mode(kept)


def luminance(color: QColor) -> float:
    parts = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in color.getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: QColor, other: QColor) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_and_marks_stand_out_enough(shown: str) -> None:
    for pairs, least in ((READ, 4.5), (SEEN, 3.0)):
        for front, back in pairs:
            assert contrast(theme.color(front), theme.color(back)) >= least, (front, back)
    for index in range(7):
        assert contrast(theme.category(index), theme.color("panel")) >= 3.0, index


def test_colour_tables_end_with_the_dead_colour(shown: str) -> None:
    dead = theme.color("dead").getRgb()
    for scale in ("sequential", "diverging", "decision"):
        table = theme.lut(scale)
        assert table.shape == (256, 4) and table.dtype == np.uint8
        assert tuple(table[255]) == dead and not (table[:255] == table[255]).all(axis=1).any()
    wide, inner = theme.lut("diverging"), theme.lut("decision")
    assert tuple(inner[127]) == tuple(wide[127])
    assert np.abs(inner[0].astype(int) - wide[57]).max() <= 2  # the inner 55 % of 255 entries


def test_a_change_of_theme_is_told_once_and_dresses_the_application(qapp: QApplication) -> None:
    kept = theme.mode()
    theme.set_mode("light")
    told: list[str] = []
    theme.signals.changed.connect(lambda: told.append(theme.name()))
    theme.set_mode("dark")
    theme.set_mode("dark")
    assert told == ["dark"] and qapp.palette().window().color() == theme.color("bg")
    theme.set_mode("nonsense")
    assert theme.mode() == "system"
    theme.set_mode(kept)


def test_the_style_sheet_has_no_colour_left_to_fill_in(shown: str) -> None:
    sheet = re.sub(r"/\*.*?\*/", "", theme.stylesheet(), flags=re.DOTALL)
    assert "@[" not in sheet and "@icons" not in sheet
    for name in ("chevron-down", "check"):
        assert f"{name}.svg" in sheet


def test_icons_take_the_colour_of_the_text(shown: str) -> None:
    names = sorted(path.stem for path in (theme.RESOURCES / "icons").glob("*.svg"))
    assert {"run", "pause", "step", "reset", "plus", "minus", "more", "grip", "lock", "cross", "warning"} <= set(names)
    for name in names:
        picture = theme.icon(name, "accent").pixmap(16, 16).toImage()
        colors = [picture.pixelColor(x, y) for x in range(16) for y in range(16)]
        drawn = [color for color in colors if color.alpha() > 100]
        assert drawn, name
        assert all(contrast(color, theme.color("accent")) < 1.3 for color in drawn), name


def test_every_icon_and_every_colour_is_used() -> None:
    files = [path for path in (ROOT / "gui").rglob("*.py") if path.name != "theme.py"]
    source = "".join(path.read_text("utf-8") for path in (*files, ROOT / "engine/report.py"))
    sheet = (theme.RESOURCES / "style.qss").read_text("utf-8")
    for path in (theme.RESOURCES / "icons").glob("*.svg"):
        assert f'"{path.stem}"' in source or f"/{path.name}" in sheet, path.name
    palette = json.loads((theme.RESOURCES / "palette.json").read_text("utf-8"))["light"]
    for token in palette:
        used = f'"{token}"' in source or f"@[{token}]" in sheet
        assert used or token in ("categories", "diverging", "sequential"), token


def test_inter_is_there_with_its_licence_and_its_weights(qapp: QApplication) -> None:
    fonts = Path(theme.RESOURCES / "fonts")
    assert "SIL OPEN FONT LICENSE" in (fonts / "OFL.txt").read_text("utf-8").upper()
    for weight in (400, 500, 600):
        assert QFontInfo(theme.font(13, weight)).family().startswith("Inter")
