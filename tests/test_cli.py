"""The command line: what it writes, what it says, how it ends."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import engine
from engine import cli
from engine.default_network import default_design
from engine.jobs import find_job
from engine.telemetry import HISTORY_COLUMNS

ROOT = Path(__file__).parent.parent


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def train(*words: str, folder: Path) -> int:
    return cli.run(["train", *words, "--out", str(folder)])


def test_train_writes_weights_history_and_plots(tmp_path, capsys):
    assert train("spiral", "--epochs", "4", "--seed", "7", folder=tmp_path / "out") == 0
    names = {
        f"plots/{name}.{suffix}" for name in ("loss", "metric", "output", "activations") for suffix in ("png", "svg")
    }
    assert written(tmp_path / "out") == {"weights.npz", "history.csv"} | names
    with open(tmp_path / "out" / "history.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert tuple(rows[0]) == HISTORY_COLUMNS and [float(row[0]) for row in rows[1:]] == [0, 1, 2, 3, 4]
    said = capsys.readouterr().out
    assert "Test loss" in said and "accuracy" in said and "in layer 1" in said and str(tmp_path / "out") in said


def test_the_written_weights_are_those_of_the_engine(tmp_path):
    train("digits", "--epochs", "2", "--seed", "3", folder=tmp_path)
    trainer = find_job("digits", 2, 3).trainer
    trainer.run()
    expected = trainer.network.parameters()
    trainer.close()
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as file:
        for key, values in expected.items():
            assert file[key].tobytes() == values.tobytes(), key


@pytest.mark.parametrize("name", ["diabetes", "wine", "sine", "plane", "breast_cancer"])
def test_data_sets_bring_a_network_of_their_own(name, tmp_path):
    assert train(name, "--epochs", "3", folder=tmp_path) == 0
    assert {"weights.npz", "history.csv", "plots/output.png"} <= written(tmp_path)


def test_a_regression_is_told_in_its_own_units(tmp_path, capsys):
    train("diabetes", "--epochs", "2", folder=tmp_path)
    assert "plots/error.png" in written(tmp_path)
    said = capsys.readouterr().out
    error = float(said.split("RMS error ")[1].split(",")[0])
    assert 40 < error < 200 and "units of disease progression" in said


@pytest.mark.parametrize("name", engine.datasets.names())
def test_default_networks_fit_their_data(name):
    data = engine.datasets.load_spec(engine.datasets.switch(engine.DataSpec(), name))
    spec, training = default_design(data)
    assert spec.input_shape == data.x_train.shape[1:] and 5 <= training.epochs <= 500
    engine.Trainer(spec, training, data).close()


def test_an_own_table_is_trained(tmp_path):
    rows = [f"{k},{(k * 7) % 11},{'yes' if k % 2 else 'no'}" for k in range(60)]
    (tmp_path / "own.csv").write_text("\n".join(["length,width,ripe", *rows]))
    assert train(str(tmp_path / "own.csv"), "--epochs", "2", folder=tmp_path / "out") == 0
    assert "weights.npz" in written(tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("spirl",), "Did you mean spiral"),
        (("missing.csv",), "missing.csv"),
        (("missing.relume",), "missing.relume"),
        (("bad.csv",), "bad.csv"),
    ],
)
def test_bad_input_is_told_in_words(words, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("bad.csv").write_bytes(b"\x00\x01\x02" * 50)
    assert cli.run(["train", *words]) == 2
    told = capsys.readouterr()
    assert said in told.err and "Traceback" not in told.err and not told.out


def test_without_a_screen_it_says_what_it_trains(tmp_path, monkeypatch, capsys):
    told = []
    monkeypatch.setattr(cli, "run", lambda words: told.append(words) or 0)
    name = str(tmp_path / "no file.relume")
    assert cli.run_without_screen([]) == 0 and cli.run_without_screen([name]) == 0
    assert told == [["train", "spiral"], ["train", name]]
    example, file = capsys.readouterr().out.split("\n\n", 1)
    assert "built-in example instead" in example and example.endswith("train spiral")
    assert "this file instead" in file and "example" not in file and name in file


def test_bad_words_end_with_two(tmp_path, capsys):
    assert cli.run(["train", "spiral", "--epochs", "-1"]) == 2
    assert cli.run(["nonsense"]) == 2
    (tmp_path / "file").write_text("")
    assert train("spiral", folder=tmp_path / "file") == 2
    assert "Choose another --out" in capsys.readouterr().err


def _counting(function, calls):
    def counted(*words, **options):
        calls.append(function.__name__)
        return function(*words, **options)

    return counted


def test_a_project_goes_on_where_it_was(tmp_path, monkeypatch):
    example = engine.examples.EXAMPLES.get("spiral")
    data = engine.datasets.load_spec(example.data)
    trainer = engine.Trainer(example.spec, example.training, data)
    trainer.step(30)
    path = tmp_path / "half.relume"
    project = engine.files.Project(example.spec, example.training, example.data, trainer.checkpoint())
    engine.files.save_project(path, project)
    trainer.close()
    made = []
    monkeypatch.setattr(engine.Trainer, "__init__", _counting(engine.Trainer.__init__, made))
    monkeypatch.setattr(engine.Trainer, "snapshot", _counting(engine.Trainer.snapshot, made))
    find_job(str(path), 2).trainer.close()
    assert made == ["__init__"], "one trainer, and no pass over the samples, only to read where it stands"
    monkeypatch.undo()
    assert train(str(path), "--epochs", "2", folder=tmp_path / "out") == 0
    with open(tmp_path / "out" / "history.csv", encoding="utf-8") as file:
        assert file.readlines()[-1].startswith("3.0,")


def test_ctrl_c_keeps_what_is_done(tmp_path):
    program = subprocess.Popen(
        [sys.executable, "main.py", "train", "spiral", "--epochs", "1000000000", "--out", str(tmp_path)],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    time.sleep(8)
    program.send_signal(signal.SIGINT)
    said, _ = program.communicate(timeout=60)
    assert program.returncode == 130, said
    assert {"weights.npz", "history.csv", "plots/loss.png"} <= written(tmp_path) and "Traceback" not in said


def test_data_sets_are_listed(capsys):
    assert cli.run(["datasets"]) == 0
    said = capsys.readouterr().out
    for name in (*engine.datasets.names(), *engine.examples.EXAMPLES.names()):
        assert name in said.replace("\n", " ")


def test_warm_up_compiles_everything():
    from engine.warm_up import all_kernels

    titles = " ".join(kernel.title for kernel in all_kernels())
    for name in engine.activations.names():
        assert f"{name} forward" in titles
    data = engine.datasets.load("moons", samples=40)
    trainer = engine.Trainer(*default_design(data), data)
    assert set(trainer._run.stepper.kernels) <= set(all_kernels())


def test_the_command_line_never_imports_a_window(tmp_path):
    code = f"""
import sys
for name in ("PySide6", "shiboken6", "pyqtgraph", "gui"):
    sys.modules[name] = None
from engine import cli
sys.exit(cli.run(["train", "xor", "--epochs", "2", "--out", {str(tmp_path)!r}]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr and os.listdir(tmp_path)
