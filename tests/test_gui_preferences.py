"""Preferences: what is chosen holds at once and at the next start; compiled kernels are counted and cleared."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QLabel

from gui import settings, theme
from gui.dialogs.preferences import Preferences, size_words


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """A cache with this version's folder, an older one, and something of another program."""
    monkeypatch.setattr("engine.kernels.cache.cache_folder", lambda: tmp_path / "kernels-00000000000000ff")
    for name, size in (("kernels-00000000000000ff", 4000), ("kernels-0123456789abcdef", 2000), ("other", 700)):
        inner = tmp_path / name / "blocks"
        inner.mkdir(parents=True)
        (inner / "one.nbc").write_bytes(b"x" * size)
    return tmp_path


@pytest.fixture
def dialog(window, cache, qtbot) -> Preferences:
    window.actions_by_name["preferences"].trigger()
    shown = window.findChild(Preferences)
    qtbot.waitUntil(lambda: shown.amount.text() not in ("Counting", ""), timeout=30_000)
    yield shown
    settings.set_threads(1)
    shown.close()


def test_the_keys_of_preferences(window):
    action = window.actions_by_name["preferences"]
    assert action.shortcut() == QKeySequence("Ctrl+,") and action.text() == "Preferences"


def test_all_versions_are_counted_and_cleared_after_a_question(dialog, cache, qtbot):
    assert dialog.folder.text() == str(cache)
    assert dialog.amount.text() == "6.00 kB, 2 versions"
    dialog.clear.click()
    asked = " ".join(words.text() for words in dialog.question.findChildren(QLabel))
    assert dialog.question.isVisible() and "next start compiles again" in asked
    dialog.no.click()
    assert dialog.question.isHidden() and (cache / "kernels-0123456789abcdef").is_dir()
    dialog.clear.click()
    dialog.yes.click()
    qtbot.waitUntil(lambda: dialog.amount.text() == "empty")
    assert not dialog.clear.isEnabled()
    assert (cache / "other" / "blocks" / "one.nbc").is_file()
    assert not list(cache.glob("kernels-*/**/*.nbc"))


def test_threads_and_theme_are_kept(dialog, window, monkeypatch):
    told: list[int] = []
    monkeypatch.setattr("gui.threads.apply", lambda: told.append(settings.threads()))
    monkeypatch.setattr(window.session.trainer.commands, "send", lambda command: command())
    row = dialog.threads.count() - 1
    dialog.threads.activated.emit(row)
    assert settings.threads() == dialog.threads.itemData(row) and told == [settings.threads()]
    before = theme.mode()
    dialog.theme.activated.emit(dialog.theme.findData("dark"))
    assert theme.mode() == settings.theme_mode() == "dark"
    dialog.theme.activated.emit(dialog.theme.findData(before))


def test_sizes_in_words(tmp_path):
    from engine.kernels.cache import CacheSize

    assert size_words(CacheSize(tmp_path, 12_340_000, 1)) == "12.3 MB"
    assert size_words(CacheSize(tmp_path, 0, 0)) == "empty"


def test_kernels_in_use_go_on_after_the_cache_is_cleared(tmp_path, monkeypatch):
    """In a process of its own: what is loaded works, what is compiled afterwards is kept again."""
    import os
    import subprocess
    import sys

    program = """
import numpy as np, engine
from engine.kernels.cache import cache_size, clear_cache
network = engine.Network(engine.NetworkSpec((3,), (engine.Dense(4, "relu"), engine.Dense(2))))
x = np.ones((5, 3), np.float32)
before = network.predict(x)
assert cache_size().bytes > 0
assert clear_cache().bytes == 0
assert np.array_equal(network.predict(x), before)
engine.Network(engine.NetworkSpec((3,), (engine.Dense(4, "tanh"),))).predict(x)
assert cache_size().bytes > 0
"""
    root = Path(__file__).resolve().parents[1]
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(root)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
