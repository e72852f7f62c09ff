"""Data sets that are fetched: from a server on this machine, whole or not at all, and only when asked."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import http.server
import os
import struct
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtWidgets import QMessageBox, QProgressDialog, QPushButton
from typer.testing import CliRunner

from engine import RelumeError, cli, datasets
from engine.data import fetch as fetching
from engine.data.fetch import RemoteFile, RemoteSet
from engine.data.spec import OWN_TABLE


def idx(values: np.ndarray) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def content() -> dict[str, bytes]:
    rng = np.random.default_rng(1)
    made = {}
    for part, n in (("train", 60), ("t10k", 20)):
        made[f"{part}-images-idx3-ubyte.gz"] = idx(rng.integers(0, 256, (n, 28, 28), dtype=np.uint8))
        made[f"{part}-labels-idx1-ubyte.gz"] = idx((np.arange(n) % 10).astype(np.uint8))
    return made


class Server:
    """Serves `files` by path; counts what was asked for; `gate` holds answers back while it is clear."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                outer.asked.append(self.path)
                body = outer.files.get(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header("Content-Length", str(len(body or b"")))
                self.end_headers()
                for start in range(0, len(body or b""), 4096):
                    if start >= 4096:
                        outer.gate.wait(20)
                    try:
                        self.wfile.write((body or b"")[start : start + 4096])
                    except OSError:
                        return

            def log_message(self, *_: object) -> None:
                """Nothing on the terminal."""

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def address(self, folder: str) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/{folder}/"


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.files = {f"/good/{name}": gzip.compress(body) for name, body in content().items()}
    yield made
    made.gate.set()
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def record(server, tmp_path, monkeypatch) -> RemoteSet:
    """A set called "mnist" of small files, kept in a folder of the test."""
    monkeypatch.setenv("RELUME_DATA", str(tmp_path / "data"))
    files = tuple(RemoteFile(n, len(body), hashlib.sha256(body).hexdigest()) for n, body in content().items())
    packed = sum(len(body) for body in server.files.values())
    made = dataclasses.replace(
        datasets.REMOTE.get("mnist"), files=files, packed=packed, mirrors=(server.address("good"),)
    )
    monkeypatch.setitem(datasets.REMOTE._records, "mnist", made)
    return made


def left(record: RemoteSet) -> list[str]:
    folder = fetching.folder_of(record)
    return sorted(path.name for path in folder.rglob("*")) if folder.exists() else []


def from_mirrors(monkeypatch, record: RemoteSet, *mirrors: str) -> RemoteSet:
    other = dataclasses.replace(record, mirrors=mirrors)
    monkeypatch.setitem(datasets.REMOTE._records, "mnist", other)
    return other


def test_every_set_says_what_it_is():
    for each in datasets.REMOTE:
        assert each.title and each.line and each.license and each.mirrors and each.name not in datasets.names()
        assert all(mirror.endswith("/") for mirror in each.mirrors)
        assert all(len(file.sha256) == 64 and file.size > 0 for file in each.files)


def test_nothing_is_asked_of_the_network_before_the_user_asks(server, record):
    with pytest.raises(RelumeError, match=r"not on this computer yet.*") as told:
        datasets.load("mnist")
    assert "fetch mnist" in told.value.fix and not server.asked and left(record) == []


def test_a_set_comes_with_its_parts_and_a_second_fetch_needs_no_network(server, record):
    heard: list[tuple[int, int]] = []
    datasets.fetch("mnist", lambda done, whole: heard.append((done, whole)))
    so_far, whole = zip(*heard, strict=True)
    assert list(so_far) == sorted(so_far) and so_far[-1] == pytest.approx(whole[0], abs=4)
    data = datasets.load("mnist", seed=3)
    assert data.x_train.shape == (60, 28, 28, 1) and data.x_test.shape == (20, 28, 28, 1)
    assert data.task == "multiclass" and data.x_train.min() >= 0 and data.x_train.max() <= 1
    images = np.frombuffer(content()["train-images-idx3-ubyte.gz"], np.uint8, offset=16).reshape(60, 28, 28, 1)
    np.testing.assert_allclose(data.x_train, images / 255, atol=1e-6)
    asked = len(server.asked)
    datasets.fetch("mnist")
    assert len(server.asked) == asked == 4


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda body: body[: len(body) // 2], "damaged|another|reached"),
        (lambda body: gzip.compress(b"something else"), "sent another file"),
        (lambda body: gzip.compress(bytes(1 << 22)), "sent another file"),
        (lambda body: bytes(1 << 20), "sent another file"),
        (lambda body: body[:-20] + bytes(20), "damaged|another"),
        (None, "answered 404"),
    ],
)
def test_what_is_not_the_file_is_not_kept(server, record, spoil, words):
    path = "/good/t10k-images-idx3-ubyte.gz"
    if spoil is None:
        del server.files[path]
    else:
        server.files[path] = spoil(server.files[path])
    with pytest.raises(RelumeError, match=words) as told:
        datasets.fetch("mnist")
    assert "127.0.0.1" in told.value.what and told.value.where == "t10k-images-idx3-ubyte.gz"
    assert not datasets.is_fetched(record) and not [name for name in left(record) if "part" in name]


def test_unpacked_on_the_way_is_as_good(server, record):
    server.files = {f"/good/{name}": body for name, body in content().items()}
    datasets.fetch("mnist")
    assert len(datasets.load("mnist").x_train) == 60


def test_a_file_that_was_damaged_since_comes_again(server, record):
    datasets.fetch("mnist")
    path = fetching.folder_of(record) / "train-images-idx3-ubyte.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    datasets.fetch("mnist")
    assert path.read_bytes() == whole and len(server.asked) == 5


@pytest.mark.parametrize("packed", [True, False], ids=["packed", "unpacked"])
def test_a_file_that_was_damaged_since_is_never_read(server, record, packed):
    """Its numbers would be wrong without a word; it goes, so that it can come again."""
    datasets.fetch("mnist")
    path = fetching.folder_of(record) / record.files[0].name
    body = bytearray(path.read_bytes() if packed else content()[path.name])
    body[len(body) // 2] ^= 1
    path.write_bytes(bytes(body))
    with pytest.raises(RelumeError, match="damaged and was removed") as told:
        datasets.load("mnist")
    assert "fetch mnist" in told.value.fix and not datasets.is_fetched(record)
    datasets.fetch("mnist")
    assert datasets.load("mnist").x_train.shape == (60, 28, 28, 1)


def test_a_fetch_from_a_silent_server_can_be_stopped_at_once(server, record):
    """Nothing waits for the thread that waits for the server: neither Cancel nor the end of the program."""

    class Stop(Exception):
        pass

    began = time.monotonic()

    def report(done: int, whole: int) -> None:
        if time.monotonic() - began > 0.3:
            raise Stop

    server.gate.clear()
    with pytest.raises(Stop):
        datasets.fetch("mnist", report)
    assert time.monotonic() - began < 2
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "fetch")
    server.gate.set()
    assert not [name for name in left(record) if "part" in name]


def test_a_server_that_falls_silent_is_told(server, record, monkeypatch):
    monkeypatch.setattr(fetching, "TIMEOUT", 0.3)
    server.gate.clear()
    with pytest.raises(RelumeError, match="did not answer in time|could not be reached"):
        datasets.fetch("mnist")
    assert not [name for name in left(record) if "part" in name]


def test_what_a_killed_process_left_is_swept(server, record):
    old = fetching.folder_of(record) / f"{fetching.PART}old"
    old.mkdir(parents=True)
    os.utime(old, (0, 0))
    datasets.fetch("mnist")
    assert not old.exists()


def test_another_mirror_is_tried(server, record, monkeypatch):
    other = from_mirrors(monkeypatch, record, "http://127.0.0.1:9/", server.address("nothing"), server.address("good"))
    datasets.fetch("mnist")
    assert datasets.is_fetched(other)


def test_no_server_is_told_with_what_to_do(record, monkeypatch):
    from_mirrors(monkeypatch, record, "http://127.0.0.1:9/")
    with pytest.raises(RelumeError, match="could not be reached") as told:
        datasets.fetch("mnist")
    assert "connection" in told.value.fix


def test_what_came_before_a_stop_is_kept_and_nothing_half_done(server, record):
    class Stop(Exception):
        """As the window's Cancel."""

    def stop(done: int, whole: int) -> None:
        if done > 0.9 * whole:
            raise Stop

    with pytest.raises(Stop):
        datasets.fetch("mnist", stop)
    kept = left(record)
    assert kept and set(kept) < {file.name for file in record.files}
    datasets.fetch("mnist")
    assert datasets.is_fetched(record) and len(server.asked) < 8


def test_a_folder_that_cannot_be_made_is_told(record, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RELUME_DATA", str(tmp_path / "file"))
    with pytest.raises(RelumeError, match="cannot be kept"):
        datasets.fetch("mnist")


def test_the_commands(server, record):
    run = CliRunner()
    assert "python main.py fetch mnist" in run.invoke(cli.app, ["datasets"]).output
    assert run.invoke(cli.app, ["fetch", "nothing"]).exit_code == 2
    done = run.invoke(cli.app, ["fetch", "mnist"])
    assert done.exit_code == 0 and "train mnist" in done.output
    assert "fetched" in run.invoke(cli.app, ["datasets"]).output


def test_ctrl_c_ends_the_command_and_keeps_nothing_half_done(record, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "_download", interrupted)
    assert CliRunner().invoke(cli.app, ["fetch", "mnist"]).exit_code == 130
    assert left(record) == []


# ---- in the window ----------------------------------------------------------------------------


@pytest.fixture
def panel(qtbot, monkeypatch):
    from gui.panels.data_panel import DataPanel
    from gui.session import Session

    monkeypatch.setattr("engine.trainer.Trainer.open", lambda self: None)  # nothing trains
    session = Session()
    shown = DataPanel(session)
    qtbot.addWidget(shown)
    shown.show()
    yield shown
    session.close()


def choose(panel) -> None:
    row = panel.sets.findData("mnist")
    panel.sets.setCurrentIndex(row)
    panel.sets.activated.emit(row)


def answer(panel, words: str) -> None:
    (question,) = panel.window().findChildren(QMessageBox)
    next(button for button in question.buttons() if button.text() == words).click()


def test_the_window_asks_fetches_and_takes_it(server, record, panel, qtbot):
    assert "fetch" in panel.sets.itemText(panel.sets.findData("mnist"))
    choose(panel)
    assert not server.asked
    answer(panel, "Fetch")
    qtbot.waitUntil(lambda: panel.session.document.data.name == OWN_TABLE, timeout=20_000)
    assert panel.session.document.data.table.name == "MNIST" and len(panel.session.dataset.x_train) == 60
    assert panel.sets.itemText(panel.sets.findData("mnist")) == "MNIST"


def test_the_window_fetches_again_what_was_damaged_since(server, record, panel, qtbot):
    datasets.fetch("mnist")
    path = fetching.folder_of(record) / record.files[0].name
    path.write_bytes(path.read_bytes()[:-20])
    told: list[str] = []
    panel.session.notice.connect(lambda words, _: told.append(words))
    choose(panel)
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    assert "damaged" in told[0]
    qtbot.waitUntil(lambda: "fetch" in panel.sets.itemText(panel.sets.findData("mnist")), timeout=5_000)
    choose(panel)
    answer(panel, "Fetch")
    qtbot.waitUntil(lambda: panel.session.document.data.name == OWN_TABLE, timeout=20_000)


def test_saying_no_changes_nothing(server, record, panel):
    before = panel.session.document
    choose(panel)
    answer(panel, "Cancel")
    assert panel.session.document == before and panel.sets.currentData() == before.data.name and not server.asked


def test_a_fetch_can_be_stopped_in_the_window(server, record, panel, qtbot):
    server.gate.clear()
    before = panel.session.document
    choose(panel)
    answer(panel, "Fetch")
    qtbot.waitUntil(
        lambda: any(box.isVisible() for box in panel.window().findChildren(QProgressDialog)), timeout=20_000
    )
    (box,) = panel.window().findChildren(QProgressDialog)
    box.findChild(QPushButton).click()
    qtbot.waitUntil(lambda: panel.sets.currentData() == before.data.name, timeout=5_000)
    server.gate.set()
    qtbot.wait(300)
    assert panel.session.document == before and not datasets.is_fetched(record)


def test_a_failed_fetch_is_told_and_nothing_is_lost(server, record, panel, qtbot):
    told: list[str] = []
    panel.session.notice.connect(lambda words, _: told.append(words))
    server.files.clear()
    before = panel.session.document
    choose(panel)
    answer(panel, "Fetch")
    qtbot.waitUntil(lambda: bool(told), timeout=20_000)
    assert "404" in told[0] and "try again" in told[0] and panel.session.document == before
    qtbot.waitUntil(lambda: panel.sets.currentData() == before.data.name, timeout=5_000)
