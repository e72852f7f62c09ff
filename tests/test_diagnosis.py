"""Findings: every trouble has a title, its evidence, a cause and cures, in one order of severity."""

from __future__ import annotations

import pytest

import engine
from engine import cli
from engine.diagnosis import check_design
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


def test_the_command_line_notes_a_trouble_by_its_title(capsys):
    spec, data = design("binary_cross_entropy", engine.Dense(1, "sigmoid"))
    cli._introduce(Job("x", engine.Trainer(spec, engine.TrainingSpec(epochs=1), data), 1))
    said = " ".join(capsys.readouterr().out.split())
    assert "Note: The output is squashed twice. binary_cross_entropy takes raw scores" in said
