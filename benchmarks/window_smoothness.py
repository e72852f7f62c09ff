"""How smooth the window stays while it trains at full speed, and what watching costs.

    python benchmarks/window_smoothness.py [seconds per measurement] [--only WORD] [--view NAME]

Writes its section of docs/performance.md unless only some are asked for.
"""

from __future__ import annotations

import argparse
import atexit
import dataclasses
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="relume-benchmark-")
os.environ["QT_LOGGING_RULES"] = "qt.qpa.*=false"

from gui.app import build  # isort: skip - it sets what pyqtgraph needs

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication

from benchmarks import page
from benchmarks.engines import progress
from benchmarks.worker import dataset
from benchmarks.workloads import WORKLOADS
from engine import datasets
from engine.data.dataset import Dataset
from engine.data.spec import DataSpec
from engine.examples import EXAMPLES
from engine.layers import Dense
from engine.optimizers import SGD
from engine.spec import NetworkSpec, TrainingSpec
from gui.document import Document
from gui.main_window import MainWindow

atexit.register(shutil.rmtree, os.environ["XDG_CONFIG_HOME"], ignore_errors=True)

ENDLESS = 10**9
VIEWS = ("map", "heatmap")
HEADS = ("", "view", "opening, ms", "99 %, ms", "longest, ms", "pause, ms", "frames/s", "samples/s", "of unwatched")
WORDS = (
    "The window while it trains at full speed, on a screen in memory. Stalls are times between two beats of a 10 ms "
    "heartbeat in the event loop, less those 10 ms: while a network opens, then 99 % and the longest while it trains. "
    "Pause: until the run stands still, the longest of five. Frames: how often the view was painted. Then training "
    "with the window and this view beside the same run with nobody looking, in turns: the median of the turns' ratios."
)
SHARES = 20  # turns of looking and not looking


class Heartbeat(QObject):
    """Times between the beats of a 10 ms timer, in seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._timer = QTimer(self, interval=10, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._beat)
        self._last = time.perf_counter()
        self._timer.start()

    def _beat(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._last)
        self._last = now

    def restart(self) -> None:
        self.gaps, self._last = [], time.perf_counter()


class Frames(QObject):
    """Counts how often a widget is painted."""

    def __init__(self, widget: QObject) -> None:
        super().__init__()
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def classifier(inputs: int, widths: list[int]) -> NetworkSpec:
    hidden = [Dense(width, "relu", "he_normal") for width in widths]
    return NetworkSpec((inputs,), (*hidden, Dense(10)), "softmax_cross_entropy")


def workloads() -> Iterator[tuple[str, Document, Dataset | None]]:
    """Title, document, and data that no data set of the program gives: W1 to W5 of the other benchmarks, and others."""
    for seed, name in enumerate(("W1_relu", "W2", "W3", "W4", "W5"), start=60_000):
        work = WORKLOADS[name]
        x, y = work.data()
        data = dataset(work.spec, x, y)
        tested = dataclasses.replace(data, x_test=data.x_train[:100], y_test=data.y_train[:100])
        named = DataSpec("spiral", seed=seed)  # only a name for the data
        yield f"{name}: {work.title}", Document(work.spec, work.training, named), tested
    example = EXAMPLES.get("killing-relus")
    yield "digits, killing ReLUs", Document(example.spec, example.training, example.data), None
    slow, digits = TrainingSpec(SGD(0.001), batch_size=128), DataSpec("digits", seed=7)
    yield "digits, 20 layers of 64", Document(classifier(64, [64] * 20), slow, digits), None
    yield "digits, 2 layers of 1,000", Document(classifier(64, [1000, 1000]), slow, digits), None


class Bench:
    def __init__(self) -> None:
        app, self.window = build(["relume"])
        assert isinstance(app, QApplication)
        self.app = app
        self.window.show_workspace()
        self.window.resize(1280, 720)
        self.window.show()
        self.heart = Heartbeat()

    @property
    def session(self):  # noqa: ANN201
        return self.window.session

    def spin(self, seconds: float) -> None:
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop, loop.quit)
        loop.exec()

    def spin_until(self, condition, seconds: float = 120.0) -> None:  # noqa: ANN001
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            self.spin(0.02)
        assert condition(), "waited in vain"

    def open(self, document: Document, data: Dataset | None) -> float:
        """Opens the document at full speed and runs it; returns the longest stall on the way to the first steps."""
        training = dataclasses.replace(document.training, epochs=ENDLESS, target_loss=None, time_limit=None)
        self.session._opener.keep(document.data, datasets.load_spec(document.data) if data is None else data)
        self.heart.restart()
        opened: list[bool] = []
        document = dataclasses.replace(document, training=training, speed=None)
        self.session.open_document(document, "It", lambda: (self.session.run(), opened.append(True)))
        self.spin_until(lambda: opened and self.session.snapshot is not None and self.session.snapshot.step > 0)
        self.spin(1.0)
        return self.stall()

    def stall(self) -> float:
        self.heart._beat()
        return max(self.heart.gaps, default=0.0) - 0.01

    def rate(self, seconds: float) -> float:
        """Samples per second from the end of one compiled call to that of another: of slow networks there are few."""
        before, began = self._next_call()
        self.spin(seconds)
        after, ended = self._next_call()
        return (after - before) / (ended - began)

    def _next_call(self) -> tuple[int, float]:
        """Samples trained, and the time, as a compiled call has just ended."""
        stepper = self.session.trainer._run.stepper
        done, limit = stepper.samples_done, time.perf_counter() + 1.0
        while stepper.samples_done == done and time.perf_counter() < limit:
            self.spin(0.001)
        return stepper.samples_done, time.perf_counter()

    def throughput(self, seconds: float) -> tuple[float, float]:
        """Samples per second while looking, and its ratio to that while not looking."""
        pairs = []
        for turn in range(2 * SHARES):
            if turn % 2:
                self.window.clock.stop()
                self.session.watch(frozenset())
            else:
                self.window.clock.start()
            self.spin(0.15)
            pairs.append(self.rate(seconds / SHARES))
        self.window.clock.start()
        ratio = statistics.median(a / b for a, b in zip(pairs[::2], pairs[1::2], strict=True))
        return statistics.median(pairs[::2]), ratio

    def pause(self) -> float:
        trainer, longest = self.session.trainer, 0.0
        for _ in range(5):
            self.session.run()
            self.spin(0.3)
            began = time.perf_counter()
            self.session.pause()
            while trainer.state == "running" and time.perf_counter() - began < 5:
                time.sleep(0.0005)
            longest = max(longest, time.perf_counter() - began)
        return longest


def measure(
    bench: Bench, title: str, view_name: str, document: Document, data: Dataset | None, seconds: float
) -> list[str]:
    bench.window.show_view(view_name)
    opening = bench.open(document, data)
    view = next(view for view in bench.window.tab_views() if view.name == view_name)
    frames = Frames(view.canvas)
    bench.heart.restart()
    began = time.perf_counter()
    bench.spin(seconds)
    stall, painted = bench.stall(), frames.count / (time.perf_counter() - began)
    usual = float(np.quantile(bench.heart.gaps, 0.99)) - 0.01
    rate, ratio = bench.throughput(seconds)
    pause = bench.pause()
    times = [f"{1e3 * value:.0f}" for value in (opening, usual, stall, pause)]
    return [title, view_name, *times, f"{painted:.1f}", page.number(rate), page.percent(ratio)]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", nargs="?", type=float, default=5.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--view", default="")
    options = parser.parse_args()
    bench, rows = Bench(), []
    for title, document, data in workloads():
        for view in VIEWS if options.only in title else ():
            if options.view in view:
                rows.append(measure(bench, title, view, document, data, options.seconds))
                progress(" | ".join(rows[-1]))
    close(bench.window)
    words = f"{WORDS} {page.machine(' '.join(['python benchmarks/window_smoothness.py', *sys.argv[1:]]))}"
    text = "\n\n".join(["## Watching", words, page.table(HEADS, rows)])
    sys.stdout.write(text + "\n")
    if not (options.only or options.view):
        page.write("watching", text)


def close(window: MainWindow) -> None:
    window._asked_to_close = True
    window.close()


if __name__ == "__main__":
    main()
