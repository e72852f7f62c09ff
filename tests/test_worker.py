"""The worker of the benchmarks: anything may ask it in JSON lines. No times are judged here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).parent.parent


def ask(*requests: Any, threads: int = 1) -> list[dict[str, Any]]:
    """One process, one answer for each request (text goes as it is)."""
    lines = [request if isinstance(request, str) else json.dumps(request) for request in requests]
    command = [sys.executable, "benchmarks/worker.py", "--threads", str(threads)]
    run = subprocess.run(command, cwd=ROOT, input="\n".join(lines) + "\n", capture_output=True, text=True, timeout=150)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.fixture
def digits(tmp_path: Path) -> dict[str, Any]:
    """Digits as the worker of any engine gets them."""
    data = engine.datasets.load("digits", seed=7)
    np.save(tmp_path / "x.npy", data.x_train)
    np.save(tmp_path / "y.npy", data.y_train)
    return {"x": str(tmp_path / "x.npy"), "y": str(tmp_path / "y.npy"), "min_s": 0.05}


def test_known_workloads_answer_in_whole_epochs(digits: dict[str, Any]):
    spiral, again, own = ask({"w": "W1_tanh", "min_s": 0.05}, {"w": "W1_tanh", "min_s": 0.05}, {"w": "W2", **digits})
    for answer in (spiral, again, own):
        assert set(answer) == {"samples", "secs", "loss", "setup_s"}
        assert answer["secs"] >= 0.05 and answer["setup_s"] >= 0 and np.isfinite(answer["loss"])
    assert spiral["samples"] % 250 == 0 == again["samples"] % 250
    assert own["samples"] % (1347 // 32 * 32) == 0, "short batches are dropped"


def test_any_spec_trains_the_same_network(digits: dict[str, Any], tmp_path: Path):
    """One epoch of a design given as plain data ends in the loss of the same design in a Trainer."""
    spec = engine.NetworkSpec((64,), (engine.Dense(16, "tanh"), engine.Dense(10)), "softmax_cross_entropy")
    training = engine.TrainingSpec(engine.Adam(0.01), batch_size=33, epochs=1, seed=3)
    request = {"spec": spec.to_dict(), "training": training.to_dict(), **digits, "min_s": 0}
    shaped = tmp_path / "shaped.npy"
    np.save(shaped, np.load(digits["x"]).reshape(-1, 8, 8))
    flat, image = ask(request, {**request, "x": str(shaped)})
    assert flat["samples"] == image["samples"]
    data = engine.datasets.load("digits", seed=7)
    epochs = flat["samples"] // len(data.x_train)
    trainer = engine.Trainer(spec, engine.TrainingSpec(engine.Adam(0.01), 33, epochs, 3), data)
    expected = trainer.run().column("train_loss")[-1]
    assert flat["loss"] == image["loss"] == pytest.approx(expected, rel=1e-12)


def test_float_targets_are_a_regression(tmp_path: Path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.normal(size=(70, 3)).astype(np.float32))
    np.save(tmp_path / "y.npy", rng.normal(size=70).astype(np.float32))
    np.save(tmp_path / "classes.npy", rng.integers(0, 2, 70))
    spec = engine.NetworkSpec((3,), (engine.Dense(4, "relu"), engine.Dense(1)))
    request = {
        "spec": spec.to_dict(), "training": engine.TrainingSpec(batch_size=7).to_dict(), "min_s": 0.01,
        "x": str(tmp_path / "x.npy"), "y": str(tmp_path / "y.npy"),
    }  # fmt: skip
    for answer in ask(request, {**request, "y": str(tmp_path / "classes.npy")}, threads=2):
        assert answer["samples"] % 70 == 0 and np.isfinite(answer["loss"])


def test_a_bad_request_is_answered_and_the_next_one_served(tmp_path: Path):
    np.save(tmp_path / "evil.npy", np.array([{}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "y.npy", np.zeros(3, dtype=np.int64))
    np.save(tmp_path / "narrow.npy", np.zeros((3, 5), dtype=np.float32))
    y = str(tmp_path / "y.npy")
    bad: list[Any] = [
        "{not json", "[1]", {"w": "W9"}, {"w": "W1_tanh", "min_s": -1}, {"w": "W2", "x": "nowhere.npy", "y": y},
        {"w": "W2", "x": str(tmp_path / "evil.npy"), "y": y}, {"w": "W2", "x": str(tmp_path / "narrow.npy"), "y": y},
        {"w": "W2", "x": 5, "y": y}, {"spec": {}, "training": {}},
    ]  # fmt: skip
    *errors, good = ask(*bad, {"w": "W1_relu", "min_s": 0.01})
    assert len(errors) == len(bad)
    assert all(set(answer) == {"error"} and answer["error"] for answer in errors), errors
    assert good["samples"] > 0


@pytest.mark.parametrize("name", [name for name in WORKLOADS if name not in ("W4", "W5")])
def test_made_data_fits_its_network(name: str):
    workload = WORKLOADS[name]
    x, y = workload.data(60)
    assert x.shape == (60, *workload.spec.input_shape) and x.dtype == np.float32
    assert y.dtype == (np.float32 if name.startswith("W1") else np.int64)
