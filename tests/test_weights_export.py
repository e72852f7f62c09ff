"""Exported weights are exact, carry the preprocessing, and predict from raw inputs without Relume."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

import numpy as np
import pytest
import safetensors
import safetensors.numpy

import engine
from engine import activations, losses
from engine.data.preprocessing import Preprocessing
from engine.files import export_weights, weights

ARRAYS = (".npz", ".safetensors")
SUFFIXES = tuple(format.ending for format in weights.FORMATS)


def spiral() -> engine.Dataset:
    return engine.datasets.load("spiral", samples=80, features=("x", "y^2", "xy", "sin x"), scaling="standard")


def network(inputs: int, outputs: int, loss: str, activation="tanh") -> engine.Network:
    hidden = (engine.Dense(7, activation), engine.Dropout(0.4), engine.Dense(40, "prelu"))
    made = engine.Network(engine.NetworkSpec((inputs,), (*hidden, engine.Dense(outputs)), loss), seed=5)
    rng = np.random.default_rng(1)
    made.set_parameters({key: rng.normal(size=value.shape) for key, value in made.parameters().items()})
    return made


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("case", ["binary", "multiclass", "regression"])
def test_every_task_comes_back(tmp_path, suffix, case):
    if case == "binary":
        data, made = spiral(), network(4, 1, "binary_cross_entropy")
    elif case == "multiclass":
        data, made = engine.datasets.load("iris", scaling="min-max"), network(4, 3, "softmax_cross_entropy")
    else:
        data = engine.datasets.load_spec(engine.DataSpec("diabetes", scaling="standard", target_scaling="standard"))
        made = network(10, 1, "huber")
    report = export_weights(made, tmp_path / f"w{suffix}", dataset=data)
    scale = float(data.target_scale[0])
    assert report.path == tmp_path / f"w{suffix}" and report.path.exists()
    assert (report.largest_difference or 0.0) <= (0.0 if suffix in ARRAYS else 2e-5 * scale)
    beside = ["w.safetensors"] if suffix == ".torch.py" else []
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([f"w{suffix}", *beside])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_counts_come_back_as_counts(tmp_path, suffix):
    data = engine.datasets.load("diabetes", scaling="standard")
    spec = engine.NetworkSpec((10,), (engine.Dense(7, "tanh"), engine.Dense(1)), "poisson")
    made = engine.Network(spec, seed=5)
    made.set_parameters({"1.bias": [3.0]})
    report = export_weights(made, tmp_path / f"w{suffix}", dataset=data)
    assert (report.largest_difference or 0.0) <= 1e-3
    trainer = engine.Trainer(spec, engine.TrainingSpec(engine.Adam(0.01), epochs=60, seed=1), data)
    trainer.watch(["predictions"])
    trainer.run()
    snapshot = trainer.snapshot()
    said = snapshot.predictions.train
    trainer.close()
    assert snapshot.train_metric > 0.4 and said.min() > 0 and said.mean() == pytest.approx(data.y_train.mean(), rel=0.1)


def test_arrays_are_exact_and_the_design_goes_along(tmp_path):
    data, made = spiral(), network(4, 1, "binary_cross_entropy")
    for suffix in (".npz", ".safetensors"):
        export_weights(made, tmp_path / f"w{suffix}", dataset=data)
    with np.load(tmp_path / "w.npz", allow_pickle=False) as archive:
        npz = {key: archive[key] for key in archive.files}
    tensors = safetensors.numpy.load_file(tmp_path / "w.safetensors")
    with safetensors.safe_open(tmp_path / "w.safetensors", framework="numpy") as file:
        facts = file.metadata()
    for key, values in made.parameters().items():
        assert npz[key].dtype == tensors[key].dtype == np.float32
        assert npz[key].tobytes() == tensors[key].tobytes() == values.tobytes()
    for texts in ({key: str(npz[key]) for key in ("spec", "preprocessing")}, facts):
        assert engine.NetworkSpec.from_dict(json.loads(texts["spec"])) == made.spec
        assert Preprocessing.from_dict(json.loads(texts["preprocessing"])) == data.preprocessing


OWN = ("= x*sigmoid(a*x) + b*sin(x)", "= where(x > 0, x, a*expm1(x)) - clip(x, -1, 1)**2", "= x^3/e if x >= a else pi")


@pytest.mark.parametrize("name", [*activations.names(), *OWN])
def test_the_script_writes_every_formula_out(tmp_path, name):
    made = network(2, 1, "mean_squared_error", name)
    report = export_weights(made, tmp_path / "w.py")
    largest = np.abs(made.predict(np.random.default_rng(0).normal(size=(256, 2)))).max()
    assert report.largest_difference <= 1e-5 * max(1.0, float(largest))
    source = (tmp_path / "w.py").read_text("utf-8")
    modules = {
        alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert modules <= {"numpy", "math", "base64", "csv", "sys"}


def test_options_reach_the_script(tmp_path):
    made = network(2, 1, "mean_squared_error", {"name": "leaky_relu", "negative_slope": 0.3})
    assert export_weights(made, tmp_path / "w.py").largest_difference < 1e-4
    assert "np.float32(0.3)" in (tmp_path / "w.py").read_text("utf-8")


def test_the_script_runs_alone_on_a_table(tmp_path):
    data, made = engine.datasets.load("iris", scaling="standard"), network(4, 3, "softmax_cross_entropy")
    export_weights(made, tmp_path / "w.py", dataset=data)
    np.savetxt(tmp_path / "rows.csv", data.raw_test, delimiter=",", header="a,b,c,d", comments="")
    done = subprocess.run(
        [sys.executable, "-I", "w.py", "rows.csv"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.split(",") == list(data.class_names)
    told = np.array([[float(cell) for cell in line.split(",")] for line in lines])
    expected = losses.link("softmax_cross_entropy", made.predict(data.x_test), "multiclass")
    np.testing.assert_allclose(told, expected, atol=1e-5)


def test_hostile_names_stay_texts(tmp_path):
    x = np.random.default_rng(0).normal(size=(20, 2)).astype(np.float32)
    evil = '"""\nraise SystemExit(7)\n"""', "'); raise SystemExit(8) #{}"
    data = engine.Dataset(x, np.arange(20) % 2, x, np.arange(20) % 2, "binary", evil, evil, preprocessing=None)
    report = export_weights(network(2, 1, "binary_cross_entropy"), tmp_path / "w.py", dataset=data)
    assert report.largest_difference < 1e-5


def test_an_exact_network_exports_in_float64(tmp_path):
    spec = engine.NetworkSpec((2,), (engine.Dense(5, "gelu"), engine.Dense(1)), "mean_squared_error")
    made = engine.Network(spec, seed=2, dtype="float64")
    for suffix in SUFFIXES:
        difference = export_weights(made, tmp_path / f"w{suffix}").largest_difference or 0.0
        assert difference < (1e-6 if suffix == ".onnx" else 1e-14)  # ONNX files compute in float32


def test_what_cannot_be_written_is_told(tmp_path):
    made = network(2, 1, "mean_squared_error")
    with pytest.raises(engine.RelumeError, match=r"\.npz, \.safetensors, \.onnx, \.py, \.torch\.py"):
        export_weights(made, tmp_path / "w.h5")
    with pytest.raises(engine.RelumeError, match=r"w\.npz.*cannot be written"):
        export_weights(made, tmp_path / "none" / "w.npz")
    with pytest.raises(engine.RelumeError, match="another network"):
        export_weights(made, tmp_path / "w.npz", dataset=engine.datasets.load("iris"))
    assert not list(tmp_path.iterdir())
