"""A project comes back as it was, training goes on bit for bit, and a file that is not whole is told, never guessed."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.data.table import open_table
from engine.files import Project, load_project, save_project
from engine.files.container import MANIFEST, encode_array, encode_json, write_container

ROOT = Path(__file__).parent.parent
SPEC = engine.NetworkSpec(
    (2,), (engine.Dense(6, "prelu"), engine.Dropout(0.2), engine.Dense(1)), "binary_cross_entropy"
)
TRAINING = engine.TrainingSpec(engine.Adam(learning_rate=0.01), epochs=5, seed=3)
DATA = engine.DataSpec("spiral", samples=90)


def trained(batches: int = 7) -> tuple[Project, engine.Trainer]:
    trainer = engine.Trainer(SPEC, TRAINING, engine.datasets.load_spec(DATA))
    trainer.step(batches)
    return Project(SPEC, TRAINING, DATA, trainer.checkpoint(), 4.0), trainer


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("project") / "run.relume"
    save_project(path, trained()[0])
    return path.read_bytes()


def test_training_goes_on_bit_for_bit_after_loading(tmp_path):
    project, trainer = trained()
    save_project(tmp_path / "run.relume", project)
    loaded = load_project(tmp_path / "run.relume")
    assert (loaded.spec, loaded.training, loaded.data, loaded.pace) == (SPEC, TRAINING, DATA, 4.0)
    again = engine.Trainer.from_checkpoint(
        loaded.spec, loaded.training, engine.datasets.load_spec(loaded.data), loaded.checkpoint
    )
    trainer.run()
    again.run()
    for key, values in trainer.network.parameters().items():
        assert values.tobytes() == again.network.parameters()[key].tobytes(), key
    np.testing.assert_array_equal(trainer.history.column("train_loss"), again.history.column("train_loss"))


def test_saving_what_was_loaded_gives_the_same_bytes(tmp_path, saved):
    (tmp_path / "a.relume").write_bytes(saved)
    save_project(tmp_path / "b.relume", load_project(tmp_path / "a.relume"))
    assert (tmp_path / "b.relume").read_bytes() == saved


def test_an_own_table_goes_along_whole(tmp_path):
    content = "größe;note\n1,5;=a\n2,5;b\n0,5;=a\n4,5;b\n".encode("cp1252")
    data = engine.DataSpec("table", table=open_table(content, "häuser.csv"), target=("note",), train_share=0.5)
    spec = engine.NetworkSpec((1,), (engine.Dense(1),), "binary_cross_entropy")
    save_project(tmp_path / "t.relume", Project(spec, TRAINING, data))
    loaded = load_project(tmp_path / "t.relume")
    assert loaded.checkpoint is None and loaded.pace is None
    assert loaded.data.table is not None and loaded.data.table.data == content
    assert loaded.data.to_dict() == data.to_dict()
    assert "data" not in data.outline()["table"], "the bytes are a member of their own, not text in the document"
    save_project(tmp_path / "u.relume", loaded)
    assert (tmp_path / "t.relume").read_bytes() == (tmp_path / "u.relume").read_bytes()


def test_a_changed_byte_is_told_or_changes_nothing(tmp_path, saved):
    draw, path = random.Random(5), tmp_path / "x.relume"
    told = 0
    for place in sorted({*range(0, 120), *range(len(saved) - 120, len(saved)), *draw.sample(range(len(saved)), 250)}):
        changed = bytearray(saved)
        changed[place] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        try:
            loaded = load_project(path)
        except engine.RelumeError as error:
            told += 1
            assert error.where.startswith("x.relume") and error.fix
            continue
        save_project(tmp_path / "y.relume", loaded)
        assert (tmp_path / "y.relume").read_bytes() == saved, place
    assert told > 200


def test_a_cut_or_lengthened_file_is_told(tmp_path, saved):
    path = tmp_path / "x.relume"
    for content in (*(saved[:end] for end in range(0, len(saved), 97)), saved + b"x", saved + saved, b"x" + saved):
        path.write_bytes(content)
        with pytest.raises(engine.RelumeError):
            load_project(path)


@pytest.mark.parametrize(
    ("content", "what"),
    [(b"", "not a Relume project"), (b"PK\x03\x04" + bytes(60), "not a Relume project"), (b"a,b\n1,2\n", "not a Re")],
)
def test_other_files_are_no_project(tmp_path, content, what):
    path = tmp_path / "other.relume"
    path.write_bytes(content)
    with pytest.raises(engine.RelumeError, match=what):
        load_project(path)


def test_a_missing_file_and_a_folder_are_told(tmp_path):
    with pytest.raises(engine.RelumeError, match=r"none\.relume.*cannot be read"):
        load_project(tmp_path / "none.relume")
    with pytest.raises(engine.RelumeError, match="cannot be read"):
        load_project(tmp_path)
    with pytest.raises(engine.RelumeError, match="folder"):
        save_project(tmp_path, trained(0)[0])
    with pytest.raises(engine.RelumeError, match="cannot be written"):
        save_project(tmp_path / "none" / "a.relume", trained(0)[0])


def rewritten(saved: bytes, **changes: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(saved)) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != MANIFEST}
    return members | {name.replace("__", "/"): data for name, data in changes.items()}


def header(shape: str, dtype: str = "'<f4'") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "member",
    [
        header("(1099511627776,)"), header("(-1,)"), header("(2,)", "'|O'") + bytes(16), header("(" * 3000), b"",
        header("(1,)", "[('a', '<f4')]") + bytes(4), b"\x93NUMPY\x09\x00", header("(__import__('os'),)"),
    ],
)  # fmt: skip
def test_a_forged_array_is_refused(tmp_path, saved, member):
    path = tmp_path / "forged.relume"
    write_container(path, rewritten(saved, **{"run/parameters/0.kernel.npy": member}))
    with pytest.raises(engine.RelumeError, match=r"forged\.relume"):
        load_project(path)


@pytest.mark.parametrize(
    "document", [b"[" * 100_000, b"[]", b"{}", b"\xff", b'{"spec": 1}', b'{"spec": {"layers": [{"kind": "Dense"}]}}']
)
def test_a_forged_document_is_refused(tmp_path, saved, document):
    path = tmp_path / "forged.relume"
    write_container(path, rewritten(saved, **{"document.json": document}))
    with pytest.raises(engine.RelumeError, match=r"forged\.relume"):
        load_project(path)


def test_a_compressed_bomb_and_a_crowd_of_members_are_refused(tmp_path):
    path = tmp_path / "bomb.relume"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, bytes(50 << 20))
    assert path.stat().st_size < 100_000
    with pytest.raises(engine.RelumeError, match="claim more"):
        load_project(path)
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(12_000):
            archive.writestr(MANIFEST if number == 0 else f"m{number}", b"")
    with pytest.raises(engine.RelumeError, match="too long"):
        load_project(path)


def test_a_newer_version_asks_for_an_update(tmp_path, saved):
    path = tmp_path / "new.relume"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(MANIFEST, json.dumps({"format": "Relume project", "version": 99, "members": {}}))
    with pytest.raises(engine.RelumeError, match="newer version.*Update"):
        load_project(path)


def test_a_run_of_another_network_is_refused(tmp_path, saved):
    path = tmp_path / "other.relume"
    write_container(path, rewritten(saved, **{"run/parameters/0.kernel.npy": encode_array(np.zeros((3, 3), "f4"))}))
    loaded = load_project(path)
    with pytest.raises(engine.RelumeError, match="shape"):
        engine.Trainer.from_checkpoint(
            loaded.spec, loaded.training, engine.datasets.load_spec(loaded.data), loaded.checkpoint
        )


def test_a_speed_that_is_none_is_told(tmp_path, saved):
    document = json.loads(rewritten(saved)["document.json"]) | {"pace": -1}
    write_container(tmp_path / "p.relume", rewritten(saved, **{"document.json": encode_json(document)}))
    with pytest.raises(engine.RelumeError, match="speed"):
        load_project(tmp_path / "p.relume")


SAVER = """
import sys, engine
from engine.files import Project, save_project
from engine.data.table import open_table
rows = "a,b\\n" + "".join(f"{k},{k % 2}\\n" for k in range(300_000))
data = engine.DataSpec("table", table=open_table(rows.encode(), "t.csv"), target=("b",))
spec = engine.NetworkSpec((1,), (engine.Dense(1),), "binary_cross_entropy")
print("ready", flush=True)
while True:
    for seed in (1, 2):
        save_project(sys.argv[1], Project(spec, engine.TrainingSpec(seed=seed), data))
"""


@pytest.mark.skipif(os.name != "posix", reason="processes are killed by signal")
def test_a_kill_while_saving_leaves_a_whole_file(tmp_path, saved):
    path = tmp_path / "killed.relume"
    path.write_bytes(saved)
    for delay in (0.0, 0.03, 0.11):
        process = subprocess.Popen([sys.executable, "-c", SAVER, str(path)], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        load_project(path)
    (tmp_path / ".relume-4194999-0123abcd.tmp.relume").write_bytes(b"half")
    save_project(path, trained(0)[0])
    assert [entry.name for entry in tmp_path.iterdir()] == ["killed.relume"]


@pytest.mark.skipif(os.name != "posix", reason="links need rights there")
def test_a_link_stays_a_link_and_rights_stay(tmp_path, saved):
    real, link = tmp_path / "real" / "a.relume", tmp_path / "link.relume"
    real.parent.mkdir()
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    save_project(link, trained(0)[0])
    assert link.is_symlink() and load_project(real).spec == SPEC
    assert real.stat().st_mode & 0o777 == 0o640
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == ["a.relume", "link.relume", "real"]


def test_a_full_disk_leaves_the_old_file(tmp_path, saved, monkeypatch):
    path = tmp_path / "full.relume"
    path.write_bytes(saved)

    def fail(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(engine.RelumeError, match=r"full\.relume.*No space left"):
        save_project(path, trained(0)[0])
    assert path.read_bytes() == saved and len(list(tmp_path.iterdir())) == 1
