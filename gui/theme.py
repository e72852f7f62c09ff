"""Colours, type and icons of the window, in light and dark. The colours are those of resources/palette.json."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from gui.temporary import temporary_folder

RESOURCES = Path(__file__).resolve().parent.parent / "resources"
PALETTES: dict[str, dict[str, Any]] = json.loads((RESOURCES / "palette.json").read_text("utf-8"))
MODES = ("light", "dark", "system")
DEAD_ENTRY = 255
_DECISION_SHARE = 0.55


class Signals(QObject):
    changed = Signal()


signals = Signals()
_mode = "system"
_name = "light"
_dressed = True


def mode() -> str:
    """What the user chose: "light", "dark" or "system"."""
    return _mode


def name() -> str:
    """The theme that is shown: "light" or "dark"."""
    return _name


def set_mode(chosen: str) -> None:
    """Takes a mode; tells `signals.changed` when the shown theme becomes another."""
    global _mode
    _mode = chosen if chosen in MODES else "system"
    _follow()


def _follow(*_: object) -> None:
    global _name
    wanted = _mode
    if wanted == "system":
        hints = QGuiApplication.styleHints()
        wanted = "dark" if hints is not None and hints.colorScheme() == Qt.ColorScheme.Dark else "light"
    if wanted == _name:
        return
    _name = wanted
    apply()
    signals.changed.emit()


def start(chosen: str) -> None:
    """Loads the fonts, sets palette and font; called once, after QApplication and before the window. `dress` follows
    when the window is built: a style sheet makes every step of building slow."""
    global _mode, _name, _dressed
    _dressed = False
    for path in sorted((RESOURCES / "fonts").glob("*.[ot]tf")):
        QFontDatabase.addApplicationFont(str(path))
    _mode = chosen if chosen in MODES else "system"
    QGuiApplication.styleHints().colorSchemeChanged.connect(_follow)
    _name = ""
    _follow()


def apply() -> None:
    """Dresses the application in the shown theme."""
    app = QApplication.instance()
    if not isinstance(app, QApplication):
        return
    app.setStyle("Fusion")
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: "bg", QPalette.ColorRole.Base: "panel", QPalette.ColorRole.AlternateBase: "sunken",
        QPalette.ColorRole.Button: "button", QPalette.ColorRole.WindowText: "ink", QPalette.ColorRole.Text: "ink",
        QPalette.ColorRole.ButtonText: "ink", QPalette.ColorRole.Highlight: "accent",
        QPalette.ColorRole.HighlightedText: "on accent", QPalette.ColorRole.PlaceholderText: "ink 2",
        QPalette.ColorRole.ToolTipBase: "panel", QPalette.ColorRole.ToolTipText: "ink",
        QPalette.ColorRole.Link: "accent", QPalette.ColorRole.Mid: "control edge",
    }  # fmt: skip
    for role, token in roles.items():
        palette.setColor(role, color(token))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, color("ink 3"))
    app.setPalette(palette)
    app.setFont(font(13))
    if _dressed:
        app.setStyleSheet(stylesheet())


def dress() -> None:
    """Gives the application its style sheet."""
    global _dressed
    _dressed = True
    app = QApplication.instance()
    if isinstance(app, QApplication):
        app.setStyleSheet(stylesheet())


@functools.lru_cache(maxsize=256)
def _color(theme: str, token: str) -> QColor:
    return QColor(PALETTES[theme or "light"][token])


def color(token: str) -> QColor:
    """The colour called `token` in the shown theme."""
    return QColor(_color(_name, token))


def category(index: int) -> QColor:
    """The colour of class or series `index`; they repeat after 7, where the class is written as well."""
    colors = PALETTES[_name or "light"]["categories"]
    return QColor(colors[index % len(colors)])


def lut(scale: str) -> np.ndarray:
    """uint8 (256, 4) RGBA: entries 0 to 254 the colour scale "sequential", "diverging" or "decision" (the inner part
    of diverging), entry 255 the dead colour."""
    return _lut(_name or "light", scale).copy()


@functools.lru_cache(maxsize=8)
def _lut(theme: str, scale: str) -> np.ndarray:
    palette = PALETTES[theme]
    stops: np.ndarray = np.array([_rgb(c) for c in palette["diverging" if scale == "decision" else scale]], float)
    where = np.linspace(0.0, 1.0, DEAD_ENTRY)
    if scale == "decision":
        where = 0.5 + (where - 0.5) * _DECISION_SHARE
    table = np.full((256, 4), 255, np.uint8)
    for channel in range(3):
        values = np.interp(where, np.linspace(0.0, 1.0, len(stops)), stops[:, channel])
        table[:DEAD_ENTRY, channel] = values.round()
    table[DEAD_ENTRY, :3] = _rgb(palette["dead"])
    return table


def _rgb(text: str) -> tuple[int, int, int]:
    made = QColor(text)
    return made.red(), made.green(), made.blue()


def font(size: int = 13, weight: int = 400, capitals: bool = False) -> QFont:
    """Inter (else the system's font) in pixels, with figures of one width; `capitals` for section heads."""
    made = QFont(["Inter", "Inter Variable", "Segoe UI", "Helvetica Neue", "DejaVu Sans", "sans-serif"])
    made.setPixelSize(size)
    made.setWeight(QFont.Weight(weight))
    made.setFeature(QFont.Tag("tnum"), 1)
    if capitals:
        made.setCapitalization(QFont.Capitalization.AllUppercase)
        made.setLetterSpacing(QFont.SpacingType.PercentageSpacing, 106)
    return made


def icon(name: str, token: str = "ink") -> QIcon:
    """An icon of resources/icons in the colour `token`, greyed where it is disabled."""
    made = QIcon()
    made.addPixmap(_tinted(name, _name or "light", token, 16))
    made.addPixmap(_tinted(name, _name or "light", token, 32))
    made.addPixmap(_tinted(name, _name or "light", "ink 3", 16), QIcon.Mode.Disabled)
    return made


@functools.lru_cache(maxsize=256)
def _tinted(name: str, theme: str, token: str, size: int) -> QPixmap:
    source = (RESOURCES / "icons" / f"{name}.svg").read_bytes()
    tinted = source.replace(b"currentColor", _color(theme, token).name().encode())
    picture = QPixmap(size, size)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(tinted)).render(painter, QRectF(0, 0, size, size))
    painter.end()
    if size > 16:
        picture.setDevicePixelRatio(size / 16)
    return picture


def stylesheet() -> str:
    """The style sheet of the whole application, from resources/style.qss with the theme's colours filled in."""
    text = (RESOURCES / "style.qss").read_text("utf-8")
    tokens = {key: value for key, value in PALETTES[_name or "light"].items() if isinstance(value, str)}
    shade = QColor(tokens["button"])
    tokens["button hover"] = (shade.darker(104) if _name == "light" else shade.lighter(115)).name()
    tokens["button press"] = (shade.darker(108) if _name == "light" else shade.lighter(130)).name()
    accent = QColor(tokens["accent"])
    tokens["accent hover"] = (accent.darker(108) if _name == "light" else accent.lighter(108)).name()
    for key in sorted(tokens, key=len, reverse=True):
        text = text.replace(f"@[{key}]", tokens[key])
    return text.replace("@icons", _sheet_icons())


_sheet_folders: dict[str, Path] = {}


def _sheet_icons() -> str:
    """A folder with the icons that the style sheet names, tinted; style sheets can tint none themselves."""
    theme = _name or "light"
    if theme not in _sheet_folders:
        folder = _sheet_folders[theme] = temporary_folder()
        for name, token in (("chevron-down", "ink 2"), ("check", "on accent")):
            tinted = (
                (RESOURCES / "icons" / f"{name}.svg").read_text().replace("currentColor", _color(theme, token).name())
            )
            (folder / f"{name}.svg").write_text(tinted)
    return _sheet_folders[theme].as_posix()
