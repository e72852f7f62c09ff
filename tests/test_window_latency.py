"""The event loop stays free while the network trains at full speed; a failed run is told and keeps its weights."""

from __future__ import annotations

import dataclasses
import time

import numpy as np
import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from engine.examples import EXAMPLES
from engine.optimizers import SGD
from gui.document import Document
from gui.main_window import MainWindow

MOST_STALL = 0.25  # on a machine with other work; benchmarks/window_smoothness.py tells the figure itself


def open_example(qtbot: QtBot, window: MainWindow, name: str, **changes: object) -> None:
    """Opens the example at full speed, runs it, and waits until its kernels are there."""
    example = EXAMPLES.get(name)
    training = dataclasses.replace(example.training, epochs=10**9, target_loss=None, time_limit=None, **changes)
    document, opened = Document(example.spec, training, example.data, None), []
    window.session.open_document(document, name, lambda: (window.session.run(), opened.append(True)))
    ended = ("diverged", "finished")
    qtbot.waitUntil(
        lambda: bool(opened) and (s := window.session.snapshot) is not None and (s.step > 0 or s.state in ended),
        timeout=60_000,
    )


def told_by(window: MainWindow) -> str:
    """What can be read in the notice bar and under the views."""
    labels = [*window.notice_bar.findChildren(QLabel), *window.findings.findChildren(QLabel)]
    return " ".join(label.text().lower() for label in labels if label.isVisible())


@pytest.mark.parametrize("example", ["spiral", "killing-relus"])
def test_the_event_loop_beats_while_it_trains_at_full_speed(qtbot: QtBot, window: MainWindow, example: str) -> None:
    open_example(qtbot, window, example)
    for view in ("map", "heatmap"):
        window.show_view(view)
        qtbot.wait(300)
        beats = [time.perf_counter()]
        timer = QTimer(window, interval=10)
        timer.timeout.connect(lambda: beats.append(time.perf_counter()))  # noqa: B023 - used within this turn
        timer.start()
        seen = window.session.snapshot
        qtbot.wait(1200)
        timer.stop()
        assert window.session.snapshot is not seen and window.session.state == "running"
        gaps = np.sort(np.diff(beats))
        assert gaps[-2] - 0.01 < MOST_STALL, gaps[-5:]  # one beat may be the machine's own
    began = time.perf_counter()
    trainer = window.session.trainer
    window.session.pause()
    while trainer.state == "running" and time.perf_counter() - began < 5:
        time.sleep(0.001)
    assert trainer.state == "paused" and time.perf_counter() - began < MOST_STALL


def test_a_run_that_fails_is_told_with_layer_and_step_and_keeps_its_weights(qtbot: QtBot, window: MainWindow) -> None:
    window.show_view("map")
    open_example(qtbot, window, "x-sin-5x", optimizer=SGD(learning_rate=1e5))
    qtbot.waitUntil(lambda: window.session.state == "diverged", timeout=20_000)
    snapshot = window.session.snapshot
    assert snapshot is not None and snapshot.error is not None
    assert "layer" in snapshot.error.where and f"step {snapshot.step + 1:,}" in snapshot.error.where
    qtbot.waitUntil(lambda: "layer" in told_by(window) and "step" in told_by(window), timeout=5_000)
    assert all(np.isfinite(value).all() for value in window.session.trainer.network.parameters().values())
    qtbot.wait(200)
    window.session.reset()
    qtbot.waitUntil(lambda: window.session.state == "ready", timeout=10_000)
