"""Images as data: the embedded set, IDX files, and what is told when something is wrong with them."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
import sys
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import engine
from engine import cli, datasets, memory
from engine.data.held import SMALL, Held
from engine.data.idx import TYPES, looks_like_idx, read_idx
from engine.data.images import open_images
from engine.data.preprocessing import Preprocessing
from engine.default_network import default_design
from engine.errors import RelumeError
from engine.files import load_project, save_project
from engine.files.project import Project

ROOT = Path(__file__).parent.parent
CODES = {np.dtype(kind).str: code for code, kind in TYPES.items()}


def idx_bytes(values: np.ndarray) -> bytes:
    """`values` as an IDX file."""
    big = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder(">"))
    code = CODES[big.dtype.str]
    return bytes([0, 0, code, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape) + big.tobytes()


def write(path: Path, values: np.ndarray) -> Path:
    content = idx_bytes(values)
    path.write_bytes(gzip.compress(content, 1) if path.suffix == ".gz" else content)
    return path


def pixels(count: int, shape: tuple[int, ...] = (5, 4), seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


def labels(count: int, classes: int = 3) -> np.ndarray:
    return (np.arange(count) % classes).astype(np.uint8)


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    """The four files of MNIST, small."""
    for part, count in (("train", 30), ("t10k", 9)):
        write(tmp_path / f"{part}-images-idx3-ubyte.gz", pixels(count))
        write(tmp_path / f"{part}-labels-idx1-ubyte.gz", labels(count))
    return tmp_path / "train-images-idx3-ubyte.gz"


# the embedded set


class TestFashion:
    def test_it_is_what_it_says_and_loads_at_once(self):
        datasets.load("fashion_mnist_12k")
        began = time.perf_counter()
        data = datasets.load("fashion_mnist_12k", seed=5)
        assert time.perf_counter() - began < 0.5
        assert data.x_train.shape == (10_000, 28, 28, 1) and data.x_test.shape == (2_000, 28, 28, 1)
        assert data.x_train.dtype == np.float32 and data.x_train.min() == 0 and data.x_train.max() == 1
        assert (np.bincount(data.y_train) == 1000).all() and (np.bincount(data.y_test) == 200).all()
        assert data.class_names[0] == "T-shirt/top" and data.class_names[9] == "Ankle boot"
        assert data.image_shape == (28, 28, 1) and len(data.feature_names) == 784

    def test_the_pixels_are_held_once(self):
        data = datasets.load("fashion_mnist_12k")
        assert data.raw_train is data.x_train and data.raw_test is data.x_test

    def test_the_file_is_small(self):
        assert (datasets.get("fashion_mnist_12k").make(0, 0.0, 10, 0).x.dtype) == np.uint8
        path = Path(datasets.__file__).parents[1] / "resources" / "data" / "fashion_mnist_12k.npz"
        assert path.stat().st_size <= 8_000_000

    def test_another_share_splits_anew(self):
        data = datasets.load("fashion_mnist_12k", train_share=0.5)
        assert len(data.x_train) == len(data.x_test) == 6000
        spec = datasets.DataSpec("spiral", train_share=0.5)
        assert datasets.switch(spec, "fashion_mnist_12k").train_share == 0.75, "it comes with its own split"

    @pytest.mark.parametrize("scaling", ["standard", "min-max"])
    def test_all_pixels_share_one_scale(self, scaling):
        data = datasets.load("fashion_mnist_12k", scaling=scaling)
        assert len(data.preprocessing.input_offset) == 1 and data.x_train.shape == (10_000, 28, 28, 1)
        if scaling == "standard":
            assert abs(data.x_train.mean()) < 1e-4 and abs(data.x_train.std() - 1) < 1e-4
        assert np.allclose(data.preprocessing.apply(data.raw_test), data.x_test)
        assert Preprocessing.from_dict(data.preprocessing.to_dict()) == data.preprocessing

    def test_made_inputs_do_not_apply(self):
        with pytest.raises(RelumeError, match="plane"):
            datasets.load("fashion_mnist_12k", features=("x",))


# arrays of any kind


def test_float32_arrays_are_not_copied_and_stay_writeable_for_their_owner():
    x = np.zeros((6, 4, 4, 1), np.float32)
    data = engine.Dataset(x, [0, 1, 2, 0, 1, 2], x[:0], [])
    assert np.shares_memory(data.x_train, x) and data.raw_train is data.x_train
    assert not data.x_train.flags.writeable and x.flags.writeable
    assert data.image_shape == (4, 4, 1)


def test_a_value_that_is_not_finite_is_found_in_any_part():
    x = np.zeros((3000, 200), np.float32)
    x[2999, 150] = np.nan
    with pytest.raises(RelumeError, match="row 3000, column 151"):
        engine.Dataset(x, np.zeros(3000, np.int64), x[:1], [0])


# IDX files


@given(
    kind=st.sampled_from(sorted(TYPES.values())),
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    packed=st.booleans(),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_every_type_and_shape_comes_back(kind, shape, packed, seed):
    values = np.random.default_rng(seed).integers(0, 100, shape).astype(kind)
    content = idx_bytes(values)
    content = gzip.compress(content) if packed else content
    assert looks_like_idx(content)
    assert np.array_equal(read_idx(io.BytesIO(content)), values)
    assert np.array_equal(read_idx(io.BytesIO(content), rows=1), values[:1])


@given(cut=st.integers(0, 400), at=st.integers(0, 400), value=st.integers(0, 255), packed=st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_damaged_file_is_told_or_read(cut, at, value, packed):
    content = idx_bytes(pixels(12))
    content = bytearray(gzip.compress(content, mtime=0) if packed else content)
    content[at % len(content)] = value
    try:
        read_idx(io.BytesIO(content[: len(content) - cut]), "damaged")
    except RelumeError as error:
        assert "damaged" in str(error)


def test_the_declared_size_is_held_against_the_file():
    content = idx_bytes(pixels(12))
    with pytest.raises(RelumeError, match=r"declares 12 x 5 x 4 values \(240 bytes\), it holds 230"):
        read_idx(io.BytesIO(content[:-10]))
    with pytest.raises(RelumeError, match="too long"):
        read_idx(io.BytesIO(content + b"more"))
    with pytest.raises(RelumeError, match="declares 12 x 5 x 4 values .* it holds 230"):
        read_idx(io.BytesIO(gzip.compress(content[:-10])))
    with pytest.raises(RelumeError, match="holds more"):
        read_idx(io.BytesIO(gzip.compress(content + b"more")))
    with pytest.raises(RelumeError, match="cut short"):
        read_idx(io.BytesIO(gzip.compress(content)[:-12]))


def test_a_bomb_is_read_no_further_than_declared():
    bomb = gzip.compress(idx_bytes(pixels(12)) + bytes(200_000_000), 1)
    began = time.perf_counter()
    with pytest.raises(RelumeError, match="holds more"):
        read_idx(io.BytesIO(bomb))
    assert time.perf_counter() - began < 0.5


def test_a_size_beyond_the_memory_is_refused_with_figures_before_it_is_made(monkeypatch):
    head = bytes([0, 0, 8, 3]) + struct.pack(">3I", 60_000, 1000, 1000)
    with pytest.raises(RelumeError, match=r"60,000 x 1,000 x 1,000 values \(60,000,000,000 bytes\)"):
        read_idx(io.BytesIO(gzip.compress(head)))
    monkeypatch.setattr(memory, "available", lambda: 100_000_000)
    with pytest.raises(RelumeError, match=r"would take 235\.2 MB of memory, 100\.0 MB are free"):
        read_idx(io.BytesIO(gzip.compress(idx_bytes(np.zeros((60_000, 28, 28), np.uint8)), 1)))


@pytest.mark.parametrize(
    "content", [b"", b"\0\0", b"a,b\n1,2\n", b"\0\0\x07\1\0\0\0\1\1", b"\0\0\x08\5" + bytes(30), b"\0\0\x08\0"]
)
def test_what_is_no_idx_file_is_told(content, tmp_path):
    path = tmp_path / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(RelumeError, match="not an IDX file"):
        datasets.read_table(path)


def test_no_sample_is_told():
    with pytest.raises(RelumeError, match="holds nothing"):
        read_idx(io.BytesIO(idx_bytes(np.zeros((0, 28, 28), np.uint8))))


# images with their labels


def test_one_file_finds_the_others(mnist):
    data = datasets.read_table(mnist)
    assert data.x_train.shape == (30, 5, 4, 1) and data.x_test.shape == (9, 5, 4, 1)
    assert np.array_equal(data.x_train[..., 0], pixels(30).astype(np.float32) / np.float32(255))
    assert np.array_equal(data.y_train, labels(30)) and data.class_names == ("0", "1", "2")
    assert data.task == "multiclass" and data.image_shape == (5, 4, 1) and data.raw_train is data.x_train
    assert datasets.read_table(mnist, train_share=0.5).x_train.shape[0] == 19, "a share that is asked for splits anew"
    alone = datasets.read_table(mnist.with_name("t10k-images-idx3-ubyte.gz"))
    assert len(alone.x_train) + len(alone.x_test) == 9


@pytest.mark.parametrize(
    ("images", "wanted"),
    [
        ("images.idx3-ubyte", "labels.idx1-ubyte.gz"),
        ("emnist-letters-train-images-idx3-ubyte", "emnist-letters-train-labels-idx1-ubyte"),
        ("train-images.idx3-ubyte.gz", "train-labels.idx1-ubyte"),
    ],
)
def test_names_of_labels(images, wanted, tmp_path):
    write(tmp_path / images, pixels(12))
    write(tmp_path / wanted, labels(12))
    opened = open_images(str(tmp_path / images))
    assert opened.names == {"images": images, "labels": wanted} and not opened.has_test


def test_labels_may_be_named(tmp_path):
    path, other = write(tmp_path / "a.idx", pixels(12)), write(tmp_path / "b", labels(12, 2))
    with pytest.raises(RelumeError, match="not beside the images"):
        datasets.read_table(path)
    assert datasets.read_table(path, labels=other).task == "binary"
    with pytest.raises(RelumeError, match="labels, not images"):
        datasets.read_table(other)
    with pytest.raises(RelumeError, match="Images have no encoding"):
        datasets.read_table(path, encoding="utf-8")
    with pytest.raises(RelumeError, match="columns"):
        datasets.read_table(path, labels=other, target="a")


def test_color_rows_and_values(tmp_path):
    color = write(tmp_path / "images.idx4", pixels(12, (4, 4, 3)))
    write(tmp_path / "labels.idx1", labels(12))
    data = datasets.read_table(color)
    assert data.x_train.shape == (9, 4, 4, 3) and data.feature_names[4] == "row 1, column 2, channel 2"
    rows = write(tmp_path / "images.idx2", np.arange(48, dtype=">f8").reshape(12, 4))
    values = write(tmp_path / "values", np.linspace(-1, 1, 12).astype(">f4"))
    data = datasets.read_table(rows, labels=values, scaling="standard")
    assert data.task == "regression" and data.x_train.shape == (9, 4) and data.image_shape is None
    assert len(data.preprocessing.input_offset) == 4


def test_files_that_do_not_belong_together(tmp_path):
    path = write(tmp_path / "train-images-idx3-ubyte", pixels(12))
    write(tmp_path / "train-labels-idx1-ubyte", labels(11))
    with pytest.raises(RelumeError, match="12 images and 11 labels"):
        datasets.read_table(path)
    write(tmp_path / "train-labels-idx1-ubyte", labels(12))
    write(tmp_path / "t10k-images-idx3-ubyte", pixels(4, (3, 3)))
    write(tmp_path / "t10k-labels-idx1-ubyte", labels(4))
    with pytest.raises(RelumeError, match="Training images are 5 x 4 and test images 3 x 3"):
        datasets.read_table(path)
    write(tmp_path / "train-labels-idx1-ubyte", np.zeros(12, np.uint8))
    with pytest.raises(RelumeError, match="1 different labels"):
        datasets.read_table(path, test=path)
    wide = write(tmp_path / "wide-images-idx3-ubyte", pixels(2, (500, 500)))
    write(tmp_path / "wide-labels-idx1-ubyte", labels(2))
    with pytest.raises(RelumeError, match="more than 200,000 values"):
        datasets.read_table(wide)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(RelumeError, match="cannot be read"):
        datasets.read_table(tmp_path / "train-images-idx3-ubyte.gz")


def test_a_project_carries_the_images(mnist, tmp_path):
    spec = datasets.DataSpec("table", table=open_images(mnist))
    again = datasets.DataSpec.from_dict(spec.to_dict())
    assert np.array_equal(datasets.load_spec(again).x_test, datasets.load_spec(spec).x_test)
    network = engine.NetworkSpec((20,), (engine.Dense(3),), "softmax_cross_entropy")
    path = save_project(tmp_path / "a.relume", Project(network, engine.TrainingSpec(), spec))
    loaded = load_project(path).data.table
    assert loaded is not None and loaded.names == spec.table.names and loaded.data == spec.table.data
    broken = {**spec.to_dict()["table"], "files": [{"role": "images", "name": "a", "bytes": 3}]}
    with pytest.raises(RelumeError):
        datasets.DataSpec.from_dict({**spec.to_dict(), "table": broken})


def test_the_command_line_trains_on_images(mnist, tmp_path, capsys):
    assert cli.run(["train", str(mnist), "--epochs", "1", "--out", str(tmp_path / "out")]) == 0
    assert "30 training samples, 9 for testing" in capsys.readouterr().out and (tmp_path / "out/weights.npz").exists()
    path, other = write(tmp_path / "a.idx", pixels(12)), write(tmp_path / "b", labels(12))
    assert cli.run(["train", str(path), "--epochs", "1", "--out", str(tmp_path / "out")]) == 2
    assert "not beside the images" in capsys.readouterr().err
    assert cli.run(["train", str(path), "--labels", str(other), "--epochs", "0", "--out", str(tmp_path / "out")]) == 0
    assert cli.run(["train", str(tmp_path / "none-idx3-ubyte"), "--out", str(tmp_path / "out")]) == 2


# memory


def test_large_files_wait_on_the_disk(monkeypatch):
    for size in (10, SMALL + 1):
        held = Held(io.BytesIO(bytes(size)))
        assert held.read() == bytes(size) == held.read() and held.size == size
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    assert Held(io.BytesIO(bytes(SMALL + 1))).read() == bytes(SMALL + 1), "in memory, then"


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from the kernel")
def test_mnist_in_full_trains_within_600_mb(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (60_000, 28, 28), dtype=np.uint8)
    path = write(tmp_path / "train-images-idx3-ubyte.gz", images)
    write(tmp_path / "train-labels-idx1-ubyte", labels(60_000, 10))
    code = f"""
import engine
data = engine.datasets.read_table({str(path)!r}, train_share=0.9)
spec = engine.NetworkSpec((28, 28, 1), (engine.Flatten(), engine.Dense(32, "relu"), engine.Dense(10)),
                          "softmax_cross_entropy")
trainer = engine.Trainer(spec, engine.TrainingSpec(batch_size=128, epochs=1), data)
trainer.run(), trainer.snapshot()
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(ran.stdout) * 1024 < 600e6


def test_figures_are_words():
    assert memory.size_words(47_040_016) == "47.0 MB" and memory.size_words(12) == "12 bytes"
    assert memory.data_bytes((60_000, 784)) == 188_160_000
    there_is = memory.available()
    assert there_is is None or there_is > 0


def test_made_data_that_cannot_fit_are_refused_before_they_are_made(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 70_000_000)
    with pytest.raises(RelumeError, match=r"1,000,000 points would take 128\.0 MB of memory, 70\.0 MB are free"):
        datasets.load("spiral", samples=1_000_000)


def test_a_network_that_cannot_fit_is_refused_before_it_is_made(monkeypatch):
    data = datasets.load("digits")
    small = engine.NetworkSpec((64,), (engine.Dense(10),), "softmax_cross_entropy")
    large = engine.NetworkSpec((64,), (engine.Dense(100_000), engine.Dense(10)), "softmax_cross_entropy")
    trainer = engine.Trainer(small, engine.TrainingSpec(), data)
    monkeypatch.setattr(memory, "available", lambda: 200_000_000)
    for act in (
        lambda: engine.Trainer(large, engine.TrainingSpec(optimizer=engine.Adam()), data),
        lambda: trainer.change(spec=large),
    ):
        with pytest.raises(
            RelumeError, match=r"7,500,010 parameters would take 210\.0 MB of memory, 200\.0 MB are free"
        ):
            act()
    trainer.close()


def test_a_share_that_is_asked_for_deals_out_the_stored_values(mnist):
    own, again = datasets.read_table(mnist), datasets.read_table(mnist, train_share=0.5)
    rows = {tuple(row) for row in own.x_train.reshape(30, -1).tolist() + own.x_test.reshape(9, -1).tolist()}
    assert {tuple(row) for row in again.x_train.reshape(len(again.x_train), -1).tolist()} <= rows


def test_a_trainer_that_is_let_go_takes_its_data_along():
    data = datasets.load("iris")
    trainer = engine.Trainer(*default_design(data), data)
    trainer.start()
    trainer.wait(10)
    trainer.close()
    gone = weakref.ref(data)
    del data, trainer
    assert gone() is None, "no circle may keep 200 MB until Python looks for circles"
