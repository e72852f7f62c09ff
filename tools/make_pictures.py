"""Makes the pictures of the README: the program itself, offscreen, after a little training.

python tools/make_pictures.py [FOLDER]     # docs/pictures by default; or: make pictures
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from PySide6.QtWidgets import QApplication, QTabBar, QWidget  # noqa: E402

import gui.app  # noqa: E402
from gui import theme  # noqa: E402

SMALL, LARGE = (1280, 720), (1920, 1080)
#: file, example, epochs, tab, size, theme
WINDOWS = (
    ("spiral-light", "spiral", 300, "Map", SMALL, "light"),
    ("spiral-dark", "spiral", 300, "Map", LARGE, "dark"),
    ("digits-light", "digits", 15, "Heatmap", LARGE, "light"),
    ("digits-dark", "digits", 15, "Heatmap", SMALL, "dark"),
    ("dead-light", "killing_relus", 20, "Heatmap", SMALL, "light"),
    ("dead-dark", "killing_relus", 20, "Heatmap", SMALL, "dark"),
    ("curve-light", "curve", 200, "Map", SMALL, "light"),
    ("curve-dark", "curve", 200, "Map", LARGE, "dark"),
)
PATIENCE = 120.0


def wait(app: QApplication, until: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Lets the window live until something holds."""
    end = time.monotonic() + seconds
    while not until():
        if time.monotonic() > end:
            sys.exit("The window did not get there in time.")
        app.processEvents()
        time.sleep(0.005)


def rest(app: QApplication, seconds: float = 1.5) -> None:
    """Time for the views to draw the newest snapshot."""
    end = time.monotonic() + seconds
    wait(app, lambda: time.monotonic() > end)


def choose_tab(window: QWidget, title: str) -> None:
    for bar in window.findChildren(QTabBar):
        for index in range(bar.count()):
            if bar.tabText(index) == title and bar.isVisible():
                bar.setCurrentIndex(index)


def picture(app: QApplication, widget: QWidget, path: Path) -> None:
    rest(app, 0.3)
    widget.grab().save(str(path))
    sys.stdout.write(f"{path}\n")


def train(app: QApplication, window: QWidget, example: str, epochs: int) -> None:
    session = window.session  # type: ignore[attr-defined]
    session.load_example(example)
    session.set_speed(None)
    wait(app, lambda: session.snapshot is not None)
    session.run()
    wait(app, lambda: session.snapshot is not None and session.snapshot.epoch >= epochs)
    session.pause()
    wait(app, lambda: session.state != "running")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    app, window = gui.app.build([])
    window.show()
    trained = None
    for name, example, epochs, tab, size, mode in WINDOWS:
        theme.set_mode(mode)
        window.resize(*size)
        if trained != example:
            train(app, window, example, epochs)
            trained = example
        choose_tab(window, tab)
        rest(app)
        picture(app, window, folder / f"{name}.png")
    dialogs(app, window, folder)
    window.session.undo_stack.setClean()
    window.session.new_document()
    window.close()


def dialogs(app: QApplication, window: QWidget, folder: Path) -> None:
    """The gallery and the activation picker, each in light."""
    from gui.dialogs.gallery import Gallery

    theme.set_mode("light")
    gallery = Gallery(window.session)  # type: ignore[attr-defined, call-arg, arg-type]
    gallery.show()
    picture(app, gallery, folder / "gallery-light.png")
    gallery.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures")
