"""Findings: every trouble has a title, its evidence, a cause and cures, in one order of severity."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import engine
from engine import cli
from engine.diagnosis import check_design, examine
from engine.diagnosis.finding import lower_rate
from engine.jobs import Job

HIDDEN = engine.Dense(4, "relu")


def design(loss: str, output: Any, data: str = "circles") -> tuple[engine.NetworkSpec, engine.Dataset]:
    outputs = output if isinstance(output, tuple) else (output,)
    return engine.NetworkSpec((2,), (HIDDEN, *outputs), loss), engine.datasets.load(data, samples=60)


@pytest.mark.parametrize(
    ("loss", "output", "data", "title"),
    [
        ("binary_cross_entropy", engine.Dense(1, "sigmoid"), "circles", "The output is squashed twice"),
        ("binary_cross_entropy", engine.Dense(1, "relu"), "circles", "The output cannot speak against a class"),
        ("mean_squared_error", engine.Dense(1, "relu"), "plane", "The output cannot reach the targets"),
        ("binary_cross_entropy", engine.Dense(3), "circles", "The last layer has 3 units"),
        ("softmax_cross_entropy", (engine.Dense(2), engine.Softmax()), "circles", "The output is squashed twice"),
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


def dead_behind(*layers: Any, dead: Any = None) -> tuple[engine.Trainer, Any]:
    """A trainer at rest whose units of the last of these layers are all far below 0, and its finding."""
    spec = engine.NetworkSpec((2,), (engine.Dense(5), *layers, engine.Dense(1)), "binary_cross_entropy")
    trainer = engine.Trainer(spec, engine.TrainingSpec(), engine.datasets.load("circles", samples=60))
    trainer.edit_parameters(dead or {"0.kernel": np.zeros((2, 5)), "0.bias": np.full(5, -3.0)})
    trainer.step(0)
    (found,) = [finding for finding in examine(trainer) if finding.kind == "dead"]
    return trainer, found


def test_units_die_in_an_activation_of_its_own_and_their_weights_are_drawn_anew():
    trainer, found = dead_behind(engine.Dropout(0.1), engine.Activation("relu"))
    assert found.layer == 2 and found.neurons == (0, 1, 2, 3, 4) and "layer 3" in found.title
    redraw = next(remedy for remedy in found.remedies if remedy.action == "redraw")
    trainer.redraw(redraw.arguments["layer"], redraw.arguments["units"][:2])
    kernel = trainer.network.parameters()["0.kernel"]
    assert (kernel[:, :2] != 0).all() and (kernel[:, 2:] == 0).all()


def test_behind_a_norm_its_share_is_drawn_anew_too():
    trainer, found = dead_behind(engine.BatchNorm(), engine.Activation("relu"), dead={"1.beta": np.full(5, -50.0)})
    trainer.redraw(found.layer, (1, 3))
    assert trainer.network.parameters()["1.beta"].tolist() == [-50.0, 0.0, -50.0, 0.0, -50.0]


def test_units_die_within_a_block_and_the_finding_says_where():
    block = engine.Residual((engine.Dense(4, "relu"), engine.Dense(5)))
    spec = engine.NetworkSpec((2,), (engine.Dense(5), block, engine.Dense(1)), "binary_cross_entropy")
    trainer = engine.Trainer(spec, engine.TrainingSpec(), engine.datasets.load("circles", samples=60))
    trainer.edit_parameters({"1.0.kernel": np.zeros((5, 4)), "1.0.bias": np.full(4, -3.0)})
    trainer.step(0)
    (found,) = [finding for finding in examine(trainer) if finding.kind == "dead"]
    assert spec.parts[found.layer].path == "1.0" and "layer 2.1" in found.title
    trainer.redraw(found.layer, (1,))
    kernel = trainer.network.parameters()["1.0.kernel"]
    assert (kernel[:, 1] != 0).all() and (kernel[:, [0, 2, 3]] == 0).all()
