"""Makes the pictures of README.md and docs/pictures/README.md: the program itself, offscreen, after a little training.

python tools/make_pictures.py [FOLDER]     # docs/pictures by default; or: make pictures
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
SETTINGS = tempfile.TemporaryDirectory(prefix="relume-pictures-")  # goes when the program ends
os.environ["XDG_CONFIG_HOME"] = SETTINGS.name  # the user's recent files stay out
ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from PySide6.QtWidgets import QAbstractButton, QApplication, QWidget  # noqa: E402

import gui.app  # noqa: E402
from gui import theme  # noqa: E402
from gui.main_window import MainWindow  # noqa: E402

SIZES = ((1280, 720), (1920, 1080))
#: file, example, epochs, view in the smaller size; each is taken in every size and theme
WINDOWS = (
    ("spiral", "spiral", 400, "map"),
    ("digits", "digits", 15, "map"),
    ("dead", "killing-relus", 20, "heatmap"),
    ("curve", "straight-pieces", 200, "map"),
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


def picture(app: QApplication, widget: QWidget, path: Path) -> None:
    rest(app, 0.3)
    widget.grab().save(str(path))
    sys.stdout.write(f"{path}\n")


def train(app: QApplication, window: MainWindow, example: str, epochs: int) -> None:
    session = window.session
    opened: list[str] = []
    session.load_example(example, lambda: opened.append(example))
    wait(app, lambda: bool(opened))
    session.edit("Epochs", training=dataclasses.replace(session.document.training, epochs=epochs))
    session.set_speed(None)
    wait(app, lambda: session.snapshot is not None)
    session.run()
    wait(app, lambda: session.state == "finished")


def press(window: MainWindow, name: str) -> None:
    """Clicks the control with this accessible name."""
    next(item for item in window.findChildren(QAbstractButton) if item.accessibleName() == name).click()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    app, window = gui.app.build(["relume"])
    window.show()
    for name, example, epochs, view in WINDOWS:
        train(app, window, example, epochs)
        window.show_workspace()
        for size, mode in itertools.product(SIZES, ("light", "dark")):
            theme.set_mode(mode)
            window.resize(*size)
            window.show_view(view if size == SIZES[0] else "map")  # the heatmap is beside it where two views fit
            rest(app)
            picture(app, window, folder / f"{name}-{mode}-{size[0]}.png")
    theme.set_mode("light")
    window.resize(*SIZES[0])
    train(app, window, "spiral", 400)
    window.session.undo_stack.setClean()
    window.show_gallery()
    picture(app, window, folder / "gallery-light.png")
    window.show_workspace()
    window.show_view("map")
    press(window, "Activation of layer 1")
    picture(app, window, folder / "picker-light.png")
    window.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures")
