"""Whatever ends by itself leaves no folder behind where temporary files are kept."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gui.temporary import temporary_folder

ROOT = Path(__file__).parent.parent
WINDOW = """
import os, signal
from PySide6.QtCore import QTimer
from gui import app, theme

build = app.build

def built(argv):
    made = build(argv)
    window = made[1]

    def end():
        for mode in ("dark", "light"):
            theme.set_mode(mode)
        assert len(theme._sheet_folders) == 2
        window._asked_to_close = True
        {end}

    QTimer.singleShot(300, end)
    return made

app.build = built
raise SystemExit(app.main(["relume"]))
"""
COMMANDS = {
    "a window that is closed": ["-c", WINDOW.format(end="window.close()")],
    "a window ended by a signal": ["-c", WINDOW.format(end="os.kill(os.getpid(), signal.SIGTERM)")],
    "a fault before the end": ["-c", "from gui import app; app.build(['relume']); raise KeyError"],
    "tests": ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_gui_theme.py"],
    "pictures": ["-c", "import tools.make_pictures"],
    "smoothness": ["-c", "import benchmarks.window_smoothness"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_folder_is_left(name: str, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))}
    environment["XDG_CONFIG_HOME"] = str(tmp_path / "settings")
    if name == "tests":
        del environment["XDG_CONFIG_HOME"]  # they make a folder of their own
    ran = subprocess.run([sys.executable, *COMMANDS[name]], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert ran.returncode == (1 if "fault" in name else 0), ran.stdout + ran.stderr
    left = [path.name for path in temporary.iterdir() if not path.name.startswith("pytest-of-")]
    assert not left


@pytest.mark.skipif(os.name != "posix", reason="asks for the process")
def test_what_a_killed_program_has_left_goes_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dead, own, other = (tmp_path / f"relume-{name}" for name in (f"{ended.pid}-abc", f"{os.getpid()}-abc", "results"))
    for folder in (dead, own, other):
        folder.mkdir()
        (folder / "check.svg").write_text("<svg/>")
    (tmp_path / f"relume-{ended.pid}-link").symlink_to(other)
    made = temporary_folder()
    assert made.is_dir() and not dead.exists()
    assert (own / "check.svg").exists() and (other / "check.svg").exists()
    assert {path.name for path in tmp_path.iterdir()} == {own.name, other.name, made.name, f"relume-{ended.pid}-link"}
