"""Plots as PNG, SVG and PDF, drawn by matplotlib without a window and without its global state of figures."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import logging
import math
import re
import threading
import unicodedata
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import RelumeError
from engine.files.figures import Bars, Figure, Image, Line, Panel, Points, Segments, Text

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
DPI = 200
_DECISION_SHARE = 0.55
_MARKERS = {
    "circle": "o", "diamond": "D", "square": "s", "triangle": "^", "plus": "P", "star": "*", "hexagon": "h",
}  # fmt: skip
_MANY_PANELS, _MANY_POINTS, _MANY_NAMES = 30, 20_000, 25
_MOST_LETTERS = 60  # side by side under a picture; more are written aslant
_one_at_a_time = threading.Lock()  # matplotlib's settings are shared by all threads


def picture_of(figure: Figure, suffix: str, theme: str) -> bytes:
    """The picture file; `suffix` is "png", "svg" or "pdf". Raises RelumeError for an unknown theme."""
    colors = Colors(theme)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib

    settings: Any = _settings(colors)
    with _one_at_a_time, matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        drawn = _draw(figure, colors)
        memory = io.BytesIO()
        drawn.savefig(memory, format=suffix, dpi=DPI, metadata=_metadata(figure, suffix))
    data = memory.getvalue()
    return re.sub(rb"<!DOCTYPE[^>]*>\s*", b"", data, count=1) if suffix == "svg" else data


@functools.cache
def _palettes() -> dict[str, dict[str, Any]]:
    return json.loads((RESOURCES / "palette.json").read_text("utf-8"))


class Colors:
    """Names to colours in one theme."""

    def __init__(self, theme: str) -> None:
        if theme not in _palettes():
            raise RelumeError(f"There is no theme {theme!r}.", "plot", f"Choose {' or '.join(_palettes())}.")
        self._palette = _palettes()[theme]

    def __call__(self, name: str) -> str:
        if name.startswith("category "):
            categories = self._palette["categories"]
            return categories[int(name.removeprefix("category ")) % len(categories)]
        return self._palette[name]

    def scale(self, name: str) -> Any:
        """The colour scale as matplotlib's colour map; what is not a number has the colour of the ground."""
        from matplotlib.colors import LinearSegmentedColormap

        stops = self._palette["diverging" if name == "decision" else name]
        scale = LinearSegmentedColormap.from_list(name, stops, 1021)
        if name == "decision":
            inner = scale(0.5 + np.linspace(-0.5, 0.5, 1021) * _DECISION_SHARE)
            scale = LinearSegmentedColormap.from_list(name, inner, 1021)
        scale.set_bad(self("line"))
        return scale


def _settings(colors: Colors) -> dict[str, Any]:
    from matplotlib import font_manager

    known = {entry.fname for entry in font_manager.fontManager.ttflist}
    for path in sorted((RESOURCES / "fonts").glob("*.[ot]tf")):
        if str(path) not in known:
            font_manager.fontManager.addfont(str(path))
    ink, quiet = colors("ink"), colors("ink 2")
    return {
        "font.family": ["Inter", "DejaVu Sans"], "font.size": 9, "text.parse_math": False, "text.color": ink,
        "axes.titlesize": 10.5, "axes.titleweight": 600, "axes.titlelocation": "left", "axes.titlecolor": ink,
        "axes.labelcolor": quiet, "axes.edgecolor": colors("control edge"), "axes.facecolor": colors("panel"),
        "axes.linewidth": 0.8, "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True,
        "axes.grid": True, "grid.color": colors("grid"), "grid.linewidth": 0.8, "xtick.color": colors("control edge"),
        "ytick.color": colors("control edge"), "xtick.labelcolor": quiet, "ytick.labelcolor": quiet,
        "figure.facecolor": colors("panel"), "figure.titlesize": 12, "figure.titleweight": 600,
        "legend.frameon": False, "legend.fontsize": 9, "savefig.facecolor": colors("panel"), "svg.fonttype": "none",
        "svg.hashsalt": "relume", "pdf.fonttype": 3, "image.composite_image": False,  # slow for many tiles
    }  # fmt: skip


def _metadata(figure: Figure, suffix: str) -> dict[str, Any]:
    if suffix == "png":
        return {"Software": "Relume"}
    if suffix == "pdf":
        return {"Title": words(figure.title), "Creator": "Relume", "Producer": None, "CreationDate": None}
    return {"Date": None, "Creator": None, "Format": None, "Type": None}


def words(text: str, longest: int = 120) -> str:
    """The text in one line, without characters that a picture file cannot hold."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") else c for c in text)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def _draw(figure: Figure, colors: Colors) -> Any:
    from matplotlib.figure import Figure as Canvas

    columns = max(1, min(figure.columns, len(figure.panels) or 1))
    rows = max(1, math.ceil(len(figure.panels) / columns))
    many = len(figure.panels) > _MANY_PANELS
    width, height = _panel_size(figure, columns, rows)
    size = min(columns * width, 60), min(rows * height, 60) + 0.4
    canvas = Canvas(figsize=size, layout=None if many else "constrained")
    if many:  # laid out by hand: the solver takes minutes
        canvas.subplots_adjust(0.02, 0.02, 0.98, 1 - 0.75 / size[1], hspace=0.3)
    legend: dict[tuple[str, str], Any] = {}
    scales: list[_Scale] = []
    for number, panel in enumerate(figure.panels):
        axes = canvas.add_subplot(rows, columns, number + 1)
        said = panel.title.lower() in figure.title.lower()
        entries = _draw_panel(axes, panel, "" if said else panel.title, colors, scales)
        if len(entries) > 1:
            legend |= entries
    _add_bars(canvas, scales)
    canvas.suptitle(words(figure.title), x=0.02, ha="left", **({"y": 1 - 0.12 / size[1], "va": "top"} if many else {}))
    if legend and not many:
        _add_legend(canvas, legend, columns * width)
    return canvas


def _add_legend(canvas: Any, entries: dict[tuple[str, str], Any], width: float) -> None:
    texts = [label for label, _ in entries]
    across = max(1, min(5, int(width * 13 / (max(map(len, texts)) + 6))))
    box = canvas.legend([*entries.values()], [" "] * len(texts), loc="outside lower center", ncols=across)
    for place, label in zip(box.get_texts(), texts, strict=True):  # afterwards: a label led by _ would be left out
        place.set_text(words(label, 60))


@dataclasses.dataclass(frozen=True, eq=False)
class _Scale:
    """The colour scale of one image."""

    axes: Any
    mapping: Any
    meaning: tuple[str, float, float, str]  # colours, low, high, label


def _add_bars(canvas: Any, scales: list[_Scale]) -> None:
    """One colour bar for all images that mean the same by a colour, else one each."""
    shared = len({scale.meaning for scale in scales}) == 1
    for scale in scales[:1] if shared else scales:
        axes = [other.axes for other in scales] if shared else scale.axes
        alone = len(scales) == 1 or not shared
        bar = canvas.colorbar(
            scale.mapping, ax=axes, fraction=0.05, pad=0.02, aspect=24 if alone else 40, shrink=1.0 if alone else 0.6
        )
        bar.set_label(words(scale.meaning[-1], 60))
        bar.outline.set_visible(False)


def _panel_size(figure: Figure, columns: int, rows: int) -> tuple[float, float]:
    if figure.size is not None:
        return figure.size
    if all(not panel.axes for panel in figure.panels) and len(figure.panels) > 1:
        return 1.3, 1.4
    if columns * rows > 1:
        wide = 7.2 if columns == 1 else 4.0
        return wide, 2.6
    return (5.6, 5.4) if figure.panels and figure.panels[0].equal else (7.2, 4.6)


def _draw_panel(
    axes: Any, panel: Panel, title: str, colors: Colors, scales: list[_Scale]
) -> dict[tuple[str, str], Any]:
    """Draws the marks; returns the entries of the legend."""
    entries: dict[tuple[str, str], Any] = {}
    picture = any(isinstance(mark, Image) for mark in panel.marks)
    axes.grid(not picture and panel.axes)
    axes.set_title(words(title, 80))
    axes.set_xlabel(words(panel.x_label))
    axes.set_ylabel(words(panel.y_label))
    for is_log, set_scale in ((panel.x_log, axes.set_xscale), (panel.y_log, axes.set_yscale)):
        if is_log:
            set_scale("log")
    if panel.extent is not None:
        axes.set_xlim(panel.extent[:2], auto=False)
        axes.set_ylim(panel.extent[2:], auto=False)
    for mark in panel.marks:
        handle = _draw_mark(axes, mark, colors, scales)
        if handle is not None and isinstance(mark, Line | Points) and mark.label:
            entries[mark.label, mark.color] = handle
    _set_ticks(axes, panel)
    for ticks, place in ((panel.x_ticks, axes.set_xticks), (panel.y_ticks, axes.set_yticks)):
        if ticks is not None:
            place([value for value, _ in ticks], [words(text, 40) for _, text in ticks])
    if panel.x_ticks is not None and sum(len(text) + 3 for _, text in panel.x_ticks) > _MOST_LETTERS:
        for text in axes.get_xticklabels():
            text.set(rotation=40, ha="right", rotation_mode="anchor")
    if panel.equal:
        axes.set_aspect("equal", adjustable="box")
    elif picture:
        axes.set_aspect("auto")
    if panel.extent is not None:
        for part in axes.get_children():  # all is inside: the layout need not look at each
            part.set_in_layout(False)
    if not panel.axes:
        axes.set_axis_off()
    return entries


def _set_ticks(axes: Any, panel: Panel) -> None:
    """Round ticks, in plain numbers: 0.001 and 1e-9 rather than powers of ten; cells are counted in whole numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    cells = any(isinstance(mark, Image) and _is_grid(mark) for mark in panel.marks)
    bars = [mark.horizontal for mark in panel.marks if isinstance(mark, Bars)]
    for is_log, axis, named in (
        (panel.x_log, axes.xaxis, False in bars), (panel.y_log, axes.yaxis, True in bars),
    ):  # fmt: skip
        if is_log:
            low, high = axis.get_view_interval()
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100 * low else (1.0,)))
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "\N{MINUS SIGN}")))
            axis.set_minor_formatter(NullFormatter())
        elif not named:
            axis.set_major_locator(MaxNLocator(7, steps=[1, 2, 5, 10], integer=cells))


def _is_grid(mark: Image) -> bool:
    """Whether a cell is one unit wide and high."""
    left, right, bottom, top = mark.extent
    return (abs(top - bottom), abs(right - left)) == mark.values.shape


def _draw_mark(axes: Any, mark: Any, colors: Colors, scales: list[_Scale]) -> Any:
    """Draws one mark; returns what stands for it in the legend, or None."""
    match mark:
        case Line():
            style = (0, (4, 2.5)) if mark.dashed else "-"
            return axes.plot(mark.x, mark.y, color=colors(mark.color), lw=0.75 * mark.width, ls=style)[0]
        case Points():
            return _draw_points(axes, mark, colors)
        case Image():
            _draw_image(axes, mark, colors, scales)
        case Bars():
            _draw_bars(axes, mark, colors)
        case Segments():
            _draw_segments(axes, mark, colors)
        case Text():
            axes.text(
                mark.x, mark.y, words(mark.words), color=colors(mark.color), ha=mark.align, va="center",
                weight=600 if mark.bold else 400,
            )  # fmt: skip
    return None


def _draw_points(axes: Any, mark: Points, colors: Colors) -> Any:
    color = colors(mark.color)
    face = "none" if mark.hollow else color
    edge = color if mark.hollow else colors("panel")
    shape = "X" if mark.color == "dead" else _MARKERS.get(mark.marker, "o")
    drawn = axes.scatter(
        mark.x, mark.y, s=32 if shape == "X" else 22, marker=shape, facecolors=face, edgecolors=edge, zorder=3,
        linewidths=0.9 if mark.hollow else 0.4, clip_on=mark.color != "dead",
    )  # fmt: skip
    drawn.set_rasterized(len(mark.x) > _MANY_POINTS)
    return drawn


def _draw_image(axes: Any, mark: Image, colors: Colors, scales: list[_Scale]) -> None:
    values = np.asarray(mark.values, dtype=np.float64)
    if mark.colors == "categories":
        from matplotlib.colors import to_rgb

        table = np.array([to_rgb(colors(f"category {k}")) for k in range(7)])
        ground = np.array(to_rgb(colors("panel")))
        shown = (0.35 * table + 0.65 * ground)[np.nan_to_num(values).astype(int) % 7]
    else:
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize, to_rgb

        high = mark.high if mark.high > mark.low else mark.low + 1.0
        mapping = ScalarMappable(Normalize(mark.low, high), colors.scale(mark.colors))
        shown = mapping.to_rgba(np.ma.masked_invalid(values))[..., :3]
        shown[list(mark.dead_rows)] = to_rgb(colors("dead"))
        if not mark.numbers and not mark.tile:
            scales.append(_Scale(axes, mapping, (mark.colors, mark.low, high, mark.label)))
    axes.imshow(
        shown, extent=mark.extent, origin="upper" if mark.top_down else "lower", interpolation="nearest", aspect="auto"
    )
    if mark.tile:
        left, right, bottom, top = mark.extent
        sides = np.array([left, left, right, right, left]), np.array([bottom, top, top, bottom, bottom])
        axes.plot(*sides, color=colors("control edge"), lw=0.8, solid_joinstyle="round")
    _mark_dead(axes, mark, colors)
    if mark.numbers:
        _write_numbers(axes, mark, shown, colors)


def _places(mark: Image) -> tuple[np.ndarray, np.ndarray]:
    """The middles of the columns (x) and of the rows (y)."""
    rows, columns = mark.values.shape
    left, right, bottom, top = mark.extent
    first, last = (top, bottom) if mark.top_down else (bottom, top)
    x, y = (np.arange(columns) + 0.5) / columns, (np.arange(rows) + 0.5) / rows
    return left + (right - left) * x, first + (last - first) * y


def _mark_dead(axes: Any, mark: Image, colors: Colors) -> None:
    """A cross in the middle of each dead row that is high enough, so that it is told without colour too."""
    height = axes.bbox.height * 72 / axes.figure.dpi / max(1, len(mark.values))  # of a row, in points
    if mark.dead_rows and height > 3:
        y = _places(mark)[1][list(mark.dead_rows)]
        x = np.full(len(y), (mark.extent[0] + mark.extent[1]) / 2)
        axes.scatter(x, y, s=min(5.0, 0.6 * height) ** 2, marker="x", color=colors("on dead"), linewidths=1.2, zorder=4)


def _write_numbers(axes: Any, mark: Image, shown: np.ndarray, colors: Colors) -> None:
    from matplotlib.colors import to_rgb

    inks = [colors("ink"), colors("panel")]
    light = np.array([0.2126, 0.7152, 0.0722])
    brightness = [float(np.array(to_rgb(ink)) @ light) for ink in inks]
    xs, ys = _places(mark)
    for row, y in enumerate(ys):
        for column, x in enumerate(xs):
            ground = float(shown[row, column] @ light)
            ink = inks[int(abs(brightness[1] - ground) > abs(brightness[0] - ground))]
            axes.text(x, y, f"{mark.values[row, column]:.6g}", color=ink, ha="center", va="center", fontsize=8)


def _draw_bars(axes: Any, mark: Bars, colors: Colors) -> None:
    places = np.arange(len(mark.names))
    draw, axis = (axes.barh, axes.yaxis) if mark.horizontal else (axes.bar, axes.xaxis)
    draw(places, np.asarray(mark.lengths, dtype=np.float64), 0.7, color=colors("accent"))
    every = max(1, math.ceil(len(places) / _MANY_NAMES))
    axis.set_ticks(places[::every], [words(name, 40) for name in mark.names[::every]])
    axis.grid(False)
    if mark.horizontal:
        axes.set_ylim(len(places) - 0.4, -0.6)
    if not axes.get_xlabel() and not axes.get_ylabel() and mark.label:
        (axes.set_xlabel if mark.horizontal else axes.set_ylabel)(words(mark.label))


def _draw_segments(axes: Any, mark: Segments, colors: Colors) -> None:
    from matplotlib.collections import PathCollection
    from matplotlib.colors import to_rgb
    from matplotlib.path import Path as Way

    known = {name: to_rgb(colors(name)) for name in set(mark.colors)}
    shades = np.ones((len(mark.colors), 4))
    shades[:, :3] = [known[name] for name in mark.colors]
    shades[:, 3] = mark.opacity
    middle = (mark.x0 + mark.x1) / 2
    bends = [(mark.x0, mark.y0), (middle, mark.y0), (middle, mark.y1), (mark.x1, mark.y1)]
    corners = np.stack([np.stack(bend, axis=-1) for bend in (bends if mark.curved else bends[::3])], axis=1)
    codes = [Way.MOVETO, Way.CURVE4, Way.CURVE4, Way.CURVE4] if mark.curved else [Way.MOVETO, Way.LINETO]
    dots = np.broadcast_to(mark.dotted, len(shades))
    lines = PathCollection(
        [Way(ends, codes) for ends in corners], facecolors="none", edgecolors=shades, capstyle="round",
        linewidths=0.75 * np.asarray(mark.widths), linestyles=[(0, (0.1, 3.5)) if dotted else "-" for dotted in dots],
    )  # fmt: skip
    axes.add_collection(lines)
    axes.autoscale_view()
