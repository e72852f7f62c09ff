"""The real program, on a virtual screen and without any."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
_spec = importlib.util.spec_from_file_location("virtual_screen", Path(__file__).with_name("virtual_screen.py"))
assert _spec and _spec.loader
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
virtual_screen = _module.virtual_screen

USE = """
import sys, time
import gui.app
from PySide6.QtWidgets import QAbstractButton

app, window = gui.app.build(["relume"])
window.show()
window.show_workspace()

def press(name):
    [button] = [b for b in window.findChildren(QAbstractButton) if b.accessibleName() == name and b.isVisible()][:1]
    button.click()

def wait(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        app.processEvents()
        time.sleep(0.01)
    assert condition(), "waited in vain"

wait(lambda: app.platformName() == "xcb" and window.isVisible(), 10)
press("Run")
wait(lambda: window.session.snapshot is not None and window.session.snapshot.step > 0, 90)
press("Pause")
wait(lambda: window.session.snapshot.state == "paused", 10)
assert not window.grab().toImage().isNull()
window.close()
app.processEvents()
print("used")
"""


def test_the_window_opens_runs_and_closes():
    with virtual_screen() as environment:
        done = subprocess.run(
            [sys.executable, "-c", USE], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=150
        )
    assert done.returncode == 0 and "used" in done.stdout, done.stdout + done.stderr


def test_main_opens_a_window_and_ends_when_told():
    with virtual_screen() as environment:
        program = subprocess.Popen(
            [sys.executable, "main.py"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        try:
            time.sleep(6)
            assert program.poll() is None, program.stdout and program.stdout.read()
            program.send_signal(signal.SIGTERM)
            assert program.wait(10) in (0, -signal.SIGTERM)
        finally:
            if program.poll() is None:
                program.kill()


def test_without_a_screen_the_example_is_trained(tmp_path):
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py")],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    written = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert {"weights.npz", "history.csv"} <= written
    assert any(path.parent.name == "plots" for path in tmp_path.rglob("*.png"))
    assert "screen" in done.stdout + done.stderr
