"""Findings: every trouble has a title, its evidence, a cause and cures, in one order of severity."""

from __future__ import annotations

import numpy as np
import pytest

import engine
from engine import cli
from engine.diagnosis import check_design, examine
from engine.diagnosis.finding import lower_rate
from engine.jobs import Job

HIDDEN = engine.Dense(4, "relu")


def design(loss: str, output: engine.Dense, data: str = "circles") -> tuple[engine.NetworkSpec, engine.Dataset]:
    return engine.NetworkSpec((2,), (HIDDEN, output), loss), engine.datasets.load(data, samples=60)


@pytest.mark.parametrize(
    ("loss", "output", "data", "title"),
    [
        ("binary_cross_entropy", engine.Dense(1, "sigmoid"), "circles", "The output is squashed twice"),
        ("binary_cross_entropy", engine.Dense(1, "relu"), "circles", "The output cannot speak against a class"),
        ("mean_squared_error", engine.Dense(1, "relu"), "plane", "The output cannot reach the targets"),
        ("binary_cross_entropy", engine.Dense(3), "circles", "The last layer has 3 units"),
    ],
)
def test_every_trouble_of_a_design_has_a_title(loss, output, data, title):
    (found,) = check_design(*design(loss, output, data))
    assert found.title.startswith(title) and not found.title.endswith(".") and found.evidence and found.cause


def test_a_flat_activation_is_named_with_the_layers_it_holds_back():
    data = engine.datasets.load("spiral", samples=60)
    layers = (engine.Dense(4, "tanh"), engine.Dense(3, "step"), engine.Dense(1))
    spec = engine.NetworkSpec((2,), layers, "binary_cross_entropy")
    (found,) = check_design(spec, data)
    assert (found.kind, found.layer, found.severity) == ("flat activation", 1, "serious")
    trainer = engine.Trainer(spec, engine.TrainingSpec(), data)
    before = trainer.network.parameters()
    trainer.step(20)
    after = trainer.network.parameters()
    assert [key for key in before if not np.array_equal(before[key], after[key])] == ["2.kernel", "2.bias"]


def test_the_command_line_notes_a_trouble_by_its_title(capsys):
    spec, data = design("binary_cross_entropy", engine.Dense(1, "sigmoid"))
    cli._introduce(Job("x", engine.Trainer(spec, engine.TrainingSpec(epochs=1), data), 1))
    said = " ".join(capsys.readouterr().out.split())
    assert "Note: The output is squashed twice. binary_cross_entropy takes raw scores" in said


@pytest.mark.parametrize(("rate", "lower"), [(0.05, 0.005), (0.5, 0.05), (1000.0, 0.1)])
def test_a_lower_rate_is_one_that_trains(rate, lower):
    """A tenth; from far too high a rate at once to where the optimizer works."""
    remedy = lower_rate(engine.TrainingSpec(engine.Adam(rate)))
    assert remedy.arguments == {"value": lower}


def test_a_diverged_run_is_found_first():
    data = engine.datasets.load("plane", samples=100)
    spec = engine.NetworkSpec((2,), (engine.Dense(8, "relu"), engine.Dense(1)), "mean_squared_error")
    trainer = engine.Trainer(spec, engine.TrainingSpec(engine.SGD(1e6), epochs=50), data)
    trainer.run()
    assert trainer.state == "diverged"
    first, *_ = examine(trainer)
    assert (first.kind, first.severity) == ("diverged", "serious") and first.evidence.startswith("Layer ")
    assert [remedy.action for remedy in first.remedies] == ["learning_rate", "reset"]


def test_findings_come_the_most_severe_first():
    made = [engine.diagnosis.Finding("x", 0, (), severity, "", "", (), severity) for severity in ("info", "serious")]
    assert [finding.severity for finding in engine.diagnosis.by_severity(made)] == ["serious", "info"]


@pytest.mark.parametrize("activation", ["relu", {"name": "leaky_relu", "negative_slope": 0.0}])
def test_a_unit_is_dead_where_no_gradient_reaches_it(activation):
    spec = engine.NetworkSpec((2,), (engine.Dense(4, activation), engine.Dense(1)), "binary_cross_entropy")
    trainer = engine.Trainer(spec, engine.TrainingSpec(epochs=1), engine.datasets.load("circles", samples=60))
    trainer.edit_parameters({"0.bias": [-1000.0, 0, 0, 0]})
    (found,) = [finding for finding in examine(trainer) if finding.kind == "dead" and 0 in finding.neurons]
    assert "so no gradient reaches" in found.evidence and "cannot change" not in found.evidence
