"""Exported weights of an own table predict from its cells: texts, decimal commas, missing values."""

from __future__ import annotations

import dataclasses
import json
import runpy
import subprocess
import sys

import numpy as np
import pytest
import safetensors

import engine
from engine import losses
from engine.data.cells import decode, encode
from engine.data.preprocessing import Preprocessing
from engine.data.split import split_rows
from engine.default_network import default_design
from engine.files import export_weights

ROWS = 80


def table_text(task: str, german: bool = False) -> str:
    """Numbers, two texts and a target; every seventh text and (in the German file) every ninth number is missing."""
    rng = np.random.default_rng(2)
    lines = ["id no,size,colour,city,price"]
    for k in range(ROWS):
        size = 1000 * rng.random()
        colour, city = ("red", "deep blue", "it's")[k % 3] if k % 7 else "", ("Rome", "Oslo")[k % 2]
        price = size / 4 + 30 * (k % 3) if task == "regression" else ("yes", "no")[(k + (size > 500)) % 2]
        value = "" if german and k % 9 == 0 else f"{size:.3f}"
        lines.append(f"{k + 0.5},{value},{colour},{city},{price}")
    text = "\n".join(lines)
    return text.replace(",", ";").replace(".", ",") if german else text


def trained(text: str, task: str) -> tuple[engine.Trainer, engine.DataSpec]:
    table = engine.datasets.open_table(text.encode(), "own.csv")
    scaling = "standard" if task == "regression" else "none"
    spec = engine.DataSpec(
        "table", table=table, target=("price",), inputs=("city", "size", "colour"), task=task, scaling="standard",
        target_scaling=scaling, missing="mean",
    )  # fmt: skip
    data = engine.datasets.load_spec(spec)
    network, training = default_design(data)
    trainer = engine.Trainer(network, dataclasses.replace(training, epochs=3), data)
    trainer.run()
    return trainer, spec


def said(trainer: engine.Trainer, x: np.ndarray) -> np.ndarray:
    outputs = trainer.network.predict(x)
    if trainer.data.task == "regression":
        return trainer.data.preprocessing.targets_to_units(outputs)
    return losses.link(trainer.spec.loss, outputs, trainer.data.task)


def in_file_order(trainer: engine.Trainer, spec: engine.DataSpec) -> np.ndarray:
    """What the program predicts for every row of the file."""
    data = trainer.data
    if data.task == "regression":
        labels = None
    else:
        labels = np.array([data.class_names.index(text) for text in spec.table.texts("price")])
    train, test = split_rows(ROWS, spec.train_share, spec.seed, labels)
    told = np.concatenate([said(trainer, data.x_train), said(trainer, data.x_test)])
    ordered = np.empty_like(told)
    ordered[np.concatenate([train, test])] = told
    return ordered


@pytest.mark.parametrize("german", [False, True])
@pytest.mark.parametrize("task", ["regression", "binary"])
@pytest.mark.parametrize("script", ["w.py", "w.torch.py"])
def test_the_script_predicts_from_the_users_own_file(tmp_path, task: str, german: bool, script: str) -> None:
    if script == "w.torch.py":
        pytest.importorskip("torch", reason="PyTorch is not installed; `make proof` brings it.")
    text = table_text(task, german)
    trainer, spec = trained(text, task)
    report = export_weights(trainer.network, tmp_path / script, dataset=trainer.data)
    scale = float(trainer.data.target_scale[0])
    assert report.largest_difference is not None and report.largest_difference <= 1e-5 * scale
    (tmp_path / "own.csv").write_text(text, "utf-8")
    done = subprocess.run(
        [sys.executable, "-I", script, "own.csv"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    _, *lines = done.stdout.splitlines()
    told = np.array([[float(cell) for cell in line.split(",")] for line in lines])
    np.testing.assert_allclose(told, in_file_order(trainer, spec), atol=1e-5 * scale)


def test_the_script_loses_no_first_row_and_tells_faults_in_one_line(tmp_path) -> None:
    trainer, _ = trained(table_text("regression"), "regression")
    export_weights(trainer.network, tmp_path / "table.py", dataset=trainer.data)
    iris = engine.datasets.load("iris")
    network = engine.Network(engine.NetworkSpec((4,), (engine.Dense(3),), "softmax_cross_entropy"), seed=1)
    export_weights(network, tmp_path / "numbers.py", dataset=iris)

    def run(script: str, text: str | bytes | None) -> tuple[int, list[str]]:
        path = tmp_path / "in.csv"
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        done = subprocess.run(
            [sys.executable, "-I", script, "in.csv"], cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        return done.returncode, (done.stdout or done.stderr).splitlines()

    for script, rows in (("numbers.py", "5.1,3.5,1.4,0.2\n6,3,5,2\n"), ("table.py", "Rome,500,red\nOslo,,it's\n")):
        bare = run(script, rows)
        assert bare[0] == 0 and len(bare[1]) == 3
        names = "a,b,c,d\n" if script == "numbers.py" else "city,size,colour\n"
        assert run(script, names + rows) == bare
    for text, words in (
        (None, "cannot be read: in.csv"),
        ("", "lacks these columns"),
        ("a,b,c,d\n", "no row"),
        ("5.1,3.5,1.4,x\n1,2,3,4\n", "neither these column names nor a row"),
        ("a,b,c,d\n1,2,3\n", "fewer cells"),
        ("a,b,c,d\n1,2,3,x\n", "could not convert"),
        (b"a,b,c,gr\xf6\xdfe\n1,2,3,4\n", "not UTF-8"),
    ):
        code, lines = run("numbers.py", text)
        assert code == 1 and len(lines) == 1 and words in lines[0], lines


def test_the_script_takes_rows_of_cells_and_refuses_what_it_does_not_know(tmp_path) -> None:
    trainer, _ = trained(table_text("regression"), "regression")
    export_weights(trainer.network, tmp_path / "w.py", dataset=trainer.data)
    script = runpy.run_path(str(tmp_path / "w.py"))
    assert script["RAW_NAMES"] == ["city", "size", "colour"]
    told = script["predict"]([["Rome", 500, "red"], ["Rome", "500", None]])
    assert told.shape == (2, 1) and np.isfinite(told).all() and told[0] != told[1]
    filled = script["predict"]([["Rome", "", "red"]])
    mean = trainer.data.preprocessing.columns[1].fill
    assert mean is not None and filled == pytest.approx(script["predict"]([["Rome", mean, "red"]]))
    with pytest.raises(ValueError, match="'green' is no value of the column 'colour'"):
        script["predict"]([["Rome", 500, "green"]])
    with pytest.raises(ValueError, match="'big' in the column 'size' is not a number"):
        script["predict"]([["Rome", "big", "red"]])


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_arrays_carry_the_columns(tmp_path, suffix: str) -> None:
    trainer, _ = trained(table_text("regression", german=True), "regression")
    path = tmp_path / f"w{suffix}"
    export_weights(trainer.network, path, dataset=trainer.data)
    if suffix == ".npz":
        with np.load(path, allow_pickle=False) as archive:
            text = str(archive["preprocessing"])
    else:
        with safetensors.safe_open(path, framework="numpy") as file:
            text = file.metadata()["preprocessing"]
    plain = json.loads(text)
    assert [column["name"] for column in plain["columns"]] == ["city", "size", "colour"]
    assert plain["columns"][0]["values"] == ["Oslo", "Rome"] and plain["columns"][1]["decimal"] == ","
    assert Preprocessing.from_dict(plain) == trainer.data.preprocessing


def test_cells_and_raw_values_are_each_others_inverse() -> None:
    trainer, spec = trained(table_text("regression", german=True), "regression")
    columns = [dataclasses.astuple(column) for column in trainer.data.preprocessing.columns]
    rows = list(zip(*(spec.table.texts(name) for name in ("city", "size", "colour")), strict=True))
    train, _ = split_rows(ROWS, spec.train_share, spec.seed, None)
    np.testing.assert_array_equal(encode(rows, columns)[train], trainer.data.raw_train)
    np.testing.assert_array_equal(encode(decode(trainer.data.raw_train, columns), columns), trainer.data.raw_train)


def test_a_preprocessing_with_other_columns_is_refused() -> None:
    with pytest.raises(engine.RelumeError, match="do not fit"):
        Preprocessing(("a", "b"), columns=({"name": "a", "values": ["x", "y", "z"]},))
