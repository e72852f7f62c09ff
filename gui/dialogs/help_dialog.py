"""Help: the five-minute tour, the keys, and what this program is."""

from __future__ import annotations

import tomllib
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from gui import theme

if TYPE_CHECKING:
    from gui.main_window import MainWindow

TOUR = (
    ("Open the spiral", "File, Examples (Ctrl+G): one click on the first card opens it and trains it."),
    ("Watch it learn", "Each tile in the Map is one neuron: how strongly it answers at every point of the plane. "
     "Output shows what all of them say together, Curves how wrong they still are."),
    ("Slow down", "Space pauses. Right trains one batch, Shift+Right one epoch. The slider sets the pace."),
    ("Change something", "Give layer 1 another activation while it runs: the weights stay. Add a layer, draw other "
     "data, raise the learning rate. Ctrl+Z takes every edit back."),
    ("See neurons die", "Open “Killing ReLUs” and look at the Heatmap: a crossed row is a neuron that gives 0 on "
     "every training sample, so its gradient is exactly 0. The findings under it say since when and offer what to do."),
    ("Switch a neuron off", "Right-click a tile of the Map or a row of the Heatmap: the neuron gives 0 until it is "
     "switched on again. Do the others make up for it?"),
    ("Follow one sample", "Click a point in Output, then open the Sample tab: which neurons let it through, and what "
     "comes out."),
    ("Take it with you", "Ctrl+S saves the project, training state included. Ctrl+E writes the weights as .npz, "
     ".safetensors, .onnx, a plain numpy script or a PyTorch module; Ctrl+Shift+E the plots."),
)  # fmt: skip


class HelpDialog(QDialog):
    """A page of words; links open in the browser."""

    def __init__(self, title: str, html: str, parent: QWidget, size: QSize) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"{title} – Relume")
        self.setAccessibleName(title)
        self.page = QTextBrowser()
        self.page.setAccessibleName(title)
        self.page.setOpenExternalLinks(True)
        self.page.setFrameShape(QTextBrowser.Shape.NoFrame)
        self.page.setHtml(html)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 16)
        column.addWidget(self.page)
        column.addWidget(buttons)
        self.resize(size)
        self.finished.connect(self.deleteLater)


def _page(title: str, body: str) -> str:
    ink, quiet = theme.color("ink").name(), theme.color("ink 2").name()
    return (
        f"<style>h1{{font-size:18px;font-weight:600;color:{ink}}} h2{{font-size:13px;font-weight:600;color:{ink};"
        f"margin-bottom:2px}} p,td{{font-size:13px;color:{quiet}}} "
        f"td{{padding:3px 24px 3px 0}} b{{color:{ink}}}</style>"
        f"<h1>{escape(title)}</h1>{body}"
    )


def show_tour(window: MainWindow) -> HelpDialog:
    """Seven steps, five minutes."""
    steps = "".join(f"<h2>{i}  {escape(head)}</h2><p>{escape(line)}</p>" for i, (head, line) in enumerate(TOUR, 1))
    return _open(window, "Five-minute tour", steps, QSize(560, 560))


def show_keyboard(window: MainWindow) -> HelpDialog:
    """Every action that has keys, from the menu table itself."""
    rows = "".join(
        f"<tr><td><b>{escape(action.shortcut().toString())}</b></td><td>{escape(action.text())}</td></tr>"
        for action in window.actions_by_name.values()
        if not action.shortcut().isEmpty()
    )
    more = (
        "<tr><td><b>Tab</b></td><td>Next control</td></tr><tr><td><b>Page Up, Page Down</b></td>"
        "<td>Previous, next sample (Sample tab)</td></tr><tr><td><b>Esc</b></td><td>Close what is open</td></tr>"
    )
    return _open(window, "Keyboard", f"<table>{rows}{more}</table>", QSize(440, 620))


def show_about(window: MainWindow) -> HelpDialog:
    """What it is, its version and licence."""
    body = (
        f"<p><b>Version {escape(_version())}</b></p><p>A desktop laboratory for neural networks: build one, watch "
        "every neuron learn, see which ones die and why, and take the weights and plots with you.</p>"
        "<p>MIT licence. Everything works offline; nothing is sent anywhere.</p>"
        "<p>Made with PySide6 (Qt), pyqtgraph, Numba, NumPy, scikit-learn and the Inter typeface.</p>"
    )
    return _open(window, "About Relume", body, QSize(440, 300))


def _version() -> str:
    root = Path(__file__).resolve().parents[2]
    return str(tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])


def _open(window: MainWindow, title: str, body: str, size: QSize) -> HelpDialog:
    dialog = HelpDialog(title, _page(title, body), window, size)
    dialog.open()
    return dialog
