"""The door: `python main.py` opens the window; words such as `train` run the engine without it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

FILES = (".relume", ".csv", ".tsv", ".txt")


def has_screen() -> bool:
    """Whether a window can be shown. Only Linux runs without a screen."""
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in names)


def main(words: list[str] | None = None) -> int:
    """Runs the program on the words of its command line; returns the exit code."""
    words = sys.argv[1:] if words is None else words
    file = len(words) == 1 and (Path(words[0]).suffix.lower() in FILES or Path(words[0]).is_file())
    if words and not file:
        from engine import cli

        return cli.run(words)
    if has_screen():
        from engine.kernels import head_start

        head_start.begin()
        import gui.app

        return gui.app.main(["relume", *words])
    from engine import cli

    return cli.run_without_screen(words)


if __name__ == "__main__":
    sys.exit(main())
